"""Put our fonts into a Word file: cut to the characters it shows, as ECMA-376 obfuscates them.

Word reads only TrueType outlines inside a document, and ours are PostScript's, so that the glyphs
that are needed are converted, to within a thousandth of an em.
"""

import uuid
from functools import cache, lru_cache
from io import BytesIO
from threading import Lock
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from yuejie.paper.printable import FONTS, drawable

FAMILY: Final = "Noto Sans SC"
_FACES: Final = {
    "embedRegular": "NotoSansSC-Regular.otf",
    "embedBold": "NotoSansSC-Bold.otf",
}
_RARE: Final = "NotoSansSCRare-Regular.otf"
_ALWAYS: Final = "0123456789 .,:;%()-–/+−×÷=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz…"
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every part inside the file: the same proposal gives the same bytes."""
_NONE: Final = ".notdef"
_turn: Final = Lock()
"""A font reads itself as it is asked, so one asks at a time."""
_GLYPHS: Final = 4_096
"""So many converted glyphs are kept, of which a proposal has some five hundred of each weight."""
_HEAD: Final = 32
_ERROR: Final = 1.0
_TABLE: Final = "word/fontTable.xml"
_RELATIONS: Final = "word/_rels/fontTable.xml.rels"
_SETTINGS: Final = "word/settings.xml"
_TYPES: Final = "[Content_Types].xml"
_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_FONT_LINK: Final = f"{_LINKS}/font"
_FONT_TYPE: Final = "application/vnd.openxmlformats-officedocument.obfuscatedFont"


def embed_fonts(body: bytes, characters: str) -> bytes:
    """Return the file with our fonts in it, every part under one date."""
    shown = frozenset(characters) | frozenset(_ALWAYS)
    fonts = {
        f"word/fonts/font{number}.odttf": (face, cut(name, shown))
        for number, (face, name) in enumerate(_FACES.items(), 1)
    }
    still = BytesIO()
    with ZipFile(BytesIO(body)) as was, ZipFile(still, "w", ZIP_DEFLATED) as became:
        names = [each for each in was.namelist() if each not in {_TABLE, _RELATIONS}]
        for name in names:
            _put(became, name, _changed(name, was.read(name)))
        keys = {path: _key(path, font) for path, (_, font) in fonts.items()}
        _put(became, _TABLE, _font_table({p: (face, keys[p]) for p, (face, _) in fonts.items()}))
        _put(became, _RELATIONS, _relations(list(fonts)))
        for path, (_, font) in fonts.items():
            _put(became, path, obfuscated(font, keys[path]))
    return still.getvalue()


def obfuscated(font: bytes, key: uuid.UUID) -> bytes:
    """Mix a font's first 32 bytes with its key, backwards, twice (ECMA-376 part 4, 2.8.1)."""
    mask = key.bytes[::-1]
    head = bytes(font[at] ^ mask[at % len(mask)] for at in range(_HEAD))
    return head + font[_HEAD:]


def cut(name: str, characters: frozenset[str]) -> bytes:
    """Return a font that holds these characters, as far as we have them, in TrueType outlines."""
    wanted = sorted(ord(char) for char in characters if drawable(char))
    with _turn:
        own = _font(name)
        glyphs, cmap, metrics = _outlines(name, wanted)
        missing = [code for code in wanted if code not in cmap]
        if missing:
            more, known, sizes = _outlines(_RARE, missing, prefix="rare.")
            glyphs |= {each: found for each, found in more.items() if each in known.values()}
            metrics |= {each: found for each, found in sizes.items() if each in known.values()}
            cmap |= known
        return _built(own, glyphs, cmap, metrics, bold="Bold" in name)


@cache
def _font(name: str) -> TTFont:
    """Open a font of ours; what is read of it stays read."""
    return TTFont(BytesIO((FONTS / name).read_bytes()), recalcTimestamp=False)


