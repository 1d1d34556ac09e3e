"""The catalogue of models, what a customer may use of it, and where models are served."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Path, Query

from yuejie.contracts.catalog import Model
from yuejie.contracts.forewarn.deprecations import due_notices
from yuejie.contracts.offer import set_deployment_state, set_model_state
from yuejie.contracts.prices import Book
from yuejie.contracts.store import book, book_rows, contract_at, deployments, models
from yuejie.db.session import Tx
from yuejie.usage.record import unix_us
from yuejie.web.auth import AnyCaller, Caller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.catalog import DeploymentOut, DeprecationOut, ModelOut, Switched
from yuejie.web.shapes.wire import NAME_MAX

routes: Final = guarded("模型")
ModelId = Annotated[str, Path(max_length=NAME_MAX, description="模型名")]
DeploymentId = Annotated[str, Path(max_length=NAME_MAX, description="部署编号")]


@routes.get("/models", summary="列出模型")
def list_models(
    db: Db, caller: AnyCaller, now: Now, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ModelOut]:
    """模型目录，含停用日期。客户密钥只见它此刻可以调用的模型。"""
    window = Window.read("models", cursor, limit)
    with db.read() as tx:
        rows = _usable(tx, caller, now)
    found = cut(window, rows, lambda row: row.model_id)
    return window.page(found, ModelOut.model_validate, lambda row: row.model_id)


@routes.get("/models/deprecations", summary="停用通知")
def list_deprecations(
    db: Db,
    now: Now,
    within_days: Annotated[int, Query(ge=0, le=3650, description="多少天之内停用")] = 90,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[DeprecationOut]:
    """即将停用的模型：哪些客户的哪些密钥在用，建议换成什么，费用差多少。"""
    window = Window.read("deprecations", cursor, limit)
    with db.read() as tx:
        notices = due_notices(tx, now=now, within=timedelta(days=within_days))
    shown = [
        DeprecationOut(
            model=notice.model,
            ends_on=notice.ends_on,
            days_left=notice.days_left,
            customer_id=notice.customer_id,
            keys=list(notice.keys),
            replacement=notice.replacement,
            sentence=notice.sentence(),
        )
        for notice in notices
    ]
    found = cut(window, shown, _notice_key)
    return window.page(found, DeprecationOut.model_validate, _notice_key)


@routes.post("/models/{model_id:path}/disable", summary="下架模型")
def disable(db: Db, caller: AnyCaller, now: Now, model_id: ModelId) -> Switched:
    """下架模型：一秒内所有网关拒绝新调用。"""
    set_model_state(db, model_id, "disabled", by=caller.name, now=now)
    return Switched(name=model_id, state="disabled")


@routes.post("/models/{model_id:path}/enable", summary="上架模型")
def enable(db: Db, caller: AnyCaller, now: Now, model_id: ModelId) -> Switched:
    """重新上架模型。"""
    set_model_state(db, model_id, "active", by=caller.name, now=now)
    return Switched(name=model_id, state="active")


@routes.get("/deployments", summary="列出部署")
def list_deployments(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[DeploymentOut]:
    """列出每个模型在哪些供应商账号上供应。"""
    window = Window.read("deployments", cursor, limit)
    with db.read() as tx:
        found = cut(window, deployments(tx), lambda row: row.deployment_id)
    return window.page(found, DeploymentOut.model_validate, lambda row: row.deployment_id)


@routes.post("/deployments/{deployment_id:path}/drain", summary="摘除部署")
def drain(db: Db, caller: AnyCaller, now: Now, deployment_id: DeploymentId) -> Switched:
    """摘除部署：一秒内不再接新调用，进行中的做完。"""
    set_deployment_state(db, deployment_id, "drained", by=caller.name, now=now)
    return Switched(name=deployment_id, state="drained")


@routes.post("/deployments/{deployment_id:path}/restore", summary="恢复部署")
def restore(db: Db, caller: AnyCaller, now: Now, deployment_id: DeploymentId) -> Switched:
    """恢复摘除的部署。"""
    set_deployment_state(db, deployment_id, "active", by=caller.name, now=now)
    return Switched(name=deployment_id, state="active")


def _usable(tx: Tx, caller: Caller, now: datetime) -> list[Model]:
    """Return what a caller may call now: in the catalogue, priced by its contract, on its list.

    The operator sees the whole catalogue.
    """
    if caller.customer_id is None:
        return models(tx)
    allowed = caller.key.models if caller.key else None
    contract = contract_at(tx, caller.customer_id, now)
    row = book(tx, contract.sale_book) if contract else None
    if row is None:
        return []
    priced, now_us = Book(book_rows(tx, row)), unix_us(now)
    revision = priced.revision_at(now_us)
    if revision is None:
        return []
    return [
        model
        for model in models(tx)
        if model.state == "active"
        and (allowed is None or model.model_id in allowed)
        and priced.prices(model.model_id, revision, now_us)
    ]


def _notice_key(notice: DeprecationOut) -> str:
    return f"{notice.ends_on} {notice.model} {notice.customer_id}"
