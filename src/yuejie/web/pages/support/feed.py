"""The feed of announcements: Atom (RFC 4287) and JSON Feed 1.1, one entry per update. Pure."""

from datetime import UTC, datetime
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from yuejie.support.status.board import Announcement, Board
from yuejie.support.status.incident import STATE_NAMES, STATES_EN, Update
from yuejie.web.desk import Desk

_ATOM: Final = "http://www.w3.org/2005/Atom"
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST: Final = 200
"""Updates in a feed: whoever reads seldom reads the page."""


def _entries(board: Board) -> list[tuple[Announcement, Update]]:
    # Of one incident the newest stands first already, and sorting keeps that.
    found = [(each, update) for each in board.announcements for update in each.updates]
    return sorted(found, key=lambda pair: pair[1].at, reverse=True)[:MOST]


def _title(told: Announcement, update: Update, *, in_chinese: bool) -> str:
    incident = told.incident
    if in_chinese:
        return f"{STATE_NAMES[update.state]}：{incident.title}"
    return f"{STATES_EN[update.state]}: {incident.title_en or incident.title}"


def _text(update: Update, *, in_chinese: bool) -> str:
    return update.text if in_chinese else update.text_en or update.text


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def atom_of(board: Board, desk: Desk, *, in_chinese: bool) -> bytes:
    """Write the feed as Atom. What people wrote is text, and the writer escapes it."""
    entries = _entries(board)
    home = f"{desk.console_url}/status"
    feed = Element("feed", {"xmlns": _ATOM, "xml:lang": "zh-CN" if in_chinese else "en"})
    _add(feed, "id", home)
    _add(feed, "title", _name(desk, in_chinese=in_chinese))
    _add(feed, "updated", _stamp(entries[0][1].at if entries else _FIRST))
    SubElement(feed, "link", {"rel": "self", "href": f"{home}/feed"})
    SubElement(feed, "link", {"rel": "alternate", "href": home})
    _add(SubElement(feed, "author"), "name", desk.seller.legal_name)
    for told, update in entries:
        entry = SubElement(feed, "entry")
        _add(entry, "id", f"{home}#{update.update_id}")
        _add(entry, "title", _title(told, update, in_chinese=in_chinese))
        _add(entry, "updated", _stamp(update.at))
        SubElement(
            entry, "link", {"rel": "alternate", "href": f"{home}#{told.incident.incident_id}"}
        )
        _add(entry, "content", _text(update, in_chinese=in_chinese)).set("type", "text")
    body: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _add(parent: Element, name: str, text: str) -> Element:
    """Add an element with text; what XML cannot say is left out."""
    found = SubElement(parent, name)
    found.text = "".join(char for char in text if char.isprintable() or char in "\n\t")
    return found


def _name(desk: Desk, *, in_chinese: bool) -> str:
    return f"{desk.seller.legal_name} {'服务状态' if in_chinese else 'service status'}"


def json_of(board: Board, desk: Desk, *, in_chinese: bool) -> bytes:
    """Write the feed as JSON Feed, with what programs ask of the whole beside it."""
    home = f"{desk.console_url}/status"
    said: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _name(desk, in_chinese=in_chinese),
        "home_page_url": home,
        "feed_url": f"{home}/feed?format=json",
        "language": "zh-CN" if in_chinese else "en",
        "_service": {
            "at": _stamp(board.at),
            "overall": board.overall,
            "gateway": board.gateway,
            "models": dict(board.models),
        },
        "items": [
            {
                "id": f"{home}#{update.update_id}",
                "url": f"{home}#{told.incident.incident_id}",
                "title": _title(told, update, in_chinese=in_chinese),
                "content_text": _text(update, in_chinese=in_chinese),
                "date_published": _stamp(update.at),
                "tags": [told.incident.kind, update.state, *told.incident.models],
            }
            for told, update in _entries(board)
        ],
    }
    return msgspec.json.encode(said)
