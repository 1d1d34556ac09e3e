import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from yuejie.paper.printable import drawable, printable, printed


def test_characters_without_a_form_are_named() -> None:
    assert printable("a\u202eb\x07\u200b\ud800") == ("a〔U+202E〕b〔U+0007〕〔U+200B〕〔U+D800〕")
    assert printable("两\n行\t字") == "两 行 字"
    assert printable("堃𠮷🚀", lambda char: char != "🚀") == "堃𠮷〔U+1F680〕"


@given(st.text())
def test_printable_text_has_no_control_and_no_direction(text: str) -> None:
    printed = printable(text)
    assert printed.isprintable() or any(char.isspace() for char in printed)
    assert not set(printed) & set("\n\r\t\x00\u202a\u202b\u202d\u202e\u2066\u2067")


def test_our_fonts_draw_rare_names_and_no_pictures() -> None:
    assert all(map(drawable, "堃𠮷䶮㛃犇 Aé¥，（）"))
    assert not any(map(drawable, "🚀한\u202e"))


def test_a_long_run_of_latin_text_can_be_broken() -> None:
    assert printed("a" * 22) == "a" * 22
    assert printed("a" * 45) == f"{'a' * 22}\u200b{'a' * 22}\u200ba"
    assert printed("two-words " * 9) == "two-words " * 9


@given(st.text())
def test_what_is_printed_is_drawn(text: str) -> None:
    shown = printed(text).replace("\u200b", "")
    assert all(map(drawable, shown))
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf"}
