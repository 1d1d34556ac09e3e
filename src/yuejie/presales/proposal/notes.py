"""The numbers beside figures, and the appendix that says what each follows from. Pure.

A figure is noted when it is printed; the appendix lists the noted ones with how they follow, and
the inputs on which they rest in the end: a field of the form, a price row, a rate, a term.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from yuejie.contracts.prices import RateRow
from yuejie.kernel.money import FX_SCALE, PICO, PPM, Money, plain
from yuejie.presales.proposal.layout import Grid, Run
from yuejie.presales.proposal.words import Words
from yuejie.presales.trace import Figure, Op, roots_of

_HASH: Final = 16
_DIGITS: Final = 7
_RATE: Final = "rate:"


class Notes:
    """Numbers the figures of a quote in the order in which they are printed."""

    def __init__(
        self, figures: Iterable[Figure], words: Words, rates: Mapping[int, RateRow]
    ) -> None:
        self._figures = {each.name: each for each in figures}
        self._words = words
        self._rates = rates
        self._numbers: dict[str, int] = {}

    def run(self, text: str, name: str, *, strong: bool = False) -> Run:
        """Return a text that bears the number of its figure; none where it is not traced."""
        if name not in self._figures:
            return Run(text, strong=strong)
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        return Run(text, number, strong)

    def known(self, name: str) -> bool:
        """Tell whether a figure is traced."""
        return name in self._figures

    def value(self, name: str) -> int:
        """Return what a traced figure comes to."""
        return self._figures[name].value

    def figures(self) -> Grid:
        """Return the table of printed figures: how each follows, and from which inputs."""
        inputs = self._inputs()
        rows = []
        for name, number in self._numbers.items():
            figure = self._figures[name]
            rests = sorted(inputs[each.name] for each in roots_of(self._figures.values(), name))
            rows.append(
                (
                    Run(str(number)),
                    Run(self._label(figure)),
                    Run(self._value(figure)),
                    Run(self._how(figure)),
                    Run(_ranges(rests) or "—"),
                )
            )
        return Grid(self._words.row("trace.heads"), tuple(rows), frozenset({2}))

    def inputs(self) -> Grid:
        """Return the table of inputs on which the printed figures rest."""
        rows = [
            (
                Run(f"E{number}"),
                Run(self._label(self._figures[name])),
                Run(self._value(self._figures[name])),
                Run(self._source(self._figures[name])),
            )
            for name, number in self._inputs().items()
        ]
        return Grid(self._words.row("inputs.heads"), tuple(rows), frozenset({2}))

    def _inputs(self) -> dict[str, int]:
        """Number the inputs in the order of the trace."""
        needed = {
            root.name for name in self._numbers for root in roots_of(self._figures.values(), name)
        }
        ordered = (name for name in self._figures if name in needed)
        return {name: number for number, name in enumerate(ordered, 1)}

    def _label(self, figure: Figure) -> str:
        if self._words.chinese:
            return figure.label
        row = self._rates.get(_rate_id(figure.source))
        if row is not None:
            return f"{row.model} {row.meter.replace('_', ' ')} list rate"
        return figure.name.replace(".", " · ")

    def _how(self, figure: Figure) -> str:
        if figure.op is Op.GIVEN:
            return self._words("trace.given")
        if self._words.chinese and figure.words:
            return figure.words
        if figure.op is Op.SUM and len(figure.of) <= 1:
            return self._words("op.same" if figure.of else "op.nothing")
        return self._words(f"op.{figure.op}").format(
            count=len(figure.of), times=_power(figure.times), by=_power(figure.by)
        )

    def _value(self, figure: Figure) -> str:
        """Write a figure in its unit; a rate as its price list does."""
        value, unit = figure.value, figure.unit
        if unit == "pico" and figure.name.startswith("rate.") and figure.words:
            return figure.words.rpartition("= ")[2] if self._words.chinese else _rate(figure)
        scales = {"milli": 1_000, "e8": FX_SCALE, "e2": 100, "percent": 100}
        if unit == "fen":
            return f"{Money(value, figure.currency)} {figure.currency}"
        if unit == "pico":
            return f"{plain(value, PICO)} {figure.currency}"
        if unit == "ppm":
            return f"{plain(value, PPM // 100, 0)}%"
        return plain(value, scales[unit], 0) if unit in scales else f"{value:,}"

    def _source(self, figure: Figure) -> str:
        kind, _, what = figure.source.partition(":")
        if kind == "file":
            what = what[:_HASH]
        said = self._words.maybe(f"source.{kind}")
        return f"{said} {self._words.said(what)}".strip() if said else figure.source


def _rate_id(source: str) -> int:
    """Return the number of the price row that a source names, 0 for another source."""
    return int(source.removeprefix(_RATE)) if source.startswith(_RATE) else 0


def _power(value: int) -> str:
    """Write a number, of long powers of ten the exponent."""
    text = str(value)
    long = len(text) > _DIGITS and text.strip("0") == "1"
    return f"10^{len(text) - 1}" if long else f"{value:,}"


def _rate(figure: Figure) -> str:
    """Write a rate for a million units, and say so."""
    return f"{plain(figure.value, PICO // 10**6)} {figure.currency} / 1M"


def _ranges(numbers: list[int]) -> str:
    """Write E1–E4, E7."""
    parts: list[str] = []
    first = last = None
    for number in [*numbers, None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None:
            parts.append(f"E{first}" if first == last else f"E{first}–E{last}")
        first = last = number
    return ", ".join(parts)
