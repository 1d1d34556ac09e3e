"""The board that everybody may see: the gateway and the models now, ninety days, announcements.

States come from our own measurements: minutes in which the gateway was asked from outside, and how
the last calls of each model ended. What is announced can make a state worse, never better. Nothing
of it names a customer, a provider's account or a number of calls.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from yuejie.bills.sla.ending import Ending, counted, ending_of
from yuejie.contracts.store import models
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import uuid7_floor
from yuejie.kernel.limits import PAGE
from yuejie.kernel.money import PPM
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.status import store
from yuejie.support.status.incident import Impact, Incident, Update

DAYS: Final = 90
LATELY: Final = timedelta(minutes=10)
PROBED_LATELY: Final = timedelta(minutes=5)
ENOUGH: Final = 20
"""Of fewer calls within ten minutes nothing is said: one failure would look like an outage."""
DEGRADED_PPM: Final = 50_000
DOWN_PPM: Final = 500_000


class Light(StrEnum):
    """How a component is."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


LIGHT_NAMES: Final = {
    Light.UP: "运行正常",
    Light.DEGRADED: "部分受影响",
    Light.DOWN: "中断",
    Light.MAINTENANCE: "维护中",
    Light.UNKNOWN: "暂无数据",
}
_WORSE: Final = (Light.UNKNOWN, Light.UP, Light.MAINTENANCE, Light.DEGRADED, Light.DOWN)
"""Of two the later counts."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day by the operator's clock: minutes looked at, and those in which nobody was served."""

    day: date
    probed: int
    down: int

    @property
    def light(self) -> Light:
        """How the day was: one minute is felt, an hour is an outage."""
        if not self.probed:
            return Light.UNKNOWN
        if not self.down:
            return Light.UP
        return Light.DOWN if self.down >= 60 else Light.DEGRADED

    @property
    def ppm(self) -> int | None:
        """The share of the minutes looked at in which the gateway served; None of none."""
        return (self.probed - self.down) * PPM // self.probed if self.probed else None


@dataclass(frozen=True, slots=True)
class Announcement:
    """An incident or maintenance with what was said of it, the newest first."""

    incident: Incident
    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The state of the service at a moment."""

    at: datetime
    gateway: Light = Light.UNKNOWN
    models: Mapping[str, Light] = field(default_factory=dict)
    days: Sequence[Day] = ()
    announcements: Sequence[Announcement] = ()

    @property
    def overall(self) -> Light:
        """The one word on top: the gateway's, made worse by any model's and by announcements."""
        felt = [each.incident for each in self.now if each.incident.is_felt(self.at)]
        found = _worst(max((self.gateway, *self.models.values()), key=_WORSE.index), felt)
        if felt and any(_is_whole(each) and each.impact is Impact.DOWN for each in felt):
            return found
        # A model that is down is a part of the service, not all of it.
        return Light.DEGRADED if found is Light.DOWN and self.gateway is not found else found

    @property
    def now(self) -> list[Announcement]:
        """What goes on, or is planned."""
        return [each for each in self.announcements if not each.incident.is_over]

    @property
    def past(self) -> list[Announcement]:
        """What is over."""
        return [each for each in self.announcements if each.incident.is_over]

    @property
    def ppm(self) -> int | None:
        """The share of all minutes looked at in which the gateway served."""
        probed, down = (sum(getattr(day, name) for day in self.days) for name in ("probed", "down"))
        return (probed - down) * PPM // probed if probed else None


def look(db: Database, now: datetime) -> Board:
    """Look at the service as it is now."""
    today = now.astimezone(HOUSE_ZONE).date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time(), HOUSE_ZONE)
    with db.read(consistent=True) as tx:
        told = announcements(tx, since=since, limit=PAGE)
        seen = {
            row.day: row for row in store.days(tx, zone=str(HOUSE_ZONE), since=since, until=now)
        }
        probes = store.probes(tx, since=now - PROBED_LATELY, until=now)
        offered = [each.model_id for each in models(tx) if each.state == "active"]
        measured = _measured(tx, now)
    felt = [each.incident for each in told if each.incident.is_felt(now)]
    dates = [first + timedelta(days=number) for number in range(DAYS)]
    return Board(
        at=now,
        gateway=_worst(_of_probes(probes), [each for each in felt if _is_whole(each)]),
        models={
            model: _worst(
                measured.get(model, Light.UNKNOWN), [each for each in felt if model in each.models]
            )
            for model in offered
        },
        days=[_day(each, seen.get(each.isoformat())) for each in dates],
        announcements=told,
    )


def announcements(
    tx: Tx, *, since: datetime | None = None, before: str | None = None, limit: int
) -> list[Announcement]:
    """Return what was announced, the newest first, each with what was said of it."""
    found = store.incidents(tx, since=since, before=before, limit=limit)
    said = store.updates(tx, [each.incident_id for each in found])
    return [Announcement(each, tuple(said[each.incident_id])) for each in found]


def _day(day: date, row: store.DayRow | None) -> Day:
    return Day(day, row.probed, row.down) if row else Day(day, 0, 0)


def _is_whole(incident: Incident) -> bool:
    return not incident.models and not incident.providers


def _of_probes(probes: Sequence[store.ProbeRow]) -> Light:
    """Judge the last minutes: down is down now, and one bad minute among good ones is felt."""
    if not probes:
        return Light.UNKNOWN
    if not probes[-1].is_ready:
        return Light.DOWN
    return Light.UP if all(each.is_ready for each in probes) else Light.DEGRADED


def _measured(tx: Tx, now: datetime) -> dict[str, Light]:
    """Judge each model by how its calls of the last minutes ended."""
    first = uuid7_floor(now - LATELY)
    calls: dict[str, Counter[Ending]] = defaultdict(Counter)
    for row in store.endings(tx, first_id=first):
        calls[row.model][ending_of(row.outcome, row.http_status, row.reason)] += row.calls
    return {model: _of_calls(endings) for model, endings in calls.items()}


def _of_calls(endings: Mapping[Ending, int]) -> Light:
    whole, failed = counted(endings)
    if whole < ENOUGH:
        return Light.UNKNOWN
    ppm = failed * PPM // whole
    return Light.DOWN if ppm >= DOWN_PPM else Light.DEGRADED if ppm >= DEGRADED_PPM else Light.UP


_BY_IMPACT: Final = {
    Impact.DOWN: Light.DOWN,
    Impact.DEGRADED: Light.DEGRADED,
    Impact.NONE: Light.UNKNOWN,
}


def _worst(measured: Light, felt: Sequence[Incident]) -> Light:
    """Return what was measured, made worse by what is announced."""
    lights = [measured]
    for each in felt:
        said = _BY_IMPACT[each.impact]
        if each.kind == "maintenance" and said is not Light.UNKNOWN:
            said = Light.MAINTENANCE
        lights.append(said)
    return max(lights, key=_WORSE.index)
