import re

from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.bills.documents.sample import Use, bill_document, three_lines, three_projects
from yuejie.bills.documents.text import to_text, width
from yuejie.kernel.money import Money


def test_wide_characters_count_double_and_marks_not_at_all() -> None:
    assert width("a") == 1
    assert width("账单") == 4
    assert width("ｅ（") == 4
    assert width("e\u0301") == 1
    assert width("") == 0


def test_amounts_end_in_one_column() -> None:
    rows = [line for line in to_text(three_projects()).decode().splitlines() if "百万" in line]
    assert len(rows) == 13
    assert len({width(row) for row in rows}) == 1


def test_the_printed_lines_add_up_to_the_printed_total() -> None:
    text = to_text(three_lines()).decode()
    printed = re.findall(r"^ ?\d+  .* ([-\d,.]+)$", text, re.MULTILINE)
    total = re.findall(r"价税合计 +CNY +([\d,.]+)", text)
    fen = [Money.parse(amount.replace(",", ""), "CNY").fen for amount in printed]
    assert len(fen) == 3
    assert Money(sum(fen), "CNY") == Money.parse(total[0].replace(",", ""), "CNY")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_a_name_takes_one_line(name: str) -> None:
    plain = to_text(bill_document(Use("gpt-4o", "input", 1, "5"))).decode()
    odd = to_text(bill_document(Use(name, "input", 1, "5", project=name))).decode()
    assert plain.count("\n") == odd.count("\n")
