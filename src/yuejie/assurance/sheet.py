"""Compare what a closing drew with the slow oracle: terms, what is carried, tax lines, totals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yuejie.assurance.history import History, Sheet, Version
from yuejie.assurance.oracle import Difference
from yuejie.assurance.sharing import Taxed, part_of_projects, spread, taxes
from yuejie.assurance.terms import OTHERS, TERMS, Reckoner, TermLine
from yuejie.bills.bill import Bill, BillLine


def check_terms(history: History, sheet: Sheet) -> Iterator[Difference]:
    """Compare discounts, packages, minimum, fees, adjustments, vouchers, purchases: each line.

    First what the closing drew, its parts together; then each part that was drawn anew behind it,
    alone, with what the others said by then.
    """
    for drawn in sheet.drawn(history):
        version, before = history.contract(sheet.month, drawn.drawn_at), drawn.before(history)
        if version is None:
            yield Difference("合同", drawn.parts[0].contract_id, "没有生效的合同")
        elif before is not None:
            check = _check_alone if drawn.again else _check_parts
            yield from check(history, drawn, version, before)


def _check_parts(
    history: History, sheet: Sheet, version: Version, before: Sequence[Bill]
) -> Iterator[Difference]:
    """Compare part by part what one closing drew."""
    reckoner, metered = _reckoner(history, sheet, before)
    owed = reckoner.owed(_looked_at(history, sheet), sheet.month, version.currency)
    parts = part_of_projects(history, sheet, version.terms)
    stood = [bill for bill in before if bill.currency == version.currency]
    counted = [line for bill in stood for line in bill.lines if line.metered]
    proved = spread(owed, parts, counted + metered, metered, version.terms)
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


def _check_alone(
    history: History, sheet: Sheet, version: Version, before: Sequence[Bill]
) -> Iterator[Difference]:
    """Compare a part that was drawn anew: its usage stayed, and what terms give went to it."""
    (bill,) = sheet.parts
    reckoner, _ = _reckoner(history, sheet, before)
    # What is meant for another part waits for that; the customer's own waits for the head.
    if bill.part:
        reckoner.only({line.refers_to for line in bill.lines})
    proved: Counter[TermLine] = Counter()
    for owed in reckoner.owed(_looked_at(history, sheet), sheet.month, version.currency):
        proved[owed.line] += owed.fen
    if not bill.part:
        for grant_id, fen in reckoner.purchases(sheet.month, version.currency).items():
            proved[TermLine(str(sheet.month), "package_purchase", grant_id)] += fen
    yield from _compare(bill.part, _terms_of(bill), proved)


def _reckoner(
    history: History, sheet: Sheet, before: Sequence[Bill]
) -> tuple[Reckoner, list[BillLine]]:
    """Return a reckoner that knows what stood before a sheet in its currency, and its own usage."""
    metered = [line for bill in sheet.parts for line in bill.lines if line.metered]
    currency = sheet.parts[0].currency
    stood = [line for bill in before if bill.currency == currency for line in bill.lines]
    epoch = sheet.judged_epoch(history)
    return Reckoner(history, sheet.drawn_at, stood, metered, epoch=epoch), metered


def check_beside(history: History, sheet: Sheet) -> Iterator[Difference]:
    """Compare a bill in another currency than its month's: what waited there, and nothing else."""
    for drawn in sheet.drawn(history):
        before = drawn.before(history)
        if before is not None:
            yield from _check_beside(history, drawn, before)


def _check_beside(history: History, sheet: Sheet, before: Sequence[Bill]) -> Iterator[Difference]:
    (bill,) = sheet.parts
    version = history.contract(sheet.month, sheet.drawn_at, bill.currency)
    asked = (version.contract_id, version.version) if version else ("", 0)
    if asked != (bill.contract_id, bill.contract_version):
        said = f"{bill.contract_id} 第 {bill.contract_version} 版"
        yield Difference("合同", said, f"{bill.currency} 的最后一版")
    reckoner, _ = _reckoner(history, sheet, before)
    due = reckoner.due_beside(sheet.month, bill.currency)
    for line in bill.lines:
        if line.kind not in OTHERS | {"carried"} and str(line.service_month) not in due:
            yield Difference(f"第 {line.position} 行", str(line.kind), "不应在另一币种的账单上")
    # A draft in what is the month's own currency by now was emptied: that waits for its own bills.
    own = history.contract(sheet.month, sheet.drawn_at)
    waits = own is not None and own.currency != bill.currency
    proved: Counter[TermLine] = Counter()
    for owed in reckoner.owed_beside(sheet.month, bill.currency) if waits else ():
        proved[owed.line] += owed.fen
    yield from _compare(bill.part, _terms_of(bill), proved)


def _looked_at(history: History, sheet: Sheet) -> set[str]:
    """Return the months that a drawing looked at: a part drawn anew those of what it was before."""
    drawn = [*sheet.parts, *sheet.replaced(history)]
    months = {str(line.service_month) for bill in drawn for line in bill.lines}
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
    before = sheet.before(history)
    if before is None:
        return
    version = history.contract(sheet.month, sheet.drawn_at)
    terms: Mapping[str, Any] = version.terms if version else {}
    known = {"", *part_of_projects(history, sheet, terms).values()}
    waiting: Counter[str] = Counter()
    for other in (each for each in before if each.currency == bill.currency):
        for line in other.lines:
            origin = _origin(line, other)
            if line.kind == "carried" and (
                sheet.beside or origin == bill.part or (bill.part == "" and origin not in known)
            ):
                waiting[origin] += line.amount_fen
    rest = [line.amount_fen for line in bill.lines if line.kind != "carried"]
    carried = Counter[str]()
    for line in bill.lines:
        if line.kind == "carried":
            carried[_origin(line, bill)] += line.amount_fen
    owing = -waiting.total()
    due = max(owing, -sum(rest)) if rest else max(owing, 0)
    if carried.total() != due:
        yield Difference("结转", str(carried.total()), str(due))
    for origin in sorted({*waiting, *carried} - {bill.part} if bill.lines else ()):
        if carried[origin] != -waiting[origin]:
            yield Difference(f"结转 {origin}", str(carried[origin]), str(-waiting[origin]))


def _origin(line: BillLine, bill: Bill) -> str:
    """Return the part that a carried line belongs to: its own where none is named."""
    return "" if line.refers_to == "head" else line.refers_to or bill.part


def check_taxes(history: History, sheet: Sheet) -> dict[str, list[Difference]]:
    """Compare tax lines, and the tax on every line, by part.

    Tax is rounded once for all parts of a closing, and for a part that was drawn anew alone.
    """
    closing = sheet.closing(history)
    together = _taxed(history, closing.parts) if closing is not None else {}
    anew = [bill for part in sheet.anew(history) for bill in part.parts]
    found: dict[str, list[Difference]] = {}
    for bill in sheet.parts:
        taxed = together.get(bill.part)
        if any(bill is each for each in anew):
            taxed = _taxed(history, [bill]).get(bill.part)
        elif closing is None:
            continue  # with what its tax was rounded is not known any more
        if taxed is None:
            found[bill.part] = [Difference("合同版本", bill.contract_id, "无此版本")]
        else:
            found[bill.part] = list(_exactly(bill, taxed))
    return found


def _taxed(history: History, bills: Sequence[Bill]) -> dict[str, Taxed]:
    """Compute the tax of bills that were drawn together; nothing where their contract is none."""
    stands_under = bills[0].contract_id, bills[0].contract_version
    versions = {(each.contract_id, each.version): each for each in history.versions}
    version = versions.get(stands_under)
    if version is None:
        return {}
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
