"""Every kind of difference is put into a month that agreed, and comes out by its name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rooms.assurance.injected import (
    DRAWN,
    METERS,
    MODEL,
    RATES,
    causes,
    daily,
    hours_of_use,
    of_cell,
    priced,
    run,
    told,
    used,
)
from yuejie.assurance.reconcile.difference import (
    CHINESE,
    TO_DO,
    Cause,
    Difference,
    Reconciled,
    incomplete,
    not_reported,
)
from yuejie.assurance.reconcile.sides import Used

DAY = date(2026, 10, 15)
NOON = datetime(2026, 10, 15, 12, tzinfo=UTC)


def test_every_cause_has_a_name_and_something_to_do() -> None:
    assert set(CHINESE) == set(Cause) == set(TO_DO)


def test_a_month_that_agrees_has_no_difference() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    found = run(entries, told(theirs, priced(theirs)))
    assert found.differences == ()
    assert found.passes
    assert found.ours_pico == found.theirs_pico > 0


def test_calls_that_we_lost_are_missing_here() -> None:
    """Two calls that only the provider has, on a day with thousands of others."""
    entries = hours_of_use()
    lost = [used("requests", NOON, 2), used("input", NOON, 5_000), used("output", NOON, 700)]
    theirs = daily(entries + lost)
    found = run(entries, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.MISSING_HERE: 2 + 5_000 + 700}
    assert found.theirs_pico - found.ours_pico == 5_000 * RATES["input"] + 700 * RATES["output"]
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico
    assert {d.why for d in found.differences} == {"对方多 2 次调用"}


def test_calls_that_the_provider_lost_are_missing_there() -> None:
    entries = hours_of_use()
    ghosts = [used("requests", NOON, 1), used("input", NOON, 5_000), used("output", NOON, 700)]
    theirs = daily(entries)
    assert causes(run(entries + ghosts, told(theirs, priced(theirs)))) == {
        Cause.MISSING_THERE: 1 + 5_000 + 700
    }


@pytest.mark.parametrize("lost_here", [True, False])
def test_a_whole_day_or_model_of_one_side_is_missing_on_the_other(*, lost_here: bool) -> None:
    entries = hours_of_use()
    other = [used("input", NOON, 5_000, "o3"), used("output", NOON, 10, "o3")]
    ours, theirs = (entries, entries + other) if lost_here else (entries + other, entries)
    found = run(ours, told(daily(theirs)))
    wanted = Cause.MISSING_HERE if lost_here else Cause.MISSING_THERE
    assert causes(found) == {wanted: 5_010}


def test_without_counts_of_calls_input_and_output_together_speak_for_missing_calls() -> None:
    """Anthropic's report knows no number of requests."""
    entries = hours_of_use()
    meters = METERS - {"requests"}
    lost = [used("input", NOON, 5_000), used("output", NOON, 700)]
    theirs = {c: n for c, n in daily(entries + lost).items() if c[2] in meters}
    assert causes(run(entries, told(theirs, meters=meters))) == {Cause.MISSING_HERE: 5_700}


def test_estimates_and_unmeasured_calls_are_on_the_worklist() -> None:
    """One call of which we hold an estimate, one of which we know only that it began."""
    entries = hours_of_use()
    calls = [used("requests", NOON, 2), used("input", NOON, 3_000), used("output", NOON, 900)]
    theirs = daily(entries + calls)
    guess = [used("input", NOON, 1_100, is_open=True), used("output", NOON, 200, is_open=True)]
    found = run(entries + guess, told(theirs, priced(theirs)), waiting={(MODEL, NOON): 2})
    assert causes(found) == {Cause.WORKLIST: 2 + 3_000 + 900}
    assert sum(d.quantity for d in of_cell(found, (DAY, MODEL, "input"))) == 3_000


