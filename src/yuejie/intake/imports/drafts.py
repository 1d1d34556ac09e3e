"""From a row of a file to a draft, as the mapping says; every refusal is one sentence."""

from collections.abc import Callable
from typing import Final

from yuejie.intake.imports.exports import PER_CALL
from yuejie.intake.imports.mapping import METERS, Mapping
from yuejie.intake.imports.reading import Fields
from yuejie.intake.pricing import Draft, items_of
from yuejie.intake.push import read_tags
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PLAUSIBLE_TOKENS
from yuejie.kernel.money import whole
from yuejie.kernel.period import parse_instant
from yuejie.usage.event import EventState
from yuejie.usage.meters import Meter

_STATES: Final = {
    str(s): s for s in (EventState.MEASURED, EventState.PARTIAL, EventState.ESTIMATED)
}
_TAG: Final = "tags."

Reader = Callable[[Fields], tuple[str, Draft]]
"""Returns the row's own id (or nothing) and the draft."""


def reader_of(mapping: Mapping, *, aggregated: bool) -> Reader:
    """Return what turns rows of such a file into drafts.

    `aggregated` rows sum many calls: their size says nothing about the size of a request.
    """
    columns = mapping.columns

    def read(row: Fields) -> tuple[str, Draft]:
        fields = dict(mapping.constant)
        if columns:
            for name, column in columns.items():
                if column not in row:
                    raise Invalid(f"没有“{column}”这一列（映射为 {name}），请核对映射文件")
                fields[name] = row[column]
        else:
            fields |= {name: text for name, text in row.items() if text}
        if mapping.clients:
            fields |= _of_client(mapping, fields.get("client", ""))
        return fields.get("id", ""), _draft(fields, mapping, aggregated=aggregated)

    return read


def _of_client(mapping: Mapping, client: str) -> dict[str, str]:
    found = mapping.clients.get(client)
    if found is None:
        raise Invalid(f"映射文件没有说明 client“{client}”属于哪个客户，请补充 [clients] 后重试")
    return found


def _draft(fields: Fields, mapping: Mapping, *, aggregated: bool) -> Draft:
    get = fields.get
    written = get("started_at")
    if not written:
        raise Invalid("没有开始时间 started_at")
    started = parse_instant(written, mapping.zone, "started_at ") + mapping.shift
    until = get("ended_at")
    ended = parse_instant(until, mapping.zone, "ended_at ") + mapping.shift if until else started
    if ended < started:
        raise Invalid("ended_at 早于 started_at")
    state = _STATES.get(get("state") or "measured")
    if state is None:
        raise Invalid(f"状态“{get('state')}”不认识，请写 measured、partial 或 estimated")
    named = get("model", "")
    if not named:
        raise Invalid("没有模型 model，请在映射文件写明")
    model = mapping.models.get(named, named)
    size = get("context_tokens")
    many = aggregated and not any(get(name) for name in PER_CALL)
    return Draft(
        customer=get("customer", ""),
        project=get("project", ""),
        model=model,
        started_at=started,
        ended_at=ended,
        items=items_of(model, _meters(fields)),
        key=get("key", ""),
        tags=_tags(fields),
        api=get("api") or "import",
        deployment=get("deployment", ""),
        service_tier=get("service_tier", ""),
        context_tokens=0 if many else quantity("context_tokens", size) if size else None,
        state=state,
        response_id=get("response_id", ""),
        facts={"aggregated": "true"} if many else {},
    )


def _meters(fields: Fields) -> dict[Meter, int]:
    meters = {
        Meter(name): quantity(name, text)
        for name, text in fields.items()
        if name in METERS and text
    }
    if not meters:
        raise Invalid("没有任何计量项，请至少写一项，例如 input")
    return meters


def quantity(name: str, text: str) -> int:
    """Read a whole number that is not negative and not absurd."""
    number = whole(text)
    if number is None:
        raise Invalid(f"{name} 的数量“{text}”不是不小于 0 的整数，或大得不合理")
    if number > PLAUSIBLE_TOKENS * 1000:
        raise Invalid(f"{name} 的数量 {number} 大得不合理，请核对单位")
    return number


def _tags(fields: Fields) -> str:
    tags = {
        name.removeprefix(_TAG): text
        for name, text in fields.items()
        if name.startswith(_TAG) and text
    }
    return read_tags(tags) if tags else ""
