"""Take up a prospect, its form, the grades of models, the floor margin."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final

from yuejie.contracts.store import models
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import PPM
from yuejie.presales import store
from yuejie.presales.requirement import Form, Grade, Prospect, Quality, Requirement, TaskType
from yuejie.presales.store import Floor

FLOOR_PPM: Final = 50_000
"""The floor margin until somebody sets one: five of a hundred, about what collecting and financing
a net-30 receivable costs; an assumption, and said so wherever it is used."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


def find_prospect(tx: Tx, named: str) -> Prospect:
    """Return the prospect of a short name or id. Raises NotFound."""
    found = store.prospect_named(tx, named)
    if found is None:
        raise NotFound(f"没有潜在客户“{named}”，请用 yuejie presales list 查看", named=named)
    return found


def enrol_prospect(db: Database, slug: str, name: str, *, by: str, now: datetime) -> Prospect:
    """Take up a company that may become a customer. Raises Conflict where the name is taken."""
    if _SLUG.match(slug) is None:
        raise Invalid(f"潜在客户简称“{slug}”应为小写字母、数字和连字符，最多 63 个字符")
    if not name.strip():
        raise Invalid("潜在客户的公司名称不能为空，请填写")
    prospect = Prospect(
        prospect_id=mint("pros", now), slug=slug, name=name.strip(), made_by=by, made_at=now
    )
    with db.begin() as tx:
        if not store.insert_prospect(tx, prospect):
            raise Conflict(f"潜在客户简称“{slug}”已被使用，请换一个，或直接为它填需求表")
        record_deed(tx, Deed(by, now, "enrol", "prospect", slug), became=prospect)
    return prospect


def hand_in_form(
    db: Database, named: str, requirement: Requirement, *, by: str, now: datetime
) -> Form:
    """Keep the next version of a prospect's form; the same again stays the version it is."""
    requirement.refuse_nonsense()
    digest = sha256(store.encode_form(requirement).encode()).hexdigest()
    with db.begin() as tx:
        prospect = find_prospect(tx, named)
        tx.lock_exclusive(f"prospect {prospect.prospect_id}")
        was = store.newest_form(tx, prospect.prospect_id)
        if was is not None and was.digest == digest:
            return was
        form = Form(
            prospect_id=prospect.prospect_id,
            version=1 if was is None else was.version + 1,
            requirement=requirement,
            digest=digest,
            made_by=by,
            made_at=now,
        )
        store.insert_form(tx, form)
    return form


def grade_model(
    db: Database,
    model_id: str,
    quality: Quality,
    tasks: tuple[TaskType, ...],
    *,
    source: str,
    by: str,
    now: datetime,
) -> Grade:
    """Write down which quality a model gives for which tasks, and what that rests on."""
    if not tasks:
        raise Invalid(f"给模型 {model_id} 评级须写明适合哪些任务")
    if not source.strip():
        raise Invalid(f"给模型 {model_id} 评级须写明依据，例如评测报告的名称和日期")
    grade = Grade(
        model_id=model_id,
        quality=quality,
        tasks=tuple(dict.fromkeys(tasks)),
        source=source.strip(),
        made_by=by,
        made_at=now,
    )
    with db.begin() as tx:
        if model_id not in {each.model_id for each in models(tx)}:
            raise NotFound(f"目录里没有模型“{model_id}”，请用 yuejie models list 查看")
        was = store.grades(tx).get(model_id)
        store.insert_grade(tx, grade)
        record_deed(tx, Deed(by, now, "grade", "model", model_id), was=was, became=grade)
    return grade


def floor_ppm(tx: Tx) -> int:
    """Return the floor margin that holds now."""
    found = store.floor(tx)
    return FLOOR_PPM if found is None else found.ppm


def set_floor(db: Database, ppm: int, *, by: str, now: datetime) -> Floor:
    """Set the floor margin of quotes made from now on."""
    if not 0 <= ppm < PPM:
        raise Invalid("毛利底线须在 0% 与 100% 之间（不含 100%），请改正")
    became = Floor(ppm, by, now)
    with db.begin() as tx:
        was = store.floor(tx)
        store.insert_floor(tx, became)
        record_deed(tx, Deed(by, now, "set", "margin_floor", ""), was=was, became=became)
    return became
