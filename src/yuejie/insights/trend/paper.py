"""Trends as people read them in a terminal: fen, aligned, with bars; decimals in full are in JSON.

What is shown in fen still adds up: of a change the three effects by largest remainder, and a total
is the sum of the rows above it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from yuejie.insights.trend.effects import Decomposition, Effects, ModelEffects
from yuejie.insights.trend.figures import Measure
from yuejie.kernel.money import PICO_PER_FEN, Charge, Money, divide

WIDTH: Final = 40
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_PLACES: Final = {
    Measure.PER_THOUSAND: 4,
    Measure.PER_MTOK: 4,
    Measure.CACHE_SHARE: 1,
}


def cell(value: Fraction | None, measure: Measure, currency: str) -> int | Decimal | Money | None:
    """Return what stands in a table for a measure: money in fen, ratios to a few places."""
    if value is None:
        return None
    if measure in {Measure.TOKENS, Measure.REQUESTS}:
        return int(value)
    if measure in _PLACES:
        percent = 100 if measure is Measure.CACHE_SHARE else 1
        return rounded(value * percent, _PLACES[measure])
    return fen(value, currency)


def fen(value: Fraction, currency: str) -> Money:
    """Round an amount of currency units to fen, half away from zero, to be looked at."""
    return Money(divide(value.numerator * 100, value.denominator), currency)


def rounded(value: Fraction, places: int) -> Decimal:
    """Round to some places, half away from zero."""
    scale: int = 10**places
    return Decimal(divide(value.numerator * scale, value.denominator)).scaleb(-places)


def bar(value: Fraction, most: Fraction, width: int = WIDTH) -> str:
    """Draw a value as a bar, `most` as the whole width; what is not zero is seen."""
    if value <= 0 or most <= 0:
        return ""
    eighths = value * width * 8 / most
    whole, rest = divmod(max(1, divide(eighths.numerator, eighths.denominator)), 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def spark(values: Sequence[Fraction | None]) -> str:
    """Draw values as a row of small bars; where there is nothing, a dot."""
    most = max((value for value in values if value is not None), default=Fraction(0))
    if most <= 0:
        return "·" * len(values)
    return "".join(_spark(value, most) for value in values)


def _spark(value: Fraction | None, most: Fraction) -> str:
    if value is None or value <= 0:
        return "·"
    step = value * (len(_SPARKS) - 1) / most
    return _SPARKS[divide(step.numerator, step.denominator)]


# Effects in fen ----------------------------------------------------------------------------------

Row = tuple[str, int, int, int, int, int, int]
"""Model, before, after, change, volume, price, mix: in fen."""


def effects_in_fen(found: Decomposition, shown: int) -> list[Row]:
    """Return the models with the largest changes, the rest as one row, and the total, in fen.

    Across, the three effects add up to the change; down, the rows to the total.
    """
    models, others = found.models[:shown], found.models[shown:]
    rows = [_row(each, found.currency) for each in models]
    if others:
        rest = _sum("", [_row(each, found.currency) for each in others])
        rows.append((f"其余 {len(others)} 个", *rest[1:]))
    return [*rows, _sum("合计", rows)]


def _sum(name: str, rows: Iterable[Row]) -> Row:
    columns = list(zip(*(row[1:] for row in rows), strict=True))
    before, after, change, volume, price, mix = map(sum, columns) if columns else (0,) * 6
    return name, before, after, change, volume, price, mix


def _row(each: ModelEffects, currency: str) -> Row:
    before, after = (Charge(pico, currency).settle().fen for pico in (each.before, each.after))
    change = after - before
    return each.model, before, after, change, *_parts(each.effects, change)


def _parts(effects: Effects, change: int) -> tuple[int, int, int]:
    """Share a change in fen by its effects; an effect that is not there gets nothing of it."""
    picos = (effects.volume, effects.price, effects.mix)
    split = [divmod(pico, PICO_PER_FEN) for pico in picos]
    parts = [floor for floor, _ in split]
    order = sorted((-rest, place) for place, (_, rest) in enumerate(split) if picos[place])
    short = change - sum(parts)
    for step in range(abs(short)):
        _, place = order[step % len(order)] if short > 0 else order[-1 - step % len(order)]
        parts[place] += 1 if short > 0 else -1
    return parts[0], parts[1], parts[2]
