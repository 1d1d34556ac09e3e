"""However a month is split, its parts add up to the merged bill, and each stands when drawn anew.

Guards `bills/closing`: what concerns the whole customer is on the head bill or is apportioned, and
tax is rounded once for all parts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from yuejie.bills.bill import UNTAXED, Bill, BillLine, LineKind, TaxMode
from yuejie.bills.closing.agreed import Extra
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.lines import LineKey, Place, SaleRate, Tariff
from yuejie.bills.closing.parts import Parting, parting
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.standing import carried_on, carried_with, printed_on
from yuejie.bills.closing.taxes import tax_of
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    HeadShare,
    Split,
    TaxGrouping,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.period import BillingMonth

MONTH = BillingMonth(2026, 10)
WHO = CustomerId("cus_a")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
PROJECTS = ("a", "b", "c")
MODELS = ("gpt-4o", "gpt-4o-mini")
PICO = 7_300_000
"""7.30 a million tokens: amounts of many endings."""
RATES = {1: SaleRate(1, PICO, "CNY", None, None), 2: SaleRate(2, 3 * PICO, "CNY", None, None)}
PLACES = {each: Place(each, each, "研发" if each != "c" else "", None) for each in PROJECTS}
UNITS = {"b": ("u1", "子公司")}


@dataclass(frozen=True)
class Month:
    """What a month is made of, before anybody says how it is split."""

    usage: tuple[tuple[LineKey, int], ...]
    terms: CommercialTerms
    tax_mode: str
    tax_ppm: int
    extras: tuple[Extra, ...]
    grants: tuple[Grant, ...]


def contract_of(month: Month) -> Contract:
    return Contract(
        contract_id=ContractId("C-1"),
        version=1,
        customer_id=WHO,
        sale_book=BookId("book"),
        currency="CNY",
        zone="Asia/Shanghai",
        fx_policy="none",
        tax_mode=month.tax_mode,
        tax_ppm=month.tax_ppm,
        starts_at=datetime(2025, 12, 31, 16, tzinfo=UTC),
        signed_at=datetime(2025, 12, 31, 16, tzinfo=UTC),
        terms=month.terms,
    )


def facts_of(month: Month, parted: Parting) -> Facts:
    contract = contract_of(month)
    agreements = Agreements([contract], "Asia/Shanghai")
    return Facts(
        customer_id=WHO,
        month=MONTH,
        months=(MONTH,),
        epoch=1,
        now=NOW,
        agreements=agreements,
        contract=contract,
        usage=month.usage,
        tariff=Tariff("CNY", RATES, {}, PLACES),
        parting=parted,
        judged=lambda each: agreements.promise(each, "CNY"),
        extras=month.extras,
        grants=month.grants,
    )


def merged(month: Month) -> Bill | None:
    return next(
        iter(compose(facts_of(month, parting(Split.MERGED, HeadShare.HEAD, PLACES, {})))), None
    )


amounts = st.one_of(
    st.integers(-40_000, 40_000),
    st.sampled_from([0, 1, -1, 99, 100_00, -100_00]),
)
usage = st.dictionaries(
    st.builds(
        LineKey,
        st.sampled_from([MONTH, MONTH.previous]),
        st.sampled_from(PROJECTS),
        st.sampled_from(MODELS),
        st.just("input"),
        st.sampled_from(sorted(RATES)),
    ),
    st.integers(-30_000_000, 60_000_000).filter(bool),
    max_size=7,
)
tiers = st.sampled_from(
    [None, TierDiscount((TierStep(0, 33_333),)), TierDiscount((TierStep(50_00, 123_456),))]
)
fees = st.sampled_from([0, 1, 33_33, 200_00])
minima = st.sampled_from([None, 1, 300_01, 1_000_00])


@st.composite
def months(draw: st.DrawFn) -> Month:
    minimum = draw(minima)
    terms = replace(
        STANDARD,
        tier_discount=draw(tiers),
        management_fee_fen=draw(fees),
        commitment=Commitment(minimum, CommitmentPeriod.MONTH) if minimum else None,
        tax_grouping=draw(st.sampled_from(list(TaxGrouping))),
    )
    return Month(
        usage=tuple(sorted(draw(usage).items())),
        terms=terms,
        tax_mode=draw(st.sampled_from(["inclusive", "exclusive"])),
        tax_ppm=draw(st.sampled_from([0, 10_000, 60_000, 130_000])),
        extras=tuple(draw(extras())),
        grants=tuple(draw(grants())),
    )


@st.composite
def extras(draw: st.DrawFn) -> list[Extra]:
    found = draw(st.lists(st.tuples(amounts.filter(bool), st.booleans()), max_size=2))
    return [
        Extra(
            f"adj_{at}",
            LineKind.SLA_CREDIT if credit else LineKind.ADJUSTMENT,
            MONTH,
            "",
            -abs(fen) if credit else fen,
            "调整",
        )
        for at, (fen, credit) in enumerate(found)
    ]


@st.composite
def grants(draw: st.DrawFn) -> list[Grant]:
    found = draw(
        st.lists(
            st.tuples(
                st.sampled_from(list(GrantKind)),
                st.sampled_from([1, 77_77, 500_00]),
                st.sampled_from([(), (MODELS[0],)]),
            ),
            max_size=2,
        )
    )
    return [
        Grant(
            grant_id=f"g_{at}",
            customer_id=WHO,
            kind=kind,
            name="甲",
            amount_fen=fen,
            paid_fen=fen // 2 if kind is GrantKind.PACKAGE else 0,
            currency="CNY",
            models=models,
            starts_on=date(2026, 10, 1),
            ends_on=date(2027, 1, 1),
            created_at=NOW,
        )
        for at, (kind, fen, models) in enumerate(found)
    ]


Units = dict[str, tuple[str, str]]
joined: st.SearchStrategy[Units] = st.sampled_from([UNITS, {"a": ("u2", "乙"), **UNITS}])
splits = st.sampled_from([Split.PROJECT, Split.DEPARTMENT, Split.UNIT])
shares = st.sampled_from(list(HeadShare))


def owed_lines(bills: Sequence[Bill]) -> list[BillLine]:
    """Return every line but what is carried from one month of a part to the next."""
    return [line for bill in bills for line in bill.lines if line.kind is not LineKind.CARRIED]


def by_key(lines: Sequence[BillLine]) -> Counter[tuple[object, ...]]:
    sums: Counter[tuple[object, ...]] = Counter()
    for line in lines:
        key = (line.kind, line.service_month, line.project_id, line.model, line.sale_rate)
        sums[(*key, line.refers_to)] += line.amount_fen
    return Counter({key: fen for key, fen in sums.items() if fen})


@given(months(), splits, shares)
def test_the_parts_add_up_to_the_merged_bill(month: Month, split: Split, share: HeadShare) -> None:
    """Line by line, before tax, whatever the terms: nothing is lost, and nothing is there twice."""
    whole = merged(month)
    parts = compose(facts_of(month, parting(split, share, PLACES, UNITS)))
    assert by_key(owed_lines(parts)) == by_key(owed_lines([whole] if whole else []))


@given(months(), splits, shares)
def test_the_tax_of_the_parts_is_the_tax_of_the_merged_bill(
    month: Month, split: Split, share: HeadShare
) -> None:
    """Each tax line of the month is rounded once: their tax is the whole's to the fen.

    What is below zero is carried, tax and all, by each bill for itself; then they differ.
    """
    whole = merged(month)
    parts = compose(facts_of(month, parting(split, share, PLACES, UNITS)))
    bills = [*parts, *([whole] if whole else [])]
    assume(not any(line.kind is LineKind.CARRIED for bill in bills for line in bill.lines))
    assert sum(bill.tax.fen for bill in parts) == (whole.tax.fen if whole else 0)
    assert sum(bill.gross.fen for bill in parts) == (whole.gross.fen if whole else 0)


@given(months(), splits, shares)
def test_no_part_is_below_zero_and_each_is_the_sum_of_its_lines(
    month: Month, split: Split, share: HeadShare
) -> None:
    for bill in compose(facts_of(month, parting(split, share, PLACES, UNITS))):
        assert sum(line.amount_fen for line in bill.lines) >= 0
        assert bill.net.fen == sum(line.net_fen for line in bill.lines)
        assert bill.tax.fen == sum(line.tax_fen for line in bill.lines)
        taxed = [line for line in bill.lines if line.kind not in UNTAXED]
        assert sum(t.net_fen for t in bill.tax_lines) == sum(line.net_fen for line in taxed)
        assert sum(t.tax_fen for t in bill.tax_lines) == sum(line.tax_fen for line in taxed)


@given(months(), splits, shares)
def test_the_tax_of_a_part_is_its_own_but_for_the_sharing_of_a_rounding(
    month: Month, split: Split, share: HeadShare
) -> None:
    """The verifier of exports lets a tax line of a split month be off by two fen, no more."""
    for bill in compose(facts_of(month, parting(split, share, PLACES, UNITS))):
        for each in bill.tax_lines:
            own = sum(line.amount_fen for line in bill.lines if line.tax_line == each.position)
            due = tax_of(own, TaxMode(month.tax_mode), month.tax_ppm)
            assert abs(each.tax_fen - due) <= 2


def content(bill: Bill) -> tuple[object, ...]:
    lines = [
        (
            *(line.kind, line.service_month, line.project_id, line.model, line.sale_rate),
            *(line.refers_to, line.quantity, line.amount_fen),
        )
        for line in bill.lines
    ]
    return bill.part, lines


@given(months(), splits, shares)
def test_a_part_that_is_drawn_alone_says_what_it_said(
    month: Month, split: Split, share: HeadShare
) -> None:
    """Taken back and drawn anew without a change, each part owes what it owed."""
    parted = parting(split, share, PLACES, UNITS)
    facts = facts_of(month, parted)
    parts = compose(facts)
    for bill in parts:
        others = [each for each in parts if each.part != bill.part]
        printed = printed_on(others, "CNY")
        known = Counter(
            {
                line.refers_to: 0
                for other in others
                for line in other.lines
                if line.refers_to.startswith("adj_")
            }
        )
        for other in others:
            for line in other.lines:
                if line.refers_to in known:
                    known[line.refers_to] += line.amount_fen
        waiting = [
            replace(each, shared=bool(known[each.adjustment_id]))
            for each in month.extras
            if known[each.adjustment_id] != each.amount_fen
        ]
        usage = tuple(pair for pair in month.usage if parted.of(pair[0].project_id) == bill.part)
        alone = replace(
            facts,
            usage=usage,
            printed=printed,
            extras=waiting,
            drafts=(bill,),
            only=bill.part,
        )
        (again,) = compose(alone)
        assert content(again) == content(bill)


@given(months(), usage, splits, shares, joined)
def test_a_subsidiary_that_is_added_later_loses_nothing(
    month: Month, more: dict[LineKey, int], split: Split, share: HeadShare, units: Units
) -> None:
    """
    October is billed; then a project gets a bill of its own, October has more, and November comes.
    Over both months the parts come to what the merged bills do.
    """
    later = tuple(sorted((_later(key), fen) for key, fen in more.items()))
    ways = (
        (parting(Split.MERGED, HeadShare.HEAD, PLACES, {}),) * 2,
        (
            parting(split, share, PLACES, {}),
            parting(split, share, PLACES, units),
        ),
    )
    sums = []
    for first, second in ways:
        october = compose(facts_of(month, first))
        facts = replace(
            facts_of(month, second),
            month=MONTH.next,
            months=(MONTH.previous, MONTH, MONTH.next),
            usage=later,
            printed=printed_on(october, "CNY"),
            extras=(),
            carried=carried_on(october, "CNY"),
        )
        november = compose(facts)
        sums.append(by_key(owed_lines([*october, *november])))
        left = carried_with(carried_on(october, "CNY"), carried_on(november, "CNY"))
        assert all(fen > 0 for fen in left.values()), "nobody is given more than was carried"
    assert sums[0] == sums[1]


def _later(key: LineKey) -> LineKey:
    return key._replace(month=key.month.next)
