"""Every other screenful of insight, in the house of trends (`bench/crowd.py`): pages and verbs.

Pages are asked for as the operator, over the application itself without a socket between, so that
drawing is in the figure; what has no page is asked of the verb behind the command and the API. The
clock goes on with each question, so that nothing is answered from what was drawn a moment ago; a
page of forecasts is also asked for by a process that has not fitted anything yet.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import structlog
from fastapi.testclient import TestClient

from bench import crowd
from bench.figures import Unfair
from yuejie.bills.documents.document import Seller
from yuejie.bills.live.look import look
from yuejie.budgets.allowance import Measure
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import AdviceId, Change, Figure, Kind, Line, Proposal
from yuejie.insights.anomaly.store import findings
from yuejie.insights.capacity.watch import outlooks
from yuejie.insights.forecast.course import forget
from yuejie.insights.forecast.foresee import foresee_hours
from yuejie.insights.reports.keep import add_report
from yuejie.insights.reports.report import Measure as ReportMeasure
from yuejie.insights.reports.report import ReportDraft, Spec
from yuejie.insights.reports.run import run_by_hand
from yuejie.insights.reports.span import Grain, Period
from yuejie.insights.reports.store import reports
from yuejie.insights.routing.report import report_routing
from yuejie.kernel.ids import mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.app import make_app
from yuejie.web.desk import Desk
from yuejie.web.door import Door
from yuejie.web.server import settle_down

BEGUN: Final = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
_BY: Final = "bench"
_TOKEN: Final = "yj-operator-of-the-bench"  # noqa: S105 - opens a house that is gone in an hour
_PASSWORD: Final = "correct horse 9"  # noqa: S105 - the same
_PEPPER: Final = bytes(32)
ADVICE: Final = 500
"""Advice that a customer has at most (`insights/advice/refresh.py`)."""

Screen = Callable[[], object]


class _Clock:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self._at = BEGUN

    def now(self) -> datetime:
        """Return the next second."""
        self._at += timedelta(seconds=1)
        return self._at


@contextmanager
def opened(db: Database) -> Iterator[TestClient]:
    """Have a browser in which the operator is logged in."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    seller = Seller("x", "", "", "")
    desk = Desk(Door.opened(db), _Clock(), seller, _PEPPER, _TOKEN, bytes(32))
    app = make_app(desk)
    settle_down()
    with TestClient(app, headers={"accept": "text/html"}) as browser:
        browser.follow_redirects = False
        browser.post("/setup", data={"token": _TOKEN, "name": _BY, "password": _PASSWORD})
        yield browser


def furnish(db: Database) -> None:
    """Give the customers that are asked about budgets, advice and a report, by the own verbs."""
    for number in crowd.ASKED:
        with db.read() as tx:
            customer = find_customer(tx, f"crowd-{number}")
        key = f"key_crowd_{number}_{'0' * 20}"
        for draft in (
            _budget("月预算"),
            _budget("项目预算", project="project-1"),
            _budget("密钥预算", key=key),
            _budget("模型预算", model="model-1"),
            _budget("标签预算", tag="team=a"),
        ):
            add_allowance(db, customer, draft, by=_BY, now=BEGUN)
        _advise(db, customer)
        report = add_report(db, customer.customer_id, _report(), by=_BY, now=BEGUN)
        run_by_hand(db, report, at=BEGUN, by=_BY, now=BEGUN)


def _budget(name: str, **scope: str) -> AllowanceDraft:
    draft = AllowanceDraft(name=name, measure=Measure.MONEY, cap=10**18, currency="CNY")
    return replace(draft, **scope)  # type: ignore[arg-type]  # names of scopes


def _report() -> ReportDraft:
    spec = Spec(
        dimensions=("key", "model"),
        measures=(ReportMeasure.CHARGE, ReportMeasure.REQUESTS, ReportMeasure.TOKENS),
        filters={},
        grain=Grain.DAY,
        period=Period.MONTH_TO_DATE,
        currency="CNY",
    )
    return ReportDraft(name="按密钥与模型", spec=spec)