def test_the_worklist_explains_no_more_calls_than_it_has() -> None:
    entries = hours_of_use()
    calls = [used("requests", NOON, 4), used("input", NOON, 4_000), used("output", NOON, 800)]
    theirs = daily(entries + calls)
    found = run(entries, told(theirs), waiting={(MODEL, NOON): 1})
    assert causes(found) == {
        Cause.WORKLIST: 1 + 1_000 + 200,
        Cause.MISSING_HERE: 3 + 3_000 + 600,
    }


def test_usage_without_a_price_yet_is_on_the_worklist() -> None:
    entries = hours_of_use()
    new = [
        used("requests", NOON, 1, "gpt-5"),
        *(
            type(each)(each.model, each.meter, each.hour, each.quantity, 0, unpriced=True)
            for each in (used("input", NOON, 9_000, "gpt-5"), used("output", NOON, 100, "gpt-5"))
        ),
    ]
    theirs = daily(entries + new)
    found = run(entries + new, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.WORKLIST: 9_000 * RATES["input"] + 100 * RATES["output"]}


def test_a_report_drawn_too_early_is_late() -> None:
    """Drawn at ten in the morning of the last day, it lacks what came after eight."""
    entries = hours_of_use()
    drawn = datetime(2026, 10, 31, 10, tzinfo=UTC)
    theirs = daily([e for e in entries if e.hour < drawn - timedelta(hours=2)])
    found = run(entries, told(theirs, priced(theirs), as_of=drawn))
    assert set(causes(found)) == {Cause.LATE}
    assert {d.day for d in found.differences} == {date(2026, 10, 31)}
    assert found.passes


def test_tokens_on_another_meter_are_a_matter_of_mapping() -> None:
    """The provider read 40,000 tokens from its cache which we took for fresh input."""
    entries = hours_of_use()
    theirs = daily(entries)
    theirs[DAY, MODEL, "input"] -= 40_000
    theirs[DAY, MODEL, "cache_read"] += 40_000
    found = run(entries, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.METER_MAPPING: 80_000}
    assert {d.why for d in found.differences} == {"我方记为 input，对方记为 cache_read"}
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico < 0


def test_another_rate_is_a_matter_of_price() -> None:
    """From the twentieth on the provider charges 3.00 for input, our book says 2.50."""
    entries = hours_of_use()
    theirs = daily(entries)
    picos = priced(theirs)
    dearer = [c for c in picos if c[2] == "input" and c[0] >= date(2026, 10, 20)]
    for cell in dearer:
        picos[cell] = theirs[cell] * 3_000_000
    found = run(entries, told(theirs, picos))
    assert causes(found) == {Cause.PRICE: sum(theirs[c] * 500_000 for c in dearer)}
    assert len(found.differences) == 12


