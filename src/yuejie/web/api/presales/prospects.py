"""Prospects, their forms and past usage; grades of models and the floor margin."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fastapi import status

from yuejie.contracts.formats.agreed import percent, ppm_of
from yuejie.db.session import Database
from yuejie.intake.imports.mapping import Mapping, parse_mapping
from yuejie.presales import prospects as deeds
from yuejie.presales import store
from yuejie.presales.form import form_of
from yuejie.presales.replay.load import load_usage
from yuejie.presales.replay.store import usages_of
from yuejie.presales.requirement import Prospect
from yuejie.presales.trace import Tracing
from yuejie.presales.volume import plan_volume
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.money.receipts import bytes_of
from yuejie.web.shapes.presales.prospects import (
    FloorIn,
    FloorOut,
    FormIn,
    FormOut,
    GradeIn,
    GradeOut,
    LoadedOut,
    ProspectIn,
    ProspectOut,
    UsageIn,
    UsageOut,
    VolumeOut,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("售前")


def _found(db: Database, named: str) -> Prospect:
    with db.read() as tx:
        return deeds.find_prospect(tx, named)


@routes.get("/prospects", summary="列出潜在客户")
def list_prospects(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[ProspectOut]:
    """按简称列出潜在客户。"""
    window = Window.read("prospects", cursor, limit)
    with db.read() as tx:
        rows = store.prospects(tx, after=window.after, limit=window.fetch)
    return window.page(rows, ProspectOut.model_validate, lambda row: row.slug)


@routes.post("/prospects", summary="登记潜在客户", status_code=status.HTTP_201_CREATED)
def enrol(db: Db, caller: AnyCaller, now: Now, body: ProspectIn) -> ProspectOut:
    """登记一个潜在客户；它还不是客户。"""
    made = deeds.enrol_prospect(db, body.slug, body.name, by=caller.name, now=now)
    return ProspectOut.model_validate(made)


@routes.get("/prospects/{prospect}", summary="查看潜在客户")
def read_prospect(db: Db, prospect: Name) -> ProspectOut:
    """按简称或编号查看。"""
    return ProspectOut.model_validate(_found(db, prospect))


@routes.get("/prospects/{prospect}/forms", summary="列出需求表")
def list_forms(db: Db, prospect: Name) -> list[FormOut]:
    """每一版需求表，第一版在前。"""
    who = _found(db, prospect)
    with db.read() as tx:
        return [FormOut.of(each) for each in store.forms_of(tx, who.prospect_id)]


@routes.post("/prospects/{prospect}/forms", summary="填需求表", status_code=status.HTTP_201_CREATED)
def hand_in(db: Db, caller: AnyCaller, now: Now, prospect: Name, body: FormIn) -> FormOut:
    """存为新的一版；内容相同则仍是原来那一版。"""
    need = form_of(body.form)
    return FormOut.of(deeds.hand_in_form(db, prospect, need, by=caller.name, now=now))


@routes.post("/prospects/{prospect}/volumes", summary="估算用量")
def estimate(db: Db, prospect: Name, body: FormIn) -> list[VolumeOut]:
    """按一份需求表估算每月调用与 token；只计算，不存。"""
    _found(db, prospect)
    return [VolumeOut.of(each) for each in plan_volume(form_of(body.form), Tracing())]


@routes.get("/prospects/{prospect}/usage", summary="列出历史用量")
def list_usage(db: Db, prospect: Name) -> list[UsageOut]:
    """导入过的历史用量文件，新的在前。"""
    who = _found(db, prospect)
    with db.read() as tx:
        return [UsageOut.model_validate(each) for each in usages_of(tx, who.prospect_id)]


@routes.post(
    "/prospects/{prospect}/usage", summary="导入历史用量", status_code=status.HTTP_201_CREATED
)
def take_in(db: Db, caller: AnyCaller, now: Now, prospect: Name, body: UsageIn) -> LoadedOut:
    """导入一份历史用量，只留汇总：不产生客户，也不产生用量。"""
    mapping = parse_mapping(body.mapping) if body.mapping else Mapping()
    if body.format is not None:
        mapping = replace(mapping, form=body.format)
    with _on_disk(bytes_of(body.content, "content"), body.file_name) as path:
        done = load_usage(
            db,
            prospect,
            path,
            mapping,
            zone=body.zone,
            by=caller.name,
            now=now,
            name=body.file_name,
        )
    return LoadedOut.of(done)


@contextmanager
def _on_disk(body: bytes, name: str) -> Iterator[Path]:
    """Lay a file down for the readers, which read row by row from a disk; gone afterwards."""
    with TemporaryDirectory(prefix="yuejie-") as folder:
        path = Path(folder) / f"usage{''.join(Path(name).suffixes[-2:])}"
        path.write_bytes(body)
        yield path


@routes.get("/model-grades", summary="列出模型评级")
def list_grades(db: Db) -> list[GradeOut]:
    """各模型最近一次评级。"""
    with db.read() as tx:
        found = store.grades(tx)
    return [GradeOut.model_validate(found[name]) for name in sorted(found)]


@routes.put("/model-grades/{model_id:path}", summary="给模型评级")
def put_grade(db: Db, caller: AnyCaller, now: Now, model_id: Name, body: GradeIn) -> GradeOut:
    """写明一个模型的质量与适合的任务；推荐只用评过级的模型。"""
    made = deeds.grade_model(
        db,
        model_id,
        body.quality,
        tuple(body.tasks),
        source=body.source,
        by=caller.name,
        now=now,
    )
    return GradeOut.model_validate(made)


@routes.get("/margin-floor", summary="毛利底线")
def read_floor(db: Db) -> FloorOut:
    """现在的毛利底线。"""
    with db.read() as tx:
        known, ppm = store.floor(tx), deeds.floor_ppm(tx)
    return FloorOut(
        share=percent(ppm),
        made_by=known.made_by if known else None,
        made_at=known.made_at if known else None,
    )


@routes.put("/margin-floor", summary="设毛利底线")
def put_floor(db: Db, caller: AnyCaller, now: Now, body: FloorIn) -> FloorOut:
    """此后的报价按它判断是否须批准。"""
    made = deeds.set_floor(db, ppm_of(body.share, "毛利底线"), by=caller.name, now=now)
    return FloorOut(share=percent(made.ppm), made_by=made.made_by, made_at=made.made_at)
