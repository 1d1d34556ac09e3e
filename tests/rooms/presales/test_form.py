"""The form: what it says is kept, and every slip is one sentence that names the field."""

from typing import Any

import msgspec
import pytest

from yuejie.kernel.errors import Invalid
from yuejie.presales.ask import ask_of, read_ask
from yuejie.presales.examples import EXAMPLES, example
from yuejie.presales.form import form_of, read_form, words_of
from yuejie.presales.requirement import Requirement

GOOD: dict[str, Any] = {
    "company": {"name": "甲"},
    "task": "support",
    "first_month": "2026-10",
    "volume": {"items_per_day": 10},
    "tokens": {"input": 100, "output": 10},
}
MEANT = (
    *("[", "import", "basis", "name", "models =", "currency", "rates", "top_up", "expires"),
    *("package", "card_fee", "fx_spread", "capital", "wait", "source", "fee", "deposit"),
    *("payment_days", "sla", "tax"),
)
"""How the lines of the example begin that are only left out, not remarks."""
TOLD = {"from": "customer", "why": "口述"}


@pytest.mark.parametrize("name", [each for each in EXAMPLES if each != "ask"])
def test_the_examples_are_forms_and_written_again_are_the_same(name: str) -> None:
    found = read_form(example(name).encode(), f"{name}.toml")
    assert form_of(words_of(found)) == found
    kept = msgspec.json.encode(found)
    assert msgspec.json.decode(kept, type=Requirement) == found
    again = msgspec.json.encode(words_of(found))
    assert read_form(again, f"{name}.json") == found


def test_the_example_of_an_ask_is_one_and_so_is_all_that_it_leaves_out() -> None:
    text = example("ask")
    assert len(read_ask(text.encode(), "ask.toml").plans) == 2
    lines = text.replace('# models = ["gpt-4o"] ', "").splitlines()
    bare = [each.removeprefix("# ") if each[2:].startswith(MEANT) else each for each in lines]
    found = read_ask("\n".join(bare).encode(), "ask.toml")
    assert found.prepaid is not None
    assert found.prepaid.card_fee_ppm is not None
    assert found.prepaid.card_fee_ppm.value == 15_000
    assert [each.name for each in found.offers] == ["某云"]
    assert found.replay is not None
    assert [each.name for each in found.replay.switches] == ["改用 mini"]


SLIPS: list[tuple[dict[str, Any], str]] = [
    ({"task": "chat"}, "task 的写法 'chat' 不认识"),
    ({"quality": 3}, "quality"),
    ({"colour": 1}, "没有 colour 这一项"),
    ({"volume": {"items_per_day": 1, "speed": 1}}, "没有 volume.speed 这一项"),
    ({"company": {}}, "缺少 company.name"),
    ({"company": {"name": " "}}, "公司名称）不能为空"),
    ({"company": {"name": "甲", "uscc": "1"}}, "统一社会信用代码"),
    ({"volume": {"items_per_day": 1.5}}, "小数请加引号"),
    ({"volume": {"items_per_day": "1.5"}}, "应为不小于 0 的整数"),
    ({"volume": {"qps": "0.0001"}}, "最多 3 位小数"),
    ({"volume": {"qps": "1", "hours": "night"}}, "不认识，请写 flat"),
    ({"volume": {"qps": "1", "hours": [100]}}, "24 个 0 到 100 的整数"),
    ({"volume": {"qps": "1", "hours": [50] * 24}}, "最忙的一小时须写 100"),
    ({"volume": {}}, "填且只填一项"),
    ({"volume": {"qps": "1", "items_per_day": 1}}, "填且只填一项"),
    ({"volume": {"items_per_day": {"low": 3, "expected": 2, "high": 1}}}, "从低到高"),
    ({"volume": {"items_per_day": 0}}, "在 1 到"),
    ({"volume": {"items_per_day": 1, "days": "some"}}, "workdays（工作日）"),
    ({"volume": {"items_per_day": 1, "off_days": "0.3"}}, "须带百分号"),
    ({"volume": {"items_per_day": 1, "growth": "-100%"}}, "大于 -100%"),
    ({"tokens": {"input": 100}}, "缺少 tokens.output"),
    ({"tokens": {"input": 10**9, "output": 1}}, "tokens.input"),
    ({"tokens": {"input": 1, "output": 0}}, "tokens.output"),
    ({"first_month": "2026-13"}, "账期“2026-13”格式不对"),
    ({"months": 99}, "1 到 36"),
    ({"currency": "EUR"}, "请写 CNY 或 USD"),
    ({"zone": "Mars"}, "时区“Mars”不存在"),
    ({"budget": "-5.00"}, "须大于零"),
    ({"budget": "5.001"}, "最多 2 位小数"),
    ({"habits": {"cached": "70%", "cache_write": "40%"}}, "之和不能超过 100%"),
    ({"standing": {"adverze": True}}, "没有 standing.adverze 这一项"),
    ({"volume": {"items_per_day": 1, "hours": [100]}}, "24 个 0 到 100 的整数"),
    ({"standing": {"founded_on": "soon"}}, "日期写作 2026-11-11"),
    ({"buyer": {"taxpayer": "big"}}, "buyer.taxpayer 的写法 'big' 不认识"),
    ({"term": "ten_year"}, "term 的写法"),
]


