"""Pushed events: what a customer's own road, or a colleague's program, reports by the API.

A batch is stored whole or not at all. The same event again is answered as the first time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from yuejie.budgets.lending.count import Spending
from yuejie.db.errors import SerializationConflict
from yuejie.db.session import RETRIES, Database
from yuejie.intake.external import (
    Fate,
    Sourced,
    conflict,
    event_id_of,
    judge,
    record_external,
)
from yuejie.intake.pricing import Draft, Tariffs, items_of
from yuejie.intake.store import known_externals
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import request_id
from yuejie.kernel.limits import PLAUSIBLE_TOKENS, PUSH_EVENTS, TAG_LENGTH, TAGS
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.usage.event import EventState, join_tags
from yuejie.usage.meters import Meter
from yuejie.usage.record import Recorder, unix_us

AHEAD: Final = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""
_ID: Final = 200
_STATES: Final = (EventState.MEASURED, EventState.PARTIAL, EventState.ESTIMATED)


class PushedEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as it is sent. Quantities are whole and not negative."""

    id: str
    started_at: str
    model: str
    meters: dict[str, int]
    project: str
    customer: str = ""
    ended_at: str = ""
    key: str = ""
    tags: dict[str, str] = {}
    deployment: str = ""
    service_tier: str = ""
    context_tokens: int | None = None
    state: str = "measured"
    response_id: str = ""
    facts: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event: its request id, and whether it had been stored before."""

    id: str
    request_id: str
    event_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row of a batch."""

    index: int
    id: str
    sentence: str


class PushRefused(Invalid):
    """Rows of the batch break rules; nothing of it was stored."""

    code = "push_refused"

    def __init__(self, errors: Sequence[RowError]) -> None:
        first = errors[0]
        super().__init__(
            f"{len(errors)} 个事件不合格，整批未写入；第 {first.index + 1} 个（{first.id}）："
            f"{first.sentence}"
        )
        self.errors = tuple(errors)


def push_events(
    db: Database,
    customer: str | None,
    source: str,
    events: Sequence[PushedEvent],
    *,
    now: datetime,
) -> list[Outcome]:
    """Store a batch of events of one customer, or, for the operator with None, of any.

    `source` names the sender's own numbering; customers cannot reach each other's.
    """
    if len(events) > PUSH_EVENTS:
        raise Invalid(f"一次最多推送 {PUSH_EVENTS} 个事件，本次有 {len(events)} 个；请分批")
    if not source or len(source) > _ID:
        raise Invalid(f"来源名称须为 1 到 {_ID} 个字符，请改正 source")
    refuse_nul(source)
    space = f"push:{customer}:{source}" if customer else f"push::{source}"
    drafts = _read(events, customer, now)
    for _ in range(RETRIES - 1):
        try:
            return _store(db, customer, space, events, drafts)
        except SerializationConflict:
            continue
    return _store(db, customer, space, events, drafts)


def _read(events: Sequence[PushedEvent], customer: str | None, now: datetime) -> list[Draft]:
    drafts, errors = [], []
    for index, event in enumerate(events):
        try:
            drafts.append(read_event(event, customer, now))
        except Invalid as error:
            errors.append(RowError(index, event.id, error.sentence))
    if errors:
        raise PushRefused(errors)
    return drafts


def _store(
    db: Database,
    customer: str | None,
    space: str,
    events: Sequence[PushedEvent],
    drafts: Sequence[Draft],
) -> list[Outcome]:
    """Store what is not known yet; what is known is answered without pricing it again."""
    hashes = [body_hash(event) for event in events]
    with db.read(consistent=True) as tx:
        known = known_externals(tx, space, [event.id for event in events])
        fates = judge(known, [(e.id, h) for e, h in zip(events, hashes, strict=True)])
        tariffs = Tariffs(tx) if Fate.NEW in fates else None
        if tariffs is not None:
            tariffs.learn(tx, {customer or event.customer for event in events})
    if Fate.CONFLICTS in fates:
        raise conflict(
            event.id for event, fate in zip(events, fates, strict=True) if fate is Fate.CONFLICTS
        )
    stored = {name: row.event_id for name, row in known.items()}
    fresh: list[Sourced] = []
    if tariffs is not None:
        new = [i for i, fate in enumerate(fates) if fate is Fate.NEW]
        fresh = _price(tariffs, space, [(i, events[i].id, hashes[i], drafts[i]) for i in new])
        record_external(db, Recorder(), space, fresh, count=Spending().count)
    stored |= {row.external_id: UUID(bytes=row.ended.begun.event) for row in fresh}
    return [
        Outcome(event.id, request_id(stored[event.id].bytes), stored[event.id], fate is Fate.KNOWN)
        for event, fate in zip(events, fates, strict=True)
    ]


