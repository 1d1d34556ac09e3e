"""What rooms say in Chinese, said in English to whoever reads English."""

import ast
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from babel.messages.pofile import read_po
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

import yuejie
from tests.rooms.web.conftest import House
from tests.rooms.web.test_pages import admin, browser, token_in
from yuejie.assurance.reconcile.pages import read_pages
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.sheets import parse_sheet
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.web.refusals.english import in_english, sentences

__all__ = ["admin", "browser"]

SOURCES = Path(yuejie.__file__).parent
MET = (
    "assurance/export.py",
    "beside.py",
    "assurance/providers/",
    "bills/",
    "budgets/allowance.py",
    "budgets/keep.py",
    "clouds/",
    "contracts/",
    "customers/",
    "db/tx.py",
    "fapiao/",
    "insights/",
    "intake/imports/mapping.py",
    "intake/nodes/keep.py",
    "intake/nodes/lose.py",
    "intake/pricing.py",
    "intake/resolve.py",
    "jobs/",
    "keeping/forget.py",
    "keeping/kinds.py",
    "keeping/preserve.py",
    "keeping/terms.py",
    "kernel/cnaps.py",
    "kernel/money.py",
    "kernel/period.py",
    "kernel/two_people.py",
    "kernel/uscc.py",
    "ledger/",
    "notices/channels/",
    "notices/contacts.py",
    "notices/log/",
    "packs/",
    "payments/",
    "presales/",
    "rating/",
    "support/",
    "usage/calls/",
    "usage/refusals/",
    "usage/show.py",
    "web/auth.py",
    "web/cursor.py",
    "web/pages/",
    "web/shapes/",
)
"""Where what people can meet on a page is refused, or told line by line."""
STANDS: Final = {"go": 2, "Remark": 2, "Note": 1, ".error": 0, ".skip": 0}
"""Which part of a call is a sentence, beside the first of every refusal."""
OPERATORS = ("发送账号",)
"""What only the operator's own deeds in those files refuse."""
HAN = re.compile("[\u4e00-\u9fff]")
PAGES = SOURCES / "web" / "pages"
COLUMNS = {
    "财务指南.md",
    "页面填写.toml",
    "收入（不含税）",
    "成本（不含税）",
    "毛利率 %",
    "长上下文",
    "变动 %",
    "本行数量",
    "单价单位",
    "耗时毫秒",
    "分组",
    "成本币种",
}
"""What stands on top of the columns of files, and names of files: nobody reads it on a page."""
KEPT = {"开始使用：页面填写", "（无部门）"}
"""What is kept in the database as where something is from, and what is put back by name."""


def refusals() -> frozenset[str]:
    """Return the names of all errors that carry a sentence."""
    waiting, found = [DomainError], set()
    while waiting:
        kind = waiting.pop()
        found.add(kind.__name__)
        waiting += kind.__subclasses__()
    return frozenset(found)


def shape(node: ast.AST, names: Mapping[str, ast.AST]) -> str | None:
    """Return a sentence as its template, `{}` for what it names."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in values)
        case ast.Name(id=name) if name in names:
            return shape(names[name], {})
        case _:
            return None


def _called(func: ast.expr) -> str:
    """Return the name of what is called, with a point before it where it is a method."""
    if isinstance(func, ast.Attribute):
        return f".{func.attr}"
    return func.id if isinstance(func, ast.Name) else ""


def said_in(path: Path) -> Iterator[str]:
    """Yield what a file refuses with, and what its pages say of a deed, as templates."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        node.target.id: node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }
    kinds = refusals()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = _called(node.func)
            at = STANDS.get(name, 0)
            if (name in kinds or name in STANDS) and len(node.args) > at:
                texts = [node.args[at]]
                if isinstance(texts[0], ast.IfExp):
                    texts = [texts[0].body, texts[0].orelse]
                yield from filter(None, (shape(text, names) for text in texts))


def test_everything_a_customer_can_meet_is_known() -> None:
    known = {*sentences()[0], *("{}".join(said.words) for said in sentences()[1])}
    missing = {
        text
        for path in sorted(SOURCES.rglob("*.py"))
        if str(path.relative_to(SOURCES)).startswith(MET)
        for text in said_in(path)
        if HAN.search(text) and text not in known and not any(o in text for o in OPERATORS)
    }
    assert missing == set()


def texts_in(tree: ast.Module) -> Iterator[str]:
    """Yield every Chinese text in a file, docstrings aside."""
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Expr)
        for part in ast.walk(node)
        if part is not node and isinstance(part, ast.Constant)
        if isinstance(node, ast.JoinedStr) or node.value is part
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside:
            text = shape(node, {})
            if text and HAN.search(text):
                yield text


