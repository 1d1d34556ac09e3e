"""Usage as the watch sees it: sums that add up, in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yuejie.insights.anomaly.finding import Measure, Scope, Series
from yuejie.insights.anomaly.used import Row, Usage
from yuejie.kernel.ids import CustomerId

ACME = CustomerId("cus_acme")
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
END = BEGAN + timedelta(hours=6)
ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 5).map(lambda hour: BEGAN + timedelta(hours=hour)),
        st.sampled_from(["prj_a", "prj_b"]),
        st.sampled_from(["key_a", "key_b", "key_c"]),
        st.sampled_from(["m1", "m2"]),
        st.fixed_dictionaries({measure: st.integers(0, 10**20) for measure in Measure}),
    ),
    max_size=12,
)


@given(ROWS)
def test_every_scope_adds_up_to_the_customer_in_any_order(rows: list[Row]) -> None:
    sums = Usage(ACME, rows).sums(BEGAN, END)
    assert Usage(ACME, reversed(rows)).sums(BEGAN, END) == sums
    for measure in Measure:
        whole = sum(row.quantities[measure] for row in rows)
        for scope in Scope:
            parts = [n for s, n in sums.items() if (s.scope, s.measure) == (scope, measure)]
            assert sum(parts) == whole


@given(ROWS)
def test_what_is_within_a_series_is_its_sum(rows: list[Row]) -> None:
    usage = Usage(ACME, rows)
    for series, total in usage.sums(BEGAN, END).items():
        assert usage.total(series, BEGAN, END) == total
    assert usage.total(Series(Scope.KEY, "key_other", Measure.COST), BEGAN, END) == 0
