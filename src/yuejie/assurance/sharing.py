"""The slow oracle of parts and tax lines: who bears what of a month, and the tax in it.

Its own grouping, its own sharing by exact fractions; nothing of `bills` but the lines themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

from yuejie.assurance.history import History, Sheet
from yuejie.assurance.oracle import half_away
from yuejie.assurance.terms import METERED, Owed, TermLine, share
from yuejie.bills.bill import BillLine

_PPM: Final = 10**6
UNTAXED: Final = {"package", "package_purchase"}


class Group(NamedTuple):
    """What a tax line groups by."""

    project_id: str
    model: str


@dataclass(frozen=True, slots=True)
class Taxed:
    """What a part's tax lines should be, and the tax of each of its lines by position."""

    groups: Mapping[Group, tuple[int, int]]
    lines: Mapping[int, int]


def part_of_projects(history: History, sheet: Sheet, terms: Mapping[str, Any]) -> dict[str, str]:
    """Return the part that each project is billed in."""
    split = terms.get("split", "merged")
    above = {spot.project_id: spot.parent_id for spot in history.spots}
    units: dict[str, str] = {}
    begun = [
        each
        for each in history.assigned
        if each.since <= str(sheet.month) and each.assigned_at <= sheet.drawn_at
    ]
    for each in sorted(begun, key=lambda a: (a.since, a.assigned_at)):
        units[each.project_id] = each.unit_id
    found: dict[str, str] = {}
    for spot in history.spots:
        if split == "project":
            found[spot.project_id] = f"project:{spot.project_id}"
        elif split == "department" and spot.department:
            found[spot.project_id] = f"department:{spot.department}"
        elif split == "unit":
            at: str | None = spot.project_id
            while at is not None and at not in units:
                at = above.get(at)
            found[spot.project_id] = f"unit:{units[at]}" if at is not None else ""
        else:
            found[spot.project_id] = ""
    return found


def spread(
    owed: Sequence[Owed],
    parts: Mapping[str, str],
    lines: Iterable[BillLine],
    own: Iterable[BillLine],
    terms: Mapping[str, Any],
) -> dict[str, Counter[TermLine]]:
    """Return what of each amount stands in which part.

    `lines` are all metered lines that count, `own` those of the sheet itself.
    """
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        weights[str(line.service_month)][parts[line.project_id]] += line.amount_fen
    head = sum(line.amount_fen for line in own if parts[line.project_id] == "")
    head += sum(each.fen for each in owed if not each.part)
    to_all = terms.get("head_share", "head") == "apportioned"
    found: dict[str, Counter[TermLine]] = defaultdict(Counter)
    known = {"", *parts.values()}
    for each in owed:
        usage = {p: w for p, w in sorted(weights[each.line.month].items()) if w > 0}
        if each.part in known and each.part is not None:
            found[each.part][each.line] += each.fen
        elif usage and (to_all or (each.fen < 0 and head < 0)):
            for part, fen in zip(usage, share(each.fen, list(usage.values())), strict=True):
                found[part][each.line] += fen
        else:
            found[""][each.line] += each.fen
    return {part: Counter({k: v for k, v in c.items() if v}) for part, c in found.items()}


def taxes(
    parts: Mapping[str, Sequence[BillLine]], mode: str, ppm: int, grouping: str
) -> dict[str, Taxed]:
    """Compute the tax of parts that are drawn together: per group once, then shared."""
    home: dict[str, Group] = {}
    sizes: Counter[Group] = Counter()
    for lines in parts.values():
        for line in lines:
            if line.kind not in UNTAXED:
                home[line.line_id] = _group(line, grouping)
                sizes[home[line.line_id]] += line.amount_fen
    largest = max(sizes, key=lambda g: (sizes[g], g)) if sizes else Group("", "")
    folded = {g for g in sizes if sizes[g] < 0 and g != largest}
    home = {line_id: largest if g in folded else g for line_id, g in home.items()}
    found: dict[str, dict[Group, tuple[int, int]]] = {part: {} for part in parts}
    shares: dict[str, dict[int, int]] = {part: {} for part in parts}
    for group in sorted(set(home.values())):
        inside = {
            part: [line for line in lines if home.get(line.line_id) == group]
            for part, lines in sorted(parts.items())
        }
        amounts = [sum(line.amount_fen for line in lines) for lines in inside.values()]
        tax = half_away(exact_tax(sum(amounts), mode, ppm))
        for (part, lines), fen in zip(
            inside.items(), _shares(tax, amounts, mode, ppm), strict=True
        ):
            if lines:
                whole = [line.amount_fen for line in lines]
                net = sum(whole) - (fen if mode == "inclusive" else 0)
                found[part][group] = (net, fen)
                own = _shares(fen, whole, mode, ppm)
                shares[part] |= {line.position: f for line, f in zip(lines, own, strict=True)}
    return {part: Taxed(found[part], shares[part]) for part in parts}


def exact_tax(amount_fen: int, mode: str, ppm: int) -> Fraction:
    """Return the tax in, or on, an amount before any rounding."""
    return Fraction(amount_fen * ppm, _PPM + ppm if mode == "inclusive" else _PPM)


def _group(line: BillLine, grouping: str) -> Group:
    if line.kind in METERED and grouping == "model":
        return Group("", line.model)
    if line.kind in {*METERED, "cloud"} and grouping == "project":
        return Group(line.project_id, "")
    return Group("", "")


def _shares(tax: int, amounts: Sequence[int], mode: str, ppm: int) -> list[int]:
    """Share a tax: in proportion where amounts have one sign, else each its own; then the rest."""
    whole = sum(amounts)
    if min(amounts) < 0 < max(amounts):
        exact = [exact_tax(amount, mode, ppm) for amount in amounts]
    elif whole == 0:
        return share(tax, [0 for _ in amounts])
    else:
        exact = [Fraction(tax * amount, whole) for amount in amounts]
    parts = [each.numerator // each.denominator for each in exact]
    rests = [each - part for each, part in zip(exact, parts, strict=True)]
    every, some = divmod(tax - sum(parts), len(parts))
    first = sorted(range(len(parts)), key=lambda i: (-rests[i], i))[:some]
    return [part + every + (i in first) for i, part in enumerate(parts)]
