"""Our bank accounts, the numbers given to single payers, papers of payers. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId

_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,33}")
"""Accounts, sub-units (1–10 digits are appended to one) and IBANs; there is no check digit."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account of ours."""

    account_id: str
    holder: str
    bank: str
    number: str
    currency: str
    opened_at: datetime

    @property
    def party(self) -> str:
        """What the ledger calls it."""
        return self.account_id


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """A number that one customer alone pays into."""

    number: str
    account_id: str
    customer_id: CustomerId
    given_by: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """A 代付协议: who else may pay for a customer, and until when. `ends_on` is excluded."""

    authorisation_id: str
    customer_id: CustomerId
    payer_name: str
    payer_number: str
    document_name: str
    document_sha256: bytes
    starts_on: date
    ends_on: date | None
    filed_by: str
    filed_at: datetime


def checked_number(text: str, what: str) -> str:
    """Return an account's number without spaces, or refuse what cannot be one."""
    number = text.replace(" ", "")
    if not _NUMBER.fullmatch(number):
        raise Invalid(f"{what}“{text}”应为 4 到 34 位数字或字母，可含连字符，请核对后重试")
    return number
