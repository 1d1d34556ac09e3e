"""`yuejie incidents …`."""

from datetime import datetime
from typing import Final

import click

from yuejie.bills.sla.verdict import percent
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.kernel.period import parse_instant
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.status.announce import IncidentDraft, UpdateDraft, announce, update
from yuejie.support.status.board import LIGHT_NAMES, announcements, look
from yuejie.support.status.incident import (
    IMPACT_NAMES,
    KIND_NAMES,
    STATE_NAMES,
    Impact,
    IncidentKind,
    IncidentState,
)

as_title: Final = click.option("--title", required=True, help="标题")
as_title_en: Final = click.option("--title-en", default="", help="英文标题")
as_text: Final = click.option("--text", required=True, help="说明")
as_text_en: Final = click.option("--text-en", default="", help="英文说明")
as_impact: Final = click.option(
    "--impact",
    type=click.Choice([each.value for each in Impact]),
    default="degraded",
    help="down 服务中断、degraded 部分受影响、none 不受影响",
)
as_models: Final = click.option("--model", "models", multiple=True, help="受影响的模型，可写多次")
as_providers: Final = click.option(
    "--provider", "providers", multiple=True, help="受影响的供应商；都不写即全部服务"
)


@click.group()
def incidents() -> None:
    """事故与维护：公告、进展、公开的状态页。"""


def _local(at: datetime | None) -> str:
    return f"{at.astimezone(HOUSE_ZONE):%Y-%m-%d %H:%M}" if at else ""


def _at(text: str | None) -> datetime | None:
    return parse_instant(text, HOUSE_ZONE) if text else None


@incidents.command("announce")
@as_title
@as_text
@as_title_en
@as_text_en
@as_impact
@as_models
@as_providers
@click.option("--from", "start", help="从何时起；不写即现在")
@frame
def announce_one(
    house: Frame,
    /,
    models: tuple[str, ...],
    providers: tuple[str, ...],
    start: str | None,
    **told: str,
) -> None:
    """发布一次事故；近 30 天用过所列模型或供应商的客户收到通知。"""
    draft = _draft(IncidentKind.INCIDENT, models, providers, (start, None), told)
    with house.database() as db:
        done = announce(db, draft, by=house.by, now=house.now())
    say(f"事故 {done.incident.incident_id} 已发布，通知 {done.told} 个客户")


@incidents.command("plan")
@as_title
@as_text
@as_title_en
@as_text_en
@as_impact
@as_models
@as_providers
@click.option("--from", "start", required=True, help="开始，如 2026-12-06T02:00（北京时间）")
@click.option("--to", "end", required=True, help="预计结束")
@frame
def plan(
    house: Frame,
    /,
    models: tuple[str, ...],
    providers: tuple[str, ...],
    start: str,
    end: str,
    **told: str,
) -> None:
    """公告一次维护。"""
    draft = _draft(IncidentKind.MAINTENANCE, models, providers, (start, end), told)
    with house.database() as db:
        done = announce(db, draft, by=house.by, now=house.now())
    say(f"维护 {done.incident.incident_id} 已公告，通知 {done.told} 个客户")


def _draft(
    kind: IncidentKind,
    models: tuple[str, ...],
    providers: tuple[str, ...],
    span: tuple[str | None, str | None],
    told: dict[str, str],
) -> IncidentDraft:
    return IncidentDraft(
        kind=kind,
        title=told["title"],
        title_en=told["title_en"],
        text=told["text"],
        text_en=told["text_en"],
        impact=Impact(told["impact"]),
        models=models,
        providers=providers,
        starts_at=_at(span[0]),
        ends_at=_at(span[1]),
    )


@incidents.command("update")
@click.argument("incident_id")
@click.argument("state", type=click.Choice([each.value for each in IncidentState]))
@as_text
@as_text_en
@click.option("--from", "start", help="改开始时间")
@click.option("--to", "end", help="改结束时间")
@frame
def update_one(house: Frame, /, incident_id: str, state: str, **told: str | None) -> None:
    """说明进展；受影响的客户收到一次通知。"""
    draft = UpdateDraft(
        state=IncidentState(state),
        text=told["text"] or "",
        text_en=told["text_en"] or "",
        starts_at=_at(told["start"]),
        ends_at=_at(told["end"]),
    )
    with house.database() as db:
        done = update(db, incident_id, draft, by=house.by, now=house.now())
    say(f"公告 {incident_id} {STATE_NAMES[done.incident.state]}，通知 {done.told} 个客户")


@incidents.command("list")
@click.option("--limit", default=50, help="最多几条")
@as_json
@frame
def list_incidents(house: Frame, limit: int, *, json: bool) -> None:
    """列出公告，新的在前。"""
    with house.database() as db, db.read() as tx:
        found = announcements(tx, limit=limit)
    if json:
        give_json(found)
        return
    if not found:
        say("没有公告")
        return
    rows = [
        (
            each.incident.incident_id,
            KIND_NAMES[each.incident.kind],
            each.incident.title,
            STATE_NAMES[each.incident.state],
            IMPACT_NAMES[each.incident.impact],
            _local(each.incident.starts_at),
            _local(each.incident.ends_at),
        )
        for each in found
    ]
    show_table("公告", ["编号", "种类", "标题", "状态", "影响", "开始", "结束"], rows)


@incidents.command("status")
@as_json
@frame
def status(house: Frame, *, json: bool) -> None:
    """服务现在怎样：与公开的状态页相同。"""
    with house.database() as db:
        board = look(db, house.now())
    if json:
        give_json(board)
        return
    ninety = f"，90 天可用率 {percent(board.ppm)}" if board.ppm is not None else ""
    say(f"总体 {LIGHT_NAMES[board.overall]}；网关 {LIGHT_NAMES[board.gateway]}{ninety}")
    for model, light in board.models.items():
        say(f"  {model}　{LIGHT_NAMES[light]}")
