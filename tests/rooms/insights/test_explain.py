"""What explains a difference adds up to it, key by key and model by model."""

from hypothesis import given
from hypothesis import strategies as st

from yuejie.insights.anomaly.explain import PERIODS, Explanation, Used, explain

USED = st.lists(
    st.builds(
        Used,
        st.sampled_from(["key_a", "key_b", "key_c"]),
        st.sampled_from(["m1", "m2"]),
        st.integers(0, 10**18),
    ),
    max_size=12,
)


@given(USED, USED)
def test_shares_add_up_to_the_difference(now: list[Used], before: list[Used]) -> None:
    whole = PERIODS * sum(u.quantity for u in now) - sum(u.quantity for u in before)
    said = explain(now, before)
    assert said.difference == whole
    assert sum(said.part(share) for share in said.by_model) == whole
    assert explain(reversed(now), reversed(before)) == said
    assert Explanation.read(said.rows()) == said


def test_the_largest_share_comes_first() -> None:
    now = [Used("key_a", "m1", 100), Used("key_b", "m1", 40), Used("key_b", "m2", 900)]
    before = [Used("key_a", "m1", 7 * 100), Used("key_b", "m1", 7 * 35)]
    said = explain(now, before)
    assert (said.key_id, said.model) == ("key_b", "m2")
    assert [(s.name, said.part(s)) for s in said.by_key] == [("key_b", 7 * 905), ("key_a", 0)]