def test_amounts_written_to_the_cent_are_a_matter_of_rounding() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    cent = 10**10
    picos = {c: (n + cent // 2) // cent * cent for c, n in priced(theirs).items()}
    found = run(entries, told(theirs, picos, grain_pico=cent))
    assert set(causes(found)) == {Cause.ROUNDING}
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles", "Asia/Kolkata"])
def test_days_of_another_zone_are_recognised_over_the_month(zone: str) -> None:
    entries = hours_of_use()
    theirs = daily(entries, zone)
    found = run(entries, told(theirs, priced(theirs)))
    size = sum(causes(found).values())
    assert causes(found)[Cause.TIME_ZONE] * 5 >= size * 4
    if zone != "Asia/Kolkata":  # whole hours are seen exactly
        assert set(causes(found)) == {Cause.TIME_ZONE}
        assert "8 小时" in found.differences[0].why or "7 小时" in found.differences[0].why


def test_calls_over_midnight_stand_on_the_next_day() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    for meter, moved in (("requests", 1), ("input", 900), ("cache_read", 300), ("output", 250)):
        theirs[DAY, MODEL, meter] -= moved
        theirs[DAY + timedelta(days=1), MODEL, meter] += moved
    found = run(entries, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.TIME_ZONE: 2 * (1 + 900 + 300 + 250)}
    assert {d.why for d in found.differences} == {"跨日的调用，双方记在相邻的两天"}


def test_what_nothing_explains_is_unknown_and_fails_the_month() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    theirs[DAY, MODEL, "output"] += 500_000
    found = run(entries, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.UNKNOWN: 500_000}
    assert found.unexplained_pico == 500_000 * RATES["output"]
    assert not found.passes


def test_less_than_a_thousandth_unknown_passes() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    theirs[DAY, MODEL, "output"] += 1_000
    found = run(entries, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.UNKNOWN: 1_000}
    assert found.unexplained_pico * 1000 < found.theirs_pico
    assert found.passes


def test_all_of_them_at_once_are_each_classified() -> None:
    """A bad month: everything above on days of its own; nothing is left unexplained."""
    entries = hours_of_use()
    lost = [used("requests", NOON, 3), used("input", NOON, 9_000), used("output", NOON, 1_000)]
    theirs = daily(entries + lost)

    def at(day: int, meter: str, add: int) -> None:
        theirs[date(2026, 10, day), MODEL, meter] += add

    for meter in ("requests", "input", "output"):  # the provider forgot a call
        at(3, meter, -1)
    at(7, "input", -4_000)
    at(7, "cache_read", 4_000)
    for meter, moved in (("requests", 2), ("input", 1_800), ("output", 500)):
        at(10, meter, -moved)
        at(11, meter, moved)
    picos = priced(theirs)
    for cell in picos:
        if cell[0] == date(2026, 10, 20) and cell[2] == "output":
            picos[cell] = theirs[cell] * 12_000_000
    found = run(entries, told(theirs, picos))
    assert set(causes(found)) == {
        *(Cause.MISSING_HERE, Cause.MISSING_THERE, Cause.METER_MAPPING),
        *(Cause.TIME_ZONE, Cause.PRICE),
    }
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico
    assert found.unexplained_pico == 0
    assert found.passes


def test_a_report_of_amounts_alone_is_read_by_days_and_rates() -> None:
    """OpenAI's costs by line item: a day we lack, a rate 20 % dearer on another model."""
    entries = hours_of_use() + hours_of_use("o3")
    lost = [used("input", NOON, 5_000, "tts-1")]
    picos = priced(daily(entries + lost))
    for cell in picos:
        if cell[1] == "o3":
            picos[cell] = picos[cell] * 6 // 5
    found = run(entries, told(None, picos))
    assert set(causes(found)) == {Cause.MISSING_HERE, Cause.PRICE}
    assert causes(found)[Cause.MISSING_HERE] == 5_000 * RATES["input"]
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico
    assert found.passes


def test_an_amount_for_a_whole_model_is_compared_with_all_its_meters() -> None:
    entries = hours_of_use()
    whole: dict[tuple[date, str, str], int] = {}
    for (day, model, _), pico in priced(daily(entries)).items():
        whole[day, model, ""] = whole.get((day, model, ""), 0) + pico
    assert run(entries, told(None, whole)).differences == ()
    assert run(entries, told(daily(entries), whole)).differences == ()
    whole[DAY, "", ""] = 10**12
    found = run(entries, told(daily(entries), whole))
    assert causes(found) == {Cause.UNKNOWN: 10**12}


def test_a_tool_that_is_charged_under_no_model_is_compared_with_all_that_used_it() -> None:
    """Anthropic counts searches by model and charges them by none."""
    searches = [
        Used(MODEL, "web_searches", NOON, 60, 60 * 10**10),
        Used("o3", "web_searches", NOON, 40, 40 * 10**10),
    ]
    entries = hours_of_use()
    picos = priced(daily(entries)) | {(DAY, "", "web_searches"): 100 * 10**10}
    counted = daily(entries) | {(DAY, each.model, each.meter): each.quantity for each in searches}
    meters = METERS | {"web_searches"}
    found = run(entries + searches, told(counted, picos, meters=meters))
    assert found.differences == ()
    dearer = picos | {(DAY, "", "web_searches"): 120 * 10**10}
    found = run(entries + searches, told(counted, dearer, meters=meters))
    assert causes(found) == {Cause.PRICE: 20 * 10**10}


def test_what_has_no_price_yet_explains_no_other_meter() -> None:
    entries = hours_of_use()
    theirs = daily(entries)
    picos = priced(theirs)
    picos[DAY, MODEL, "output"] *= 2
    new = Used(MODEL, "web_searches", NOON, 1, 0, unpriced=True)
    found = run([*entries, new], told(theirs, picos))
    assert set(causes(found)) == {Cause.PRICE}
    picos = priced(theirs) | {(DAY, MODEL, "web_searches"): 10**10}
    assert set(causes(run([*entries, new], told(theirs, picos)))) == {Cause.WORKLIST}


@pytest.mark.parametrize("tells_usage", [True, False])
def test_what_the_provider_gives_back_is_a_credit_and_no_call(*, tells_usage: bool) -> None:
    entries = hours_of_use()
    usage = daily(entries) if tells_usage else None
    picos = priced(daily(entries))
    back = {(DAY, "credit", ""): -(10**13), (DAY, MODEL, "input"): -(10**9)}
    given = {cell: picos.get(cell, 0) + pico for cell, pico in back.items()}
    found = run(entries, replace(told(usage, picos | given), credits=back))
    assert causes(found) == {Cause.CREDIT: 10**13 + 10**9}
    # What was charged too much and corrected until both agree is no difference.
    found = run(entries, replace(told(usage, picos), credits=back))
    assert found.differences == ()


def test_calls_over_midnight_are_found_where_hours_begin_at_the_half() -> None:
    """A customer in Kolkata: what began at ten past stands in the hour of 23:30."""
    half = timedelta(minutes=30)
    entries = [replace(each, hour=each.hour + half) for each in hours_of_use()]
    theirs = daily(entries)
    hour = datetime(2026, 10, 14, 23, 30, tzinfo=UTC)
    calls = [used("requests", hour, 1), used("input", hour, 900), used("output", hour, 250)]
    for each in calls:
        theirs[DAY, MODEL, each.meter] += each.quantity
    found = run(entries + calls, told(theirs, priced(theirs)))
    assert causes(found) == {Cause.TIME_ZONE: 2 * (1 + 900 + 250)}


def test_an_unknown_quantity_without_a_price_fails_whatever_else_is_unknown() -> None:
    lost = Difference(DAY, "o3", "output", Cause.UNKNOWN, 10**9, 0)
    little = Difference(DAY, MODEL, "output", Cause.UNKNOWN, 1, 1)
    month = Reconciled("sim", "2026-10", "USD", 10**15, 10**15, (lost,), cells=1)
    assert not month.passes
    assert not replace(month, differences=(lost, little)).passes
    assert replace(month, differences=(little,)).passes


def test_an_amount_for_a_whole_account_is_compared_with_all_its_models() -> None:
    """Costs that were exported without grouping them: both sides were missing on the other."""
    entries = hours_of_use() + hours_of_use("o3")
    whole: dict[tuple[date, str, str], int] = {}
    for (day, _, _), pico in priced(daily(entries)).items():
        whole[day, "", ""] = whole.get((day, "", ""), 0) + pico
    assert run(entries, told(None, whole)).differences == ()
    assert run(entries, told(daily(entries), whole)).differences == ()
    whole[DAY, "", ""] += 10**12
    assert causes(run(entries, told(None, whole))) == {Cause.UNKNOWN: 10**12}


HALF = frozenset(date(2026, 10, day) for day in range(1, 16))


def half(quantities: dict[tuple[date, str, str], int]) -> dict[tuple[date, str, str], int]:
    return {cell: n for cell, n in quantities.items() if cell[0] in HALF}


@pytest.mark.parametrize("says", ["usage", "cost", "both"])
def test_days_that_a_report_is_not_about_are_not_reported(says: str) -> None:
    """
    The export ends on the fifteenth. The other half of the month was called calls that the provider
    lacks, and the month passed; so it did where the report was drawn on the fifteenth, as late.
    """
    entries = hours_of_use()
    theirs = half(daily(entries))
    usage = theirs if says != "cost" else None
    cost = priced(theirs) if says != "usage" else None
    for as_of in (DRAWN, datetime(2026, 10, 16, 3, tzinfo=UTC)):
        report = replace(told(usage, cost, as_of=as_of), covers=HALF, charged=HALF)
        found = run(entries, report)
        wanted = {Cause.NOT_REPORTED} | ({Cause.LATE} if as_of != DRAWN else set())
        assert set(causes(found)) == wanted
        assert not_reported(found.differences) == [date(2026, 10, d) for d in range(16, 32)]
        assert not found.passes
        assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico
        assert "没有 2026-10-16~2026-10-31 的数据" in incomplete(found.differences)
    assert incomplete(()) == ""


def test_a_half_report_still_finds_what_the_reported_half_lacks() -> None:
    """Days of another zone, too, are recognised by what is reported alone."""
    entries = hours_of_use()
    ghosts = [used("requests", NOON, 1), used("input", NOON, 5_000), used("output", NOON, 700)]
    theirs = half(daily(entries))
    report = replace(told(theirs, priced(theirs)), covers=HALF, charged=HALF)
    found = run(entries + ghosts, report)
    assert causes(found)[Cause.MISSING_THERE] == 1 + 5_000 + 700
    shifted = half(daily(entries, "Asia/Shanghai"))
    found = run(entries, replace(told(shifted), covers=HALF))
    assert set(causes(found)) == {Cause.TIME_ZONE, Cause.NOT_REPORTED}


def test_costs_of_a_whole_month_and_tokens_of_a_half_are_each_compared_by_their_days() -> None:
    entries = hours_of_use()
    whole = daily(entries)
    found = run(entries, replace(told(half(whole), priced(whole)), covers=HALF))
    assert {(d.cause, d.pico) for d in found.differences} == {(Cause.NOT_REPORTED, 0)}
    assert not found.passes
    found = run(entries, replace(told(whole, priced(half(whole))), charged=HALF))
    assert {(d.cause, d.quantity) for d in found.differences} == {(Cause.NOT_REPORTED, 0)}
    assert not found.passes
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico


def test_a_last_day_without_a_row_is_no_matter_where_next_to_nothing_was_used() -> None:
    entries = [e for e in hours_of_use() if e.hour.date() != date(2026, 10, 31)]
    late = datetime(2026, 10, 31, 9, tzinfo=UTC)
    entries += [used("requests", late, 1), used("output", late, 10)]
    reported = {c: n for c, n in daily(entries).items() if c[0] < late.date()}
    covers = frozenset(c[0] for c in reported)
    assert run(entries, replace(told(reported), covers=covers)).passes


def test_an_unreported_day_without_a_price_fails_whatever_else_is_little_on_it() -> None:
    """Ten tokens that have a price let a billion pass that have none, or tokens of a half month."""
    entries = [e for e in hours_of_use() if e.hour.date() != date(2026, 10, 31)]
    late = datetime(2026, 10, 31, 9, tzinfo=UTC)
    little = [used("requests", late, 1), used("output", late, 10)]
    reported = {c: n for c, n in daily(entries).items() if c[0] < late.date()}
    covers = frozenset(c[0] for c in reported)
    lost = Used("o3", "output", late, 10**9, 0, unpriced=True)
    found = run([*entries, *little, lost], replace(told(reported), covers=covers))
    assert not found.passes
    report = replace(told(half(reported), priced(reported)), covers=HALF, charged=covers)
    assert not run([*entries, *little], report).passes
    calls = used("requests", late, 3, "o3")
    assert run([*entries, *little, calls], replace(told(reported), covers=covers)).passes
