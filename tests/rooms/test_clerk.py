"""The clerk makes its rounds on a real database, and an errand that fails stops nobody else."""

import threading
from datetime import UTC, datetime, timedelta

from tests.scenarios.books import FixedClock
from yuejie.clerk import CALENDAR, SLOW, Clerk, run
from yuejie.db.session import Database
from yuejie.kernel.errors import Unavailable

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)


def test_every_duty_runs_on_an_empty_house_and_rests_afterwards(database: Database) -> None:
    clerk = Clerk()
    assert clerk.make_round(database, NOW) == [duty.name for duty in (*CALENDAR, *SLOW)]
    assert clerk.make_round(database, NOW) == []
    soon = clerk.make_round(database, NOW + timedelta(minutes=1))
    assert soon == [duty.name for duty in (*CALENDAR, *SLOW) if duty.every <= timedelta(minutes=1)]
    later = clerk.make_round(database, NOW + timedelta(hours=2))
    assert later == [duty.name for duty in (*CALENDAR, *SLOW)]


def test_an_errand_that_waits_delays_no_other(database: Database) -> None:
    stop, told = threading.Event(), threading.Event()

    def away(_: Database, __: datetime) -> int:
        raise Unavailable("税务平台没有应答")

    def ends(_: Database, __: datetime) -> int:
        told.set()
        stop.set()
        return 0

    run(database, FixedClock(NOW), stop, {"fapiao": away, "post": ends})
    assert told.is_set()
