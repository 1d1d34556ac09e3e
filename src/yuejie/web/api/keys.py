"""API keys: issue, rotate, revoke. A secret is in one answer and nowhere else."""

from datetime import timedelta
from typing import Final

from fastapi import status

from yuejie.customers.enrol import find_customer
from yuejie.customers.keys import issue_key, revoke_key, rotate_key
from yuejie.customers.store import keys
from yuejie.kernel.ids import KeyId
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.customers import KeyIn, KeyIssued, KeyOut, Rotation
from yuejie.web.shapes.wire import Name

routes: Final = guarded("密钥")


@routes.get("/customers/{customer}/keys", summary="列出密钥")
def list_keys(db: Db, customer: Name, cursor: Cursor = None, limit: Limit = PAGE) -> Page[KeyOut]:
    """列出一个客户的密钥，不含密钥本身。"""
    window = Window.read("keys", cursor, limit)
    with db.read() as tx:
        rows = keys(tx, find_customer(tx, customer).customer_id)
    found = cut(window, rows, lambda row: row.key_id)
    return window.page(found, KeyOut.of, lambda row: row.key_id)


@routes.post("/customers/{customer}/keys", summary="签发密钥", status_code=status.HTTP_201_CREATED)
def issue(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, customer: Name, body: KeyIn
) -> KeyIssued:
    """签发密钥；密钥只在这次答复中出现。"""
    with db.read() as tx:
        who = find_customer(tx, customer)
    issued = issue_key(db, who, body.draft(), pepper=desk.pepper, by=caller.name, now=now)
    return KeyIssued.of(issued)


@routes.post("/keys/{key_id}/rotate", summary="轮换密钥", status_code=status.HTTP_201_CREATED)
def rotate(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, key_id: Name, body: Rotation
) -> KeyIssued:
    """签发接替的新密钥，权限相同；旧密钥在重叠期满后失效。"""
    overlap = timedelta(seconds=body.overlap_seconds)
    issued = rotate_key(
        db, KeyId(key_id), overlap=overlap, pepper=desk.pepper, by=caller.name, now=now
    )
    return KeyIssued.of(issued)


@routes.post("/keys/{key_id}/revoke", summary="吊销密钥")
def revoke(db: Db, caller: AnyCaller, now: Now, key_id: Name) -> KeyOut:
    """吊销密钥：所有网关一秒内拒绝，不可恢复。"""
    revoked = KeyOut.of(revoke_key(db, KeyId(key_id), by=caller.name, now=now))
    return revoked.model_copy(update={"revoked_at": now})
