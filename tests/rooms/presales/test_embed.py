"""Fonts inside a Word file: TrueType, with every character that is shown, the same each time."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from zipfile import ZipFile

from docx import Document
from fontTools.ttLib import TTFont

from yuejie.presales.proposal.setting.embed import FAMILY, cut, embed_fonts, obfuscated

TEXT = "大模型采购方案书 赟燚垚 𠮷 ¥1,234.56"


def test_a_cut_font_has_true_type_outlines_of_every_character() -> None:
    font = TTFont(BytesIO(cut("NotoSansSC-Bold.otf", frozenset(TEXT))))
    assert "glyf" in font
    assert {ord(char) for char in TEXT} <= font.getBestCmap().keys()
    assert font["name"].getDebugName(1) == FAMILY
    assert font["OS/2"].fsType == 0
    assert font["glyf"][font.getBestCmap()[ord("𠮷")]].numberOfContours > 0


def test_fonts_that_are_cut_at_once_are_those_cut_alone() -> None:
    """A font is opened once and reads itself as it is asked; proposals are made side by side."""
    wanted = [frozenset(f"{TEXT}{chr(0x4E00 + 40 * at)}") for at in range(8)]
    with ThreadPoolExecutor(8) as crowd:
        together = list(crowd.map(lambda each: cut("NotoSansSC-Regular.otf", each), wanted))
    assert together == [cut("NotoSansSC-Regular.otf", each) for each in wanted]


def test_obfuscation_is_undone_by_itself_and_changes_the_head_alone() -> None:
    font, key = bytes(range(256)), uuid.UUID("12345678-1234-5678-1234-567812345678")
    mixed = obfuscated(font, key)
    assert mixed[:32] != font[:32]
    assert mixed[32:] == font[32:]
    assert obfuscated(mixed, key) == font


def test_the_file_names_its_fonts_and_is_the_same_each_time() -> None:
    raw = BytesIO()
    document = Document()
    document.add_paragraph(TEXT)
    document.save(raw)
    body = embed_fonts(raw.getvalue(), TEXT)
    assert body == embed_fonts(raw.getvalue(), TEXT)
    with ZipFile(BytesIO(body)) as archive:
        names = archive.namelist()
        assert {"word/fonts/font1.odttf", "word/fonts/font2.odttf"} <= set(names)
        assert b"embedTrueTypeFonts" in archive.read("word/settings.xml")
        assert b'Extension="odttf"' in archive.read("[Content_Types].xml")
        assert archive.read("word/fontTable.xml").count(b"fontKey") == 2
        assert len(names) == len(set(names))
    assert Document(BytesIO(body)).paragraphs[0].text == TEXT