@pytest.mark.parametrize(("slip", "said"), SLIPS, ids=lambda each: str(each)[:40])
def test_a_slip_is_one_sentence_that_names_the_field(slip: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        form_of(GOOD | slip)
    assert said in caught.value.sentence
    assert "$" not in caught.value.sentence


def test_a_promotion_that_ends_before_it_begins_is_refused() -> None:
    wrong = {"name": "618", "first": "2026-06-18", "last": "2026-06-01", "factor": "2"}
    with pytest.raises(Invalid, match="早于起日"):
        form_of(GOOD | {"volume": {"items_per_day": 1, "promotion": [wrong]}})
    for body in (b"\xff", b"a = [", b"[]"):
        with pytest.raises(Invalid):
            read_form(body, "form.toml")


ASKS: list[tuple[dict[str, Any], str]] = [
    ({}, "缺少 book"),
    ({"book": "s", "fx_policy": "card"}, "折算卡的名称"),
    ({"book": "s", "tax_mode": "none"}, "inclusive 或 exclusive"),
    ({"book": "s", "valid_days": 0}, "1 到 180"),
    ({"book": "s", "plan": [{"name": "a"}, {"name": "a"}]}, "名称有重复"),
    ({"book": "s", "plan": [{"name": n} for n in "abcde"]}, "最多 4 个方案"),
    ({"book": "s", "prepaid": {"top_up": TOLD | {"value": "1.00"}}}, "请在 [usage] 写明 import"),
    ({"book": "s", "plan": [{"name": "a.b"}]}, "不含 . [ ]"),
    ({"book": "s", "plan": [{"name": ""}]}, "1 到 40 个字"),
    ({"book": "s", "usage": {"import": "i", "basis": "past"}}, "now（按现价）"),
]


@pytest.mark.parametrize(("ask", "said"), ASKS, ids=lambda each: str(each)[:40])
def test_a_slip_in_what_is_asked_is_named(ask: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        ask_of(ask)
    assert said in caught.value.sentence


RATES = [{"model": "gpt-4o", "input": "1"}]
SIDES: list[tuple[dict[str, Any], str]] = [
    ({"prepaid": {"top_up": {"value": "1.00", "from": "me", "why": "x"}}}, "须写明出处"),
    ({"prepaid": {"top_up": {"value": "1.00", "from": "assumed", "why": " "}}}, "须写明出处"),
    ({"prepaid": {"top_up": TOLD | {"value": "0.00"}}}, "须大于零"),
    (
        {"prepaid": {"top_up": TOLD | {"value": "1"}, "wait_days": TOLD | {"value": "-1"}}},
        "整数天数",
    ),
    ({"offer": [{"name": "a", "source": " ", "rates": RATES}]}, "没有写明出处"),
    ({"offer": [{"name": "a", "source": "x", "rates": []}]}, "没有任何单价"),
    ({"offer": [{"name": "a", "source": "x", "rates": [{"input": "1"}]}]}, "没有写 model"),
    ({"offer": [{"name": "a", "source": "x", "rates": [{"model": "m", "w": "1"}]}]}, "不认识"),
    ({"offer": [{"name": n, "source": "x", "rates": RATES} for n in "abcdef"]}, "最多 5 份"),
    ({"offer": [{"name": "a", "source": "x", "rates": RATES}] * 2}, "名称有重复"),
]


@pytest.mark.parametrize(("side", "said"), SIDES, ids=lambda each: str(each)[:60])
def test_numbers_of_others_have_a_source(side: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        ask_of({"book": "s", "usage": {"import": "i"}} | side)
    assert said in caught.value.sentence
