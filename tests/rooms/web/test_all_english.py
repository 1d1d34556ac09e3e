"""With the console in English no page shows Chinese, but what people wrote and what papers say."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import BaseModel

from tests.browser.conftest import Console
from tests.browser.test_pages import paths
from tests.rooms.web.conftest import House
from tests.rooms.web.examples import ANYBODYS
from tests.rooms.web.house import asked, drafted, quoted
from tests.rooms.web.test_pages import admin, browser, receipt_at, token_in
from yuejie.web.pages.frame.access import PAGES

__all__ = ["admin", "browser"]

HAN = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
SPOKEN: Final = {"placeholder", "title", "aria-label", "alt", "data-sure"}
VOID: Final = {"input", "br", "hr", "img", "meta", "link", "source", "wbr", "col"}
DATA: Final = (
    "月结示例科技有限公司",
    "深圳金客科技有限公司",
    "上海试用有限公司",
    "有限公司",
    "zeta 公司",
    "招商银行",
    "王管理",
    "抬头",
    "contact 财务",
    "赵",
    "陆",
    "后端",
    "搜索部",
    "月度用量",
    "内部评测",
    "争议 2026-11",
    "gpt-4o 响应变慢",
    "gpt-4o 换到 gpt-4o-mini",
    "质量要求高",
    "第一行的数量与我方记录不符",
    "自己的日志少 2 万 token，请核对。",
    "供应商限流，正在切换线路。",
    "日志.csv",
    "账单 YJ2026000002",
    "大模型API技术服务费",
)
"""What people of this house wrote: names, reasons, tickets, what stands on a fapiao."""
WORDS: Final = {
    ("payments", "月结"),
    ("deeds", "月结"),
    ("bank", "月结"),
    ("trials", "客服"),
    ("deeds", "财务"),
    ("contacts", "财务"),
}
"""What people wrote and we might have: a trial's project, a contact."""


class Shown(HTMLParser):
    """What a page says to whoever reads it, without what it says is Chinese."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        chinese = (dict(attrs).get("lang") or "").startswith("zh") or self.is_chinese
        if tag == "html":
            chinese = False
        if not chinese:
            self.texts += [said for name, said in attrs if said and name in SPOKEN]
        if tag not in VOID:
            self.open.append(chinese)

    @property
    def is_chinese(self) -> bool:
        return bool(self.open and self.open[-1])

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.is_chinese:
            self.texts.append(data)


def chinese(page: str) -> Iterator[str]:
    """Yield what a page says in Chinese without saying so."""
    shown = Shown()
    shown.feed(page)
    for text in shown.texts:
        left = text
        for each in DATA:
            left = left.replace(each, "")
        if HAN.search(left):
            yield " ".join(text.split())


def test_no_page_shows_chinese_to_whoever_reads_english(admin: TestClient, house: House) -> None:
    asked(house.books)
    draft, quote = drafted(house.books, "acme").draft_id, quoted(house.books).quote_id
    console = Console("", house, draft, quote)
    form = {"form_token": token_in(admin.get("/account"))}
    admin.post("/look", data=form | {"language": "en"})
    looked = paths(console) | {"receipt": f"/bank/receipts/{receipt_at(house)}"}
    left = {
        (name, text)
        for name, path in looked.items()
        for text in chinese(admin.get(path).text)
        if (name, text) not in WORDS
    }
    assert left == set()


ENDS_SESSION: Final = {"/logout", "/look", "/login", "/setup", "/login/sso", "/account/leave"}
"""Deeds after which nobody is there any more, or whose language is another."""
ENGLISH: Final = {"hx-request": "true", "accept-language": "en"}
NONSENSE: Final = ("", "x", "-1", "a" * 400)
"""What somebody types who has not understood a field."""


def forms(app: FastAPI) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every form that a page takes: where it goes, and something that each field may hold."""
    for route in iter_route_contexts(app.routes):
        template = route.path or ""
        if ("POST", template) in PAGES and "POST" in (route.methods or ()):
            waiting: list[Any] = [getattr(route.original_route, "dependant", None)]
            fields: dict[str, str] = {}
            while waiting:
                part = waiting.pop()
                waiting += part.dependencies
                for param in part.body_params:
                    fields |= _fit(param.alias, param.field_info.annotation)
            yield template, fields


def _fit(name: str, kind: Any) -> dict[str, str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {
            key: value
            for inner, each in kind.model_fields.items()
            for key, value in _fit(each.alias or inner, each.annotation).items()
        }
    for plain, value in ((date, "2026-11-06"), (int, "1"), (str, "x")):
        if plain in (kind, *get_args(kind)):
            return {name: value}
    choices = [each for each in get_args(kind) if isinstance(each, str)]
    return {name: choices[0] if choices else "x"}


def test_whatever_is_typed_into_a_form_is_refused_in_english(
    admin: TestClient, house: House
) -> None:
    """Every form of every page, sent empty and with nonsense in each field, beside its page."""
    asked(house.books)
    draft, quote = drafted(house.books, "acme").draft_id, quoted(house.books).quote_id
    form = {"form_token": token_in(admin.get("/account"))}
    admin.post("/look", data=form | {"language": "en"})
    app = admin.app
    assert isinstance(app, FastAPI)
    names = defaultdict(
        lambda: "nothing",
        ANYBODYS | {"draft": draft, "quote": quote, "prospect": "jinke", "book": "list"},
    )
    left = set()
    for template, fit in sorted(forms(app)):
        if template in ENDS_SESSION:
            continue
        path = re.sub(r"\{([\w:]+)\}", lambda found: names[found[1]], template)
        tries = [fit, *(dict.fromkeys(fit, typed) for typed in NONSENSE)]
        tries += [fit | {field: "nothing"} for field in fit]
        for data in tries:
            answer = admin.post(path, data=data | form, headers=ENGLISH)
            assert answer.status_code != 401, template
            told = answer.text if answer.status_code >= 400 else ""
            left |= {(template, text) for text in chinese(told)}
    assert left == set()
