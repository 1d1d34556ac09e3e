"""`yuejie models|deployments …`; auto models stand in `insight.auto`."""

from datetime import timedelta

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.insight.auto import auto
from yuejie.cli.words import MODES, OFFERED, called
from yuejie.contracts.offer import set_deployment_state, set_model_state
from yuejie.contracts.store import deployments as all_deployments
from yuejie.contracts.store import models as all_models


@click.group()
def models() -> None:
    """模型目录：上下架、停用通知、自动模型。"""


models.add_command(auto)


@models.command("list")
@as_json
@frame
def list_models(house: Frame, *, json: bool) -> None:
    """列出模型目录。"""
    with house.database() as db, db.read() as tx:
        found = all_models(tx)
    if json:
        give_json(found)
        return
    rows = [
        (
            m.model_id,
            called(MODES, m.mode),
            m.owner,
            m.context_window,
            m.deprecation_date or "",
            m.backup_model or "",
            called(OFFERED, m.state),
        )
        for m in found
    ]
    columns = ["模型", "类别", "出品方", "上下文", "停用日期", "备用模型", "状态"]
    show_table("模型目录", columns, rows)


@models.command("disable")
@click.argument("model_id")
@frame
def disable(house: Frame, model_id: str) -> None:
    """下架模型：一秒内所有网关拒绝新调用。"""
    with house.database() as db:
        set_model_state(db, model_id, "disabled", by=house.by, now=house.now())
    say(f"已下架 {model_id}")


@models.command("enable")
@click.argument("model_id")
@frame
def enable(house: Frame, model_id: str) -> None:
    """重新上架模型。"""
    with house.database() as db:
        set_model_state(db, model_id, "active", by=house.by, now=house.now())
    say(f"已上架 {model_id}")


@models.command("deprecations")
@click.option(
    "--within-days", type=click.IntRange(0, 36_500), default=90, help="列出这么多天内停用的模型"
)
@as_json
@frame
def deprecations(house: Frame, within_days: int, *, json: bool) -> None:
    """列出将停用的模型：哪些客户的哪些密钥在用、建议替代、费用差异。"""
    from yuejie.contracts.forewarn.deprecations import due_notices

    now = house.now()
    with house.database() as db, db.read() as tx:
        notices = due_notices(tx, now=now, within=timedelta(days=within_days))
    if json:
        give_json([{"sentence": n.sentence(), "notice": n} for n in notices])
        return
    for notice in notices:
        say(f"{notice.customer_id}  {notice.sentence()}")
    if not notices:
        say(f"{within_days} 天内没有正在使用的模型将停用")


@click.group()
def deployments() -> None:
    """部署：模型在哪个供应商账号上提供。"""


@deployments.command("list")
@as_json
@frame
def list_deployments(house: Frame, *, json: bool) -> None:
    """列出部署。"""
    with house.database() as db, db.read() as tx:
        found = all_deployments(tx)
    if json:
        give_json(found)
        return
    rows = [
        (
            d.deployment_id,
            d.model_id,
            d.upstream_model,
            d.cost_model,
            d.priority,
            d.weight,
            called(OFFERED, d.state),
        )
        for d in found
    ]
    columns = ["部署", "模型", "上游名称", "成本价目", "优先级", "权重", "状态"]
    show_table("部署", columns, rows)


@deployments.command("drain")
@click.argument("deployment_id")
@frame
def drain(house: Frame, deployment_id: str) -> None:
    """摘除部署：一秒内不再接新调用，进行中的调用做完。"""
    with house.database() as db:
        set_deployment_state(db, deployment_id, "drained", by=house.by, now=house.now())
    say(f"已摘除 {deployment_id}")


@deployments.command("restore")
@click.argument("deployment_id")
@frame
def restore(house: Frame, deployment_id: str) -> None:
    """恢复部署。"""
    with house.database() as db:
        set_deployment_state(db, deployment_id, "active", by=house.by, now=house.now())
    say(f"已恢复 {deployment_id}")
