"""The operator's chart of accounts: which code each of our accounts has in finance's own system.

word = "记"                       # 凭证字
preparer = "月结"                  # 制单人
group = "day"                     # one voucher per entry, or per day and kind
heading = "填制凭证,V800"           # 用友: the first line of its file, by version

[rates]                           # CNY per unit, for entries in another currency
USD = "7.12"

[accounts.receivable]
code = "1122"
name = "应收账款"
party = "customer"                # customer, supplier or none: the auxiliary ledger

[accounts.bank]
code = "1002"
[accounts.bank.by_party]          # one code per bank account
"bank_1" = "100201"

[parties."cus_019a…"]             # finance's code and name of a customer, supplier
code = "C0001"
name = "示例有限公司"

A kept mapping ends with what the house adds itself: at which rate an entry was carried over whose
mirror goes over now, for what is taken back is taken back as it was.

[mirrors."reverse:accrual:…"]
USD = "7.10"

[numbers]                         # and from which number on a month's vouchers of the batch count
"2026-11" = 1
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.money import FxRate
from yuejie.ledger.posting import ACCOUNT_NAMES, Account, Posting

HEADING: Final = "填制凭证,V800"


class Group(StrEnum):
    """How entries become vouchers."""

    ENTRY = "entry"
    DAY = "day"


class Auxiliary(StrEnum):
    """Which auxiliary ledger (辅助核算) an account has in finance's system."""

    NONE = "none"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"


class _Account(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: str = ""
    party: Auxiliary = Auxiliary.NONE
    by_party: dict[str, str] = {}


class _Party(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    word: str = "记"
    preparer: str = "月结"
    group: Group = Group.ENTRY
    heading: str = HEADING
    rates: dict[str, str] = {}
    accounts: dict[str, _Account] = {}
    parties: dict[str, _Party] = {}
    mirrors: dict[str, dict[str, str]] = {}
    numbers: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class AccountCode:
    """An account as finance knows it."""

    code: str
    name: str
    auxiliary: Auxiliary
    by_party: Mapping[str, str] = field(default_factory=dict)

    def code_for(self, party: str) -> str:
        """Return the code of the party's own account, else the account's."""
        return self.by_party.get(party, self.code)


@dataclass(frozen=True, slots=True)
class PartyCode:
    """A customer or supplier as finance knows it."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Codes:
    """The mapping, checked."""

    word: str
    preparer: str
    group: Group
    heading: str
    rates: Mapping[str, FxRate]
    accounts: Mapping[Account, AccountCode]
    parties: Mapping[str, PartyCode]
    mirrors: Mapping[str, Mapping[str, FxRate]]
    numbers: Mapping[str, int]
    """The first number of each month; none for a batch that was made before months were counted."""

    def rates_of(self, key: str) -> Mapping[str, FxRate]:
        """Return the rates that an entry goes over by: a mirror by those of what it mirrors."""
        return {**self.rates, **self.mirrors.get(key, {})}

    def refuse_gaps(self, postings: Iterable[Posting]) -> None:
        """Refuse postings that the mapping cannot carry over, naming every gap at once."""
        gaps: set[str] = set()
        for posting in postings:
            account = self.accounts.get(posting.account)
            if account is None:
                gaps.add(f"[accounts.{posting.account}]（{ACCOUNT_NAMES[posting.account]}）")
            elif account.auxiliary is not Auxiliary.NONE and posting.party not in self.parties:
                gaps.add(f'[parties."{posting.party}"]')
            if posting.currency not in self.rates:
                gaps.add(f"[rates] {posting.currency}")
        if gaps:
            raise Invalid(f"科目对照文件缺少 {'、'.join(sorted(gaps))}，请补齐后重试；本次未移交")


def parse_codes(text: str) -> Codes:
    """Read the text of a mapping; what it says wrong is said in one sentence."""
    try:
        written: dict[str, Any] = tomllib.loads(text)
        file = msgspec.convert(written, _File)
    except UNREADABLE as error:
        raise Invalid(f"科目对照文件有误：{said_of(error)}，请改正后重试") from error
    unknown = sorted(set(file.accounts) - {account.value for account in Account})
    if unknown:
        raise Invalid(f"科目对照文件里没有这样的科目：{'、'.join(unknown)}，请改正")
    for name, account in file.accounts.items():
        if not account.code.strip():
            raise Invalid(f"科目对照文件 [accounts.{name}] 的 code 为空，请填写科目编码")
    rates = _rates(file.rates)
    return Codes(
        word=file.word,
        preparer=file.preparer,
        group=file.group,
        heading=file.heading,
        rates={"CNY": FxRate.parse("1", "CNY", "CNY"), **rates},
        accounts={
            Account(name): AccountCode(
                code=each.code,
                name=each.name or ACCOUNT_NAMES[Account(name)],
                auxiliary=each.party,
                by_party=each.by_party,
            )
            for name, each in file.accounts.items()
        },
        parties={name: PartyCode(each.code, each.name) for name, each in file.parties.items()},
        mirrors={key: _rates(rates) for key, rates in file.mirrors.items()},
        numbers=file.numbers,
    )


def _rates(written: Mapping[str, str]) -> Mapping[str, FxRate]:
    return {name: FxRate.parse(rate, name, "CNY") for name, rate in written.items()}


def as_kept(
    text: str, mirrors: Mapping[str, Mapping[str, FxRate]], numbers: Mapping[str, int]
) -> str:
    """Add to the text of a mapping at which rates mirrors go over, and where months go on."""
    tables = [
        "\n".join(
            [
                f"[mirrors.{json.dumps(key, ensure_ascii=False)}]",
                *(f'{name} = "{rate}"' for name, rate in sorted(rates.items())),
            ]
        )
        for key, rates in sorted(mirrors.items())
    ]
    counted = [f'"{month}" = {number}' for month, number in sorted(numbers.items())]
    return "\n".join([text.rstrip("\n"), *tables, "[numbers]", *counted, ""])
