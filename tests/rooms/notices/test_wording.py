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
    assert title_of(pieces, "zh-CN") == "通知未送达：<message> 等 5 条通知"
    assert title_of(pieces, "en").startswith("5 notices: ")
    assert marked.count("**") == 10, "each has its title"


@given(
    st.lists(st.text(max_size=400), min_size=1, max_size=20),
    st.sampled_from([4096, 16_000]),
    st.booleans(),
)
def test_no_notice_of_a_digest_is_lost_behind_a_long_one(
    whys: list[str],
    most: int,
    linked: bool,  # noqa: FBT001
) -> None:
    facts = facts_of(Kind.UNDELIVERED) | {"link": "https://console.example.com/bills/1"}
    pieces = [
        piece_of(Kind.UNDELIVERED, facts | {"message": f"msg_{n:02}", "why": why}, "zh-CN")
        for n, why in enumerate(whys)
    ]
    marked = markdown_of(pieces, "zh-CN", "msg_1", most=most, linked=linked)
    assert len(marked.encode()) <= most
    assert [n for n in range(len(whys)) if f"通知未送达：msg_{n:02}" not in marked] == []
    assert not re.search(r"\[查看详情\]\([^)]*$", marked), "no link is cut in two"
    assert linked or "](http" not in marked


@pytest.mark.parametrize(
    "words",
    [
        "请到 https://evil.example.com/pay 付款",
        "HTTP://EVIL.example.com",
        "www.evil.example.com",
        "mailto:boss@evil.example.com",
        "ftp://x",
        "＠所有人 &lt;at id=all&gt;&lt;/at&gt;",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_address_that_somebody_wrote_becomes_no_link(words: str, language: str) -> None:
    """A payer's name comes from a bank statement: a fen buys a line in our mail."""
    facts = facts_of(Kind.SUSPENSE_UNCLAIMED) | {"payer": words}
    pieces = [piece_of(Kind.SUSPENSE_UNCLAIMED, facts, language)]
    marked = markdown_of(pieces, language, "m", most=4096)
    for form in (text_of(pieces, language, "m"), html_of(pieces, language, "m"), marked):
        assert not re.search(r"(?i)(https?|ftp)://|www\.|mailto:", form)
    assert "&" not in marked


def test_the_link_of_a_notice_is_the_one_that_the_house_wrote() -> None:
    facts = facts_of(Kind.RESTORED) | {"link": "https://console.example.com/b(1)"}
    pieces = [piece_of(Kind.RESTORED, facts, "en")]
    assert "](https://console.example.com/b%281%29)" in markdown_of(pieces, "en", "m", most=4096)


def test_a_title_fits_a_subject_line_and_shows_that_it_was_cut() -> None:
    facts = facts_of(Kind.PRICE_RISE) | {"model": "gpt-4o-mini; " * 30}
    title = title_of([piece_of(Kind.PRICE_RISE, facts, "zh-CN")], "zh-CN")
    assert (len(title), title[-1]) == (80, "…")
