"""Cut the fonts of the house out of Noto Sans CJK.

    python tools/subset_fonts.py FOLDER

FOLDER holds NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc, version 2.004 (the Debian package
fonts-noto-cjk has them; SIL Open Font License 1.1). Needs fonttools, which is no dependency of
yuejie: the result is in the repository, and this says how it was made. Same input, same bytes.

Two fonts carry what documents need: GB 2312, and the Latin, Greek and Cyrillic letters, signs
and forms of the original. The third holds every other character of the original in Regular, for
rare characters in names: the rest of the URO, extensions A to F as far as the original goes, kana.
Hangul is left out; it would add four megabytes.
"""

# ruff: noqa: INP001 (a script that is run by its path, never imported)

import sys
from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FACE: Final = "Noto Sans CJK SC"
TARGET: Final = Path(__file__).parents[1] / "src/yuejie/paper/fonts"
FIRST_IDEOGRAPH: Final = 0x2E80
HANGUL: Final = (
    range(0x1100, 0x1200),
    range(0x3130, 0x3190),
    range(0x3200, 0x321F),
    range(0x3260, 0x3280),
    range(0xA960, 0xA980),
    range(0xAC00, 0xD800),
    range(0xFFA0, 0xFFE0),
)
"""Blocks that nobody on a Chinese document needs; ㈠ and the full-width forms stay."""
ALSO_COMMON: Final = "堃喆犇淼昇珺赟燚垚甯仝亓璟煊翀玥曌"
"""Characters of names so usual today that a bold heading should have them, though not GB 2312."""
SIGNS: Final = (
    range(0x3000, 0x3020),
    range(0xFE30, 0xFE50),
    range(0xFF00, 0xFF5F),
    range(0xFFE0, 0xFFE7),
)


def common(covered: set[int]) -> set[int]:
    """Return GB 2312, the name characters above, and everything that is not an ideograph."""
    rows = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    gb2312 = {ord(c) for pair in rows for c in pair.decode("gb2312", "ignore")}
    letters = {c for c in covered if c < FIRST_IDEOGRAPH}
    signs = {c for block in SIGNS for c in block}
    return (gb2312 | letters | signs | {ord(c) for c in ALSO_COMMON}) & covered - hangul()


def hangul() -> set[int]:
    """Return the code points of Hangul."""
    return {c for block in HANGUL for c in block}


def face(path: Path) -> TTFont:
    """Open the simplified Chinese face of a collection."""
    return next(f for f in TTCollection(path).fonts if f["name"].getDebugName(1) == FACE)


def cut(path: Path, characters: set[int], family: str, name: str) -> None:
    """Write the font that holds these characters under this family name."""
    options = subset.Options(
        layout_features=["kern", "ccmp"],
        hinting=False,
        desubroutinize=False,
        name_IDs=[0, 1, 2, 4, 5, 6, 13, 14],
        drop_tables=["BASE", "DSIG", "VORG", "vhea", "vmtx", "STAT"],
        recalc_timestamp=False,
        notdef_outline=True,
    )
    font = face(path)
    font.recalcTimestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    for record in font["name"].names:
        if record.nameID in {1, 16}:
            record.string = family
        elif record.nameID in {4, 6}:
            record.string = f"{family} {name}".replace(" ", "-" if record.nameID == 6 else " ")
    top = font["CFF "].cff
    top.fontNames[0] = f"{family} {name}".replace(" ", "-")
    top[0].FamilyName, top[0].FullName = family, f"{family} {name}"
    font.save(TARGET / f"{family.replace(' ', '')}-{name}.otf")


def write_coverage(characters: set[int]) -> None:
    """Write down, as ranges, what the fonts can draw, so that nothing prints as an empty box."""
    starts = sorted(c for c in characters if c - 1 not in characters)
    ends = sorted(c for c in characters if c + 1 not in characters)
    ranges = (f"{a:X}-{b:X}\n" for a, b in zip(starts, ends, strict=True))
    (TARGET / "coverage.txt").write_text("".join(ranges), "ascii")


def main() -> None:
    """Write the three fonts and what they cover."""
    folder = Path(sys.argv[1])
    regular, bold = folder / "NotoSansCJK-Regular.ttc", folder / "NotoSansCJK-Bold.ttc"
    covered = set(face(regular).getBestCmap())
    usual = common(covered)
    TARGET.mkdir(parents=True, exist_ok=True)
    cut(regular, usual, "Noto Sans SC", "Regular")
    cut(bold, usual, "Noto Sans SC", "Bold")
    write_coverage(covered - hangul())
    cut(regular, covered - usual - hangul(), "Noto Sans SC Rare", "Regular")


if __name__ == "__main__":
    main()
