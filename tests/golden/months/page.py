"""A month on one page, as finance reads it: bills, statement of account, fapiao, ledger.

Bills, statements and what may be requested are the product's own words; fapiao and entries, which
it prints in no plain text, are laid out here. What is random (ids, seals, keys) is numbered in the
order in which it appears, so that the same month gives the same bytes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from tests.scenarios.books import Party
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.adjustment import SAID
from yuejie.bills.correct.credit import CreditNote
from yuejie.bills.correct.store import adjustments_of, credits_of
from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.documents.render import render
from yuejie.bills.documents.text import width
from yuejie.bills.documents.wording import STATES
from yuejie.bills.show import gather_document
from yuejie.bills.store import transitions, whole_bills
from yuejie.contracts.terms import FapiaoKind
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.fapiao.amounts import write_rate
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.fapiao import Party as Side
from yuejie.fapiao.life import RED_SAID
from yuejie.fapiao.life import SAID as FAPIAO_SAID
from yuejie.fapiao.request import what_is_available
from yuejie.fapiao.reversing.form import REASON_WORDS, RedReason
from yuejie.fapiao.reversing.store import reds_of_fapiao
from yuejie.fapiao.store import fapiao_of_customer
from yuejie.kernel.capitals import capitals
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.ledger.posting import ACCOUNT_NAMES, Account, Posting
from yuejie.ledger.show import show_balances, show_entries
from yuejie.payments.banks.store import accounts
from yuejie.payments.letters.letter import Letter, statement_letter
from yuejie.payments.receivables.show import statement_of_account

SELLER: Final = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "6222 0000 0001")
CHINA: Final = zone_of("Asia/Shanghai")
RANDOM: Final = (
    re.compile(r"\b(?P<kind>[a-z]+)_[0-9a-f]{32}\b"),
    re.compile(r"\b[0-9a-f]{64}\b"),
    re.compile(r"\b(?P<kind>[NR])\d{4}[0-9A-Z]{10}\b"),
)
"""Ids by their prefix, seals, and the order numbers of fapiao and red fapiao."""
KINDS: Final = {
    "bill.issue": "出账",
    "bill.credit": "冲减",
    "payment.receive": "到账",
    "payment.apportion": "认款",
    "payment.refund": "退款",
    "accrual": "暂估",
    "reverse": "冲销",
}
FAPIAO_KINDS: Final = {FapiaoKind.SPECIAL: "专用发票", FapiaoKind.ORDINARY: "普通发票"}
RIGHT: Final = frozenset(
    ["数量", "单价", "金额", "税额", "税率", "价税合计", "增加", "减少", "余额", "借方", "贷方"]
)
"""Columns of figures."""


@dataclass(frozen=True, slots=True)
class Told:
    """What stands above a page: what happens, what finance should see, and the sums by hand."""

    title: str
    see: str
    by_hand: tuple[str, ...]
    until: date = date(2026, 12, 1)
    """The day behind the last of the story."""


Show = Callable[..., None]
"""Compares the page of some customers with its file: name, what is told, customers."""


def page(db: Database, told: Told, parties: Sequence[Party]) -> bytes:
    """Lay out everything that the books say of some customers until a month is over."""
    parts = [_head(told)]
    for party in parties:
        parts += [("账单", _bills(db, party)), ("更正", _corrections(db, party))]
        parts.append(("对账单", _statement(db, party, told.until)))
        parts.append(("发票", _fapiao(db, party)))
    parts.append(("账簿", _ledger(db, told.until)))
    parts.append(("余额", _balances(db)))
    text = "\n\n".join(f"──── {name} ────\n\n{body}" for name, body in parts if body)
    return numbered(f"{text.removeprefix('──── 月份 ────').lstrip()}\n").encode()


def numbered(text: str) -> str:
    """Put names in the order of their appearance in the place of everything random."""
    for pattern in RANDOM:
        text = pattern.sub(_in_order(), text)
    return text


def _in_order() -> Callable[[re.Match[str]], str]:
    names: dict[str, str] = {}
    counted: Counter[str] = Counter()

    def name(found: re.Match[str]) -> str:
        kind = found["kind"] if "kind" in found.groupdict() else "seal"
        if found[0] not in names:
            counted[kind] += 1
            names[found[0]] = f"{kind}-{counted[kind]}"
        return names[found[0]]

    return name


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Set rows below their heads; amounts to the right."""
    grid = [list(heads), *(list(row) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*grid, strict=True)]
    lines = []
    for row in grid:
        cells = []
        for head, cell, full in zip(heads, row, widths, strict=True):
            pad = " " * (full - width(cell))
            cells.append(pad + cell if head in RIGHT else cell + pad)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _head(told: Told) -> tuple[str, str]:
    steps = "\n".join(f"    {step}" for step in told.by_hand)
    return "月份", f"{told.title}\n\n财务应看到：{told.see}\n\n手算：\n{steps}"


# ── bills ───────────────────────────────────────────────────────────────────────────────────────


