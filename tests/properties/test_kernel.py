"""What no example can say about money and months; guards the kernel."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from yuejie.bills.bill import BillLine, LineKind, TaxMode
from yuejie.bills.closing.taxes import TaxRule, tax_of, tax_parts
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import FEN, PICO, Charge, FxRate, apportion
from yuejie.kernel.period import BillingMonth, local_hour, months_after

picos = st.integers(-(10**24), 10**24)
zones = st.sampled_from(
    [
        "Asia/Shanghai",
        "UTC",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Pacific/Apia",
        "Asia/Kathmandu",
    ]
).map(ZoneInfo)
months = st.builds(BillingMonth, st.integers(1990, 2060), st.integers(1, 12))
FIRST = datetime(1990, 1, 1)  # noqa: DTZ001 - Hypothesis takes naive bounds
LAST = datetime(2060, 1, 1)  # noqa: DTZ001 - the same
instants = st.datetimes(FIRST, LAST).map(lambda naive: naive.replace(tzinfo=UTC))


@given(picos)
def test_settling_moves_an_amount_by_at_most_half_a_fen(pico: int) -> None:
    assert 2 * abs(Charge(pico, "CNY").settle().fen * (PICO // FEN) - pico) <= PICO // FEN


@given(picos, st.integers(1, 10**11))
def test_a_refund_mirrors_its_charge(pico: int, e8: int) -> None:
    fx = FxRate("USD", "CNY", e8)
    assert Charge(-pico, "USD").settle(fx) == -Charge(pico, "USD").settle(fx)
    assert Charge(-pico, "USD").settle() == -Charge(pico, "USD").settle()


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_splitting_loses_nothing_and_is_off_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        if whole:
            assert abs(part * whole - total * weight) < whole


@given(months, zones)
def test_months_tile_time(month: BillingMonth, zone: ZoneInfo) -> None:
    assert month.span(zone).end == month.next.span(zone).start
    assert month.span(zone).start < month.span(zone).end


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(0, 480))
def test_months_behind_a_day_are_never_shorter_than_the_months_themselves(
    day: date, number: int
) -> None:
    """They follow each other without a gap, and none has fewer days than February."""
    here, then = months_after(day, number), months_after(day, number + 1)
    assert 28 <= (then - here).days <= 31
    assert then.day in {day.day, 1}


@given(instants, zones)
def test_every_instant_is_in_the_month_that_bears_its_label(
    instant: datetime, zone: ZoneInfo
) -> None:
    assert instant in BillingMonth.of(instant, zone).span(zone)


@given(instants, zones)
def test_an_hour_begins_at_most_an_hour_ago_and_in_the_same_month(
    instant: datetime, zone: ZoneInfo
) -> None:
    hour = local_hour(instant, zone)
    assert timedelta() <= instant - hour < timedelta(hours=1)


def _line(position: int, fen: int) -> BillLine:
    return BillLine(
        line_id=LineId(str(position)),
        position=position,
        kind=LineKind.USAGE,
        service_month=BillingMonth(2026, 10),
        project_id="p",
        project_name="p",
        department="",
        model="m",
        meter="input",
        sale_rate=1,
        quantity=1,
        rate_pico=1,
        rate_currency="CNY",
        charge_pico=1,
        fx_id=None,
        fx_e8=None,
        amount_fen=fen,
        usd_fen=None,
        cny_fen=fen,
    )


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40),
    st.sampled_from(TaxMode),
    st.integers(0, 200_000),
)
def test_tax_shared_over_lines_adds_up_to_the_fen(
    amounts: list[int], mode: TaxMode, tax_ppm: int
) -> None:
    lines = [_line(position, fen) for position, fen in enumerate(amounts)]
    taxed = tax_parts({"": lines}, TaxRule(mode, tax_ppm), {})[""]
    tax = tax_of(sum(amounts), mode, tax_ppm)
    assert sum(line.tax_fen for line in taxed.lines) == tax
    inside = tax if mode is TaxMode.INCLUSIVE else 0
    assert sum(line.net_fen for line in taxed.lines) == sum(amounts) - inside
    assert [(line.net_fen, line.tax_fen) for line in taxed.tax_lines] == [
        (taxed.net_fen, taxed.tax_fen)
    ]
