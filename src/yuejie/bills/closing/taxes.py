"""The tax of a bill: lines group into tax lines, and each tax line has one rounding.

Pure. `net = round2(gross / (1 + r))` when prices include the tax, `tax = round2(net × r)` when
they do not; sums are sums of lines. The tax of a tax line is computed over the whole month, then
shared by largest remainder: first among the parts of a split bill, then down to the lines, so the
parts of a month add up to the merged bill to the fen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final, NamedTuple

from yuejie.bills.bill import UNTAXED, BillLine, TaxLine, TaxMode
from yuejie.contracts.terms import TaxGrouping
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import PPM, Money, apportion, divide

SERVICE: Final = "大模型API技术服务费"
"""What the fapiao calls the whole of it, where the contract groups no further."""


@dataclass(frozen=True, slots=True)
class TaxRule:
    """How a contract has its bills taxed."""

    mode: TaxMode
    tax_ppm: int
    grouping: TaxGrouping = TaxGrouping.SINGLE


_FIELDS: Final = [each.name for each in fields(BillLine)]
_VALUES: Final = attrgetter(*_FIELDS)
"""All fields at once: a bill of ten thousand lines is taxed each second that somebody watches."""
_NET, _TAX, _TAX_LINE = map(_FIELDS.index, ("net_fen", "tax_fen", "tax_line"))


class _Group(NamedTuple):
    project_id: str
    model: str


_WHOLE: Final = _Group("", "")


@dataclass(frozen=True, slots=True)
class Taxed:
    """A part's lines with their tax, and its tax lines."""

    lines: tuple[BillLine, ...]
    tax_lines: tuple[TaxLine, ...]

    @property
    def net_fen(self) -> int:
        """What all lines come to before tax."""
        return sum(line.net_fen for line in self.lines)

    @property
    def tax_fen(self) -> int:
        """The tax in all lines."""
        return sum(line.tax_fen for line in self.lines)


def tax_of(amount_fen: int, mode: TaxMode, tax_ppm: int) -> int:
    """Return the tax in, or on, a settled total; one rounding."""
    if mode is TaxMode.INCLUSIVE:
        return amount_fen - divide(amount_fen * PPM, PPM + tax_ppm)
    return divide(amount_fen * tax_ppm, PPM)


def tax_parts(
    parts: Mapping[str, Sequence[BillLine]], rule: TaxRule, project_names: Mapping[str, str]
) -> dict[str, Taxed]:
    """Tax the parts of a month together; the keys are those of `parts`."""
    groups = _grouped([line for lines in parts.values() for line in lines], rule)
    home = {line.line_id: group for group, lines in groups.items() for line in lines}
    sums: Counter[tuple[str, _Group]] = Counter()
    for name, lines in parts.items():
        for line in lines:
            if line.line_id in home:
                sums[name, home[line.line_id]] += line.amount_fen
    taxes: dict[tuple[str, _Group], int] = {}
    for group in groups:
        amounts = [sums[name, group] for name in parts]
        tax = tax_of(sum(amounts), rule.mode, rule.tax_ppm)
        for name, share in zip(parts, share_tax(tax, amounts, rule), strict=True):
            taxes[name, group] = share
    return {
        name: _part(lines, {g: taxes[name, g] for g in groups}, home, rule, project_names)
        for name, lines in parts.items()
    }


def _grouped(lines: Sequence[BillLine], rule: TaxRule) -> dict[_Group, list[BillLine]]:
    """Group taxed lines; a group that comes to less than nothing joins the largest.

    A fapiao has no line below zero of its own: a correction reduces what stands beside it.
    """
    groups: dict[_Group, list[BillLine]] = {}
    for line in lines:
        if line.kind not in UNTAXED:
            groups.setdefault(_group_of(line, rule.grouping), []).append(line)
    sizes = {group: sum(line.amount_fen for line in found) for group, found in groups.items()}
    if len(groups) > 1:
        largest = max(sizes, key=lambda group: (sizes[group], group))
        for group in [g for g, size in sizes.items() if size < 0 and g != largest]:
            groups[largest] += groups.pop(group)
    return dict(sorted(groups.items()))