def _outlines(
    face: str, wanted: list[int], prefix: str = ""
) -> tuple[dict[str, object], dict[int, str], dict[str, tuple[int, int]]]:
    """Return these characters' glyphs as quadratic curves, with their names and widths."""
    font = _font(face)
    known = font.getBestCmap()
    names = {code: known[code] for code in wanted if code in known}
    drawn: dict[str, object] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for name in sorted({_NONE, *names.values()}, key=font.getGlyphID):
        drawn[prefix + name] = _outline(face, name)
        sizes[prefix + name] = (font["hmtx"][name][0], 0)
    return drawn, {code: prefix + name for code, name in names.items()}, sizes


@lru_cache(maxsize=_GLYPHS)
def _outline(face: str, name: str) -> object:
    """Return a glyph as quadratic curves; the next proposal says much the same words."""
    pen = TTGlyphPen(None)
    _font(face).getGlyphSet()[name].draw(Cu2QuPen(pen, _ERROR, reverse_direction=True))
    return pen.glyph()


def _built(
    like: TTFont,
    glyphs: dict[str, object],
    cmap: dict[int, str],
    metrics: dict[str, tuple[int, int]],
    *,
    bold: bool,
) -> bytes:
    """Put a TrueType font together from glyphs, with the measures of the original."""
    builder = FontBuilder(like["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    table = builder.font["glyf"]
    sizes = {
        name: (size, table[name].xMin if table[name].numberOfContours else 0)
        for name, (size, _) in metrics.items()
    }
    builder.setupHorizontalMetrics(sizes)
    heights, old = like["hhea"], like["OS/2"]
    builder.setupHorizontalHeader(ascent=heights.ascent, descent=heights.descent)
    style = "Bold" if bold else "Regular"
    builder.setupNameTable({"familyName": FAMILY, "styleName": style})
    builder.setupOS2(
        sTypoAscender=old.sTypoAscender,
        sTypoDescender=old.sTypoDescender,
        sTypoLineGap=old.sTypoLineGap,
        usWinAscent=old.usWinAscent,
        usWinDescent=old.usWinDescent,
        usWeightClass=700 if bold else 400,
        fsSelection=0x20 if bold else 0x40,
        fsType=0,
    )
    builder.setupPost(isFixedPitch=0)
    builder.font["head"].macStyle = 1 if bold else 0
    builder.font["head"].created = builder.font["head"].modified = like["head"].created
    builder.font.recalcTimestamp = False
    written = BytesIO()
    builder.font.save(written)
    return written.getvalue()


def _key(path: str, font: bytes) -> uuid.UUID:
    """Return a key that follows from the font, so that the same file has the same one."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{path}:{len(font)}:{font[-64:].hex()}")


def _font_table(fonts: dict[str, tuple[str, uuid.UUID]]) -> bytes:
    links = "".join(
        f'<w:{face} r:id="rId{number}" w:fontKey="{{{str(key).upper()}}}"/>'
        for number, (face, key) in enumerate(fonts.values(), 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<w:fonts xmlns:w="{_WORD}" xmlns:r="{_LINKS}"><w:font w:name="{FAMILY}">'
        '<w:panose1 w:val="020B0500000000000000"/><w:charset w:val="86"/>'
        '<w:family w:val="swiss"/><w:pitch w:val="variable"/>'
        f"{links}</w:font></w:fonts>"
    ).encode()


def _relations(paths: list[str]) -> bytes:
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{_FONT_LINK}" '
        f'Target="{path.removeprefix("word/")}"/>'
        for number, path in enumerate(paths, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{links}</Relationships>"
    ).encode()


def _changed(name: str, body: bytes) -> bytes:
    """Say in the file's own tables that fonts are in it."""
    if name == _TYPES:
        more = f'<Default Extension="odttf" ContentType="{_FONT_TYPE}"/>'.encode()
        return body.replace(b"<Default ", more + b"<Default ", 1)
    if name == _SETTINGS:
        at = body.index(b">", body.index(b"<w:settings")) + 1
        zoom = body.find(b"<w:zoom")
        at = body.index(b">", zoom) + 1 if zoom >= 0 else at
        more = b"<w:embedTrueTypeFonts/><w:saveSubsetFonts/>"
        return body[:at] + more + body[at:]
    return body


def _put(archive: ZipFile, name: str, body: bytes) -> None:
    archive.writestr(ZipInfo(name, _MADE), body, ZIP_DEFLATED)
