"""Where each figure comes from: a closed set of operations, so that anyone can compute it again.

Pure. A figure is either *given* (a field of the form, a price row, an exchange rate, a term of the
contract, a calendar, an assumption) or follows from other figures by one operation on integers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod
from typing import Final

from yuejie.kernel.errors import Conflict
from yuejie.kernel.money import FEN, PICO, divide, plain


class Op(StrEnum):
    """How a figure follows from others."""

    GIVEN = "given"
    """It does not: `source` says where it stands."""
    SUM = "sum"
    MINUS = "minus"
    """The first less all others."""
    RATIO = "ratio"
    """times × product of all ÷ by, rounded once, half away from zero."""
    DIVIDED = "divided"
    """times × the first ÷ the second, rounded once; the second is greater than zero."""
    POWER = "power"
    """(by + the first) to the power of `times`."""
    EXCESS = "excess"
    """The first less all others, and not less than nothing."""
    STEPS = "steps"
    """The first, rounded up to whole multiples of the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, whole, in its unit, with how it came about.

    What is given may name in `of` what it was looked up by: a discount step by the usage.

    `unit` is token, request, fen, pico, ppm, fen_ppm (fen × ppm), milli, e8, e2, day or none; fen
    and pico say of which `currency`. `source` of what is given: `form:tokens.input`, `rate:1024`
    (its number in the book), `fx:7`, `terms:<plan>.management_fee`, `calendar:2026-11`,
    `file:<sha256>`, `assumed:<why>`, `rule:<name>`. `words` say the formula as people read it.
    """

    name: str
    label: str
    value: int
    unit: str
    currency: str = ""
    op: Op = Op.GIVEN
    of: tuple[str, ...] = ()
    times: int = 1
    by: int = 1
    source: str = ""
    words: str = ""


@dataclass(slots=True)
class Tracing:
    """Gathers figures while they are computed; each is computed from those noted before it."""

    figures: dict[str, Figure] = field(default_factory=dict)

    def given(
        self,
        name: str,
        label: str,
        value: int,
        unit: str,
        source: str,
        *,
        currency: str = "",
        of: Iterable[str] = (),
        words: str = "",
    ) -> str:
        """Note what is given and return its name; the same again is one figure."""
        return self._keep(
            Figure(
                name=name,
                label=label,
                value=value,
                unit=unit,
                currency=currency,
                of=tuple(of),
                source=source,
                words=words,
            )
        )

    def derived(  # noqa: PLR0913 - a figure has this many facts, and each is named
        self,
        name: str,
        label: str,
        op: Op,
        of: Iterable[str],
        unit: str,
        *,
        currency: str = "",
        times: int = 1,
        by: int = 1,
        words: str = "",
    ) -> str:
        """Compute a figure from others, note it and return its name."""
        parts = tuple(of)
        value = compute(op, [self.figures[part].value for part in parts], times, by)
        return self._keep(
            Figure(
                name=name,
                label=label,
                value=value,
                unit=unit,
                currency=currency,
                op=op,
                of=parts,
                times=times,
                by=by,
                words=words,
            )
        )

    def value(self, name: str) -> int:
        """Return what a figure comes to."""
        return self.figures[name].value

    def all(self) -> tuple[Figure, ...]:
        """Return every figure, in the order of computing."""
        return tuple(self.figures.values())

    def _keep(self, figure: Figure) -> str:
        known = self.figures.setdefault(figure.name, figure)
        assert known == figure, f"two figures are called {figure.name}"
        return figure.name


def compute(op: Op, values: list[int], times: int, by: int) -> int:
    """Do one operation."""
    match op:
        case Op.SUM:
            return sum(values)
        case Op.MINUS:
            return values[0] - sum(values[1:])
        case Op.EXCESS:
            return max(0, values[0] - sum(values[1:]))
        case Op.RATIO:
            return divide(times * prod(values), by)
        case Op.DIVIDED:
            return divide(times * values[0], values[1])
        case Op.STEPS:
            return -(-values[0] // values[1]) * values[1]
        case Op.POWER:
            return int((by + values[0]) ** times)
        case Op.GIVEN:
            raise AssertionError("what is given is not computed")


class Untraceable(Conflict):
    """A figure does not follow from what its trace names."""

    code = "untraceable"


def check_trace(figures: Iterable[Figure]) -> int:
    """Compute every figure again from those before it and return how many there are.

    Raises Untraceable naming the first that differs, or that names what is not there.
    """
    known: dict[str, int] = {}
    for figure in figures:
        if figure.name in known:
            raise Untraceable(f"推算表中“{figure.name}”出现了两次", name=figure.name)
        if any(part not in known for part in figure.of):
            raise Untraceable(f"推算表中“{figure.label}”引用了不存在的数", name=figure.name)
        if figure.op is Op.GIVEN:
            if not figure.source:
                raise Untraceable(f"推算表中“{figure.label}”没有出处", name=figure.name)
        else:
            found = compute(figure.op, [known[p] for p in figure.of], figure.times, figure.by)
            if found != figure.value:
                raise Untraceable(
                    f"推算表中“{figure.label}”应为 {found}，实为 {figure.value}", name=figure.name
                )
        known[figure.name] = figure.value
    return len(known)


def roots_of(figures: Iterable[Figure], name: str) -> Iterator[Figure]:
    """Yield what a figure rests on in the end: everything given below it, each once.

    Raises Untraceable for a name that the trace does not hold.
    """
    known = {figure.name: figure for figure in figures}
    waiting, seen = [name], set[str]()
    while waiting:
        each = waiting.pop(0)
        if each in seen:
            continue
        seen.add(each)
        figure = known.get(each)
        if figure is None:
            raise Untraceable(f"推算表中没有“{each}”这个数", name=each)
        if figure.op is Op.GIVEN:
            yield figure
        waiting.extend(figure.of)


_UNITS: Final = {
    "token": "token",
    "request": "次",
    "item": "件",
    "ppm": "（百万分率）",
    "milli": "（千分之一）",
    "percent": "（百分之一）",
    "parts": "（十亿分之一天）",
    "e2": "（百分之一）",
    "fen_ppm": "（百万分之一分）",
    "none": "",
    "day": "天",
}


def formula_of(figure: Figure) -> str:
    """Say how a figure follows from those below it: in its own words, and exactly."""
    exact = exact_of(figure)
    return f"{figure.words}（{exact}）" if figure.words else exact


def exact_of(figure: Figure) -> str:
    """Say how to compute a figure from those below it."""
    times = f"{figure.times:,} × " if figure.times != 1 else ""
    by = f" ÷ {figure.by:,}" if figure.by != 1 else ""
    return {
        Op.SUM: "各项之和",
        Op.MINUS: "第一项 − 其余各项",
        Op.EXCESS: "第一项 − 其余各项，不小于零",
        Op.RATIO: f"{times}各项之积{by}，四舍五入",
        Op.DIVIDED: f"{times}第一项 ÷ 第二项，四舍五入",
        Op.POWER: f"（{figure.by:,} + 第一项）的 {figure.times} 次方",
        Op.STEPS: "第一项向上取整到第二项的整数倍",
    }[figure.op]


def value_of(figure: Figure) -> str:
    """Write a figure in its unit."""
    if figure.unit == "fen":
        return f"{plain(figure.value, FEN)} {figure.currency}"
    if figure.unit == "pico":
        return f"{plain(figure.value, PICO)} {figure.currency}"
    if figure.unit == "e8":
        return plain(figure.value, 10**8)
    return f"{figure.value:,} {_UNITS.get(figure.unit, figure.unit)}".rstrip()
