"""The record of deeds: who changed what, and when."""

from typing import Annotated, Final

from fastapi import Depends, Query

from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db
from yuejie.web.shapes.usage import DeedOut
from yuejie.web.shapes.wire import Instant, Name
from yuejie.web.store import Sought, deeds_seen

routes: Final = guarded("操作记录")
_NEWEST: Final = (1 << 63) - 1


async def _sought(
    *,
    noun: Annotated[Name | None, Query(description="对哪一类，例如 api_key")] = None,
    name: Annotated[Name | None, Query(description="对哪一个")] = None,
    by: Annotated[Name | None, Query(description="谁")] = None,
    verb: Annotated[Name | None, Query(description="做了什么，例如 revoke")] = None,
    since: Annotated[Instant | None, Query(description="自，含")] = None,
    until: Annotated[Instant | None, Query(description="至，不含")] = None,
) -> Sought:
    called = None if name is None else [name]
    signers = None if by is None else [by]
    verbs = None if verb is None else [verb]
    return Sought(noun=noun, called=called, signers=signers, verbs=verbs, since=since, until=until)


@routes.get("/deeds", summary="列出操作记录")
def list_deeds(
    db: Db,
    caller: AnyCaller,
    sought: Annotated[Sought, Depends(_sought)],
    customer: Annotated[Name | None, Query(description="客户简称；客户只看自己单位的")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[DeedOut]:
    """列出对主数据的每次改动、对款项的每次处理，新的在前；客户的管理员、审计只看自己单位的；不含密钥和凭证。"""
    window = Window.read("deeds", cursor, limit)
    before = window.behind(_number) or _NEWEST
    with db.read() as tx:
        whom = whose(tx, caller, customer)
        rows = deeds_seen(tx, whom, sought, before=before, limit=window.fetch)
    return window.page(rows, DeedOut.model_validate, lambda row: str(row.deed_id))


def _number(text: str) -> int:
    """Read a deed's number; one that no column holds is no number of ours."""
    number = int(text)
    if not 0 < number <= _NEWEST:
        raise ValueError(text)
    return number
