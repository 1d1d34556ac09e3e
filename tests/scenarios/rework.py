"""A figure of a quote computed again, by other means than the house's: fractions and plain readers.

What is given is read from what the test handed in (form, ask, price list, CSV, calendar), by the
source that the trace names; what follows is worked out with fractions and rounded once.
"""

import csv
import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.scenarios.seeds import Seed
from tests.scenarios.test_presales import SALE
from yuejie.kernel.workdays import is_workday
from yuejie.presales.proposal.traced.sources import PriceRow
from yuejie.presales.trace import Figure

SCALE = {
    "fen": 100, "pico": 10**12, "ppm": 10**6, "milli": 1_000, "e8": 10**8, "e2": 100,
    "percent": 100, "parts": 10**9, "fen_ppm": 10**8,
}  # fmt: skip
CASES = ("low", "expected", "high")
RULES: dict[str, int | Fraction] = {
    "credit.medium.deposit_months_least": 0,
    "credit.medium.deposit_months_most": 1,
    "credit.medium.payment_days": 15,
    "credit.startup.deposit_months_least": 1,
    "credit.startup.deposit_months_most": 2,
    "credit.startup.payment_days": 7,
    "contract.one_year.notice_days": 30,
    "contract.unsure_times": 2,
    "advice.batch_hours": 24,
    "advice.notable": Fraction(1, 100),
}
"""product.md D1 and D2, and the rules of advice, typed again."""
MODELS = {"gpt-4o": 128_000, "claude": 128_000, "tiny-8k": 900, "short-1": 100}
OFFICE_HOURS = Fraction(94, 10)
FX = Fraction("7.10")
TAX = Fraction(6, 100)


def number(text: object) -> Fraction:
    """Read 1,234.50 or 6% exactly."""
    plain = str(text).replace(",", "").strip("¥$ ")
    return Fraction(plain[:-1]) / 100 if plain.endswith("%") else Fraction(plain)


def rounded(value: Fraction) -> int:
    """Round half away from zero."""
    return (1 if value > 0 else -1) * int(abs(value) + Fraction(1, 2))


