"""What practice customers use: office hours, weekends, growth, a day that ran away; seeded."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from yuejie.demo.practice.parties import MODELS, Party
from yuejie.intake.push import PushedEvent
from yuejie.kernel.period import BillingMonth, zone_of

CHINA: Final = zone_of("Asia/Shanghai")
_WEEKEND: Final = 5
_CALLS: Final = 14
"""Calls of a project on a working day in the first month; each event stands for a busy hour."""
_GROWTH_PERCENT: Final = 12
_RUNAWAY_TIMES: Final = 9


@dataclass(frozen=True, slots=True)
class Shape:
    """How a project uses: of which model, how long its questions and answers are."""

    model: str
    tokens_in: int
    tokens_out: int
    cached_percent: int


SHAPES: Final = {
    "客服": Shape("gpt-4o", 180_000, 30_000, 40),
    "文案": Shape("claude-3-5-sonnet", 60_000, 50_000, 0),
    "研发助手": Shape("gpt-4o-mini", 420_000, 60_000, 20),
}


def events_of(
    party: Party,
    keys: dict[str, str],
    month: BillingMonth,
    until: datetime,
    *,
    growth: int,
    runaway: date | None = None,
) -> Iterator[PushedEvent]:
    """Yield what a customer used in a month before an instant, day by day, always the same."""
    rng = random.Random(f"{party.slug} {month}")
    day = month.first_day
    while day <= month.last_day:
        for project in party.projects:
            quiet = day.weekday() >= _WEEKEND
            calls = max(_CALLS // 4, 1) if quiet else _CALLS
            calls = calls * (100 + _GROWTH_PERCENT * growth) // 100
            if day == runaway and project == party.projects[0]:
                calls *= _RUNAWAY_TIMES
            for number in range(calls * party.size // 100):
                at = _moment(rng, day)
                if at < until:
                    name = f"{party.slug}-{day}-{project}-{number}"
                    yield _event(rng, party, project, keys[project], at, name)
        day += timedelta(days=1)


def _moment(rng: random.Random, day: date) -> datetime:
    minute = min(max(int(rng.gauss(14 * 60, 200)), 0), 24 * 60 - 1)
    at = datetime.combine(day, time(minute // 60, minute % 60), CHINA)
    return at + timedelta(seconds=rng.randrange(60))


def _event(
    rng: random.Random, party: Party, project: str, key: str, at: datetime, name: str
) -> PushedEvent:
    shape = SHAPES[project]
    tokens_in = shape.tokens_in * rng.randrange(70, 131) // 100
    cached = tokens_in * shape.cached_percent // 100
    meters = {
        "input": tokens_in - cached,
        "output": shape.tokens_out * rng.randrange(70, 131) // 100,
    }
    if cached:
        meters["cache_read"] = cached
    return PushedEvent(
        id=name,
        started_at=at.isoformat(),
        ended_at=(at + timedelta(seconds=rng.randrange(2, 40))).isoformat(),
        customer=party.slug,
        project=project,
        key=key,
        model=shape.model,
        deployment=f"{shape.model}@{MODELS[shape.model].account}",
        meters=meters,
    )
