"""The record of deeds: who changed what, and when."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.web.auth import guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db
from yuejie.web.shapes.usage import DeedOut
from yuejie.web.shapes.wire import Name
from yuejie.web.store import deeds

routes: Final = guarded("操作记录")
_NEWEST: Final = (1 << 63) - 1


@routes.get("/deeds", summary="列出操作记录")
def list_deeds(
    db: Db,
    noun: Annotated[Name | None, Query(description="对哪一类，例如 api_key")] = None,
    name: Annotated[Name | None, Query(description="对哪一个")] = None,
    by: Annotated[Name | None, Query(description="谁")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[DeedOut]:
    """列出对主数据的每次改动，新的在前；密钥和凭证不在其中。"""
    window = Window.read("deeds", cursor, limit)
    before = window.behind(_number) or _NEWEST
    with db.read() as tx:
        rows = deeds(tx, noun=noun, name=name, by=by, before=before, limit=window.fetch)
    return window.page(rows, DeedOut.model_validate, lambda row: str(row.deed_id))


def _number(text: str) -> int:
    """Read a deed's number; one that no column holds is no number of ours."""
    number = int(text)
    if not 0 < number <= _NEWEST:
        raise ValueError(text)
    return number
