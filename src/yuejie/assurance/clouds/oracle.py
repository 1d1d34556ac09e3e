"""Prove the lines of cloud bills: rows summed again one by one, owners found again, fractions.

It shares neither the sums of statements nor the arithmetic of lines: whose a row is follows from
the rules as they stood when the statement was made, what is passed on from the contract's JSON.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from yuejie.assurance.clouds import store
from yuejie.assurance.clouds.store import Revision, Said, Spot
from yuejie.assurance.history import History, Sheet
from yuejie.assurance.oracle import Difference, half_away
from yuejie.assurance.sharing import part_of_projects
from yuejie.bills.bill import Bill, BillLine
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

CLOUD: Final = "cloud"
_PPM: Final = 10**6
_FEN: Final = 10**10
"""Picos in a fen."""


class Cost(NamedTuple):
    """What makes a cloud line."""

    month: str
    project_id: str
    refers_to: str
    currency: str


def check_clouds(
    tx: Tx, customer_id: CustomerId, history: History, sheet: Sheet
) -> Iterator[Difference]:
    """Compare the cloud lines of a closing: their costs, multiples, amounts and parts."""
    closed_at = history.ended_at[sheet.epoch]
    version = history.contract(sheet.month, closed_at)
    if version is None:
        return

    def agreed(label: str) -> Mapping[str, Mapping[str, Any]]:
        held = history.contract(BillingMonth.parse(label), closed_at)
        same = held is not None and held.currency == version.currency
        terms = held.terms.get("clouds") or () if held is not None and same else ()
        return {each["source"]: each for each in terms}

    target = Counter[Cost]()
    for revision in _newest(store.revisions(tx, str(sheet.month), sheet.epoch)):
        terms = agreed(revision.period).get(revision.source)
        if terms is not None:
            target.update(_costs(tx, customer_id, revision, terms))
    before = _printed(sheet.billed_before(history), str(sheet.month))
    printed = _printed(sheet.parts, str(sheet.month))
    for key in sorted({*target, *before, *printed}):
        known = key.refers_to.split("/")[0] in agreed(key.month)
        due = target[key] - before[key] if known else 0
        if printed[key] != due:
            yield Difference(f"云费用 {' '.join(key)}", str(printed[key]), str(due))
    parts = part_of_projects(history, sheet, version.terms)
    for bill in sheet.parts:
        for line in (each for each in bill.lines if each.kind == CLOUD):
            yield from _line(line, agreed(str(line.service_month)))
            home = parts.get(line.project_id, "")
            if home != bill.part and not sheet.redrawn(history):
                yield Difference(f"{bill.part} 第 {line.position} 行所属账单", bill.part, home)


def _newest(found: Sequence[Revision]) -> list[Revision]:
    best: dict[tuple[str, str], Revision] = {}
    for each in sorted(found, key=lambda r: r.revision):
        best[each.source, each.period] = each
    return list(best.values())


def _costs(
    tx: Tx, customer_id: CustomerId, revision: Revision, terms: Mapping[str, Any]
) -> Counter[Cost]:
    """Add up a customer's rows of a period, one by one."""
    said = store.owners(tx, revision.source, revision.made_at)
    mine: dict[int, str] = {}
    for spot in store.spots(tx, revision.delivery_id):
        holder = _holder(said, spot, revision.period)
        if holder is not None and holder.customer_id == customer_id:
            mine[spot.place] = holder.project_id or ""
    found: Counter[Cost] = Counter()
    basis = terms.get("basis", "billed")
    for row in store.raw_rows(tx, revision.delivery_id, revision.period, sorted(mine)):
        if row.category in terms.get("leave_out", ()):
            continue
        pico = row.effective_pico if basis == "effective" else row.billed_pico
        refers_to = f"{revision.source}/{row.category}/{row.service}"
        key = Cost(revision.period, mine[row.place], refers_to, row.currency)
        found[key] += int(pico or 0)
    return found


def _holder(said: Sequence[Said], spot: Spot, period: str) -> Said | None:
    """Find who a place belongs to: by tag and account, by tag, by account, by the rest."""
    for tagged in (True, False):
        for accounted in (True, False):
            fits = [
                each
                for each in said
                if (each.tag_key is not None) is tagged
                and (each.sub_account is not None) is accounted
                and each.since <= period
                and (not accounted or each.sub_account == spot.sub_account)
                and (not tagged or spot.tags.get(str(each.tag_key)) == each.tag_value)
            ]
            if fits:
                fits.sort(key=lambda each: (each.since, each.made_at, each.rule_id))
                return fits[-1]
    return None


def _printed(bills: Sequence[Bill], month: str) -> Counter[Cost]:
    found: Counter[Cost] = Counter()
    for bill in bills:
        for line in bill.lines:
            label = str(line.service_month)
            if line.kind == CLOUD and label <= month:
                key = Cost(label, line.project_id, line.refers_to, line.rate_currency)
                found[key] += line.quantity
    return found


def _line(line: BillLine, agreed: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Settle a line again, and compare its multiple with what was signed."""
    source, _, service = line.refers_to.split("/", 2)
    terms = agreed.get(source, {})
    markup = terms.get("markup_ppm", 0)
    for each in terms.get("services", ()):
        markup = each["markup_ppm"] if each["service"] == service else markup
    if line.rate_pico != _PPM + markup:
        yield Difference(f"第 {line.position} 行加价", str(line.rate_pico), str(_PPM + markup))
    worth = Fraction(line.quantity, _FEN)
    if line.fx_e8 is not None:
        worth *= Fraction(line.fx_e8, 10**8)
    amount = half_away(half_away(worth) * Fraction(line.rate_pico, _PPM))
    if amount != line.amount_fen:
        yield Difference(f"第 {line.position} 行金额", str(line.amount_fen), str(amount))
