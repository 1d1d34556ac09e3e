"""Thresholds are told once per window, whoever watches and whenever it dies."""

import os
import sys
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from subprocess import PIPE, Popen
from threading import Thread

import pytest

from tests.rooms.budgets.desk import NOW, Desk, Worker
from tests.rooms.budgets.test_lending import WORST
from tests.rooms.intake.shop import Shop
from yuejie.budgets.allowance import Measure, Mode, Period
from yuejie.budgets.keep import Change, change_allowance, end_allowance
from yuejie.budgets.lending.store import open_window
from yuejie.budgets.store import allowance_by_number
from yuejie.budgets.watch.forecast import HOUR_S, WEEK_HOURS, forecast
from yuejie.budgets.watch.report import budget_report
from yuejie.budgets.watch.store import crossed
from yuejie.budgets.watch.store import tell as write_down
from yuejie.budgets.watch.tell import ROUND, watch_budgets, watch_forecasts
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.notices.store import unhanded

SEEDS = int(os.environ.get("YUEJIE_WATCH_SEEDS", "12"))
"""Each seed starts a process: a hundred take two minutes."""
NOW_S = int(NOW.timestamp())


@pytest.fixture
def desk(database: Database, shop: Shop, tmp_path: Path) -> Desk:
    return Desk(database, shop, tmp_path)