def test_everything_a_page_is_made_to_say_is_known() -> None:
    """Whatever stands in the Python of a page: words of tables, flashes, sentences put together."""
    known = {*sentences()[0], *("{}".join(said.words) for said in sentences()[1])}
    source = (PAGES / "languages/en.po").read_bytes()
    known |= {str(each.id) for each in read_po(BytesIO(source)) if each.id}
    missing = {
        (path.name, text)
        for path in sorted(PAGES.rglob("*.py"))
        for text in texts_in(ast.parse(path.read_text("utf-8")))
        if text not in known | COLUMNS | KEPT
    }
    assert missing == set()


def test_nothing_is_kept_that_nobody_says() -> None:
    """Every sentence is still in the sources, word for word between what it names."""
    everything = "\n".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py"))
    told = re.sub(r'["\']\s*\n\s*f?["\']', "", everything)
    for said in sentences()[1]:
        for word in said.words:
            assert word.strip() in told, said
    for whole in sentences()[0]:
        assert whole in told, whole


def test_the_english_names_what_the_sentence_names() -> None:
    for said in sentences()[1]:
        holes = {int(each) for each in re.findall(r"\{(\d)\*?\}", said.english)}
        assert holes <= set(range(1, len(said.words))), said
        assert not HAN.search(said.english), said
    source = (SOURCES / "web/pages/languages/sentences.po").read_bytes()
    ids = [str(each.id) for each in read_po(BytesIO(source)) if each.id]
    assert len(ids) == len(set(ids))


def test_a_sentence_is_known_again_and_its_words_with_it() -> None:
    assert in_english("账单 YJ1 没有第 9 行，请核对行号") == "Bill YJ1 has no line 9"
    assert in_english("发票处于“已开具”状态，不能红冲；请刷新后核对").startswith(
        "The fapiao is Issued"
    )
    assert in_english(
        "合同 HT1 不能这样变更：三年合同的管理费不能提高；三年合同的付款天数不能少于 30；"
        "双方仍要如此约定的，请另签新合同接替本合同"
    ) == (
        "Contract HT1 cannot be amended so: of a contract of three years, the management fee may "
        "not rise; of a contract of three years, days to pay may not be fewer than 30; "
        "where both still want it so, sign another contract that takes the place of this one"
    )
    assert in_english("没有人说过这句话") == "没有人说过这句话"
    assert in_english("plain") == "plain"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("oops = 1", "there is no oops"),
        ('first_day = "soon"', "first_day is malformed (Invalid RFC3339 encoded date); a date is"),
        ("first_day = 5", "first_day is of the wrong type; it should be a date (as in 2026-11-11)"),
        ("zone = 1", "zone is of the wrong type; it should be a text"),
        ("zone = 1.5", 'zone: put a decimal in quotes, as in "1.5"'),
        ('says = "maybe"', "says cannot be 'maybe'"),
        ("columns = [1]", "columns is of the wrong type; it should be a section"),
        ("zone", "at the end: an equals sign is missing after the name"),
        ("zone = UTC", "line 1, column 8: the value is malformed; text is put in quotes"),
        ("zone = " + "[" * 5_000, "brackets are nested too deeply"),
    ],
)
def test_a_slip_in_a_file_is_english_as_well(text: str, told: str) -> None:
    """The library's English had become Chinese in the middle of an English sentence."""
    with pytest.raises(Invalid) as caught:
        parse_sheet(text)
    assert in_english(caught.value.sentence).startswith(f"The mapping is wrong: {told}")


@pytest.mark.parametrize("text", ["{", '{"data":}', "[" * 100_000])
def test_a_slip_in_a_report_is_english_as_well(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_pages(Source.OPENAI_USAGE, text.encode())
    told = in_english(caught.value.sentence)
    assert told.startswith("Line 1 of the report is no whole JSON: ")
    assert not HAN.search(told)


@given(st.text(max_size=300), st.integers(1, 999))
def test_whatever_is_named_comes_back_whole(name: str, number: int) -> None:
    """A name can be anything but a word of ours; it is never lost, and nothing takes for ever."""
    told = in_english(f"额度名称“{name}”应为 1 到 {number} 个字符，不含逗号、等号和换行")
    assert str(number) in told
    if not HAN.search(name):
        assert name in told


def test_refusals_on_english_pages_are_english(admin: TestClient, house: House) -> None:
    form = {"form_token": token_in(admin.get("/account"))}
    admin.post("/look", data=form | {"language": "en"})
    page = admin.get(f"/bills/{house.acme_bill.number}/lines/99")
    assert f"Bill {house.acme_bill.number} has no line 99" in page.text
    assert "There is no such page" in admin.get("/nowhere").text
    beside = admin.post(
        "/account/password",
        data=form | {"old": "x", "new": "battery staple 7"},
        headers={"hx-request": "true"},
    )
    assert beside.text == "The current password is wrong"
    missing = admin.post("/bills/x/reopen", data=form)
    assert "why is missing" in missing.text
    assert "请" not in re.sub(r"<header.*?</header>", "", missing.text, flags=re.DOTALL)
    answer = admin.get("/api/v1/bills/nothing", headers={"accept": "application/json"})
    assert "不存在" in answer.json()["detail"], "programs hear what they always heard"
