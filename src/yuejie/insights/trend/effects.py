"""Why a charge changed: volume, price and mix, which add up to the change exactly.

An *article* is what has a price of its own: a model's meter in one service tier, context tier and
time window. Articles of one unit are a *group*: all that are counted in tokens, all images, all
seconds; of different units no total can be formed. With quantities q and charges c of an article,
Q and C of its group, before and after (primes):

    old price   p = c ÷ q; of an article that was not used before it is c′ ÷ q′
    volume      C × Q′ ÷ Q − C         all as before, only more or less of it
    mix         Σ q′p − C × Q′ ÷ Q     other articles than before, at old prices
    price       C′ − Σ q′p             what they cost more or less than at old prices

So a new article is mix (it has no old price to differ from), a vanished one is mix, a revision of a
price is price, and traffic that moves to a cheaper tier is mix. Where a group is new, or nothing of
it was used before, all of it is volume. Volume is zero where the group's quantity is as before,
price where no article's price changed, mix where each article's share is as before.

All is computed in fractions of picos. Told are whole picos: each model's three effects by largest
remainder, so that they add up to that model's change; sums are sums of what is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from yuejie.usage.meters import unit

ZERO: Final = Fraction(0)


@dataclass(frozen=True, slots=True, order=True)
class Article:
    """What has a price of its own."""

    model: str
    meter: str
    service_tier: str = "default"
    context_above: int = 0
    time_window: str = ""

    @property
    def unit(self) -> str:
        """What it is counted in: articles of one unit are a group."""
        return unit(self.meter)


@dataclass(frozen=True, slots=True)
class Sold:
    """How much of an article was used, and its exact charge in picos."""

    quantity: int
    pico: int

    def __add__(self, other: "Sold") -> "Sold":
        return Sold(self.quantity + other.quantity, self.pico + other.pico)


NOTHING: Final = Sold(0, 0)


@dataclass(frozen=True, slots=True)
class Effects:
    """Parts of a change in whole picos."""

    volume: int = 0
    price: int = 0
    mix: int = 0

    @property
    def change(self) -> int:
        """What they add up to."""
        return self.volume + self.price + self.mix

    def __add__(self, other: "Effects") -> "Effects":
        return Effects(self.volume + other.volume, self.price + other.price, self.mix + other.mix)


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """One model's charge before and after, and why it changed."""

    model: str
    before: int
    after: int
    effects: Effects


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A change in one currency, by model and altogether; the largest change comes first."""

    currency: str
    before: int
    after: int
    models: tuple[ModelEffects, ...]

    @property
    def effects(self) -> Effects:
        """The effects of all models together."""
        return sum((each.effects for each in self.models), start=Effects())


def decompose(
    currency: str, before: Mapping[Article, Sold], after: Mapping[Article, Sold]
) -> Decomposition:
    """Explain the change between two periods whose charges are all in one currency."""
    parts: defaultdict[str, list[_Parts]] = defaultdict(list)
    groups: defaultdict[str, list[Article]] = defaultdict(list)
    for article in sorted(before.keys() | after.keys()):
        groups[article.unit].append(article)
    for articles in groups.values():
        growth = _growth(articles, before, after)
        for article in articles:
            was, now = before.get(article, NOTHING), after.get(article, NOTHING)
            parts[article.model].append(_explain(was, now, growth))
    models = [
        _told(
            model,
            _charge(before, model),
            _charge(after, model),
            found,
        )
        for model, found in parts.items()
    ]
    models.sort(key=lambda each: (-abs(each.effects.change), each.model))
    return Decomposition(
        currency,
        sum(each.before for each in models),
        sum(each.after for each in models),
        tuple(models),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    volume: Fraction
    price: Fraction
    mix: Fraction


def _growth(
    articles: Iterable[Article], before: Mapping[Article, Sold], after: Mapping[Article, Sold]
) -> Fraction | None:
    """Return Q′ ÷ Q of a group, None where nothing of it was used before."""
    was = now = 0
    for article in articles:
        was += before.get(article, NOTHING).quantity
        now += after.get(article, NOTHING).quantity
    return Fraction(now, was) if was else None


def _explain(was: Sold, now: Sold, growth: Fraction | None) -> _Parts:
    at_old = Fraction(was.pico, was.quantity) * now.quantity if was.quantity else Fraction(now.pico)
    price = now.pico - at_old
    if growth is None:
        return _Parts(at_old - was.pico, price, ZERO)
    as_before = was.pico * growth
    return _Parts(as_before - was.pico, price, at_old - as_before)


def _charge(sold: Mapping[Article, Sold], model: str) -> int:
    return sum(each.pico for article, each in sold.items() if article.model == model)


def _told(model: str, before: int, after: int, parts: Iterable[_Parts]) -> ModelEffects:
    volume = price = mix = ZERO
    for each in parts:
        volume, price, mix = volume + each.volume, price + each.price, mix + each.mix
    whole = _whole((volume, price, mix))
    return ModelEffects(model, before, after, Effects(*whole))


def _whole(parts: tuple[Fraction, ...]) -> list[int]:
    """Round parts of a whole number so that they still add up; what is whole stays as it is.

    Each is rounded down and the largest remainders get one more, the earlier part among equals.
    """
    floors = [part.numerator // part.denominator for part in parts]
    rests = [part - floor for part, floor in zip(parts, floors, strict=True)]
    short = sum(rests, start=ZERO)
    assert short.denominator == 1, f"the parts of a change add up to it: {parts}"
    order = sorted(range(len(parts)), key=lambda place: (-rests[place], place))
    for place in order[: short.numerator]:
        floors[place] += 1
    return floors
