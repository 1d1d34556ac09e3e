"""`yuejie notices`: the group, and the kinds there are."""

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, show_table
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId
from yuejie.notices.notice import NEEDS, Kind
from yuejie.notices.wording import zh
from yuejie.notices.wording.piece import Wording


@click.group()
def notices() -> None:
    """通知：联系人、渠道、发送账号、投递记录、测试。"""


@notices.command("kinds")
@as_json
@frame
def kinds(house: Frame, *, json: bool) -> None:
    """列出通知种类和各自的必填事实。"""
    del house
    if json:
        give_json({kind: {"facts": NEEDS[kind].facts, "title": w.title} for kind, w in _worded()})
        return
    rows = [
        (kind, w.title, "、".join(NEEDS[kind].facts), str(NEEDS[kind].severity))
        for kind, w in _worded()
    ]
    show_table("通知种类", ["种类", "标题", "事实", "缓急"], rows)


def _worded() -> list[tuple[Kind, Wording]]:
    return list(zh.WORDINGS.items())


def whose(db: Database, customer: str | None) -> CustomerId | None:
    """Return the customer that a command is about; None is the operator."""
    if customer is None:
        return None
    with db.read() as tx:
        return find_customer(tx, customer).customer_id
