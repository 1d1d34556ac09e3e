"""A package's draws, whatever their order: what was paid for and what was given add up."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from yuejie.bills.bill import LineKind
from yuejie.bills.closing.agreed import Ledgered, Promise, TermKey, targets_of
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

PROMISE = Promise(
    tier_discount=None,
    commitment=None,
    management_fee_fen=0,
    since=date(2026, 1, 1),
    until=None,
    currency="CNY",
)
PAID, GIVEN = TermKey(LineKind.PACKAGE, "grant"), TermKey(LineKind.VOUCHER, "grant")
Lines = dict[BillingMonth, dict[TermKey, int]]


def package(amount_fen: int, paid_fen: int) -> Grant:
    return Grant(
        grant_id="grant",
        customer_id=CustomerId("cus"),
        kind=GrantKind.PACKAGE,
        name="甲",
        amount_fen=amount_fen,
        paid_fen=paid_fen,
        currency="CNY",
        models=(),
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 1, 1),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def drawn(grant: Grant, month: int, usage_fen: int, lines: Lines) -> dict[TermKey, int]:
    """Return the package's lines of a month, given those of the others."""
    found = targets_of(
        BillingMonth(2026, month),
        PROMISE,
        {"gpt-4o": usage_fen},
        [grant],
        [],
        Ledgered(lines),
        lambda _month: 0,
    )
    return {key: found[key].amount_fen for key in (PAID, GIVEN)}


@given(st.data())
def test_what_is_drawn_to_the_last_fen_was_paid_for_to_the_fen(data: st.DataObject) -> None:
    """In any months, of any size, some looked at again with more: the price in all, and no fen."""
    amount = data.draw(st.integers(1, 10_000))
    grant = package(amount, data.draw(st.integers(0, amount)))
    lines: Lines = {}
    usage: dict[int, int] = {}
    looks = st.lists(st.tuples(st.integers(1, 11), st.integers(0, 4_000)), max_size=12)
    for month, more in [*data.draw(looks), (12, amount)]:
        usage[month] = usage.get(month, 0) + more
        lines[BillingMonth(2026, month)] = drawn(grant, month, usage[month], lines)
        assert all(fen <= 0 for fen in lines[BillingMonth(2026, month)].values())
    paid, given_ = (-sum(terms[key] for terms in lines.values()) for key in (PAID, GIVEN))
    assert (paid, given_) == (grant.paid_fen, amount - grant.paid_fen)
    for month, fen in usage.items():
        assert drawn(grant, month, fen, lines) == lines[BillingMonth(2026, month)]


def test_bills_from_before_what_is_given_had_a_line_are_made_up_for() -> None:
    """
    1,000 for 800, of which 700 were drawn as if they had all been paid for: of what is drawn next
    less was paid, until the price is used up to the fen.
    """
    grant = package(1_000_00, 800_00)
    lines: Lines = {BillingMonth(2026, 1): {PAID: -700_00}}
    assert drawn(grant, 2, 10_00, lines) == {PAID: 0, GIVEN: -10_00}
    assert drawn(grant, 2, 300_00, lines) == {PAID: -100_00, GIVEN: -200_00}
