"""Volume, price and mix add up to the change exactly, and each is zero without its cause."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from yuejie.insights.trend.effects import Article, Effects, Sold, decompose

MODELS = ("gpt-4o", "gpt-4o-mini", "claude-3-haiku")
articles = st.builds(
    Article,
    st.sampled_from(MODELS),
    st.sampled_from(("input", "cache_read", "output", "images", "seconds")),
    st.sampled_from(("default", "batch")),
    st.sampled_from((0, 200_000)),
)
quantities = st.one_of(st.just(0), st.integers(1, 7), st.integers(1, 10**12))
rates = st.integers(0, 10**8)
sales = st.dictionaries(articles, st.tuples(quantities, st.integers(0, 10**20)), max_size=8)
prices = st.dictionaries(articles, rates, min_size=1, max_size=8)


def sold(raw: dict[Article, tuple[int, int]]) -> dict[Article, Sold]:
    """Sales of any charge; of nothing used nothing is charged."""
    return {a: Sold(q, pico if q else 0) for a, (q, pico) in raw.items()}


def at(rate: dict[Article, int], used: dict[Article, int]) -> dict[Article, Sold]:
    return {a: Sold(q, q * rate[a]) for a, q in used.items()}


@given(sales, sales)
def test_the_effects_add_up_to_the_change_for_each_model_and_altogether(
    one: dict[Article, tuple[int, int]], two: dict[Article, tuple[int, int]]
) -> None:
    before, after = sold(one), sold(two)
    found = decompose("CNY", before, after)
    assert found.before == sum(each.pico for each in before.values())
    assert found.after == sum(each.pico for each in after.values())
    assert found.effects.change == found.after - found.before
    for each in found.models:
        assert each.effects.change == each.after - each.before


@given(sales, sales, st.randoms(use_true_random=False))
def test_the_order_in_which_articles_come_changes_nothing(
    one: dict[Article, tuple[int, int]], two: dict[Article, tuple[int, int]], rnd: object
) -> None:
    before, after = sold(one), sold(two)
    shuffled = []
    for side in (before, after):
        pairs = list(side.items())
        rnd.shuffle(pairs)  # type: ignore[attr-defined]  # Hypothesis gives a Random
        shuffled.append(dict(pairs))
    assert decompose("CNY", *shuffled) == decompose("CNY", before, after)


@given(prices, st.data())
def test_without_a_new_price_there_is_no_price_effect(
    rate: dict[Article, int], data: st.DataObject
) -> None:
    used = st.fixed_dictionaries(dict.fromkeys(rate, quantities))
    before, after = (at(rate, data.draw(used)) for _ in range(2))
    assert decompose("CNY", before, after).effects.price == 0


@given(prices, st.data(), st.integers(1, 9), st.integers(1, 9))
def test_where_each_share_is_as_before_there_is_no_mix(
    rate: dict[Article, int], data: st.DataObject, more: int, less: int
) -> None:
    used = data.draw(st.fixed_dictionaries(dict.fromkeys(rate, quantities)))
    dearer = {article: pico + data.draw(rates) for article, pico in rate.items()}
    before = at(rate, {article: less * q for article, q in used.items()})
    after = at(dearer, {article: more * q for article, q in used.items()})
    found = decompose("CNY", before, after)
    assert found.effects.mix == 0
    exact = Fraction((more - less) * found.before, less)
    assert abs(found.effects.volume - exact) <= len(found.models)


@given(prices, st.data())
def test_where_as_much_is_used_as_before_there_is_no_volume(
    rate: dict[Article, int], data: st.DataObject
) -> None:
    order = sorted(article for article in rate if article.unit == "token")
    assume(order)
    used = [data.draw(st.integers(1, 10**9)) for _ in order]
    turned = used[1:] + used[:1]
    before = at(rate, dict(zip(order, used, strict=True)))
    after = at(rate, dict(zip(order, turned, strict=True)))
    found = decompose("CNY", before, after)
    assert (found.effects.volume, found.effects.price) == (0, 0)


GPT, MINI = Article("gpt-4o", "input"), Article("gpt-4o-mini", "input")


def test_a_new_article_is_mix_and_a_vanished_one_as_well() -> None:
    before = {GPT: Sold(100, 2_000)}
    after = {MINI: Sold(100, 100)}
    assert decompose("CNY", before, after).effects == Effects(volume=0, price=0, mix=-1_900)


def test_what_is_counted_in_another_unit_is_volume_of_its_own() -> None:
    before = {GPT: Sold(100, 2_000)}
    after = before | {Article("gpt-image-1", "images"): Sold(3, 900)}
    assert decompose("CNY", before, after).effects == Effects(volume=900)


def test_a_cheaper_tier_is_mix_and_a_revision_is_price() -> None:
    batch = Article("gpt-4o", "input", service_tier="batch")
    before = {GPT: Sold(100, 2_000), batch: Sold(100, 1_000)}
    moved = {GPT: Sold(50, 1_000), batch: Sold(150, 1_500)}
    assert decompose("CNY", before, moved).effects == Effects(mix=-500)
    cut = {GPT: Sold(100, 1_800), batch: Sold(100, 1_000)}
    assert decompose("CNY", before, cut).effects == Effects(price=-200)


def test_thirds_of_a_pico_are_told_whole_and_still_add_up() -> None:
    found = decompose("CNY", {GPT: Sold(3, 10), MINI: Sold(3, 1)}, {GPT: Sold(5, 20)})
    assert found.effects.change == 9
    assert [each.effects.change for each in found.models] == [10, -1]
