"""What parts of one customer's usage came to: complete days, and how a day spreads over its hours.

The sums are read once for all parts, so that many budgets cost little more than one. How a day
spreads is read of models: of a project, a key or a tag it is taken to be as the whole customer's,
or its model's; it only says which share of today is still to come, and at what hour of a day
something is used up. Where the sums do not reach yesterday's end (a house that was just set up, a
clerk that lies still), and for parts that name both a model and a place, days are read part by part
as trends are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Tx
from yuejie.insights.forecast import store
from yuejie.insights.forecast.store import Asked, Place, Row
from yuejie.insights.forecast.used import PROFILE, days_of, hours_of
from yuejie.insights.trend.figures import Sums
from yuejie.insights.trend.places import Face, Filter, Places, face_of
from yuejie.insights.trend.span import midnight
from yuejie.insights.trend.store import Scope, give_room
from yuejie.kernel.period import zone_of
from yuejie.usage.event import split_tags
from yuejie.usage.meters import UNIT_METERS
from yuejie.usage.sums.store import summed

EPOCH: Final = date(1970, 1, 1)
Quantity = Callable[[Row], int]


class Past:
    """One customer's past as one transaction sees it, which sees one moment (`consistent`)."""

    def __init__(
        self, tx: Tx, customer: Customer, parts: Iterable[Filter], now: datetime, *, days: int
    ) -> None:
        self._tx = tx
        self._customer = customer
        self._parts = list(dict.fromkeys(parts))
        self._models = list(dict.fromkeys(part.model for part in self._parts))
        self._now = now
        self._days = days
        self._zone = zone_of(customer.zone)
        self.today = now.astimezone(self._zone).date()
        self._summed = summed(tx).through >= midnight(self.today, self._zone)
        self._of_days: dict[Face, list[Row]] = {}
        self._of_hours: list[Row] | None = None
        give_room(tx)
        who = customer.customer_id
        named = Places(projects(tx, who), keys(tx, who), {}, zone=customer.zone)
        self._scopes = [named.scope(part, None, "day") for part in self._parts]

    def days(self, part: Filter, quantity: Quantity) -> dict[date, int]:
        """Return what each complete day of a part came to; days of nothing are missing."""
        sums: defaultdict[date, int] = defaultdict(int)
        for row in self._days_of(self._parts.index(part)):
            sums[EPOCH + timedelta(days=row.at)] += quantity(row)
        return {day: each for day, each in sums.items() if each > 0 and day < self.today}

    def spread(self, part: Filter, quantity: Quantity) -> list[int]:
        """Return what the 24 hours of complete days came to, of all or of the part's model."""
        sums = [0] * 24
        for row in self._hours_of(self._parts.index(part)):
            sums[row.at] += quantity(row)
        return sums

    def _days_of(self, number: int) -> Iterable[Row]:
        face = face_of(self._scopes[number])
        if not self._summed or face is Face.WHOLE:
            part = self._parts[number]
            found = days_of(self._tx, self._customer, part, self._days + 1, self._now)
            return (row for day, each in found.items() for row in _told((day - EPOCH).days, each))
        if face not in self._of_days:
            first = self.today - timedelta(days=self._days)
            utc = zone_of("UTC")
            asked = self._asked("day", midnight(first, utc), midnight(self.today, utc))
            self._of_days[face] = self._read(face, asked)
        return (row for row in self._of_days[face] if row.part == number)

    def _read(self, face: Face, asked: Asked) -> list[Row]:
        """Read the days of every part that a table has."""
        who = self._customer.customer_id
        own = [(n, each) for n, each in enumerate(self._scopes) if face_of(each) is face]
        if face is Face.MODEL:
            return store.by_model(self._tx, who, asked, [(n, each.model) for n, each in own])
        everywhere = store.places(self._tx, who)
        within = [(n, place) for n, each in own for place in everywhere if _within(place, each)]
        return store.by_place(self._tx, who, asked, within)

    def _hours_of(self, number: int) -> Iterable[Row]:
        if not self._summed:
            part = Filter(model=self._parts[number].model)
            found = hours_of(self._tx, self._customer, part, (PROFILE + 1) * 24, self._now)
            past = ((hour, each) for hour, each in found.items() if hour.date() < self.today)
            return (row for hour, each in past for row in _told(hour.hour, each))
        if self._of_hours is None:
            first = midnight(self.today - timedelta(days=PROFILE), self._zone)
            asked = self._asked("hour", first, midnight(self.today, self._zone))
            models = list(enumerate(self._models))
            self._of_hours = store.by_model(self._tx, self._customer.customer_id, asked, models)
        model = self._models.index(self._parts[number].model)
        return (row for row in self._of_hours if row.part == model)

    def _asked(self, grain: str, first: datetime, end: datetime) -> Asked:
        return Asked(grain, first, end, self._customer.zone, sorted(UNIT_METERS))


def _within(place: Place, scope: Scope) -> bool:
    return (
        (scope.project_ids is None or place.project_id in scope.project_ids)
        and (scope.key_ids is None or place.key_id in scope.key_ids)
        and (scope.tag is None or _tagged(place.tags, scope.tag))
    )


def _tagged(tags: str, wanted: str) -> bool:
    name, _, value = wanted.partition("=")
    return bool(tags) and split_tags(tags).get(name) == value


def _told(at: int, sums: Sums) -> Iterator[Row]:
    yield Row(at, 0, "", sums.tokens, sums.requests, 0)
    for currency, pico in sums.charges.items():
        yield Row(at, 0, currency, 0, 0, pico)
