"""Announce incidents and maintenance, and say how they go on; whoever is affected hears of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.store import models
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.support.status import store
from yuejie.support.status.incident import (
    FIRST,
    STATE_NAMES,
    Impact,
    Incident,
    IncidentKind,
    IncidentState,
    Update,
    advance,
)

USED_WITHIN: Final = timedelta(days=30)
"""Whoever has called a model or over a provider within this time is affected."""
TITLE: Final = 120
TEXT: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDraft:
    """What is to be announced. Of an incident `starts_at` may be left out: it is now."""

    kind: IncidentKind
    title: str
    text: str
    title_en: str = ""
    text_en: str = ""
    impact: Impact = Impact.DEGRADED
    models: Sequence[str] = ()
    providers: Sequence[str] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDraft:
    """What is to be said next; times that are given replace those that were announced."""

    state: IncidentState
    text: str
    text_en: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """An incident as it now stands, and how many customers were told."""

    incident: Incident
    told: int


def announce(db: Database, draft: IncidentDraft, *, by: str, now: datetime) -> Announced:
    """Announce an incident or a maintenance; the customers it affects are told.

    Raises NotFound for a model or provider that we do not have, Invalid for unlikely times.
    """
    incident = Incident(
        incident_id=mint("inc", now),
        kind=draft.kind,
        title=_words(draft.title, "标题", TITLE),
        title_en=_maybe(draft.title_en, TITLE),
        impact=draft.impact,
        models=tuple(dict.fromkeys(draft.models)),
        providers=tuple(dict.fromkeys(draft.providers)),
        starts_at=draft.starts_at or now,
        ends_at=draft.ends_at,
        state=FIRST[draft.kind],
        announced_by=by,
        announced_at=now,
    )
    _refuse_times(incident, now)
    with db.begin() as tx:
        _refuse_unknown(tx, incident)
        store.insert(tx, incident)
        said = Update(
            mint("upd", now),
            incident.incident_id,
            now,
            by,
            incident.state,
            _words(draft.text, "说明", TEXT),
            _maybe(draft.text_en, TEXT),
        )
        store.insert_update(tx, said)
        record_deed(tx, Deed(by, now, "announce", "incident", incident.incident_id))
        told = _tell(tx, incident, said, now=now)
    return Announced(incident, told)


def update(
    db: Database, incident_id: str, draft: UpdateDraft, *, by: str, now: datetime
) -> Announced:
    """Say how an incident or a maintenance goes on; the customers it affects are told.

    Raises Conflict where that cannot follow what was said before.
    """
    text, text_en = _words(draft.text, "说明", TEXT), _maybe(draft.text_en, TEXT)
    with db.begin() as tx:
        was = store.hold(tx, incident_id)
        if was is None:
            raise NotFound(f"公告 {incident_id} 不存在，请用 yuejie incidents list 核对编号")
        became = replace(
            was,
            state=advance(was.state, draft.state),
            starts_at=draft.starts_at or was.starts_at,
            ends_at=draft.ends_at or was.ends_at,
        )
        if became.is_over and became.state is not IncidentState.CANCELLED:
            became = replace(became, ends_at=draft.ends_at or now)
        elif was.is_over:
            became = replace(became, ends_at=draft.ends_at)
        _refuse_times(became, now)
        store.move(tx, became)
        said = Update(mint("upd", now), incident_id, now, by, became.state, text, text_en)
        store.insert_update(tx, said)
        record_deed(tx, Deed(by, now, "update", "incident", incident_id))
        told = _tell(tx, became, said, now=now)
    return Announced(became, told)


def _tell(tx: Tx, incident: Incident, said: Update, *, now: datetime) -> int:
    """Tell each affected customer, once per update; what it is told names nobody else."""
    since = now - USED_WITHIN
    # A label of one zone may be another month's in the next.
    months = {str(BillingMonth.of(since - timedelta(days=1), zone_of("UTC")))}
    months |= {str(BillingMonth.of(at, zone_of("UTC"))) for at in (since, now)}
    months.add(str(BillingMonth.of(now + timedelta(days=1), zone_of("UTC"))))
    found = store.affected(
        tx,
        models=list(incident.models),
        providers=list(incident.providers),
        since=since,
        months=sorted(months),
    )
    is_incident = incident.kind is IncidentKind.INCIDENT
    for customer_id in found:
        zone = zone_of(find_customer(tx, customer_id).zone)
        facts = {
            "what": incident.title,
            "state": STATE_NAMES[said.state],
            "text": said.text,
            "since": f"{incident.starts_at.astimezone(zone):%Y-%m-%d %H:%M}",
            "until": f"{incident.ends_at.astimezone(zone):%Y-%m-%d %H:%M}"
            if incident.ends_at
            else "—",
            "models": "、".join(incident.models),
        }
        kind = Kind.INCIDENT if is_incident else Kind.MAINTENANCE
        key = f"incident:{said.update_id}:{customer_id}"
        enqueue(tx, Notice(kind, Audience.CUSTOMER, facts, key, customer_id), at=now)
    return len(found)


def _refuse_unknown(tx: Tx, incident: Incident) -> None:
    known = {each.model_id for each in models(tx)}
    for model in incident.models:
        if model not in known:
            raise NotFound(f"没有模型“{model}”，请用 yuejie models list 核对名称")
    accounts = set(store.providers(tx))
    for provider in incident.providers:
        if provider not in accounts:
            raise NotFound(f"没有供应商“{provider}”，请从 {'、'.join(sorted(accounts))} 中选")


def _refuse_times(incident: Incident, now: datetime) -> None:
    if incident.kind is IncidentKind.MAINTENANCE and incident.ends_at is None:
        raise Invalid("维护须写明预计结束时间")
    if incident.ends_at is not None and incident.ends_at < incident.starts_at:
        raise Invalid("结束时间不能早于开始时间，请改正后重试")
    if incident.kind is IncidentKind.INCIDENT and incident.starts_at > now:
        raise Invalid("事故的开始时间不能晚于现在；预先安排的请发布维护公告")


def _words(text: str, what: str, most: int) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not 0 < len(said) <= most or "\0" in said:
        raise Invalid(f"请写明公告的{what}，最多 {most:,} 个字符")
    return said


def _maybe(text: str, most: int) -> str:
    return _words(text, "英文", most) if text.strip() else ""
