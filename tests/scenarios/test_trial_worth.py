"""What was tried is worth nothing wherever worth is told, also beside what is billed after it."""

from datetime import UTC, datetime

import pytest

from tests.scenarios.books import Books
from tests.scenarios.test_trials import GRANTED, granted, terms
from tests.scenarios.test_trials import house as house  # noqa: PLC0414 - the fixture
from yuejie.bills.closing.close import GRACE
from yuejie.bills.live.look import look
from yuejie.insights.advice.refresh import refresh_customer
from yuejie.insights.reports.keep import add_report
from yuejie.insights.reports.report import Measure, ReportDraft, Spec
from yuejie.insights.reports.run import run_by_hand
from yuejie.insights.trend.series import Asked, show_series
from yuejie.kernel.money import PICO
from yuejie.kernel.period import BillingMonth
from yuejie.presales.trial.convert import convert_trial
from yuejie.presales.trial.trial import PROJECT

LAST_HOUR = datetime(2026, 10, 31, 15, 30, tzinfo=UTC)
"""23:30 in Shanghai."""
OCTOBER = BillingMonth.parse("2026-10")


@pytest.mark.parametrize("paid", [0, 3_000_000])
def test_what_was_tried_is_worth_nothing_wherever_worth_is_told(house: Books, paid: int) -> None:
    """
    Two million tokens are tried, then a contract follows and so many are paid for at 5 yuan. Live
    bill, trend, report and the bill know of the same money; and advice saves nobody
    what was free.
    """
    _, haitang = granted(house)
    who, by = haitang.customer, "tests"
    haitang.uses("2026-10-29 09:00:00", "gpt-4o", project=PROJECT, input=2_000_000)
    signing = datetime(2026, 10, 30, 4, 0, tzinfo=UTC)
    convert_trial(house.db, "haitang", terms(haitang, GRANTED), by="admin", now=signing)
    if paid:
        haitang.uses("2026-10-31 10:00:00", "gpt-4o", project=PROJECT, input=paid)
    worth = paid * 5 * PICO // 1_000_000
    fen = worth // (PICO // 100)

    live = look(house.db, who.customer_id, now=LAST_HOUR)
    assert live.gross.fen == fen
    house.close("2026-10")
    assert haitang.bill("2026-10").gross.fen == fen
    now = OCTOBER.span(haitang.zone).end + GRACE
    house.clock.at = now
    asked = Asked(count=1, until=LAST_HOUR)
    sums = show_series(house.db, who, asked, now=now).whole.whole
    assert sums.charges == ({"CNY": worth} if worth else {})
    assert sums.tokens == 2_000_000 + paid
    spec = Spec(dimensions=("project",), measures=(Measure.CHARGE, Measure.TOKENS))
    report = add_report(
        house.db, who.customer_id, ReportDraft(name="十月", spec=spec), by=by, now=now
    )
    total = run_by_hand(house.db, report, at=now, by=by, now=now).result.total
    assert list(total[1:]) == [fen, 2_000_000 + paid]
    assert refresh_customer(house.db, who.customer_id, now=now, month=OCTOBER, anew=True).found == 0
