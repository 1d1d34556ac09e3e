"""Compare what a closing drew with the slow oracle: terms, what is carried, tax lines, totals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from yuejie.assurance.history import History, Sheet, Version
from yuejie.assurance.oracle import Difference, half_away
from yuejie.assurance.sharing import Taxed, exact_tax, part_of_projects, spread, taxes
from yuejie.assurance.terms import OTHERS, TERMS, Reckoner, TermLine
from yuejie.bills.bill import Bill, BillLine

_SHARED: Final = 2
"""Fen by which the tax of a part may differ from its own rounding when it is not known with whom
it was drawn: the month was rounded once, and the rounding shared."""


def check_terms(history: History, sheet: Sheet) -> Iterator[Difference]:
    """Compare discounts, packages, minimum, fees, adjustments, vouchers, purchases: each line.

    A part that was drawn anew is proved against the others as they stood; what they say of months
    that it did not look at is proved of all parts together.
    """
    sheet = sheet.standing(history)
    if sheet.disturbed(history):
        return
    version = history.contract(sheet.month, sheet.drawn_at)
    if version is None:
        yield Difference("合同", sheet.parts[0].contract_id, "没有生效的合同")
        return
    if not sheet.redrawn(history):
        yield from _check_parts(history, sheet, version)
        return
    newest = sheet.newest()
    looked_at = _looked_at(history, newest)
    yield from _check_together(history, newest, looked_at)
    if len(newest.parts) < len(sheet.parts):
        yield from _check_rest(history, sheet, newest, looked_at)


def _check_parts(history: History, sheet: Sheet, version: Version) -> Iterator[Difference]:
    """Compare part by part what one closing drew."""
    reckoner, metered = _reckoner(history, sheet)
    owed = reckoner.owed(_looked_at(history, sheet), sheet.month, version.currency)
    parts = part_of_projects(history, sheet, version.terms)
    stood = [bill for bill in sheet.before(history) if bill.currency == version.currency]
    before = [line for bill in stood for line in bill.lines if line.metered]
    proved = spread(owed, parts, before + metered, metered, version.terms)
    for grant_id, fen in reckoner.purchases(sheet.month, version.currency).items():
        key = TermLine(str(sheet.month), "package_purchase", grant_id)
        proved.setdefault("", Counter())[key] += fen
    printed = {bill.part: _terms_of(bill) for bill in sheet.parts}
    for bill in sheet.parts:
        for line in bill.lines:
            if line.metered and parts[line.project_id] != bill.part:
                what = f"{bill.part} 第 {line.position} 行所属账单"
                yield Difference(what, bill.part, parts[line.project_id])
    for part in sorted({*printed, *proved}):
        yield from _compare(part, printed.get(part, Counter()), proved.get(part, Counter()))


def _check_rest(
    history: History, sheet: Sheet, newest: Sheet, settled: AbstractSet[str]
) -> Iterator[Difference]:
    """Compare what the parts say of months that the newest did not look at.

    What the newest printed before it was drawn anew is not kept, so nobody knows any more what it
    left of a voucher to the others. One of three must explain them: all that stood when it was
    drawn anew; what stood when they were drawn, without it; or with it as it is now.
    """
    months = _looked_at(history, sheet) - settled
    found = list(_check_together(history, sheet, months, settled=settled))
    if not found:
        return
    rest = sheet.without(newest)
    for beside in ((), newest.parts):
        if not [*_check_together(history, rest, months, settled=settled, beside=beside)]:
            return
    yield from found


def _check_together(
    history: History,
    sheet: Sheet,
    months: AbstractSet[str],
    *,
    settled: AbstractSet[str] = frozenset(),
    beside: Sequence[Bill] | None = None,
) -> Iterator[Difference]:
    """Compare what the parts of a sheet that was drawn anew say together, month by month.

    What they print of settled months is proved, and is what it is: a voucher that was left to the
    others is drawn from what these months left, whatever a later closing would have left.
    `beside` are the parts of the month that stand for those there were, if not all there are now.
    """
    version = history.contract(sheet.month, sheet.drawn_at)
    if version is None:
        yield Difference("合同", sheet.parts[0].contract_id, "没有生效的合同")
        return
    reckoner, _ = _reckoner(history, sheet, beside)
    reckoner.keep(settled, (line for bill in sheet.parts for line in bill.lines))
    names = [bill.part for bill in sheet.parts]
    # Drawn anew alone, a part takes what is meant for it; the customer's own waits for the head.
    if names != [""]:
        reckoner.only({line.refers_to for bill in sheet.parts for line in bill.lines})
    proved: Counter[TermLine] = Counter()
    for owed in reckoner.owed(months, sheet.month, version.currency):
        proved[owed.line] += owed.fen
    if "" in names:
        for grant_id, fen in reckoner.purchases(sheet.month, version.currency).items():
            proved[TermLine(str(sheet.month), "package_purchase", grant_id)] += fen
    printed: Counter[TermLine] = Counter()
    for bill in sheet.parts:
        printed.update(_terms_of(bill))
    compared = [
        Counter({key: fen for key, fen in each.items() if key.month not in settled})
        for each in (printed, proved)
    ]
    yield from _compare("", *compared)


def _reckoner(
    history: History, sheet: Sheet, beside: Sequence[Bill] | None = None
) -> tuple[Reckoner, list[BillLine]]:
    """Return a reckoner that knows what stood before a sheet in its currency, and its own usage."""
    metered = [line for bill in sheet.parts for line in bill.lines if line.metered]
    stood = sheet.before(history)
    if beside is not None:
        stood = [bill for bill in stood if bill.epoch != sheet.epoch] + [*beside]
    currency = sheet.parts[0].currency
    before = [line for bill in stood if bill.currency == currency for line in bill.lines]
    epoch = sheet.judged_epoch(history)
    return Reckoner(history, sheet.drawn_at, before, metered, epoch=epoch), metered


def _looked_at(history: History, sheet: Sheet) -> set[str]:
    months = {str(line.service_month) for bill in sheet.parts for line in bill.lines}
    months |= history.reopened(sheet.month, sheet.drawn_at)
    return {label for label in months if label <= str(sheet.month)}


def _terms_of(bill: Bill) -> Counter[TermLine]:
    found: Counter[TermLine] = Counter()
    for line in bill.lines:
        if line.kind in TERMS | OTHERS | {"package_purchase"}:
            key = TermLine(str(line.service_month), str(line.kind), line.refers_to)
            found[key] += line.amount_fen
    return found


def _compare(
    part: str, printed: Mapping[TermLine, int], proved: Mapping[TermLine, int]
) -> Iterator[Difference]:
    for key in sorted({*printed, *proved}):
        if printed.get(key, 0) != proved.get(key, 0):
            what = " ".join(word for word in (part, *key) if word)
            yield Difference(what, str(printed.get(key, 0)), str(proved.get(key, 0)))


def check_carried(history: History, sheet: Sheet, bill: Bill) -> Iterator[Difference]:
    """Compare what a part gave back and carried on with what was open, and with its own total."""
    sheet = Sheet(sheet.month, sheet.epoch, (bill,))  # others may have been drawn anew since
    if sheet.disturbed(history):
        return
    version = history.contract(sheet.month, sheet.drawn_at)
    terms: Mapping[str, Any] = version.terms if version else {}
    known = {"", *part_of_projects(history, sheet, terms).values()}
    waiting: Counter[str] = Counter()
    for other in (each for each in sheet.before(history) if each.currency == bill.currency):
        for line in other.lines:
            origin = line.refers_to or other.part
            if line.kind == "carried" and (
                origin == bill.part or (bill.part == "" and origin not in known)
            ):
                waiting[origin] += line.amount_fen
    rest = [line.amount_fen for line in bill.lines if line.kind != "carried"]
    carried = Counter[str]()
    for line in bill.lines:
        if line.kind == "carried":
            carried[line.refers_to or bill.part] += line.amount_fen
    owing = -waiting.total()
    due = max(owing, -sum(rest)) if rest else max(owing, 0)
    if carried.total() != due:
        yield Difference("结转", str(carried.total()), str(due))
    for origin in sorted({*waiting, *carried} - {bill.part} if bill.lines else ()):
        if carried[origin] != -waiting[origin]:
            yield Difference(f"结转 {origin}", str(carried[origin]), str(-waiting[origin]))


def check_taxes(history: History, sheet: Sheet) -> dict[str, list[Difference]]:
    """Compare tax lines, and the tax on every line, by part."""
    version = next(
        (
            v
            for v in history.versions
            if (v.contract_id, v.version)
            == (sheet.parts[0].contract_id, sheet.parts[0].contract_version)
        ),
        None,
    )
    if version is None:
        return {"": [Difference("合同版本", sheet.parts[0].contract_id, "无此版本")]}
    known = [bill for bill in sheet.parts if bill.closed_at == history.ended_at[sheet.epoch]]
    together = _taxed(sheet.parts, version) if len(known) == len(sheet.parts) else {}
    found: dict[str, list[Difference]] = {}
    for bill in sheet.parts:
        taxed = together.get(bill.part)
        if taxed is None and (bill not in known or len(sheet.parts) == 1):
            taxed = _taxed([bill], version)[bill.part]
        found[bill.part] = list(_nearly(bill) if taxed is None else _exactly(bill, taxed))
    return found


def _taxed(bills: list[Bill] | tuple[Bill, ...], version: Version) -> dict[str, Taxed]:
    grouping = version.terms.get("tax_grouping", "single")
    parts = {bill.part: bill.lines for bill in bills}
    return taxes(parts, version.tax_mode, version.tax_ppm, grouping)


def _exactly(bill: Bill, taxed: Taxed) -> Iterator[Difference]:
    printed = {
        (line.project_id or "", line.model or ""): (line.net_fen, line.tax_fen)
        for line in bill.tax_lines
    }
    for group in sorted({*printed, *taxed.groups}):
        one, other = printed.get(group), taxed.groups.get(group)  # type: ignore[call-overload]  # why: a group is a pair
        if one != other:
            yield Difference(f"计税行 {'/'.join(group) or '全部'}", str(one), str(other))
    for line in bill.lines:
        due = taxed.lines.get(line.position, 0)
        if line.tax_fen != due or (line.tax_line is None) != (line.position not in taxed.lines):
            yield Difference(f"第 {line.position} 行税额", str(line.tax_fen), str(due))


def _nearly(bill: Bill) -> Iterator[Difference]:
    """Check what holds whoever it was drawn with: sums, and tax within the shared rounding."""
    for tax_line in bill.tax_lines:
        own = [line for line in bill.lines if line.tax_line == tax_line.position]
        exact = exact_tax(sum(line.amount_fen for line in own), str(bill.tax_mode), bill.tax_ppm)
        sums = sum(line.net_fen for line in own), sum(line.tax_fen for line in own)
        if sums != (tax_line.net_fen, tax_line.tax_fen):
            yield Difference(f"计税第 {tax_line.position} 行", str(tax_line.gross_fen), str(sums))
        if abs(tax_line.tax_fen - half_away(exact)) > _SHARED:
            what = f"计税第 {tax_line.position} 行税额"
            yield Difference(what, str(tax_line.tax_fen), str(half_away(exact)))


def check_totals(bill: Bill) -> Iterator[Difference]:
    """Add every line again, and the tax lines with what has no fapiao."""
    inside = bill.tax_mode == "inclusive"
    for line in bill.lines:
        if line.net_fen + (line.tax_fen if inside else 0) != line.amount_fen:
            yield Difference(f"第 {line.position} 行不含税", str(line.net_fen), "与金额不合")
    net = sum(line.net_fen for line in bill.lines)
    tax = sum(line.tax_fen for line in bill.lines)
    loose = sum(line.net_fen for line in bill.lines if line.tax_line is None)
    pairs = [
        ("不含税合计", bill.net.fen, net),
        ("税额", bill.tax.fen, tax),
        ("价税合计", bill.gross.fen, net + tax),
    ]
    if bill.seal_form > 1 or bill.seal is None:
        pairs.append(
            (
                "计税行与不开票部分",
                sum(t.net_fen + t.tax_fen for t in bill.tax_lines) + loose,
                net + tax,
            )
        )
    yield from (Difference(what, str(is_), str(be)) for what, is_, be in pairs if is_ != be)
