"""Titles: what is refused, what only warns, how it is written."""

from datetime import UTC, datetime

import pytest

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.fapiao import KEY_LENGTH, mint_key
from yuejie.fapiao.title import TitleDraft, check_title, entity_part_fits, refuse_kind
from yuejie.kernel.errors import Invalid

USCC = "91440300708461136T"


def warnings(**facts: object) -> tuple[str, ...]:
    return check_title(TitleDraft(**{"name": "甲公司", "tax_number": USCC, **facts})).warnings  # type: ignore[arg-type]  # why: a test names what it changes


@pytest.mark.parametrize(
    "code",
    [
        "91350100M000100Y43",
        "91330106MA2AYNWD8M",
        "91440101MA5APD8X8J",
        "91440300582733406C",
        "9111000071093123XX",
        "91110000802100433B",
        USCC,
    ],
)
def test_real_codes_pass(code: str) -> None:
    assert warnings(tax_number=code) == ()


def test_a_code_whose_organisation_part_fails_only_warns() -> None:
    code = "91310115MA1K39423D"
    assert not entity_part_fits(code)
    assert "GB 11714" in warnings(tax_number=code)[0]


@pytest.mark.parametrize("code", ["91110108MA01KPGP0L", "91500105MAC35KKR6G"])
def test_a_wrong_check_character_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="校验位"):
        warnings(tax_number=code)


@pytest.mark.parametrize("number", ["330106MA2AYNWD8", "33010619800101123X2A", "3" * 17, "3" * 19])
def test_legacy_numbers_warn(number: str) -> None:
    assert "旧税号" in warnings(tax_number=number)[0]


@pytest.mark.parametrize("number", ["123", "3" * 16, "3" * 21, "33010619800101-1232A"])
def test_other_numbers_are_refused(number: str) -> None:
    with pytest.raises(Invalid, match="15 至 20 位"):
        warnings(tax_number=number)


def test_full_width_becomes_half_width_but_brackets_of_a_name_stay() -> None:
    draft = TitleDraft(
        name=" 甲（中国）有限公司 ",
        tax_number="９１４４０３００７０８４６１１３６ｔ",
        bank_account="６２２２ 0000 1111",
        cnaps=" 308584000013 ",
        emails=("ap@acme.cn", "ap@acme.cn", " "),
        mobile="１３８００００００００",
    )
    written = check_title(draft).draft
    assert written.name == "甲（中国）有限公司"
    assert written.tax_number == USCC
    assert written.bank_account == "622200001111"
    assert written.cnaps == "308584000013"
    assert written.emails == ("ap@acme.cn",)
    assert written.mobile == "13800000000"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"name": ""}, "抬头名称"),
        ({"name": "很" * 51}, "抬头名称"),
        ({"name": "甲<乙>"}, "抬头名称"),
        ({"name": "甲\n乙公司"}, "名称含有换行"),
        ({"name": "甲\u202e乙公司"}, "名称含有换行或不可见"),
        ({"address": "某路\x1b1 号"}, "地址含有换行"),
        ({"phone": "021\t1"}, "电话含有换行"),
        ({"bank_name": "某\u200b银行"}, "开户行含有换行"),
        ({"tax_number": ""}, "须填写税号"),
        ({"address": "很" * 81}, "地址不超过"),
        ({"address": "很" * 50, "phone": "021-12345678"}, "合计不超过"),
        ({"bank_name": "很" * 45, "bank_account": "1" * 20}, "合计不超过"),
        ({"bank_account": "1234567"}, "银行账号"),
        ({"bank_account": "62220000A1111"}, "银行账号"),
        ({"cnaps": "308584000014"}, "联行号"),
        ({"emails": ("no",)}, "收票邮箱"),
        ({"emails": tuple(f"a{n}@b.cn" for n in range(6))}, "最多 5 个"),
        ({"mobile": "110"}, "11 位手机号"),
    ],
)
def test_what_a_field_may_not_be(facts: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        warnings(**facts)


def test_a_person_gets_ordinary_fapiao_only() -> None:
    person = check_title(TitleDraft(name="王小明", natural_person=True)).draft
    refuse_kind(person, FapiaoKind.ORDINARY)
    with pytest.raises(Invalid, match="只能开普通发票"):
        refuse_kind(person, FapiaoKind.SPECIAL)


def test_keys_fit_every_provider_and_differ() -> None:
    keys = {mint_key(datetime(2026, 11, 5, tzinfo=UTC)) for _ in range(1_000)}
    assert len(keys) == 1_000
    assert all(len(key) == 15 <= KEY_LENGTH for key in keys)
    assert all(key.startswith("N2611") and key.isascii() and key.isalnum() for key in keys)