def _bills(db: Database, party: Party) -> str:
    """Print every bill as its TXT, in the order of issue, and its life below it."""
    with db.read() as tx:
        bills = [b for b in whole_bills(tx, party.customer.customer_id) if b.lines]
        return "\n\n".join(
            f"{render(gather_document(tx, bill, SELLER), DocumentKind.TXT).decode()}"
            f"经过  {_life(tx, bill)}"
            for bill in sorted(bills, key=lambda each: each.number or "~")
        )


def _life(tx: Tx, bill: Bill) -> str:
    return "；".join(
        f"{day_of(step.at)} {STATES[BillState(step.became)]}（{step.by}）"
        for step in transitions(tx, bill.customer_id, bill.bill_id)
    )


def _corrections(db: Database, party: Party) -> str:
    """Say what was added to bills by somebody's word, and what was taken back of them."""
    owner = party.customer.customer_id
    with db.read() as tx:
        bills = {bill.bill_id: bill for bill in whole_bills(tx, owner)}
        added = [
            (
                str(each.service_month),
                each.item,
                str(Money(each.amount_fen, each.currency)),
                *(("合同条款", "—") if each.by_rule else (each.proposed_by, each.decided_by or "")),
                SAID[each.state],
                each.why,
            )
            for each in adjustments_of(tx, owner)
        ]
        notes = [_note(note, bills[note.bill_id]) for note in credits_of(tx, owner)]
    heads = ("账期", "调整", "金额", "提出", "批准", "状态", "原因")
    return "\n\n".join([*([table(heads, added)] if added else []), *notes])


def _note(note: CreditNote, bill: Bill) -> str:
    lines = {line.line_id: line for line in bill.lines}
    rows = [
        (
            str(lines[each.line_id].position),
            lines[each.line_id].item or f"{lines[each.line_id].model} {lines[each.line_id].meter}",
            *_three(each.net_fen, each.tax_fen, bill.currency),
        )
        for each in note.lines
    ]
    return (
        f"冲减单 {note.number}  {'整张作废' if note.whole else '部分冲减'} {bill.number}  "
        f"{day_of(note.requested_at)} {note.requested_by} 提出，{note.decided_by} 批准  "
        f"原因 {note.why}\n"
        + table(
            ("行", "名目", "金额", "税额", "价税合计"),
            [*rows, ("", "合计", str(note.net), str(note.tax), str(note.gross))],
        )
    )


def _three(net_fen: int, tax_fen: int, currency: str) -> tuple[str, str, str]:
    figures = (net_fen, tax_fen, net_fen + tax_fen)
    net, tax, gross = (str(Money(fen, currency)) for fen in figures)
    return net, tax, gross


# ── the statement of account ────────────────────────────────────────────────────────────────────


def _statement(db: Database, party: Party, until: date) -> str:
    """Set the letter 对账单 as the product words it; only its layout is a PDF's."""
    first = party.customer.created_at.astimezone(CHINA).date()
    found = statement_of_account(db, party.customer.slug, first, until)
    now = datetime(until.year, until.month, until.day, tzinfo=CHINA)
    return _letter(statement_letter(found, SELLER, now=now))


def _letter(letter: Letter) -> str:
    facts = "    ".join(f"{name} {value}" for name, value in letter.facts)
    heading = f"{letter.title} {letter.number}    致 {letter.to}    {letter.signed_by}"
    # The words go last: they are long, and would part the figures.
    words = letter.heads.index("说明")
    heads, *rows = (
        (*row[:words], *row[words + 1 :], row[words])
        for row in (letter.heads, *letter.rows, letter.total)
    )
    grid = table(heads, rows)
    return "\n".join([heading, facts, "", grid, *letter.closing])


# ── fapiao ──────────────────────────────────────────────────────────────────────────────────────


def _fapiao(db: Database, party: Party) -> str:
    """Print what was requested and issued, what was reversed, and what may still be requested."""
    owner = party.customer.customer_id
    with db.read() as tx:
        bills: dict[str, str] = {b.bill_id: str(b.number) for b in whole_bills(tx, owner)}
        blues = sorted(fapiao_of_customer(tx, owner), key=lambda f: (f.requested_at, f.fapiao_id))
        parts = [_blue(blue, bills) for blue in blues]
        for blue in blues:
            parts += [_red(red) for red in reds_of_fapiao(tx, blue.fapiao_id)]
        open_now = what_is_available(tx, owner)
    explained = "\n".join(
        f"    账单 {each.bill.number}：{each.explained}"
        for each in sorted(open_now.bills, key=lambda each: each.bill.number)
    )
    left = f"可开票 {Money(open_now.available_fen, 'CNY')}"
    back = open_now.owed_back_fen
    owes = f"    欠票 {Money(back, 'CNY')}" if back else ""
    return "\n\n".join([*parts, f"{left}{owes}\n{explained}".rstrip()])


