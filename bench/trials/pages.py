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
from datetime import UTC, datetime
from typing import Final

import structlog
from fastapi.testclient import TestClient

from bench import store
from bench.calls import callers
from bench.figures import Figure, Result, Unfair
from bench.offices import Office, office
from bench.trials.close import record
from yuejie.bills.closing.close import close_month
from yuejie.bills.documents.document import Seller
from yuejie.bills.issue import issue_bill
from yuejie.bills.store import bills_of_month
from yuejie.customers.enrol import find_customer
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
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
"""Events the recorder makes; the others are copies of them, other calls of the same millisecond."""
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


_SLOW: Final = frozenset({"/closing/{month}/proof", "/deeds/export"})
"""A month computed again, and a download: they take the time they take."""


class _Clock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the instant of the bench."""
        return NOW


def measure() -> Result:
    """Measure every page, for the operator and for the largest customer."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with office(CUSTOMERS) as house:
        _fill(house)
        desk = Desk(
            Door.opened(house.db), _Clock(), Seller("x", "", "", ""), _PEPPER, _TOKEN, bytes(32)
        )
        with TestClient(make_app(desk), headers={"accept": "text/html"}) as browser:
            browser.follow_redirects = False
            form = {"token": _TOKEN, "name": "bench", "password": _PASSWORD}
            browser.post("/setup", data=form)
            figures = _timed(browser, house, "运营方")
            _enter(browser, house)
            figures += _timed(browser, house, "最大客户")
    return Result("pages", figures, _NOTES)


_NOTES: Final = [
    "不含账单重算与操作记录导出：它们按内容多少而定。",
    f"{CUSTOMERS:,} 家客户，{EVENTS:,} 个事件，一半属于最大客户；上月已出账，本月有五分之一。",
    "从请求到整页 HTML，不含套接字与浏览器；数据库在同一台机器上，第一次请求之后再计时五次。",
]


def _fill(house: Office) -> None:
    known = callers(house.db, house.slugs, datetime(2026, 8, 1, tzinfo=UTC))
    largest = [each for each in known if each.customer == known[0].customer]
    crowd = known + largest * (len(known) // len(largest))
    sample = min(EVENTS, SAMPLE)
    record(house, crowd, LAST, sample * 4 // 5)
    record(house, crowd, THIS, sample // 5)
    _multiply(house, EVENTS // sample)
    print("  正在关账、出账 …", flush=True)
    close_month(house.db, LAST, customer=None, commit=True, by=_BY, now=NOW)
    with house.db.read() as tx:
        drafts = bills_of_month(tx, LAST)
    for each in drafts:
        issue_bill(house.db, each.bill_id, by=_BY, now=NOW)
    print("  正在汇总 …", flush=True)
    fold_usage(house.db, NOW)


def _multiply(house: Office, times: int) -> None:
    """Store each event so many times over, with rollups that follow from them all."""
    url = house.postgres.url("owner")
    with Database.open(url, size=1, statement_seconds=900) as owner:
        with owner.begin() as tx:
            store.keep_sample(tx)
        for number in range(1, times):
            with owner.begin() as tx:
                defer_flush(tx)
                store.repeat_sample(tx)
            if number % 10 == 0:
                print(f"  已写入 {SAMPLE * (number + 1):,} 个事件", flush=True)
        with owner.begin() as tx:
            store.scale_rollups(tx, times)
    with house.db.read() as tx:
        stored, counted = store.events(tx), store.counted(tx)
    if not stored == counted == EVENTS:
        raise Unfair(f"存了 {stored:,} 个事件，汇总记 {counted:,} 次调用，应为 {EVENTS:,}")


def _enter(browser: TestClient, house: Office) -> None:
    """Leave, and come back as somebody of the largest customer."""
    enrol_member(house.db, "big", "admin", customer=house.slugs[0], pepper=_PEPPER, by="x", now=NOW)
    link = invite(house.db, "big", within=None, pepper=_PEPPER, by="x", now=NOW).secret
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
        if method != "GET" or who is Who.OPEN or template in _SLOW:
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