def _price(
    tariffs: Tariffs, space: str, rows: Sequence[tuple[int, str, bytes, Draft]]
) -> list[Sourced]:
    priced, errors = [], []
    for index, name, digest, draft in rows:
        event = event_id_of(space, name, unix_us(draft.started_at))
        try:
            priced.append(Sourced(name, digest, tariffs.ended(draft, event)))
        except Invalid as error:
            errors.append(RowError(index, name, error.sentence))
    if errors:
        raise PushRefused(errors)
    return priced


def read_event(event: PushedEvent, customer: str | None, now: datetime) -> Draft:
    """Check an event and turn it into a draft; every refusal is one sentence."""
    if not event.id or len(event.id) > _ID:
        raise Invalid(f"事件编号须为 1 到 {_ID} 个字符")
    refuse_nul(event.id, event.model, event.project, event.customer, event.key)
    if customer and event.customer not in {"", customer}:
        raise Invalid(f"不能为其他客户（{event.customer}）推送用量")
    zone = zone_of("UTC")
    started = parse_instant(event.started_at, zone, "started_at ")
    ended = parse_instant(event.ended_at, zone, "ended_at ") if event.ended_at else started
    if started > now + AHEAD:
        raise Invalid(f"started_at {event.started_at} 在未来，请核对时钟与时区")
    if ended < started:
        raise Invalid("ended_at 早于 started_at，请改正")
    if event.state not in set(_STATES):
        raise Invalid(f"状态“{event.state}”不认识，请写 measured、partial 或 estimated")
    return Draft(
        customer=customer or event.customer,
        project=event.project,
        model=event.model,
        started_at=started,
        ended_at=ended,
        items=items_of(event.model, read_meters(event.meters)),
        key=event.key,
        tags=read_tags(event.tags),
        api="push",
        deployment=event.deployment,
        service_tier=event.service_tier,
        context_tokens=event.context_tokens,
        state=EventState(event.state),
        response_id=event.response_id,
        facts=event.facts,
    )


def read_meters(given: Mapping[str, int]) -> dict[Meter, int]:
    """Check names and quantities of meters."""
    if not given:
        raise Invalid("没有任何计量项，请至少写一项，例如 input")
    meters: dict[Meter, int] = {}
    for name, quantity in given.items():
        if name not in set(Meter):
            raise Invalid(f"计量项“{name}”不认识，请用 input、output、cache_read 等名称")
        if not 0 <= quantity <= PLAUSIBLE_TOKENS:
            raise Invalid(
                f"计量项 {name} 的数量 {quantity} 不合理，应在 0 到 {PLAUSIBLE_TOKENS} 之间"
            )
        meters[Meter(name)] = quantity
    return meters


def read_tags(tags: Mapping[str, str]) -> str:
    """Check a tag set and write it in its canonical form."""
    if len(tags) > TAGS:
        raise Invalid(f"标签最多 {TAGS} 个，这里有 {len(tags)} 个")
    for name, value in tags.items():
        if not name or set(name + value) & set(",=\x00") or max(len(name), len(value)) > TAG_LENGTH:
            raise Invalid(f"标签 {name}={value} 不合格：不含逗号和等号，各不超过 {TAG_LENGTH} 字")
    return join_tags(tags)


def refuse_nul(*texts: str) -> None:
    """Refuse the one character that the database cannot hold."""
    if any("\x00" in text for text in texts):
        raise Invalid("文字中有空字符（NUL），请去掉后重试")


def body_hash(event: PushedEvent) -> bytes:
    """Return the hash by which the same event is told from another under its id."""
    return sha256(msgspec.json.encode(event, order="deterministic")).digest()
