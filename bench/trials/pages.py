"""Pages: how long the server takes for each, with ten million events and a thousand customers.

A sample of events is made by the product's own recorder, half of them by one customer, and stored
fifty times over with its rollups; last month is closed and issued, this month runs. Every page of
the console is asked for as the operator, and as the people of the largest customer, over the
application itself without a socket between.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from fastapi.testclient import TestClient

from bench import store
from bench.calls import callers
from bench.figures import Figure, Result, Unfair
from bench.house import temporary_home
from bench.offices import CHINA, FOUNDED, Office, furnish, office_in
from bench.trials.close import record
from yuejie.bills.closing.close import close_month
from yuejie.bills.documents.document import Seller
from yuejie.bills.issue import issue_bill
from yuejie.bills.store import bills_of_month
from yuejie.customers.enrol import find_customer
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.store import defer_flush
from yuejie.usage.sums.fold import fold_usage
from yuejie.web.app import make_app
from yuejie.web.auth import Who
from yuejie.web.desk import Desk
from yuejie.web.door import Door
from yuejie.web.pages.frame.access import PAGES

CUSTOMERS: Final = 1_000
EVENTS: Final = int(os.environ.get("YUEJIE_BENCH_EVENTS", "10000000"))
LAST: Final = BillingMonth.parse("2026-09")
SAMPLE: Final = 200_000
"""Events the recorder makes; the others are copies of them, other calls at other hours."""
SLICE: Final = 48
"""Hours that are filled in one transaction."""
STEP: Final = 13
"""Hours from one copy of an event to the next."""
SPREAD: Final = 5
"""Hours that copies of an event lie in: each customer calls in a quarter of all, as offices do."""
THIS: Final = BillingMonth.parse("2026-10")
NOW: Final = datetime(2026, 10, 31, 15, 30, tzinfo=UTC)
"""Half an hour before the month ends in China."""
TARGET_MS: Final = 500.0
TIMES: Final = 5
_TOKEN: Final = "yj-operator-of-the-bench"  # noqa: S105 - opens a house that is gone in an hour
_PASSWORD: Final = "correct horse 9"  # noqa: S105 - the same
_PEPPER: Final = bytes(32)
_BY: Final = "bench"
_ABOUT_ONE: Final = re.compile(
    "^/(usage|live|trend|forecast|advice|anomalies|budgets|keys|start|contacts|fapiao|payments|"
    "contracts|first-run)"
)


_SLOW: Final = re.compile("/proof$|/export$|[.]csv$")
"""A month computed again, and downloads: they take the time they take."""


class _Clock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the instant of the bench."""
        return NOW


