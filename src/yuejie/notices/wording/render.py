"""Give notices the form of their channel: text, HTML, Markdown, parameters of an SMS.

Facts come from people as well: what means something to Markdown, HTML or a mail header is made
harmless here, in one place.
"""

import html
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final

from yuejie.notices.notice import NEEDS, Kind
from yuejie.notices.wording import en, zh
from yuejie.notices.wording.piece import Piece

_TONGUES: Final[Mapping[str, ModuleType]] = {"zh-CN": zh, "en": en}
FACT_LENGTH: Final = 500
SMS_LENGTH: Final = 35
"""A variable of a notification SMS holds at most 35 characters (Aliyun's template rules)."""
_LINE: Final = re.compile(r"\s+")
_MARK: Final = str.maketrans(
    {
        "<": "＜",
        ">": "＞",
        "[": "［",
        "]": "］",
        "*": "＊",
        "`": "ˋ",
        "~": "～",
        "#": "＃",
        "|": "｜",
    }
)
"""Full-width twins: no robot lets them be escaped, and `<at>` would call a whole group."""
_URL: Final = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)\S*|\S+\.(?:com|cn|net|org|io)\b\S*")


def piece_of(kind: str, facts: Mapping[str, str], language: str) -> Piece:
    """Say a notice in a language."""
    tongue = _TONGUES[language]
    wording = tongue.WORDINGS[Kind(kind)]
    plain = {name: _one_line(value) for name, value in facts.items()}
    needed = NEEDS[Kind(kind)].facts
    order = [*needed, *(name for name in plain if name not in needed)]
    return Piece(
        title=wording.title.format_map(plain),
        body=wording.body.format_map(plain),
        details=tuple(
            (tongue.LABELS[name], plain[name])
            for name in order
            if name in tongue.LABELS and plain[name]
        ),
        link=_link(facts.get("link", "")),
    )


def title_of(pieces: Sequence[Piece], language: str) -> str:
    """Return the title of one notice, or of a digest."""
    if len(pieces) == 1:
        return pieces[0].title
    return str(_TONGUES[language].DIGEST.format(count=len(pieces)))


def look_of(language: str) -> str:
    """Return what stands on the button that opens a link."""
    return str(_TONGUES[language].LOOK)


def text_of(pieces: Sequence[Piece], language: str, message_id: str) -> str:
    """Write notices as plain text."""
    tongue = _TONGUES[language]
    blocks = []
    for piece in pieces:
        lines = [piece.title, "", piece.body]
        lines += [""] if piece.details else []
        lines += [f"{label}{tongue.COLON}{value}" for label, value in piece.details]
        lines += ["", piece.link] if piece.link else []
        blocks.append("\n".join(lines))
    return "\n\n----\n\n".join([*blocks, tongue.FOOT.format(message_id=message_id)]) + "\n"


def html_of(pieces: Sequence[Piece], language: str, message_id: str) -> str:
    """Write notices as HTML that mail programs show: inline styles, no picture, no script."""
    tongue = _TONGUES[language]
    blocks = [_html_block(piece, tongue) for piece in pieces]
    foot = html.escape(tongue.FOOT.format(message_id=message_id))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;color:#222;max-width:640px">'
        f"{'<hr>'.join(blocks)}"
        f'<p style="color:#888;font-size:12px">{foot}</p></body></html>'
    )


def _html_block(piece: Piece, tongue: ModuleType) -> str:
    cell = 'style="padding:4px 12px 4px 0;border-bottom:1px solid #ddd"'
    rows = "".join(
        f"<tr><td {cell}>{html.escape(label)}</td><td {cell}>{html.escape(value)}</td></tr>"
        for label, value in piece.details
    )
    link = (
        f'<p><a href="{html.escape(piece.link)}">{html.escape(tongue.LOOK)}</a></p>'
        if piece.link
        else ""
    )
    return (
        f'<h2 style="font-size:18px">{html.escape(piece.title)}</h2>'
        f"<p>{html.escape(piece.body)}</p>"
        f'<table style="border-collapse:collapse">{rows}</table>{link}'
    )


def markdown_of(
    pieces: Sequence[Piece], language: str, message_id: str, *, newline: str = "\n", most: int
) -> str:
    """Write notices as the Markdown that all three robots share, in at most so many bytes."""
    tongue = _TONGUES[language]
    blocks = []
    for piece in pieces:
        lines = [f"**{_marked(piece.title)}**", _marked(piece.body)]
        lines += [f"> {_marked(f'{name}{tongue.COLON}{value}')}" for name, value in piece.details]
        lines += [f"[{tongue.LOOK}]({_bare(piece.link)})"] if piece.link else []
        blocks.append(newline.join(lines))
    foot = f"{newline}{newline}{tongue.FOOT.format(message_id=message_id)}"
    body = clip((newline * 2).join(blocks), most - len(foot.encode()))
    return body + foot


def sms_of(kind: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a kind's SMS template, in order; none holds a URL."""
    return {
        name: _URL.sub("", _one_line(facts[name]))[:SMS_LENGTH] or "-"
        for name in NEEDS[Kind(kind)].facts
    }


def clip(text: str, most: int) -> str:
    """Return at most so many bytes of a text, cut between characters and marked as cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return raw[: most - len("…".encode())].decode(errors="ignore") + "…"


def _one_line(value: str) -> str:
    """Make a fact one line without control characters, of a length that fits anywhere."""
    printable = "".join(char for char in _LINE.sub(" ", value) if char.isprintable())
    return printable.strip()[:FACT_LENGTH]


def _marked(text: str) -> str:
    return text.translate(_MARK)


def _link(link: str) -> str:
    """Return a link that is one, or nothing."""
    return link if re.fullmatch(r"https?://[^\s\"<>]{1,500}", link) else ""


def _bare(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29")
