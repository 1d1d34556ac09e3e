"""Give notices the form of their channel: text, HTML, Markdown, parameters of an SMS.

Facts come from people as well: what means something to Markdown, HTML or a mail header, or would
become a link, is made harmless here, in one place.
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
TITLE_LENGTH: Final = 80
SMS_LENGTH: Final = 35
"""A variable of a notification SMS holds at most 35 characters (Aliyun's template rules)."""
_LINE: Final = re.compile(r"\s+")
_MARK: Final = str.maketrans(
    {
        "&": "＆",
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
_ADDRESS: Final = re.compile(r"(?i)://|\bwww\.|\b(?:mailto|tel|javascript|data):")
_BROKEN: Final = str.maketrans({":": "：", ".": "．", "/": "／"})
_TELLING: Final = 12
"""Fewer bytes of a line than this tell nothing."""
_URL: Final = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)\S*|\S+\.(?:com|cn|net|org|io)\b\S*")


def piece_of(kind: str, facts: Mapping[str, str], language: str) -> Piece:
    """Say a notice in a language."""
    tongue = _TONGUES[language]
    wording = tongue.WORDINGS[Kind(kind)]
    plain = {
        name: tongue.VALUES.get(name, {}).get(value) or _harmless(_one_line(value))
        for name, value in facts.items()
    }
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
    """Return the title of one notice, or of a digest, short enough for a subject line."""
    first = _short(pieces[0].title)
    if len(pieces) == 1:
        return first
    return str(_TONGUES[language].DIGEST.format(first=first, count=len(pieces)))


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
    """Write notices as HTML that mail programs show: tables and inline styles, no picture."""
    tongue = _TONGUES[language]
    rule = (
        '<tr><td style="padding:0 28px"><div style="border-top:1px solid #e3e6ea"></div></td></tr>'
    )
    blocks = rule.join(_html_block(piece, tongue) for piece in pieces)
    foot = html.escape(tongue.FOOT.format(message_id=message_id))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title_of(pieces, language))}</title></head>"
        '<body style="margin:0;padding:24px 12px;background:#f3f4f6">'
        '<table role="presentation" align="center" width="600" cellspacing="0" cellpadding="0" '
        f'style="width:100%;max-width:600px;margin:0 auto;background:#fff;{_FONT}">'
        f"{blocks}"
        '<tr><td style="padding:14px 28px 18px;background:#fafbfc;border-top:1px solid #e3e6ea;'
        f'color:#6b7280;font-size:12px;line-height:18px">{foot}</td></tr>'
        "</table></body></html>"
    )


_FONT: Final = (
    "font-family:-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',"
    "'Noto Sans CJK SC',sans-serif;color:#1f2937"
)
_LABEL: Final = (
    "padding:7px 16px 7px 0;border-bottom:1px solid #eef0f2;color:#6b7280;font-size:14px;"
    "white-space:nowrap;vertical-align:top"
)
_VALUE: Final = (
    "padding:7px 0;border-bottom:1px solid #eef0f2;font-size:14px;width:100%;word-break:break-word"
)
_BUTTON: Final = (
    "display:inline-block;padding:9px 20px;background:#1d4ed8;color:#fff;font-size:14px;"
    "text-decoration:none;border-radius:4px"
)


def _html_block(piece: Piece, tongue: ModuleType) -> str:
    rows = "".join(
        f'<tr><td style="{_LABEL}">{html.escape(label)}</td>'
        f'<td style="{_VALUE}">{html.escape(value)}</td></tr>'
        for label, value in piece.details
    )
    link = (
        f'<p style="margin:18px 0 0"><a href="{html.escape(piece.link)}" style="{_BUTTON}">'
        f"{html.escape(tongue.LOOK)}</a></p>"
        if piece.link
        else ""
    )
    return (
        '<tr><td style="padding:24px 28px">'
        f'<h2 style="margin:0 0 10px;font-size:18px;line-height:26px">{html.escape(piece.title)}'
        "</h2>"
        f'<p style="margin:0 0 14px;font-size:15px;line-height:24px">{html.escape(piece.body)}</p>'
        '<table role="presentation" width="100%" cellspacing="0" cellpadding="0" '
        f'style="border-collapse:collapse">{rows}</table>{link}</td></tr>'
    )