class Again:
    """Computes a quote's figures again, each once."""

    def __init__(self, seed: Seed, rows: Mapping[int, PriceRow]) -> None:
        self.seed = seed
        self.rows = rows
        self.known: dict[str, int] = {}
        for figure in seed.quote.body.trace:
            self.known[figure.name] = self._value(figure)

    def _value(self, figure: Figure) -> int:
        if figure.op == "given":
            told = self._given(figure) * SCALE.get(figure.unit, 1)
            assert told.denominator == 1, figure
            return int(told)
        parts = [Fraction(self.known[name]) for name in figure.of]
        return rounded(self._follows(figure, parts))

    @staticmethod
    def _follows(figure: Figure, parts: list[Fraction]) -> Fraction:
        match str(figure.op):
            case "sum":
                return sum(parts, Fraction(0))
            case "minus":
                return parts[0] - sum(parts[1:])
            case "excess":
                return max(Fraction(0), parts[0] - sum(parts[1:]))
            case "ratio":
                found = Fraction(figure.times, figure.by)
                for part in parts:
                    found *= part
                return found
            case "divided":
                return figure.times * parts[0] / parts[1]
            case "power":
                return (figure.by + parts[0]) ** figure.times
            case "steps":
                return -(-parts[0] // parts[1]) * parts[1]
        raise AssertionError(figure.op)

    def _given(self, figure: Figure) -> Fraction:
        kind, _, what = figure.source.partition(":")
        if figure.name == "volume.hours":
            return OFFICE_HOURS
        readers: dict[str, Callable[[], Fraction]] = {
            "form": lambda: self._form(figure.name, what),
            "rate": lambda: self._rate(int(what)),
            "fx": lambda: FX,
            "terms": lambda: self._term(figure.name, what),
            "calendar": lambda: self._days(what),
            "file": lambda: self._past(figure, what),
            "rule": lambda: Fraction(RULES[what]),
            "model": lambda: Fraction(MODELS[what.rpartition(".")[0]]),
            "left_out": lambda: Fraction(0),
            "assumed": lambda: self._told(figure.name, what),
            "customer": lambda: self._told(figure.name, what),
            "document": lambda: self._told(figure.name, what),
        }
        return readers[kind]()

    def _form(self, name: str, path: str) -> Fraction:
        """Read a field of the form; of a range the case that the figure's name ends with."""
        if path == "prepaid.rates":
            model, meter = re.fullmatch(r"prepaid\.rate\.(.+)\.(\w+)", name).groups()  # type: ignore[union-attr]  # why: it does
            (rates,) = [r for r in self.seed.ask["prepaid"]["rates"] if r["model"] == model]
            return number(rates[meter]) / 10**6
        defaults = {"volume.growth": "0%", "volume.calls_per_item": "1", "months": "12"}
        found: Any = self.seed.form
        for step in path.split("."):
            found = found.get(step, defaults.get(path)) if isinstance(found, Mapping) else found
        if isinstance(found, Mapping):
            found = found[name.rpartition(".")[2]]
        return number(found)

    def _rate(self, rate_id: int) -> Fraction:
        """Read a price from the text of the list: dollars a token."""
        row = self.rows[rate_id]
        assert (row.book_id, row.row.revision) == ("sale", 1)
        assert f"{row.starts_at:%Y-%m-%d}" == "2026-01-01"
        listed = tomllib.loads(SALE)["models"][row.row.model]
        tier = (
            listed if row.row.service_tier == "default" else listed["tiers"][row.row.service_tier]
        )
        return number(tier[row.row.meter]) / 10**6

    def _term(self, name: str, path: str) -> Fraction:
        plan_name, _, field = path.partition(".")
        if field == "tax":
            return TAX
        (plan,) = [each for each in self.seed.ask["plan"] if each["name"] == plan_name]
        terms = plan.get("terms", {})
        if field == "discount":
            return 1 - number(plan["discount"][0]["discount"])
        if field == "management_fee":
            return number(plan["management_fee"])
        if field == "commitment":
            return number(terms["commitment"]["amount"])
        if field.startswith("tier_discount."):
            step = terms["tier_discount"]["steps"][int(field.rpartition(".")[2]) - 1]
            return number(step["above" if name.endswith("from") else "discount"])
        if field == "offered" and name.endswith(".sla"):
            return number(terms["sla"]["availability"])
        if field == "offered":
            return Fraction(
                RULES[f"credit.{self.seed.quote.body.proposal.credit_class}.payment_days"]
            )
        raise AssertionError(path)

    def _days(self, month: str) -> Fraction:
        """Count a month's day units: off days by their share, promotions by their factor."""
        volume = self.seed.form["volume"]
        off = number(volume.get("off_days", "0%")) if volume.get("days") == "workdays" else 1
        day, found = date.fromisoformat(f"{month}-01"), Fraction(0)
        while f"{day:%Y-%m}" == month:
            share = Fraction(1) if is_workday(day) else Fraction(off)
            factors = [
                number(each["factor"])
                for each in volume.get("promotion", [])
                if each["first"] <= str(day) <= each["last"]
            ]
            found += share * max(factors, default=Fraction(1))
            day += timedelta(days=1)
        return found

    def _past(self, figure: Figure, sha256: str) -> Fraction:
        """Sum a month of the prospect's file; the lines that the trace names hold all of it."""
        assert self.seed.file is not None
        assert hashlib.sha256(self.seed.file.read_bytes()).hexdigest() == sha256
        found = re.fullmatch(
            r"(?:usage(?:\[.*?\])?|past)\.(\d{4}-\d{2})\..*?\.(input|output)(\.\d+)?", figure.name
        )
        assert found, figure.name
        with self.seed.file.open(newline="", encoding="utf-8") as file:
            rows = [(at, row) for at, row in enumerate(csv.DictReader(file), 2)]
        own = [(at, row) for at, row in rows if row["started_at"].startswith(found[1])]
        lines = [at for at, _ in own]
        span = f"{lines[0]}–{lines[-1]}" if len(lines) > 1 else f"{lines[0]}"
        assert figure.words == f"{self.seed.file.name} 第 {span} 行"
        return Fraction(sum(int(row[found[2]]) for _, row in own))

    def _told(self, name: str, why: str) -> Fraction:
        """Read what was told of prepayment or of another offer."""
        ask = self.seed.ask
        keys = {"capital": "capital_per_year", "wait": "wait_days", "payment_days": "wait_days"}
        if name.startswith("prepaid."):
            key = name.removeprefix("prepaid.")
            told = ask["prepaid"][keys.get(key, key)]
            assert told["why"] == why
            return number(told["value"])
        _, at, key = name.split(".", 2)
        offer = ask["offer"][int(at)]
        assert offer["source"] == why
        if key.startswith("rate."):
            return number(offer["rates"][0][key.rpartition(".")[2]]) / 10**6
        field = {"ahead.days": "payment_days"}.get(key, key.removesuffix(".told"))
        return abs(number(offer.get(field, 0)))


# ── the formulas as they are printed ────────────────────────────────────────────────────────────


def worth(formula: str) -> Fraction | None:
    """Work out a formula as it is printed; None where a long sum is shortened."""
    if "…" in formula:
        return None
    inner = re.fullmatch(r"max\(0, (.*)\)", formula)
    if inner:
        return max(Fraction(0), worth(inner[1]) or Fraction(0))
    power = re.fullmatch(r"\((\S+) \+ (\S+)\)\^(\d+)", formula)
    if power:
        return (number(power[1]) + number(power[2])) ** int(power[3])
    steps = re.fullmatch(r"⌈(\S+) ÷ (\S+)⌉ × \S+", formula)
    if steps:
        return -(-number(steps[1]) // number(steps[2])) * number(steps[2])
    total = Fraction(0)
    for sign, term in re.findall(r"(^|\+ |− )(.+?)(?= [+−] |$)", formula):
        pieces = re.split(r" ([×÷]) ", term)
        value = number(pieces[0])
        for operator, piece in zip(pieces[1::2], pieces[2::2], strict=True):
            value = value * number(piece) if operator == "×" else value / number(piece)
        total += -value if sign == "− " else value
    return total
