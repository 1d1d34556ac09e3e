"""camt.053 (ISO 20022 BankToCustomerStatement), any version: only what a receipt needs. Pure.

Element names are read without their namespace, because banks send versions 001.02 to 001.13 and the
part we need has not moved between them. Only booked entries (BOOK) count.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.line import (
    Direction,
    Problem,
    Statement,
    StatementLine,
    StatementRefused,
    joined,
)
from yuejie.payments.statements.words import YEARS, amount, meaningful, seen

_CREDIT: Final = "CRDT"
_WAYS: Final = {_CREDIT: Direction.IN, "DBIT": Direction.OUT}
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)


def is_camt(body: bytes) -> bool:
    """Say whether a file is a camt.053 message."""
    return b"BkToCstmrStmt" in body[:4096]


def read_camt(body: bytes) -> Statement:
    """Read a message with one or more statements of one account."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        # LookupError: an encoding that nobody knows.
        raise StatementRefused([Problem(0, f"XML 读不出（{error}），请重新下载")]) from error
    parts = list(_below(root, "Stmt"))
    if not parts:
        raise StatementRefused([Problem(0, "camt.053 文件中没有 Stmt")])
    numbers = {_account(part) for part in parts}
    if len(numbers) > 1:
        raise StatementRefused([Problem(0, f"含多个账号 {'、'.join(sorted(numbers))}，请分开下载")])
    if len({_currency(part) for part in parts}) > 1:
        raise StatementRefused([Problem(0, "含多个币种，请按币种分开下载")])
    currency = _currency(parts[0])
    lines: list[list[StatementLine]] = [[] for _ in parts]
    problems: list[Problem] = []
    entries = ((place, e) for place, part in enumerate(parts) for e in _children(part, "Ntry"))
    for number, (place, entry) in enumerate(entries, 1):
        try:
            if _status(entry) == "BOOK":
                lines[place].append(_line(entry, number, currency))
        except Invalid as error:
            problems.append(Problem(number, f"Ntry：{error.sentence}"))
    if problems:
        raise StatementRefused(problems)
    account = numbers.pop()
    return joined(
        [
            Statement(
                format="camt.053",
                lines=tuple(found),
                number=account,
                currency=currency,
                opening_fen=_balance(part, _OPENING),
                closing_fen=_balance(part, _CLOSING),
            )
            for part, found in zip(parts, lines, strict=True)
        ]
    )


def _line(entry: Element, number: int, currency: str) -> StatementLine:
    way = _way(entry)
    _refuse_other_currency(entry, currency)
    # A reversal's CdtDbtInd already says which way the money went: there is nothing to turn.
    reversal = "冲正 " if _text(entry, "RvslInd") in {"true", "1"} else ""
    party = "Dbtr" if way is Direction.IN else "Cdtr"
    name, account = _payer(entry, party)
    # NtryRef counts entries within a message, so the next day's may have the same.
    bank = _text(entry, "AcctSvcrRef")
    words = [*_texts(entry, "Ustrd"), _text(entry, "AddtlNtryInf"), _text(entry, "EndToEndId")]
    booked = _text(_first(entry, "BookgDt"), "Dt") or _text(_first(entry, "BookgDt"), "DtTm")
    fen = amount(_text(entry, "Amt"))
    if fen <= 0:
        raise Invalid(f"金额 {_text(entry, 'Amt')} 须大于零，收付方向由 CdtDbtInd 表示")
    return StatementLine(
        row=number,
        booked_on=_day(booked),
        direction=way,
        amount_fen=fen,
        serial=bank or _text(entry, "NtryRef"),
        sure=meaningful(bank),
        payer_name=name,
        payer_number=account,
        payer_bank=_text(_first(entry, f"{party}Agt"), "Nm"),
        into=_id(_first(entry, "CdtrAcct")) if way is Direction.IN else "",
        memo=reversal + " ".join(word for word in words if word and word != "NOTPROVIDED"),
    )


def _way(entry: Element) -> Direction:
    said = _text(entry, "CdtDbtInd")
    if said not in _WAYS:
        raise Invalid(f"收付方向 CdtDbtInd“{said}”不认识，应为 CRDT 或 DBIT")
    return _WAYS[said]


def _refuse_other_currency(entry: Element, currency: str) -> None:
    """Refuse an entry in another currency than the account's: ten dollars are not ten yuan."""
    booked = _first(entry, "Amt")
    said = booked.get("Ccy", "") if booked is not None else ""
    if said and said != currency:
        raise Invalid(f"金额的币种是 {said}，账户是 {currency}，请按币种分开下载")


def _payer(entry: Element, party: str) -> tuple[str, str]:
    """Return the other side's name and account; a batch of several payers names none of them."""
    parts = list(_below(entry, "TxDtls")) or [entry]
    found = {(_text(_first(p, party), "Nm"), _id(_first(p, f"{party}Acct"))) for p in parts}
    return found.pop() if len(found) == 1 else ("", "")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise Invalid(f"记账日期 BookgDt“{text}”不是日期")
    return day


def _status(entry: Element) -> str:
    """Return BOOK, PDNG, …; version 8 wraps the code in Cd."""
    status = next(_children(entry, "Sts"), None)
    return (_text(status, "Cd") or (status.text or "").strip()) if status is not None else "BOOK"


def _account(part: Element) -> str:
    return _id(next(_children(part, "Acct"), None))


def _id(account: Element | None) -> str:
    return _text(account, "IBAN") or _text(_first(account, "Othr"), "Id")


def _currency(part: Element) -> str:
    own = _text(next(_children(part, "Acct"), None), "Ccy")
    amounts = [e.get("Ccy", "") for e in _below(part, "Amt")]
    return own or next(iter(amounts), "")


def _balance(part: Element, codes: tuple[str, ...]) -> int | None:
    for balance in _children(part, "Bal"):
        if _text(_first(balance, "Tp"), "Cd") in codes:
            fen = amount(_text(balance, "Amt"))
            return fen if _text(balance, "CdtDbtInd") == _CREDIT else -fen
    return None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _name(child) == name)


def _below(element: Element | None, name: str) -> Iterator[Element]:
    if element is not None:
        yield from (each for each in element.iter() if _name(each) == name)


def _first(element: Element | None, name: str) -> Element | None:
    return next(_below(element, name), None)


def _text(element: Element | None, name: str) -> str:
    found = _first(element, name)
    return seen(found.text or "") if found is not None else ""


def _texts(element: Element, name: str) -> list[str]:
    return [seen(each.text or "") for each in _below(element, name)]