def markdown_of(
    pieces: Sequence[Piece],
    language: str,
    message_id: str,
    *,
    most: int,
    newline: str = "\n",
    linked: bool = True,
) -> str:
    """Write notices as the Markdown that all three robots share, in at most so many bytes.

    Each notice has its share of the room, at least its title: what is cut is cut at the end of
    each, and no notice is lost behind a long one. `linked` says that no button bears the link.
    """
    tongue = _TONGUES[language]
    foot = f"{newline}{newline}{tongue.FOOT.format(message_id=message_id)}"
    gap = newline * 2
    blocks = [_marked_lines(piece, tongue, linked=linked) for piece in pieces]
    sizes = [len(newline.join([*lines, *link]).encode()) for lines, link in blocks]
    room = most - len(foot.encode()) - len(gap.encode()) * (len(blocks) - 1)
    shares = _shares(sizes, room)
    return (
        gap.join(
            _squeezed(lines, link, newline, share)
            for (lines, link), share in zip(blocks, shares, strict=True)
        )
        + foot
    )


def _marked_lines(piece: Piece, tongue: ModuleType, *, linked: bool) -> tuple[list[str], list[str]]:
    """Return a notice as lines of Markdown, and the line of its link, if there is one."""
    lines = [f"**{_marked(_short(piece.title))}**", _marked(piece.body)]
    lines += [f"> {_marked(f'{name}{tongue.COLON}{value}')}" for name, value in piece.details]
    link = [f"[{tongue.LOOK}]({_bare(piece.link)})"] if piece.link and linked else []
    return lines, link


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Share room out: the small take what they need, the large have equal parts of the rest."""
    shares = [0] * len(sizes)
    for rank, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[index] = min(sizes[index], room // (len(sizes) - rank))
        room -= shares[index]
    return shares


def _squeezed(lines: list[str], link: list[str], newline: str, most: int) -> str:
    """Return a notice in at most so many bytes: its title and link first, then what fits."""
    whole = newline.join([*lines, *link])
    if len(whole.encode()) <= most:
        return whole
    title = f"**{clip(lines[0].strip('*'), most - len('****'))}**"
    end = f"{newline}{link[0]}" if link else ""
    if len(f"{title}{end}".encode()) > most:
        end = ""
    text = title
    for line in lines[1:]:
        left = most - len(f"{text}{newline}{end}".encode())
        if left < _TELLING:
            break
        text = f"{text}{newline}{clip(line, left)}"
    return text + end


def sms_of(kind: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a kind's SMS template, in order; none holds a URL."""
    return {
        name: zh.VALUES.get(name, {}).get(facts[name])
        or _cut(_URL.sub("", _one_line(facts[name])), SMS_LENGTH)
        or "-"
        for name in NEEDS[Kind(kind)].facts
    }


def clip(text: str, most: int) -> str:
    """Return at most so many bytes of a text, cut between characters and marked as cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    if most < len("…".encode()):
        return ""
    return raw[: most - len("…".encode())].decode(errors="ignore") + "…"


def _one_line(value: str) -> str:
    """Make a fact one line without control characters, of a length that fits anywhere."""
    printable = "".join(char for char in _LINE.sub(" ", value) if char.isprintable())
    return printable.strip()[:FACT_LENGTH]


def _harmless(fact: str) -> str:
    """Break addresses in what people wrote: mail programs and robots make links of bare ones.

    A payer's name comes from a bank statement, and whoever pays a fen may write one there.
    """
    return _ADDRESS.sub(lambda found: found[0].translate(_BROKEN), fact)


def _short(title: str) -> str:
    return _cut(title, TITLE_LENGTH)


def _cut(text: str, most: int) -> str:
    """Return at most so many characters; what was cut shows that it was."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _marked(text: str) -> str:
    return text.translate(_MARK)


def _link(link: str) -> str:
    """Return a link that is one, or nothing."""
    return link if re.fullmatch(r"https?://[^\s\"<>]{1,500}", link) else ""


def _bare(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29")
