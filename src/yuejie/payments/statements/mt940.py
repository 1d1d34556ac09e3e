"""MT940 (SWIFT Customer Statement Message), read by the library `mt-940`. Pure.

The library is lenient: it drops what it cannot read. So the lines it found are counted against the
`:61:` of the file, and opening plus lines must come to the closing balance, or nothing is taken.
"""

import io
import logging
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import mt940
from mt940.models import Amount, Balance, Transactions

from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.grid import BROKEN, text_of
from yuejie.payments.statements.line import (
    Direction,
    Problem,
    Statement,
    StatementLine,
    StatementRefused,
    joined,
)
from yuejie.payments.statements.words import amount, meaningful, seen

logging.getLogger(mt940.__name__).addHandler(logging.NullHandler())
"""What it cannot read we say ourselves; it wrote the lines of a statement to the terminal."""
_HEAD: Final = (
    re.compile(rb"^(?:\xef\xbb\xbf)?:20:", re.MULTILINE),
    re.compile(rb"^:25:", re.MULTILINE),
)
_TAG_61: Final = re.compile(r"^:61:", re.MULTILINE)
_MESSAGE: Final = re.compile(r"(?=^:20:)", re.MULTILINE)
_IN: Final = frozenset({"C", "RD"})
"""A credit, or the reversal of a debit; D and RC go out."""
_NAME: Final = re.compile(r"/NAME/([^/\n]+)")
_UNREAD: Final = re.compile(r"Unable to parse .* from '(.*)'", re.DOTALL)
_ACCOUNT: Final = re.compile(r"/(?:ACCT|IBAN)/([0-9A-Za-z-]+)")


def is_mt940(body: bytes) -> bool:
    """Say whether a file is made of MT940 messages: tags begin lines, and minutes do not."""
    head = body[:4096]
    return all(tag.search(head) for tag in _HEAD)


def read_mt940(body: bytes) -> Statement:
    """Read a file of one or more messages about one account."""
    text = text_of(body).replace("\r\n", "\n")
    parts = [part for part in _MESSAGE.split(text) if ":25:" in part]
    try:
        parsed = [mt940.parse(io.StringIO(part)) for part in parts]
    except BROKEN as error:
        raise StatementRefused([_unread(text, error)]) from error
    problems = [Problem(0, each) for each in _doubts(text, parsed)]
    if problems:
        raise StatementRefused(problems)
    rows = iter(_rows(text))
    lines: list[list[StatementLine]] = [[] for _ in parsed]
    entries = ((place, each) for place, messages in enumerate(parsed) for each in messages)
    for row, (place, each) in zip(rows, entries, strict=True):
        try:
            lines[place].append(_line(row, each.data))
        except Invalid as error:
            problems.append(Problem(row, error.sentence))
    if problems:
        raise StatementRefused(problems)
    number = str(parsed[0].data["account_identification"]).rpartition("/")[2]
    return joined(
        [
            Statement(
                format="mt940",
                lines=tuple(found),
                number=number,
                currency=_currency(messages),
                opening_fen=_fen(_opening(messages)),
                closing_fen=_fen(_closing(messages)),
            )
            for messages, found in zip(parsed, lines, strict=True)
        ]
    )


def _opening(messages: Transactions) -> Amount | None:
    """Return the balance that a message begins with; a long statement goes on over several."""
    return _balance(messages, "opening")


def _closing(messages: Transactions) -> Amount | None:
    return _balance(messages, "closing")


def _balance(messages: Transactions, which: str) -> Amount | None:
    found = (messages.data.get(f"{kind}_{which}_balance") for kind in ("final", "intermediate"))
    told = (each.amount for each in found if isinstance(each, Balance))
    return next((each for each in told if isinstance(each, Amount)), None)


def _currency(messages: Transactions) -> str:
    found = _opening(messages)
    return str(found.currency) if found else ""


def _fen(balance: Amount | None) -> int | None:
    return amount(balance.amount) if balance else None


def _unread(text: str, error: BaseException) -> Problem:
    """Return the row that the library cannot read, and what stands there."""
    found = _UNREAD.search(str(error.args[0]) if error.args else "")
    words = found[1].partition("\\n")[0] if found else ""
    rows = text.split("\n")
    row = next((number for number, each in enumerate(rows, 1) if words and words in each), 0)
    return Problem(row, f"MT940 有读不懂的行“{words}”，请重新下载")


def _doubts(text: str, parsed: list[Any]) -> Iterator[str]:
    """Say what the library may have dropped."""
    if not parsed:
        yield "MT940 文件中没有完整的报文"
        return
    for messages in parsed:
        if not (_opening(messages) and _closing(messages)):
            yield "MT940 报文缺少期初 :60F: 或期末 :62F: 余额"
    numbers = {str(messages.data.get("account_identification", "")) for messages in parsed}
    if len(numbers) > 1:
        yield f"含多个账号 {'、'.join(sorted(numbers))}，请分开下载"
    if len({_currency(messages) for messages in parsed if _opening(messages)}) > 1:
        yield "含多个币种，请按币种分开下载"
    written, found = len(_TAG_61.findall(text)), sum(len(messages) for messages in parsed)
    if written != found:
        yield f"有 {written} 行 :61:，只读出 {found} 行，请核对格式"


def _rows(text: str) -> Iterator[int]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(":61:"):
            yield number


def _line(row: int, data: dict[str, Any]) -> StatementLine:
    way = Direction.IN if data["status"] in _IN else Direction.OUT
    # The second reference is the bank's; one that several lines share tells nothing apart.
    serial = str(data.get("bank_reference") or "")
    details = seen(" ".join(str(data.get("transaction_details") or "").split()))
    extra = seen(str(data.get("extra_details") or ""))
    name, number = _NAME.search(details), _ACCOUNT.search(details)
    booked = data.get("guessed_entry_date") or data["date"]
    reference = str(data.get("customer_reference") or "")
    words = [details, extra, "" if reference == "NONREF" else reference]
    return StatementLine(
        row=row,
        booked_on=date(booked.year, booked.month, booked.day),
        direction=way,
        amount_fen=abs(amount(data["amount"].amount)),
        serial=serial,
        sure=meaningful(serial),
        payer_name=name[1].strip() if name else "",
        payer_number=number[1] if number else "",
        memo=" ".join(word for word in words if word),
    )