def _group_of(line: BillLine, grouping: TaxGrouping) -> _Group:
    if grouping is TaxGrouping.MODEL and line.model:
        return _Group("", line.model)
    if grouping is TaxGrouping.PROJECT and line.project_id:
        return _Group(line.project_id, "")
    return _WHOLE


def _part(
    lines: Sequence[BillLine],
    taxes: Mapping[_Group, int],
    home: Mapping[LineId, _Group],
    rule: TaxRule,
    project_names: Mapping[str, str],
) -> Taxed:
    """Share each tax line's tax down to the lines of a part, and number its tax lines."""
    inside: dict[_Group, list[BillLine]] = {}
    for line in lines:
        if line.line_id in home:
            inside.setdefault(home[line.line_id], []).append(line)
    shares: dict[str, tuple[int, int]] = {}
    for position, group in enumerate(sorted(inside), 1):
        own = inside[group]
        parts = share_tax(taxes[group], [line.amount_fen for line in own], rule)
        for line, tax in zip(own, parts, strict=True):
            shares[line.line_id] = position, tax
    taxed = tuple(_taxed(line, shares.get(line.line_id), rule) for line in lines)
    tax_lines = (
        _tax_line(group, position, taxed, rule, project_names)
        for position, group in enumerate(sorted(inside), 1)
    )
    return Taxed(taxed, tuple(tax_lines))


def _taxed(line: BillLine, share: tuple[int, int] | None, rule: TaxRule) -> BillLine:
    position, tax = share or (None, 0)
    inside = tax if rule.mode is TaxMode.INCLUSIVE else 0
    values = list(_VALUES(line))
    values[_NET], values[_TAX], values[_TAX_LINE] = line.amount_fen - inside, tax, position
    return BillLine(*values)


def _tax_line(
    group: _Group,
    position: int,
    lines: Sequence[BillLine],
    rule: TaxRule,
    project_names: Mapping[str, str],
) -> TaxLine:
    own = [line for line in lines if line.tax_line == position]
    called = group.model or project_names.get(group.project_id, "")
    return TaxLine(
        position=position,
        item=f"{SERVICE}（{called}）" if called else SERVICE,
        project_id=group.project_id or None,
        model=group.model or None,
        tax_ppm=rule.tax_ppm,
        net_fen=sum(line.net_fen for line in own),
        tax_fen=sum(line.tax_fen for line in own),
    )


def totals(taxed: Taxed, currency: str) -> tuple[Money, Money, Money]:
    """Return net, tax and what is owed, as sums of the printed lines."""
    net, tax = Money(taxed.net_fen, currency), Money(taxed.tax_fen, currency)
    return net, tax, net + tax


def share_tax(tax: int, amounts: Sequence[int], rule: TaxRule) -> list[int]:
    """Share the tax of a group down to its amounts, exactly; by largest remainder.

    Where amounts have both signs, each takes its own tax, rounded down, and the missing fen go to
    the largest remainders: in proportion to a sum near nothing they would bear tax many times
    over.
    """
    if any(amount < 0 for amount in amounts) and any(amount > 0 for amount in amounts):
        base = PPM + rule.tax_ppm if rule.mode is TaxMode.INCLUSIVE else PPM
        parts = [amount * rule.tax_ppm // base for amount in amounts]
        rests = [amount * rule.tax_ppm % base for amount in amounts]
        order = sorted(range(len(parts)), key=lambda i: (-rests[i], i))
        whole, extra = divmod(tax - sum(parts), len(parts))
        ahead = set(order[:extra])
        return [part + whole + (i in ahead) for i, part in enumerate(parts)]
    return signed_apportion(tax, amounts)


def signed_apportion(total: int, amounts: Sequence[int]) -> list[int]:
    """Share `total` in proportion to amounts of one sign, exactly.

    Each share is its floor; the fen still missing go to the largest remainders, earlier first.
    """
    whole = sum(amounts)
    if whole == 0:
        return apportion(total, [abs(amount) for amount in amounts])
    parts = [total * amount // whole for amount in amounts]
    rests = [total * amount % whole for amount in amounts]
    short = total - sum(parts)
    order = sorted(range(len(parts)), key=lambda i: (-rests[i] * (1 if whole > 0 else -1), i))
    for i in order[:short]:
        parts[i] += 1
    return parts
