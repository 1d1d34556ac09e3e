"""MT940 (SWIFT Customer Statement Message), read by the library `mt-940`. Pure.

The library is lenient: it drops what it cannot read. So the lines it found are counted against the
`:61:` of the file, and opening plus lines must come to the closing balance, or nothing is taken.
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import mt940

from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.grid import BROKEN, decoded
from yuejie.payments.statements.line import (
    Direction,
    Problem,
    Statement,
    StatementLine,
    StatementRefused,
)
from yuejie.payments.statements.words import amount, meaningful

_HEAD: Final = (
    re.compile(rb"^(?:\xef\xbb\xbf)?:20:", re.MULTILINE),
    re.compile(rb"^:25:", re.MULTILINE),
)
_TAG_61: Final = re.compile(r"^:61:", re.MULTILINE)
_MESSAGE: Final = re.compile(r"(?=^:20:)", re.MULTILINE)
_IN: Final = frozenset({"C", "RD"})
"""A credit, or the reversal of a debit; D and RC go out."""
_NAME: Final = re.compile(r"/NAME/([^/\n]+)")
_ACCOUNT: Final = re.compile(r"/(?:ACCT|IBAN)/([0-9A-Za-z-]+)")


def is_mt940(body: bytes) -> bool:
    """Say whether a file is made of MT940 messages: tags begin lines, and minutes do not."""
    head = body[:4096]
    return all(tag.search(head) for tag in _HEAD)


def read_mt940(body: bytes) -> Statement:
    """Read a file of one or more messages about one account."""
    text = decoded(body).replace("\r\n", "\n")
    parts = [part for part in _MESSAGE.split(text) if ":25:" in part]
    try:
        parsed = [mt940.parse(io.StringIO(part)) for part in parts]
    except BROKEN as error:
        said = f"MT940 有读不懂的行（{error.args[0] if error.args else error}），请重新下载"
        raise StatementRefused([Problem(0, said)]) from error
    problems = [Problem(0, each) for each in _doubts(text, parsed)]
    if problems:
        raise StatementRefused(problems)
    rows = iter(_rows(text))
    lines = []
    for row, each in zip(rows, (each for messages in parsed for each in messages), strict=True):
        try:
            lines.append(_line(row, each.data))
        except Invalid as error:
            problems.append(Problem(row, error.sentence))
    if problems:
        raise StatementRefused(problems)
    heads = [messages.data for messages in parsed]
    number = str(heads[0]["account_identification"]).rpartition("/")[2]
    return Statement(
        format="mt940",
        lines=tuple(lines),
        number=number,
        currency=str(heads[0]["final_opening_balance"].amount.currency),
        opening_fen=amount(heads[0]["final_opening_balance"].amount.amount),
        closing_fen=amount(heads[-1]["final_closing_balance"].amount.amount),
    )


def _doubts(text: str, parsed: list[Any]) -> Iterator[str]:
    """Say what the library may have dropped."""
    if not parsed:
        yield "MT940 文件中没有完整的报文"
        return
    for messages in parsed:
        if not {"final_opening_balance", "final_closing_balance"} <= messages.data.keys():
            yield "MT940 报文缺少期初 :60F: 或期末 :62F: 余额"
    numbers = {str(messages.data.get("account_identification", "")) for messages in parsed}
    if len(numbers) > 1:
        yield f"含多个账号 {'、'.join(sorted(numbers))}，请分开下载"
    opened = [m.data["final_opening_balance"] for m in parsed if "final_opening_balance" in m.data]
    if len({balance.amount.currency for balance in opened}) > 1:
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
    details = " ".join(str(data.get("transaction_details") or "").split())
    extra = str(data.get("extra_details") or "").strip()
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
