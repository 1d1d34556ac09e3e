"""`yuejie deeds`: who did what to which thing and when, and what it changed."""

from datetime import datetime, timedelta
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.kernel.period import zone_of
from yuejie.web.pages.frame.words import ZH, moment
from yuejie.web.record.store import ids_called
from yuejie.web.record.told import Told, lines_of, tell_deeds
from yuejie.web.record.who import signed_as, who
from yuejie.web.record.words import noun_called, verbs_called
from yuejie.web.store import Sought, deeds_seen

_COLUMNS: Final = ("时间", "谁", "做了什么", "对哪一个", "改动", "事由")
_ZONE: Final = zone_of("Asia/Shanghai")
_SHOWN: Final = 50
_MOST: Final = 10_000
_NEWEST: Final = (1 << 63) - 1
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--by", help="谁：登录名，或记录里的写法（operator:…）")
@click.option("--noun", help="对哪一类：账单、发票、合同……，或代码（bill）")
@click.option("--verb", help="做了什么：批准、出账……，或代码（approve）")
@click.option("--name", help="对哪一个：账单号、发票号码、名称或编号")
@click.option("--since", type=_DAY, help="自哪天起，例如 2026-10-01")
@click.option("--until", type=_DAY, help="至哪天，含")
@click.option("--customer", help="只看这个客户自己的人和密钥")
@click.option("--limit", default=_SHOWN, type=click.IntRange(1, _MOST), help="最多几条")
@as_json
@frame
def deeds(  # noqa: PLR0913, PLR0917 - each option is one thing a person may ask
    house: Frame,
    by: str | None,
    noun: str | None,
    verb: str | None,
    name: str | None,
    since: datetime | None,
    until: datetime | None,
    customer: str | None,
    limit: int,
    *,
    json: bool,
) -> None:
    """操作记录：谁、何时、对什么、从什么变成什么。"""
    with house.database() as db, db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id if customer else None
        sought = Sought(
            signers=signed_as(by) if by else None,
            noun=noun_called(noun) if noun else None,
            verbs=verbs_called(verb) if verb else None,
            called=ids_called(tx, customer_id, name) if name else None,
            since=since.replace(tzinfo=_ZONE) if since else None,
            until=until.replace(tzinfo=_ZONE) + timedelta(days=1) if until else None,
        )
        rows = deeds_seen(tx, customer_id, sought, before=_NEWEST, limit=limit)
        told = tell_deeds(tx, customer_id, rows, language=ZH, zone=_ZONE)
    if json:
        give_json(rows)
    elif told:
        show_table("操作记录", _COLUMNS, [_row(each) for each in told])
    else:
        say("没有这样的记录，请放宽条件再查")


def _row(told: Told) -> tuple[str, ...]:
    row = told.row
    return (
        moment(row.at, _ZONE),
        who(row.by, ZH),
        told.what,
        told.thing,
        "\n".join(lines_of(told.changes)),
        row.why,
    )
