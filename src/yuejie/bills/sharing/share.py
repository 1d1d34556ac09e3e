"""Divide a month's bills among projects, to the fen. Pure.

Each line is divided by itself, net and tax each by largest remainder with ties to the earlier
project by name, so the parts add up to the bill whatever the rules; the same lines, rules and tree
give the same parts in any order. A project that a rule names stands for all below it: its share
goes on within its tree by what each there used, or stays with it where nobody did.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import NamedTuple

from yuejie.bills.bill import METERED, BillLine, LineKind
from yuejie.bills.closing.lines import Place
from yuejie.bills.sharing.rule import Method, Rules, ShareRule
from yuejie.kernel.money import apportion


class Cell(NamedTuple):
    """What a project bears of one kind of line, and by which rule; no rule: it is its own."""

    project_id: str
    kind: LineKind
    rule_id: str | None


@dataclass(slots=True)
class Borne:
    """Fen before tax, and the tax on them."""

    net_fen: int = 0
    tax_fen: int = 0

    @property
    def gross_fen(self) -> int:
        """What is paid for it."""
        return self.net_fen + self.tax_fen


BY_USE = "by_use"
"""Stands for the rule where a customer has made none: by what each project's own lines come to."""


def divide_lines(
    lines: Iterable[BillLine], rules: Rules, places: Mapping[str, Place]
) -> dict[Cell, Borne]:
    """Return who bears what of lines; the sum is the sum of the lines.

    What no project can bear, since the customer has none, is borne by the project "".
    """
    listed = list(lines)
    tree = _Tree(places, _own(listed), rules.shared)
    found: dict[Cell, Borne] = defaultdict(Borne)
    for line in listed:
        rule = rules.of_project(line.project_id) if line.project_id else rules.about(line.kind)
        if line.project_id and rule is None:
            _add(found, Cell(line.project_id, line.kind, None), line.net_fen, line.tax_fen)
            continue
        weights = tree.weights(rule)
        nets = apportion(line.net_fen, list(weights.values()))
        taxes = apportion(line.tax_fen, list(weights.values()))
        for project_id, net, tax in zip(weights, nets, taxes, strict=True):
            cell = Cell(project_id, line.kind, rule.rule_id if rule else BY_USE)
            _add(found, cell, net, tax)
    return {cell: borne for cell, borne in found.items() if borne.net_fen or borne.tax_fen}


def _add(found: dict[Cell, Borne], cell: Cell, net: int, tax: int) -> None:
    found[cell].net_fen += net
    found[cell].tax_fen += tax


def _own(lines: Sequence[BillLine]) -> Counter[str]:
    """Return what each project's own lines come to before tax: usage and its clouds."""
    found: Counter[str] = Counter()
    for line in lines:
        if line.project_id and (line.kind in METERED or line.kind is LineKind.CLOUD):
            found[line.project_id] += line.net_fen
    return found


@dataclass(frozen=True, slots=True)
class _Tree:
    """A customer's projects, what each used, and which of them bear nothing."""

    places: Mapping[str, Place]
    own: Mapping[str, int]
    shared: frozenset[str]

    def weights(self, rule: ShareRule | None) -> dict[str, int]:
        """Return whole weights of projects, in the order in which ties are broken."""
        if rule is None or not rule.weights:
            equal = rule is not None and rule.method is Method.EQUAL
            return self._within(self._bearing(self.places), equal=equal)
        named = {each: rule.weights.get(each, 1) for each in self._bearing(rule.weights)}
        if rule.method is Method.PROPORTIONAL:
            below = {each: None for node in named for each in self._under(node)}
            return self._within(self._bearing(below), equal=False)
        if rule.method is Method.EQUAL:
            named = dict.fromkeys(named, 1)
        return self._spread(named)

    def _bearing(self, projects: Iterable[str]) -> list[str]:
        found = [each for each in projects if each in self.places and each not in self.shared]
        return sorted(found, key=lambda each: (self.places[each].name, each)) or [""]

    def _within(self, projects: Sequence[str], *, equal: bool) -> dict[str, int]:
        """Weigh projects by what they used; equally where that is asked, or where none did."""
        used = {each: max(0, self.own.get(each, 0)) for each in projects}
        if equal:
            active = [each for each in projects if self.own.get(each)] or projects
            return dict.fromkeys(active, 1)
        return used if any(used.values()) else dict.fromkeys(projects, 1)

    def _under(self, node: str) -> list[str]:
        """Return a project and everything below it."""
        found = [node]
        for each in found:
            found += self._children(each)
        return found

    def _spread(self, named: Mapping[str, int]) -> dict[str, int]:
        """Take each named project's weight on to those below it, exactly, over one denominator."""
        inside = {node: self._inside(node, named) for node in named}
        whole = lcm(*(sum(shares.values()) for shares in inside.values()))
        found: Counter[str] = Counter()
        for node, shares in inside.items():
            each_part = whole // sum(shares.values())
            for project_id, share in shares.items():
                found[project_id] += named[node] * share * each_part
        return {each: found[each] for each in self._bearing(found)}

    def _inside(self, node: str, named: Mapping[str, int]) -> dict[str, int]:
        """Weigh a named project's tree by use; what is named by itself is a tree of its own."""
        if node not in self.places:
            return {node: 1}
        tree = [node]
        for each in tree:
            tree += [child for child in self._children(each) if child not in named]
        used = {each: max(0, self.own.get(each, 0)) for each in self._bearing(tree)}
        return used if any(used.values()) else {node: 1}

    def _children(self, node: str) -> list[str]:
        return [each.project_id for each in self.places.values() if each.parent_id == node]
