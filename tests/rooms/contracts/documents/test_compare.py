"""What a changed contract says otherwise: each clause beside the one that it rewords."""

from datetime import date

from yuejie.contracts.documents.compare import Changed, changes
from yuejie.contracts.documents.framework import ContractText, Section


def text(clauses: list[str], annex: list[tuple[str, ...]]) -> ContractText:
    return ContractText(
        title="合同",
        number="HT2026000001 第 1 版",
        dated=date(2026, 12, 1),
        is_draft=False,
        parties=(),
        sections=(Section("一、价格", tuple(clauses)),),
        annex_note="",
        annex_heads=("模型", "计量项", "适用条件", "目录价", "合同价", "单位"),
        annex=tuple(annex),
    )


def rate(model: str, price: str, listed: str = "20.00") -> tuple[str, ...]:
    return (model, "输入", "—", listed, price, "CNY/百万 token")


def test_clauses_are_put_beside_what_they_reword_whatever_their_number() -> None:
    """One is inserted before one that is reworded, one is dropped, one only has a new number."""
    was = text(
        ["1.1 本合同自2026年12月1日起生效。", "1.2 乙方不承诺最低消费。", "1.3 甲方不收管理费。"],
        [],
    )
    became = text(
        ["1.1 取代此前各版。", "1.2 本合同自2027年1月1日起生效。", "1.3 甲方不收管理费。"], []
    )
    assert changes(was, became) == [
        Changed("", "取代此前各版。"),
        Changed("本合同自2026年12月1日起生效。", "本合同自2027年1月1日起生效。"),
        Changed("乙方不承诺最低消费。", ""),
    ]
    assert changes(was, was) == []


def test_prices_are_those_of_the_contract_whatever_the_list_says() -> None:
    was = text([], [rate("a", "18.00"), rate("b", "9.00"), rate("d", "3.00")])
    became = text([], [rate("a", "18.00", "25.00"), rate("b", "8.80"), rate("c", "1.00")])
    assert changes(was, became) == [
        Changed("b 输入：9.00 CNY/百万 token", "b 输入：8.80 CNY/百万 token"),
        Changed("d 输入：3.00 CNY/百万 token", ""),
        Changed("", "c 输入：1.00 CNY/百万 token"),
    ]
