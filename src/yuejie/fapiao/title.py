"""发票抬头: the buyer as a fapiao names it, with the checks that a program can make.

What only warns is told and kept: a legacy tax number, a code whose organisation part fails
GB 11714. What the tax office would refuse is refused here.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import can_be_printed
from yuejie.kernel.cnaps import check_cnaps
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.uscc import check_uscc

NAME_LENGTH: Final = 100
"""Characters at Nuonuo, bytes of GBK at others: both are kept."""
ADDRESS_LENGTH: Final = 80
PHONE_LENGTH: Final = 50
TOGETHER_LENGTH: Final = 100
"""Address and telephone together, bank and account together."""
EMAILS: Final = 5

_USCC_LENGTH: Final = 18
_LEGACY: Final = re.compile(r"[0-9A-Z]{15}|[0-9A-Z]{17}|[0-9A-Z]{19,20}", re.ASCII)
_ACCOUNT: Final = re.compile(r"\d[\d-]{7,31}", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_ENTITY_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_HALF: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


class TitleState(StrEnum):
    """Whether new fapiao may be requested for a title."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleDraft:
    """What somebody typed about a buyer."""

    name: str
    tax_number: str = ""
    natural_person: bool = False
    address: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_account: str = ""
    cnaps: str = ""
    emails: tuple[str, ...] = ()
    mobile: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A buyer of a customer, checked. Issued fapiao keep their own copy."""

    title_id: str
    customer_id: CustomerId
    name: str
    tax_number: str
    natural_person: bool
    address: str
    phone: str
    bank_name: str
    bank_account: str
    cnaps: str
    emails: list[str]
    mobile: str
    is_default: bool
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft in its written form, and what a person should look at again."""

    draft: TitleDraft
    warnings: tuple[str, ...]


def check_title(draft: TitleDraft) -> Checked:
    """Return a title in its written form with warnings, or refuse it, naming the field."""
    name = draft.name.strip()  # full-width brackets belong to many legal names
    if not name or len(name.encode("gbk", "replace")) > NAME_LENGTH or set("<>") & set(name):
        raise Invalid(f"抬头名称“{draft.name}”应为 1 至 {NAME_LENGTH} 字节（GBK）且不含 <>，请改正")
    for what, text in (
        *(("名称", name), ("地址", draft.address)),
        *(("电话", draft.phone), ("开户行", draft.bank_name)),
    ):
        if not can_be_printed(text.strip()):
            raise Invalid(f"抬头的{what}含有换行或不可见字符，请去掉后重试")
    number, warnings = _tax_number(draft)
    address, phone = draft.address.strip(), _plain(draft.phone)
    if len(address) > ADDRESS_LENGTH or len(phone) > PHONE_LENGTH:
        raise Invalid(f"地址不超过 {ADDRESS_LENGTH} 字、电话不超过 {PHONE_LENGTH} 字，请缩短")
    _together("地址和电话", address, phone)
    bank, account = draft.bank_name.strip(), check_account(draft.bank_account)
    _together("开户行和账号", bank, account)
    return Checked(
        TitleDraft(
            name=name,
            tax_number=number,
            natural_person=draft.natural_person,
            address=address,
            phone=phone,
            bank_name=bank,
            bank_account=account,
            cnaps=check_cnaps(_plain(draft.cnaps)) if draft.cnaps.strip() else "",
            emails=_emails(draft.emails),
            mobile=_mobile(draft.mobile),
            is_default=draft.is_default,
        ),
        tuple(warnings),
    )


def check_account(text: str) -> str:
    """Return a bank account in its written form; there is no check digit for accounts."""
    account = _plain(text).replace(" ", "")
    if account and not _ACCOUNT.fullmatch(account):
        raise Invalid(f"银行账号“{text}”应为 8 至 32 位数字（可含 -），请核对")
    return account


def entity_part_fits(uscc: str) -> bool:
    """Tell whether positions 9 to 17 pass GB 11714; real codes exist that do not."""
    values = [int(char, 36) for char in uscc[8:16]]
    weighed = sum(v * w for v, w in zip(values, _ENTITY_WEIGHTS, strict=True))
    return "0123456789X0"[11 - weighed % 11] == uscc[16]


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one, whatever brackets and spaces; 个人 behind it is no name."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return "".join(name.translate(_HALF).split()).removesuffix("(个人)").casefold()


def refuse_kind(title: Title | TitleDraft, kind: FapiaoKind) -> None:
    """Refuse a special fapiao for a buyer who cannot have one."""
    if kind is FapiaoKind.ORDINARY:
        return
    if title.natural_person:
        raise Invalid(f"抬头“{title.name}”是个人，只能开普通发票")
    if not title.tax_number:
        raise Invalid(f"抬头“{title.name}”没有税号，不能开专用发票；请先补充税号")


def _tax_number(draft: TitleDraft) -> tuple[str, list[str]]:
    number = _plain(draft.tax_number).upper()
    if not number:
        if not draft.natural_person:
            raise Invalid(f"抬头“{draft.name}”是单位，须填写税号；个人抬头请注明是个人")
        return "", []
    if len(number) == _USCC_LENGTH:
        code = check_uscc(number)
        if entity_part_fits(code):
            return code, []
        return code, [f"税号“{code}”的组织机构代码部分不合 GB 11714，请与营业执照核对"]
    if _LEGACY.fullmatch(number):
        return number, [f"税号“{number}”不是 18 位统一社会信用代码，请确认对方仍在使用旧税号"]
    raise Invalid(f"税号“{draft.tax_number}”应为 15 至 20 位数字或大写字母，请核对")


def _plain(text: str) -> str:
    """Trim, and write full-width letters, digits and signs as half-width."""
    return text.translate(_HALF).strip()


def _together(what: str, one: str, other: str) -> None:
    if len(f"{one} {other}".encode("gbk", "replace")) > TOGETHER_LENGTH:
        raise Invalid(f"{what}合计不超过 {TOGETHER_LENGTH} 字节（GBK），请缩短")


def _emails(given: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_plain(each) for each in given if each.strip()))
    for each in found:
        if not _EMAIL.fullmatch(each) or len(each) > 50:
            raise Invalid(f"收票邮箱“{each}”格式不对或超过 50 字，请改正")
    if len(found) > EMAILS:
        raise Invalid(f"收票邮箱最多 {EMAILS} 个（现为 {len(found)} 个），请删减")
    return found


def _mobile(text: str) -> str:
    mobile = _plain(text)
    if mobile and not re.fullmatch(r"1\d{10}", mobile, re.ASCII):
        raise Invalid(f"收票手机“{text}”应为 11 位手机号，请改正")
    return mobile
