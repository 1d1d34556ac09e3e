"""Real traffic with changes put into it: 38 clients of two weeks, as customers and their keys.

A client is a key. Customers are: each steady client alone, all clients dealt out to six, and all
clients as one. A change multiplies everything that a customer does; it begins in the second week,
so that the first has been learnt, and in an hour with at least half of a usual hour's traffic.
"""

import csv
import gzip
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from yuejie.insights.anomaly.explain import Used, explain
from yuejie.insights.anomaly.finding import Grain, Measure, Scope, Series
from yuejie.insights.anomaly.pulse import Floats
from yuejie.insights.anomaly.watch import Watch

BEGAN: Final = datetime(2026, 10, 1, tzinfo=UTC)
HOURS: Final = 14 * 24
LEARNT: Final = 7 * 24
STEADY: Final = 3_000
"""Requests in two weeks, from which on a client is a customer of its own."""
DEALT: Final = 6
ALONE: Final = "单个客户端"
MONTH: Final = 30 * 24
APART: Final = 24
"""Hours within which alarms of one key or place, or after one of the whole customer, are one."""
MEASURES: Final = (Measure.TOKENS, Measure.REQUESTS)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's keys: hours × keys of each measure."""

    name: str
    kind: str
    keys: list[str]
    used: dict[Measure, Floats]


@dataclass(frozen=True, slots=True)
class Change:
    """What is put in, for how long, and within how many hours it has to be found."""

    name: str
    hours: int
    within: int
    factor: float = 1.0
    daily: float = 1.0

    def apply(self, used: Floats, start: int) -> Floats:
        """Return the usage with the change in it."""
        changed = used.copy()
        for hour in range(start, min(start + self.hours, HOURS)):
            changed[hour] *= self.factor * self.daily ** ((hour - start) // 24 + 1)
        return changed


CHANGES: Final = (
    Change("5 倍突增，2 小时内", 2, 2, factor=5.0),
    Change("10 倍突增，2 小时内", 2, 2, factor=10.0),
    Change("2 倍持续 12 小时，6 小时内", 12, 6, factor=2.0),
    Change("每日 +5 % 蠕增，超出达半日用量前", HOURS, 96, daily=1.05),
)
"""5 % a day more, compounded, are half a usual day in excess on the fourth day."""


def read(path: Path) -> list[Customer]:
    """Return the customers that the traffic makes."""
    hours = _hours(path)
    names = sorted(hours)
    steady = [n for n in names if hours[n][Measure.REQUESTS].sum() >= STEADY]
    shuffled = random.Random(3).sample(names, len(names))
    groups = [(ALONE, [name]) for name in steady]
    groups += [("六个客户", shuffled[i::DEALT]) for i in range(DEALT)]
    groups.append(("全部合为一个客户", names))
    return [_customer(kind, keys, hours) for kind, keys in groups]


def tokens(path: Path) -> dict[str, Floats]:
    """Return the tokens of each client, hour by hour."""
    hours = _hours(path)
    return {name: hours[name][Measure.TOKENS] for name in sorted(hours)}


def _hours(path: Path) -> dict[str, dict[Measure, Floats]]:
    hours: dict[str, dict[Measure, Floats]] = defaultdict(
        lambda: {measure: np.zeros(HOURS) for measure in MEASURES}
    )
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            hour = (datetime.fromisoformat(row["started_at"]) - BEGAN) // timedelta(hours=1)
            if hour < HOURS:
                used = hours[row["client"]]
                used[Measure.REQUESTS][hour] += 1
                used[Measure.TOKENS][hour] += int(row["input_tokens"]) + int(row["output_tokens"])
    return hours


def _customer(kind: str, keys: list[str], hours: dict[str, dict[Measure, Floats]]) -> Customer:
    used = {m: np.column_stack([hours[key][m] for key in keys]) for m in MEASURES}
    return Customer("+".join(keys)[:40], kind, keys, used)


class Trial:
    """Runs one customer's hours through the watch, the first week once for all changes."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.series = [Series(Scope.CUSTOMER, customer.name, m) for m in MEASURES]
        self.series += [Series(Scope.KEY, key, m) for key in customer.keys for m in MEASURES]
        watch = Watch(Grain.HOUR, self.series, [b""] * len(self.series))
        for hour in range(LEARNT):
            watch.take(_at(hour), self._values(customer.used, hour), self._no_word())
        self._learnt = watch.rows()

    def alarms(self, used: dict[Measure, Floats], until: int = HOURS) -> list[tuple[int, str, str]]:
        """Return the hours that alarmed, each with its place and the key that explains it."""
        watch = Watch(Grain.HOUR, self.series, self._learnt)
        found = []
        for hour in range(LEARNT, until):
            seen = watch.take(_at(hour), self._values(used, hour), self._no_word())
            found += [
                (hour, self.series[each.index].name, self._key(used, hour, each.index))
                for each in seen.signals
            ]
        return found

    def incidents(self) -> int:
        """Return how many incidents the untouched second week is told to have."""
        last: dict[str, int] = {}
        count = 0
        for hour, place, key in self.alarms(self.customer.used):
            names = (self.customer.name, place, key)
            count += all(hour - last.get(name, -APART - 1) > APART for name in names)
            last |= dict.fromkeys((place, key), hour)
        return count

    def starts(self, change: Change, count: int, rnd: random.Random) -> list[int]:
        """Return hours in which a change may begin."""
        requests = self.customer.used[Measure.REQUESTS].sum(axis=1)
        last = HOURS - change.within
        busy = [h for h in range(LEARNT, last) if requests[h] >= requests[:h].mean() / 2]
        return rnd.sample(busy, min(count, len(busy)))

    def finds(self, change: Change, start: int) -> bool:
        """Say whether a change that begins at an hour is found in time."""
        used = {m: change.apply(table, start) for m, table in self.customer.used.items()}
        end = start + change.within
        return any(start <= hour < end for hour, *_ in self.alarms(used, end))

    def _values(self, used: dict[Measure, Floats], hour: int) -> Floats:
        both = np.array([used[m][hour] for m in MEASURES])
        return np.concatenate([both.sum(axis=1), both.T.ravel()])

    def _no_word(self) -> Floats:
        return np.zeros(len(self.series))

    def _key(self, used: dict[Measure, Floats], hour: int, index: int) -> str:
        series = self.series[index]
        if series.scope is Scope.KEY:
            return series.name
        table = used[series.measure]
        rows = [
            [Used(k, "", int(q)) for k, q in zip(self.customer.keys, table[h], strict=True)]
            for h in (hour - 24 * day for day in range(8))
        ]
        return explain(rows[0], [u for row in rows[1:] for u in row]).key_id


def _at(hour: int) -> datetime:
    return BEGAN + timedelta(hours=hour)