def _advise(db: Database, customer: Customer) -> None:
    """Write as much advice as a customer may have; what it says is of no account here."""
    with db.begin() as tx:
        for number in range(ADVICE):
            found, at = _proposal(number), BEGUN + timedelta(milliseconds=number)
            advice_id = AdviceId(mint("adv", at))
            store.insert(tx, customer.customer_id, advice_id, found, at)
            store.insert_figure(tx, advice_id, found, month="2026-10", at=at)


def _proposal(number: int) -> Proposal:
    before = Line("model-1", "input", 1_000_000, 1, 1, 2_000_000)
    title, steps = "换用更便宜的模型", ("把请求改发给 model-0",)
    return Proposal(
        kind=Kind.CHEAPER_MODEL,
        slice=f"{number} model-1",
        figure=Figure(title=title, change=Change(), steps=steps, before=(before,)),
        saving_pico=10**15 + number,
        currency="CNY",
        saving=Money(100_000 + number, "CNY"),
    )


def _page(browser: TestClient, path: str) -> Screen:
    def ask() -> object:
        answer = browser.get(path)
        if answer.status_code != HTTPStatus.OK:
            raise Unfair(f"{path} 答复 {answer.status_code}：{answer.text[:300]}")
        return answer

    return ask


def _first(screen: Screen) -> Screen:
    """Return a screen as a process draws it for the first time that day: it knows no course."""

    def ask() -> object:
        forget()
        return screen()

    return ask


def screens(db: Database, browser: TestClient, customer: Customer) -> dict[str, Screen]:
    """Return what is asked about a customer."""
    who, at = customer.customer_id, f"?customer={customer.slug}"
    with db.read() as tx:
        [advice] = store.advice_of(tx, who, states=None, before=None, limit=1)
        [finding] = findings(tx, who, state=None, before=None, limit=1)
        [report] = reports(tx, who, ended=False, after="", limit=1)

    return {
        "趋势页": _page(browser, f"/trend{at}"),
        "趋势页，日按密钥": _page(browser, f"/trend{at}&grain=day&by=key"),
        "预测页与五个预算的用完日": _page(browser, f"/forecast{at}"),
        "预测页与五个预算的用完日，当天第一次": _first(_page(browser, f"/forecast{at}")),
        "预测页，token": _page(browser, f"/forecast{at}&measure=tokens"),
        "预测页，一个项目": _page(browser, f"/forecast{at}&project=project-1"),
        "预测页，一个模型": _page(browser, f"/forecast{at}&model=model-1"),
        "逐时预测": lambda: foresee_hours(db, who, now=BEGUN),
        "逐时预测，一个项目": lambda: foresee_hours(db, who, project="project-1", now=BEGUN),
        "实时账单页": _page(browser, f"/live{at}"),
        "实时账单，不经缓存": lambda: look(db, who, now=BEGUN),
        "建议页": _page(browser, f"/advice{at}"),
        "一条建议": _page(browser, f"/advice/{advice.advice_id}"),
        "异常页": _page(browser, f"/anomalies{at}"),
        "一个异常": _page(browser, f"/anomalies/{finding.finding_id}"),
        "报表页": _page(browser, f"/reports{at}"),
        "一份报表的结果": _page(browser, f"/reports/{report.report_id}"),
        "假如页": _page(browser, f"/what-if{at}&month=2026-10"),
        "自动选模的节省": lambda: report_routing(db, who, BillingMonth(2026, 10)),
    }


def house_screens(db: Database, browser: TestClient) -> dict[str, Screen]:
    """Return what only the operator asks."""
    return {
        "建议页": _page(browser, "/advice"),
        "异常页": _page(browser, "/anomalies"),
        "报表页": _page(browser, "/reports"),
        "容量": lambda: outlooks(db, now=BEGUN),
        "容量，含整个账号": lambda: outlooks(db, whole=True, now=BEGUN),
    }
