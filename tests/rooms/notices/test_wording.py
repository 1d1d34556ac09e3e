"""Every kind can be said in every language on every channel, and nobody's words break a form."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.notices.desk import facts_of
from yuejie.notices.contact import LANGUAGES
from yuejie.notices.notice import NEEDS, Kind
from yuejie.notices.wording import en, zh
from yuejie.notices.wording.render import (
    SMS_LENGTH,
    clip,
    html_of,
    markdown_of,
    piece_of,
    sms_of,
    text_of,
    title_of,
)

KINDS = list(Kind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_said_in_every_form(kind: Kind, language: str) -> None:
    facts = facts_of(kind) | {"link": "https://console.example.com/bills/1"}
    pieces = [piece_of(kind, facts, language)]
    forms = [
        text_of(pieces, language, "msg_1"),
        html_of(pieces, language, "msg_1"),
        markdown_of(pieces, language, "msg_1", most=4096),
    ]
    for form in forms:
        assert "msg_1" in form
        assert "console.example.com" in form
        assert "{" not in form.replace("{", "", 0) or not re.search(r"\{\w+\}", form)
        for name in ("amount", "number", "due_on"):
            if name in NEEDS[kind].facts:
                assert facts[name] in form
    assert title_of(pieces, language) == pieces[0].title
    assert "\n" not in pieces[0].title


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_label_for_each_fact_it_needs(kind: Kind) -> None:
    for tongue in (zh, en):
        assert [name for name in NEEDS[kind].facts if name not in tongue.LABELS] == []


def test_the_languages_say_the_same_things() -> None:
    assert zh.WORDINGS.keys() == en.WORDINGS.keys() == set(Kind)
    assert zh.LABELS.keys() == en.LABELS.keys()
    for kind in Kind:
        used = [
            set(re.findall(r"\{(\w+)\}", tongue.WORDINGS[kind].title + tongue.WORDINGS[kind].body))
            for tongue in (zh, en)
        ]
        assert used[0] == used[1] == set(NEEDS[kind].facts), kind


@pytest.mark.parametrize("kind", KINDS)
def test_no_sms_holds_a_url_or_a_long_word(kind: Kind) -> None:
    for evil in (
        "see https://evil.example.com/x now",
        "www.evil.com",
        "evil.cn/x",
        "长" * 99,
        "\n",
    ):
        values = sms_of(kind, dict.fromkeys(NEEDS[kind].facts, evil))
        assert tuple(values) == NEEDS[kind].facts
        for value in values.values():
            assert 0 < len(value) <= SMS_LENGTH
            assert "://" not in value
            assert "evil" not in value or "see" in evil.partition("evil")[0] == "", value


def test_an_sms_keeps_amounts_numbers_and_dates() -> None:
    assert list(sms_of(Kind.BILL_ISSUED, facts_of(Kind.BILL_ISSUED)).values()) == [
        "B202610-0001",
        "2026-10",
        "95,000.00 CNY",
        "2026-11-17",
    ]


EVIL = (
    "<script>alert(1)</script><at id=all></at>[点我](https://evil.example.com)"
    "**粗**`x`\r\nBcc: all@example.com\x00{amount}"
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_peoples_words_stay_words(language: str) -> None:
    facts = facts_of(Kind.UNDELIVERED) | {"why": EVIL, "link": "javascript:alert(1)"}
    pieces = [piece_of(Kind.UNDELIVERED, facts, language)]
    page, marked = html_of(pieces, language, "m"), markdown_of(pieces, language, "m", most=9000)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "javascript:" not in page + marked
    assert not re.search(r"<|\]\(", marked)
    assert marked.count("**") == 2, "only the title is bold"
    assert "\r" not in page + marked
    assert "\x00" not in page + marked
    assert "{amount}" in marked, "a fact is never a template"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "img", "iframe", "object"}
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in {"meta", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(st.text(max_size=200))
def test_html_stays_whole_whatever_people_write(words: str) -> None:
    facts = facts_of(Kind.UNDELIVERED) | {"why": words, "customer": words, "link": words}
    tags = Tags()
    tags.feed(html_of([piece_of(Kind.UNDELIVERED, facts, "en")] * 2, "en", "m"))
    assert tags.open == []


@given(st.text(max_size=300), st.integers(10, 200))
def test_a_cut_text_fits_and_is_readable(words: str, most: int) -> None:
    cut = clip(words, most)
    assert len(cut.encode()) <= most
    assert cut == words or cut.endswith("…")


def test_five_notices_of_long_facts_fit_a_robot() -> None:
    facts = facts_of(Kind.UNDELIVERED) | {"why": "很长的原因" * 200}
    pieces = [piece_of(Kind.UNDELIVERED, facts, "zh-CN")] * 5
    marked = markdown_of(pieces, "zh-CN", "msg_1", most=4096)
    assert len(marked.encode()) <= 4096
    assert marked.endswith("只处理一次）"), "the id survives the cut"
    assert title_of(pieces, "zh-CN") == "5 条通知"
