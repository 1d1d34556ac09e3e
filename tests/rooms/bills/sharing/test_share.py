"""Dividing a bill: the parts add up to the fen, whatever the rules, in whatever order."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from yuejie.bills.bill import BillLine, LineKind
from yuejie.bills.closing.lines import Place
from yuejie.bills.sharing.rule import EVERYTHING, PROJECT, Method, Rules, ShareRule, rules_in
from yuejie.bills.sharing.share import divide_lines
from yuejie.kernel.ids import CustomerId, LineId
from yuejie.kernel.period import BillingMonth

AUGUST = BillingMonth(2026, 8)
MADE = datetime(2026, 8, 1, tzinfo=UTC)
# root ─┬─ a ─┬─ a1      shared stands beside them
#       │     └─ a2
#       └─ b
PLACES = {
    name: Place(name, name, "", parent)
    for name, parent in [
        ("root", None),
        ("a", "root"),
        ("a1", "a"),
        ("a2", "a"),
        ("b", "root"),
        ("shared", None),
    ]
}


def line(kind: LineKind, net: int, tax: int = 0, project: str = "") -> BillLine:
    return BillLine(
        line_id=LineId("line"),
        position=1,
        kind=kind,
        service_month=AUGUST,
        project_id=project,
        project_name=project,
        department="",
        model="",
        meter="",
        sale_rate=0,
        quantity=1,
        rate_pico=0,
        rate_currency="CNY",
        charge_pico=0,
        fx_id=None,
        fx_e8=None,
        amount_fen=net + tax,
        usd_fen=None,
        cny_fen=net + tax,
        net_fen=net,
        tax_fen=tax,
    )


def rule(
    method: Method, what: str = EVERYTHING, since: str = "2026-01", **weights: int
) -> ShareRule:
    return ShareRule(
        f"{what}-{since}", CustomerId("c"), what, method, weights, since, "clerk", MADE
    )


def borne(lines: list[BillLine], *rules: ShareRule) -> dict[str, int]:
    found: Counter[str] = Counter()
    for cell, each in divide_lines(lines, rules_in(rules, AUGUST), PLACES).items():
        found[cell.project_id] += each.net_fen
    return dict(found)


USED = [line(LineKind.USAGE, 300, project="a1"), line(LineKind.USAGE, 100, project="b")]
FEE = line(LineKind.MANAGEMENT_FEE, 101)


def test_without_a_rule_who_used_bears_by_what_it_used() -> None:
    assert borne([*USED, FEE]) == {"a1": 300 + 76, "b": 100 + 25}


def test_equal_is_among_those_that_used_and_the_odd_fen_goes_to_the_first() -> None:
    assert borne([*USED, FEE], rule(Method.EQUAL)) == {"a1": 300 + 51, "b": 100 + 50}


def test_a_weight_on_a_node_goes_down_its_tree_by_use() -> None:
    """a bears three quarters; within a only a1 used anything."""
    assert borne([*USED, line(LineKind.CLOUD, 400)], rule(Method.CUSTOM, a=3, b=1)) == {
        "a1": 300 + 300,
        "b": 100 + 100,
    }


def test_a_node_that_is_named_beside_its_parent_is_a_tree_of_its_own() -> None:
    lines = [*USED, line(LineKind.USAGE, 100, project="a2"), line(LineKind.CLOUD, 90)]
    assert borne(lines, rule(Method.CUSTOM, a=1, a1=2)) == {
        "a1": 300 + 60,
        "a2": 100 + 30,
        "b": 100,
    }


def test_what_is_shared_is_borne_by_others_and_bears_nothing() -> None:
    lines = [*USED, FEE, line(LineKind.USAGE, 40, project="shared")]
    rules = rule(Method.PROPORTIONAL, f"{PROJECT}shared"), rule(Method.EQUAL, EVERYTHING)
    assert borne(lines, *rules) == {"a1": 300 + 51 + 30, "b": 100 + 50 + 10}


def test_a_rule_about_a_kind_goes_before_one_about_everything_and_the_later_holds() -> None:
    rules = (
        rule(Method.EQUAL, EVERYTHING),
        rule(Method.CUSTOM, "management_fee", "2026-01", b=1),
        rule(Method.CUSTOM, "management_fee", "2026-07", a1=1),
        rule(Method.CUSTOM, "management_fee", "2026-09", b=1),
    )
    assert borne([*USED, FEE], *rules) == {"a1": 300 + 101, "b": 100}


def test_where_nobody_used_anything_all_bear_and_without_projects_nobody() -> None:
    assert set(borne([FEE])) == set(PLACES)
    assert divide_lines([FEE], Rules({}), {}).popitem()[1].net_fen == 101


projects = st.sampled_from(["", *PLACES])
fen = st.integers(-(10**7), 10**7)
drawn = st.builds(
    line,
    st.sampled_from([LineKind.CLOUD, LineKind.MANAGEMENT_FEE, LineKind.VOUCHER]),
    fen,
    fen,
    projects,
)
weights = st.dictionaries(st.sampled_from([*PLACES]), st.integers(0, 50), max_size=6)
whats = st.sampled_from([EVERYTHING, "cloud", f"{PROJECT}shared", f"{PROJECT}a"])
ruled = st.builds(
    lambda method, what, since, given: rule(method, what, since, **given),
    st.sampled_from(list(Method)),
    whats,
    st.sampled_from(["2026-01", "2026-08", "2026-09"]),
    weights,
)


@given(st.lists(drawn, max_size=8), st.lists(ruled, max_size=6), st.randoms())
def test_the_parts_add_up_to_the_fen_and_do_not_depend_on_order(
    lines: list[BillLine], rules: list[ShareRule], random: "st.DataObject"
) -> None:
    parts = divide_lines(lines, rules_in(rules, AUGUST), PLACES)
    assert sum(each.net_fen for each in parts.values()) == sum(each.net_fen for each in lines)
    assert sum(each.tax_fen for each in parts.values()) == sum(each.tax_fen for each in lines)
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # why: a Random, drawn by hypothesis
    again = divide_lines(shuffled, rules_in(rules, AUGUST), dict(reversed(PLACES.items())))
    assert again == parts