def measure() -> Result:
    """Measure every page, for the operator and for the largest customer."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with _filled() as house:
        desk = Desk(
            Door.opened(house.db), _Clock(), Seller("x", "", "", ""), _PEPPER, _TOKEN, bytes(32)
        )
        with TestClient(make_app(desk), headers={"accept": "text/html"}) as browser:
            browser.follow_redirects = False
            form = {"token": _TOKEN, "name": "bench", "password": _PASSWORD}
            browser.post("/setup", data=form)
            browser.post("/login", data=form)  # where a kept house was set up before
            figures = _timed(browser, house, "运营方")
            _enter(browser, house)
            figures += _timed(browser, house, "最大客户")
    return Result("pages", figures, _NOTES)


_NOTES: Final = [
    "不含账单重算与操作记录导出：它们按内容多少而定。",
    f"{CUSTOMERS:,} 家客户，{EVENTS:,} 个事件，一半属于最大客户；上月已出账，本月有五分之一。",
    "从请求到整页 HTML，不含套接字与浏览器；数据库在同一台机器上，第一次请求之后再计时五次。",
]


@contextmanager
def _filled() -> Iterator[Office]:
    """Have the office with its events; YUEJIE_BENCH_HOME names where it stays for another run."""
    kept = os.environ.get("YUEJIE_BENCH_HOME")
    home = nullcontext(Path(kept)) if kept else temporary_home()
    with home as folder, office_in(folder, CUSTOMERS) as house:
        with house.db.read() as tx:
            found = store.counted(tx)
        if not found:
            furnish(house)
            _fill(house)
        elif found != EVENTS:
            raise Unfair(f"{kept} 中是另一次的 {found:,} 个事件，应为 {EVENTS:,}；请换一个目录")
        yield house


def _fill(house: Office) -> None:
    known = callers(house.db, house.slugs, datetime(2026, 8, 1, tzinfo=UTC))
    largest = [each for each in known if each.customer == known[0].customer]
    crowd = known + largest * (len(known) // len(largest))
    sample = min(EVENTS, SAMPLE)
    record(house, crowd, LAST, sample * 4 // 5)
    record(house, crowd, THIS, sample // 5)
    _multiply(house, EVENTS // sample)
    _office_work(house)


def _office_work(house: Office) -> None:
    """Close and issue last month, sum up what was used, and give each customer a member."""
    print("  正在关账、出账 …", flush=True)
    close_month(house.db, LAST, customer=None, commit=True, by=_BY, now=NOW)
    with house.db.read() as tx:
        drafts = bills_of_month(tx, LAST)
    for each in drafts:
        issue_bill(house.db, each.bill_id, by=_BY, now=NOW)
    print("  正在汇总 …", flush=True)
    fold_usage(house.db, NOW)
    for slug in house.slugs:
        name = f"{slug}-admin"
        enrol_member(house.db, name, "admin", customer=slug, pepper=_PEPPER, by=_BY, now=FOUNDED)


def _multiply(house: Office, times: int) -> None:
    """Store each event so many times over, with rollups that follow from them all."""
    url = house.postgres.url("owner")
    with Database.open(url, size=1, statement_seconds=900) as owner:
        with owner.begin() as tx:
            store.keep_sample(tx)
        for month in (LAST, THIS):
            span = month.span(zone_of(CHINA))
            hours = int((span.end - span.start) / timedelta(hours=1))
            for first in range(0, hours, SLICE):
                last = min(first + SLICE, hours) - 1
                with owner.begin() as tx:
                    defer_flush(tx)
                    where = store.Hours(span.start, hours, first, last, STEP, SPREAD)
                    store.repeat_sample(tx, where, times)
                print(f"  {month} 已写到第 {last + 1} / {hours} 小时", flush=True)
        print("  正在建索引 …", flush=True)
        with owner.begin() as tx:
            store.index_again(tx)
        print("  正在核对汇总与事件 …", flush=True)
        with owner.read() as tx:
            stored, counted, unequal = store.events(tx), store.counted(tx), store.unequal(tx)
    if not stored == counted == EVENTS or unequal:
        raise Unfair(
            f"存了 {stored:,} 个事件，汇总记 {counted:,} 次调用，应为 {EVENTS:,}；"
            f"{unequal} 处用量不等"
        )


def _enter(browser: TestClient, house: Office) -> None:
    """Leave, and come back as somebody of the largest customer."""
    name = f"{house.slugs[0]}-admin"
    link = invite(house.db, name, within=None, pepper=_PEPPER, by=_BY, now=NOW).secret
    browser.cookies.clear()
    browser.post(f"/invitation/{link}", data={"password": _PASSWORD})


def _paths(house: Office) -> Iterator[tuple[str, str]]:
    """Yield every page that there is an example of: its template, and where it is."""
    with house.db.read() as tx:
        largest = find_customer(tx, house.slugs[0])
        bill = next(b for b in bills_of_month(tx, LAST) if b.customer_id == largest.customer_id)
    names = {"bill": bill.name, "customer": largest.slug, "month": str(LAST), "book": "sale"}
    names["contract"] = f"con_{largest.customer_id.removeprefix('cus_')}"
    for (method, template), who in PAGES.items():
        wanted = set(re.findall(r"\{(\w+)\}", template))
        if method != "GET" or who is Who.OPEN or _SLOW.search(template):
            continue
        if wanted <= names.keys():
            path = re.sub(r"\{(\w+)\}", lambda found: names[found.group(1)], template)
            yield template, path
            if _ABOUT_ONE.match(path) and not wanted:
                yield f"{template}?customer=", f"{path}?customer={largest.slug}"
    yield "/usage?by=model", f"/usage?by=model&month={LAST}"
    yield "/usage?by=key", f"/usage?by=key&month={LAST}&customer={largest.slug}"
    yield "/bills?month=", f"/bills?month={LAST}"


def _timed(browser: TestClient, house: Office, who: str) -> list[Figure]:
    figures = []
    for template, path in _paths(house):
        first = browser.get(path)
        if first.status_code in {403, 303}:
            continue
        if first.status_code != 200:
            raise Unfair(f"{path} 答复 {first.status_code}：{first.text[:300]}")
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            browser.get(path)
            took.append((time.perf_counter() - began) * 1e3)
        figures.append(Figure(f"{who}：{template}", "ms", tuple(took), at_most=TARGET_MS))
        if figures[-1].middle > TARGET_MS:
            print(f"  {figures[-1]}", flush=True)
    return figures
