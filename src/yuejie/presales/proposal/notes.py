"""The numbers beside figures, and the appendix that says what each follows from. Pure.

A figure is noted when it is printed; the appendix lists the noted ones with how they follow, and
the inputs on which they rest in the end: a field of the form, a price row, a rate, a term.
What is cited without a number beside it is in the trace of the proposal all the same.
"""

import re
from collections.abc import Iterable
from typing import Final

from yuejie.kernel.money import plain
from yuejie.presales.proposal.layout import Cite, Grid, Run
from yuejie.presales.proposal.traced.printed import DATE
from yuejie.presales.proposal.traced.sources import Sources
from yuejie.presales.proposal.traced.worked import is_by_piece, is_rate, scale_of, shown, worked
from yuejie.presales.proposal.words import Words
from yuejie.presales.trace import Figure, Op, roots_of

SUMMANDS: Final = 4
"""So many summands are written out on paper; of more the first and the last."""
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


class Notes:
    """Numbers the figures of a quote in the order in which they are printed."""

    def __init__(self, figures: Iterable[Figure], words: Words, sources: Sources) -> None:
        self._figures = {each.name: each for each in figures}
        self._words = words
        self._sources = sources
        self._numbers: dict[str, int] = {}

    def run(self, text: str, name: str, *, strong: bool = False) -> Run:
        """Return a text that bears the number of its figure; none where it is not traced."""
        if name not in self._figures:
            return Run(text, strong=strong)
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        return Run(text, number, strong, (Cite(name, text),))

    def cited(self, text: str, name: str, *, strong: bool = False) -> Run:
        """Return a text that is a traced figure, without a number beside it."""
        cites = (Cite(name, text),) if name in self._figures else ()
        return Run(text, strong=strong, cites=cites)

    def money(
        self,
        fen: int,
        currency: str,
        name: str,
        *,
        beside: bool = True,
        strong: bool = False,
        minus: bool = False,
    ) -> Run:
        """Return an amount that is its figure, to the fen, with a number beside it or without.

        `minus` writes what is taken off as below nothing.
        """
        if name in self._figures:
            assert self._figures[name].value == fen, f"{name} is not {fen}"
        text = self._words.money(-fen if minus else fen, currency)
        return (self.run if beside else self.cited)(text, name, strong=strong)

    def sentence(self, text: str, names: Iterable[str], *, strong: bool = False) -> Run:
        """Return a sentence with each number in it that is the value of one of these figures."""
        waiting = _NUMBER.findall(DATE.sub(" ", text))
        cites = []
        for name in dict.fromkeys(names):
            figure = self._figures.get(name)
            forms = () if figure is None else _forms(figure)
            printed = next((each for each in forms if each in waiting), None)
            if printed is not None:
                waiting.remove(printed)
                cites.append(Cite(name, printed))
        return Run(text, strong=strong, cites=tuple(cites))

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
                    Run(self.label(figure)),
                    Run(self.amount(figure)),
                    Run(self.how(figure)),
                    Run(_ranges(rests) or "—"),
                )
            )
        return Grid(self._words.row("trace.heads"), tuple(rows), frozenset({2}))

    def inputs(self) -> Grid:
        """Return the table of inputs on which the printed figures rest."""
        rows = [
            (
                Run(f"E{number}"),
                Run(self.label(self._figures[name])),
                Run(self.amount(self._figures[name])),
                Run(self._sources.said(self._figures[name])),
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

    def label(self, figure: Figure) -> str:
        """Say what a figure is; in English by its name, or by its price row."""
        if self._words.chinese:
            return figure.label
        kind, _, rest = figure.name.partition(".")
        number, _, plan = rest.partition(".")
        row = self._sources.row(int(number)) if kind == "rate" else None
        if row is not None:
            said = f"{row.model} {row.meter.replace('_', ' ')}"
            return f"{said} rate, {self._words.said(plan)}" if plan else f"{said} list rate"
        return " · ".join(map(self._words.said, figure.name.split(".")))

    def how(self, figure: Figure, *, most: int = SUMMANDS) -> str:
        """Say how a figure follows: in words, and with the values put in, of a sum the first."""
        if figure.op is Op.GIVEN:
            return self._words("trace.given")
        sum_ = worked(figure, self._figures, most=most)
        if self._words.chinese and figure.words:
            return self._words("trace.worked").format(words=figure.words, sum=sum_)
        if figure.op is Op.SUM and len(figure.of) <= 1:
            return self._words("op.same" if figure.of else "op.nothing")
        said = self._words(f"op.{figure.op}").format(count=len(figure.of))
        return self._words("trace.worked").format(words=said, sum=sum_)

    def amount(self, figure: Figure) -> str:
        """Write a figure in its unit; a rate as its price list does."""
        text = shown(figure)
        if is_rate(figure):
            text = plain(figure.value, scale_of(figure))
            unit = "price.per.one" if is_by_piece(figure) else "price.per.mtok"
            return f"{text} {self._words(unit).format(currency=figure.currency)}"
        return f"{text} {figure.currency}" if figure.unit in {"fen", "pico"} else text


def _forms(figure: Figure) -> tuple[str, ...]:
    """Return how sentences write a figure: as it is shown, or without commas."""
    text = shown(figure)
    return text, text.replace(",", ""), str(figure.value)


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