def _blue(fapiao: Fapiao, bills: Mapping[str, str]) -> str:
    rows = [
        (
            str(line.position),
            line.printed,
            line.unit,
            line.quantity,
            line.price,
            *_three(line.net_fen, line.tax_fen, "CNY")[:2],
            write_rate(line.tax_ppm),
            str(Money(line.gross_fen, "CNY")),
            f"{bills[line.bill_id]} 第 {line.tax_position} 行",
        )
        for line in fapiao.lines
    ]
    net, tax, gross = _three(fapiao.amounts.net_fen, fapiao.amounts.tax_fen, "CNY")
    rows.append(("", "合计", "", "", "", net, tax, "", gross, ""))
    heads = (
        "行", "项目名称", "单位", "数量", "单价", "金额", "税额", "税率", "价税合计", "计税行"
    )  # fmt: skip
    return "\n".join(
        [
            f"{FAPIAO_KINDS[fapiao.kind]} {fapiao.number or '（无号码）'}  "
            f"{FAPIAO_SAID[fapiao.state]}  "
            f"申请 {fapiao.key}  {day_of(fapiao.requested_at)} {fapiao.requested_by} 申请"
            + (f"，{fapiao.approved_by} 批准" if fapiao.approved_by else ""),
            f"购买方 {_named_party(fapiao.buyer)}    销售方 {_named_party(fapiao.seller)}",
            table(heads, rows),
            f"价税合计（大写） {capitals(fapiao.amounts.gross_fen)}    （小写） ¥{gross}",
            f"备注 {fapiao.remark}",
        ]
    )


def _named_party(party: Side) -> str:
    return f"{party.name}  税号 {party.tax_number}"


def _red(red: RedFapiao) -> str:
    rows = [
        (str(line.position), str(line.blue_position), *_three(line.net_fen, line.tax_fen, "CNY"))
        for line in red.lines
    ]
    figures = _three(red.amounts.net_fen, red.amounts.tax_fen, "CNY")
    heading = (
        f"红字发票 {red.number or '（无号码）'}  {RED_SAID[red.state]}  申请 {red.key}  "
        f"{day_of(red.requested_at)} {red.requested_by} 申请，{red.approved_by} 批准"
    )
    of = (
        f"红冲蓝票 {red.blue_number}  {'全额' if red.whole else '部分'}  "
        f"{REASON_WORDS[RedReason(red.reason)]}：{red.why}"
    )
    heads = ("行", "蓝票行", "金额", "税额", "价税合计")
    grid = table(heads, [*rows, ("", "合计", *figures)])
    return "\n".join([heading, of, grid, f"价税合计（大写） {capitals(red.amounts.gross_fen)}"])


# ── the ledger ──────────────────────────────────────────────────────────────────────────────────


def _ledger(db: Database, until: date) -> str:
    """Print every entry of the house, each posting on its side."""
    named = _named(db)
    last = BillingMonth(until.year, until.month)
    entries = [
        written.entry
        for written in show_entries(db, BillingMonth(2025, 1), last, after=0, limit=1_000)
    ]
    grid = table(
        ("科目", "往来", "币种", "借方", "贷方"),
        [_sides(posting, named) for entry in entries for posting in entry.postings],
    ).split("\n")
    lines, at = [f"    {grid[0]}"], 1
    for entry in entries:
        after = at + len(entry.postings)
        lines.append(f"{day_of(entry.at)} {KINDS[entry.kind]}  {entry.memo}")
        lines += [f"    {line}" for line in grid[at:after] or ["（无金额）"]]
        at = after
    return "\n".join(lines)


def _sides(posting: Posting, named: Callable[[str], str]) -> tuple[str, ...]:
    amount = str(Money(abs(posting.fen), posting.currency))
    sides = (amount, "") if posting.fen > 0 else ("", amount)
    return (ACCOUNT_NAMES[posting.account], named(posting.party), posting.currency, *sides)


def _balances(db: Database) -> str:
    """Print what stands on every account in the end, and that both sides are equal."""
    named, order = _named(db), list(Account)
    rows, sums = [], defaultdict[str, list[int]](lambda: [0, 0])
    kept = [each for each in show_balances(db) if each.fen]
    for each in sorted(kept, key=lambda b: (b.currency, order.index(Account(b.account)), b.party)):
        side = int(each.fen < 0)
        sums[each.currency][side] += abs(each.fen)
        amounts = ["", ""]
        amounts[side] = str(Money(abs(each.fen), each.currency))
        name = ACCOUNT_NAMES[Account(each.account)]
        rows.append((name, named(each.party), each.currency, *amounts))
    for currency, both in sorted(sums.items()):
        rows.append(("合计", "", currency, *(str(Money(fen, currency)) for fen in both)))
    return table(("科目", "往来", "币种", "借方", "贷方"), rows)


def _named(db: Database) -> Callable[[str], str]:
    """Return what calls a party by the name that finance knows."""
    with db.read() as tx:
        known = {each.party: f"{each.bank} …{each.number[-4:]}" for each in accounts(tx)}
        known |= {each.customer_id: each.slug for each in customers(tx)}
    return lambda party: known[party] if party else ""


def day_of(at: datetime) -> str:
    """Return the day of a moment in China."""
    return f"{at.astimezone(CHINA):%Y-%m-%d}"