def uses(desk: Desk, worst: int, times: int = 1) -> None:
    """Use exactly so much of the caps there are."""
    worker = Worker(desk)
    for _ in range(times):
        call = worker.begin(worst)
        assert call is not None
        worker.end(call, tokens_in=worst // 5_000_000, tokens_out=0)
    worker.die()
    desk.read_journals()


def told(desk: Desk) -> Counter[str]:
    with desk.db.begin() as tx:
        notes = unhanded(tx, limit=1000)
    return Counter(
        f"{note.kind} {note.key.rpartition(':')[2]}"
        for note in notes
        if note.kind.startswith("budget")
    )


def test_each_threshold_is_told_once_per_window(desk: Desk) -> None:
    desk.cap("本月", 10 * WORST)
    uses(desk, WORST, 4)
    assert watch_budgets(desk.db, NOW) == 0
    uses(desk, WORST, 1)
    assert watch_budgets(desk.db, NOW) == 1
    assert watch_budgets(desk.db, NOW) == 0
    uses(desk, WORST, 5)
    assert watch_budgets(desk.db, NOW) == 2
    expected = {"budget_reached 50": 1, "budget_reached 80": 1, "budget_used_up 100": 1}
    assert told(desk) == expected
    # In December nothing is used yet; that the hard cap opens again is told, once.
    december = NOW + timedelta(days=8)
    assert watch_budgets(desk.db, december) == 3
    assert watch_budgets(desk.db, december) == 0
    assert told(desk) == expected | {"budget_eased 100": 1}


def test_a_higher_cap_eases_and_the_same_threshold_is_not_told_again(desk: Desk) -> None:
    desk.cap("本月", WORST)
    uses(desk, WORST)
    assert watch_budgets(desk.db, NOW) == 3
    change_allowance(desk.db, desk.shop.acme, "本月", Change(cap=3 * WORST), by="t", now=NOW)
    assert watch_budgets(desk.db, NOW) == 3
    uses(desk, WORST, 2)
    assert watch_budgets(desk.db, NOW) == 0
    assert told(desk)["budget_eased 100"] == 1
    assert told(desk)["budget_used_up 100"] == 1


def test_a_soft_budget_that_is_no_longer_reached_says_so_once_per_period(desk: Desk) -> None:
    """Whether the cap is raised within the period, or the next one begins."""
    desk.cap("本月", WORST, mode=Mode.SOFT)
    desk.cap("今日", WORST, mode=Mode.SOFT, period=Period.DAY)
    uses(desk, WORST)
    assert watch_budgets(desk.db, NOW) == 6
    change_allowance(desk.db, desk.shop.acme, "本月", Change(cap=3 * WORST), by="t", now=NOW)
    assert watch_budgets(desk.db, NOW) == 3
    assert watch_budgets(desk.db, NOW) == 0
    assert told(desk)["budget_eased 100"] == 1
    tomorrow = NOW + timedelta(days=1)
    assert watch_budgets(desk.db, tomorrow) == 3
    assert told(desk)["budget_eased 100"] == 2
    # What is reached once more within the period is not told again, nor that it eases.
    uses(desk, WORST, 2)
    watch_budgets(desk.db, NOW)
    change_allowance(desk.db, desk.shop.acme, "本月", Change(cap=9 * WORST), by="t", now=NOW)
    watch_budgets(desk.db, NOW)
    assert told(desk)["budget_used_up 100"] == told(desk)["budget_eased 100"] == 2


def test_what_is_said_to_be_below_a_threshold_is_what_the_present_period_has_used(
    desk: Desk,
) -> None:
    """With a threshold beyond the cap too, a budget recovers once: below the whole of it."""
    desk.cap("本月", WORST, mode=Mode.SOFT, thresholds=(100, 150))
    uses(desk, WORST, 2)
    assert watch_budgets(desk.db, NOW) == 2
    change_allowance(
        desk.db, desk.shop.acme, "本月", Change(cap=WORST + WORST // 2), by="t", now=NOW
    )
    assert watch_budgets(desk.db, NOW) == 1
    assert told(desk)["budget_eased 150"] == 0
    assert watch_budgets(desk.db, NOW + timedelta(days=8)) == 1
    with desk.db.read() as tx:
        facts = tx.value(EASED_FACTS)
    assert facts == "0.00 USD < 100"


@pytest.mark.parametrize(("used", "said"), [(WORST, []), (WORST // 2, ["0.001 CNY < 100"])])
def test_a_budget_recovers_in_the_currency_that_its_present_period_is_used_in(
    desk: Desk, used: int, said: list[str]
) -> None:
    """November's dollars were used up; in December the contract is in yuan: all used, or half."""
    cap = desk.cap("本月", WORST, mode=Mode.SOFT, thresholds=(100,))
    uses(desk, WORST)
    assert watch_budgets(desk.db, NOW) == 1
    (dollars,) = desk.windows(cap)
    with desk.db.begin() as tx:
        yuan = dollars.slot._replace(starts_s=dollars.ends_s, unit="CNY")
        open_window(tx, yuan, ends_s=dollars.ends_s + 31 * 86_400, cap=WORST, spent=used)
    watch_budgets(desk.db, NOW + timedelta(days=8))
    assert told(desk)["budget_eased 100"] == len(said)
    with desk.db.read() as tx:
        assert [tx.value(EASED_FACTS) for _ in said] == said


def test_an_ended_budget_says_nothing_more(desk: Desk) -> None:
    desk.cap("本月", WORST, mode=Mode.SOFT)
    uses(desk, WORST)
    watch_budgets(desk.db, NOW)
    end_allowance(desk.db, desk.shop.acme, "本月", by="t", now=NOW)
    watch_budgets(desk.db, NOW)
    assert told(desk)["budget_eased 100"] == 0


def test_many_watchers_tell_once(desk: Desk) -> None:
    desk.cap("本月", WORST)
    desk.cap("词", 10, measure=Measure.TOKENS, currency="", mode=Mode.SOFT)
    uses(desk, WORST)
    threads = [Thread(target=watch_budgets, args=(desk.db, NOW)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told(desk).values()) == {2}


WATCH = """
import sys
from datetime import datetime
from yuejie.budgets.store import allowance_by_number
from yuejie.budgets.watch.store import crossed
from yuejie.budgets.watch.store import tell as write_down
from yuejie.budgets.watch.tell import watch_budgets
from yuejie.db.session import Database
with Database.open(sys.argv[1], size=2) as db:
    while sys.stdin.readline():
        watch_budgets(db, datetime.fromisoformat(sys.argv[2]))
        print("done", flush=True)
"""


EASED_FACTS = """
    SELECT (facts ->> 'used') || ' < ' || (facts ->> 'percent')
    FROM notice WHERE kind = 'budget_eased'
"""


class Watcher:
    """A process that watches when it is told to."""

    def __init__(self, url: str) -> None:
        self.process = Popen(
            [sys.executable, "-c", WATCH, url, NOW.isoformat()], stdin=PIPE, stdout=PIPE
        )

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"done\n"

    def kill(self) -> None:
        self.process.kill()
        with self.process:
            pass


WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Undone(Exception):
    """Takes back what only kept a watcher waiting."""


def killed_at(db: Database, watcher: Watcher, where: str) -> None:
    """Kill a watcher where it is about to write a threshold or its notice down, half done."""
    with suppress(Undone), db.begin() as tx:
        next_one = crossed(tx, now_s=NOW_S, past_s=NOW_S, limit=1)[0]
        if where == "threshold":
            write_down(tx, next_one, basis="actual", amount=0, at=NOW)
        else:
            allowance = allowance_by_number(tx, next_one.number)
            assert allowance is not None
            words = (allowance.allowance_id, str(next_one.starts_s), "actual", next_one.percent)
            key = ":".join(["budget", *map(str, words)])
            facts = dict.fromkeys(("budget", "used", "limit", "percent", "effect"), "x")
            owner = CustomerId(allowance.scope.customer_id)
            enqueue(tx, Notice(Kind.TEST, Audience.CUSTOMER, facts, key, owner), at=NOW)
        watcher.go()
        while True:
            with db.read() as look:
                if look.value(WAITING):
                    break
        watcher.kill()
        raise Undone


def test_killed_in_the_middle_there_is_one_notice_per_threshold(
    desk: Desk, database_url: str
) -> None:
    """
    Watchers are killed where they are about to write a threshold down, or its notice; others are
    killed after a round, or watch beside each other. Each threshold of each budget is told once.
    """
    desk.cap("用", 10**18)
    uses(desk, WORST)
    rng = Random(4)
    killed = 0
    for seed in range(SEEDS):
        desk.cap(f"{seed}", 1 + seed, mode=Mode.SOFT)
        how = rng.choice(["threshold", "notice", "", "two"])
        watchers = [Watcher(database_url) for _ in range(2 if how == "two" else 1)]
        if how in ("threshold", "notice"):
            killed_at(desk.db, watchers[0], how)
            killed += 1
            continue
        for watcher in watchers:
            watcher.go()
        for watcher in watchers:
            watcher.wait()
            watcher.kill()
    watch_budgets(desk.db, NOW)
    assert killed >= SEEDS // 3
    with desk.db.begin() as tx:
        keys = [n.key for n in unhanded(tx, limit=1000) if n.kind.startswith("budget")]
    assert len(keys) == len(set(keys)) == SEEDS * 3


def test_a_forecast_is_the_week_that_is_known_and_honest_about_less() -> None:
    """A month of 720 hours: a hundred an hour for two weeks, then what such hours came to."""
    start = 1_793_376_000 - 1_793_376_000 % (WEEK_HOURS * HOUR_S)
    now = start + 2 * WEEK_HOURS * HOUR_S
    hours = {start + n * HOUR_S: 100 for n in range(2 * WEEK_HOURS)}
    spent = sum(hours.values())
    ends = start + 720 * HOUR_S
    assert forecast(spent, hours, since_s=start, now_s=now, ends_s=ends) == 720 * 100
    weekdays = {at: 100 if (at // HOUR_S % WEEK_HOURS) < 120 else 0 for at in hours}
    spent = sum(weekdays.values())
    expected = spent + sum(
        100 if ((now // HOUR_S + n) % WEEK_HOURS) < 120 else 0 for n in range(720 - 336)
    )
    assert forecast(spent, weekdays, since_s=start, now_s=now, ends_s=ends) == expected
    assert forecast(5, {}, since_s=now - 23 * HOUR_S, now_s=now, ends_s=ends) is None


def test_a_forecast_above_the_cap_is_told_once(desk: Desk) -> None:
    desk.cap("本月", 10 * WORST, mode=Mode.SOFT)
    uses(desk, WORST)
    later = NOW + timedelta(days=2)
    assert watch_forecasts(desk.db, NOW) == 0
    assert watch_forecasts(desk.db, later) == 0
    change_allowance(
        desk.db, desk.shop.acme, "本月", Change(cap=WORST + WORST // 100), by="t", now=NOW
    )
    assert watch_forecasts(desk.db, later) == 1
    assert watch_forecasts(desk.db, later) == 0
    assert told(desk)["budget_forecast 100"] == 1


def test_no_forecast_is_lost_where_two_currencies_stand_astride_a_round(desk: Desk) -> None:
    """The contract has changed its book within the period: the old currency ends the round."""
    uses_cap = desk.cap("用", 10**18)
    uses(desk, WORST)
    end_allowance(desk.db, desk.shop.acme, uses_cap.name, by="t", now=NOW)
    for n in range(ROUND - 1):
        desk.cap(f"{n}", 10**9, measure=Measure.TOKENS, currency="", mode=Mode.SOFT)
    last = desk.cap("本月", WORST + WORST // 100, mode=Mode.SOFT)
    (dollars,) = desk.windows(last)
    with desk.db.begin() as tx:
        yuan = dollars.slot._replace(unit="CNY")
        open_window(tx, yuan, ends_s=dollars.ends_s, cap=10**18)
    assert watch_forecasts(desk.db, NOW + timedelta(days=2)) == 1
    assert told(desk)["budget_forecast 100"] == 1


def test_the_report_says_what_was_used_and_told(desk: Desk) -> None:
    desk.cap("本月", 2 * WORST)
    uses(desk, WORST)
    watch_budgets(desk.db, NOW)
    (line,) = budget_report(desk.db, desk.shop.acme, BillingMonth(2026, 11), now=NOW)
    assert (line.spent, line.cap, line.percent) == (WORST - WORST % 5_000_000, 2 * WORST, 50)
    assert [(alert.basis, alert.percent) for alert in line.alerts] == [("actual", 50)]
    assert budget_report(desk.db, desk.shop.acme, BillingMonth(2026, 10), now=NOW) == []
