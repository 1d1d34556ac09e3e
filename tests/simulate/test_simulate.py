"""Fourteen months of random customers, one seed per test; a failing seed reproduces.

`make simulate SEEDS=1000 CUSTOMERS=20` runs many; `make simulate SEED=17` runs one again.
`DONE=seeds.txt` keeps the seeds that passed in a file, and goes on behind them the next time; what
failed stands in `seeds.txt.failed` at once, and is run again then.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulate.deeds import Deeds
from tests.simulate.desk import Desk
from tests.simulate.drawn import Names
from tests.simulate.family import Family
from tests.simulate.faults import FusedDatabase
from tests.simulate.invariants import Invariants
from tests.simulate.live import Watchers
from tests.simulate.owed import Owed
from tests.simulate.replayed import Replayed
from tests.simulate.signing import Signing
from tests.simulate.sky import Sky
from tests.simulate.till import Till
from tests.simulate.truth import months_from
from tests.simulate.world import FIRST, Actor, World
from yuejie.demo.tax.launch import tax_here

LAST = "2027-02"
FLUSH = "2027-03"
CUSTOMERS = int(os.environ.get("YUEJIE_SIMULATE_CUSTOMERS", "3"))
SEEDS = int(os.environ.get("YUEJIE_SIMULATE_SEEDS", "1"))
SEED = int(os.environ.get("YUEJIE_SIMULATE_SEED", "1"))
DONE = os.environ.get("YUEJIE_SIMULATE_DONE", "")


def seeds() -> list[int]:
    """Return the seeds that are wanted and have not passed yet."""
    done = Path(DONE).read_text().split() if DONE and Path(DONE).exists() else []
    return sorted({*range(SEED, SEED + SEEDS)} - {*map(int, done)})


@pytest.fixture
def fused(database_url: str) -> Iterator[FusedDatabase]:
    with FusedDatabase.planned_once(database_url) as db:
        yield db


@pytest.mark.parametrize("seed", seeds())
def test_fourteen_months(
    fused: FusedDatabase, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(seed, monkeypatch)
    world = World(fused, seed, CUSTOMERS)
    deeds = Deeds(world, names)
    signing = Signing(world, deeds)
    invariants, watchers = Invariants(world, deeds), Watchers(world, deeds)
    (tmp_path / "clouds").mkdir()
    sky = Sky(world, tmp_path / "clouds")
    with tax_here(tmp_path / "tax.jsonl", at=world.clock.at) as platform:
        till, desk = Till(deeds), Desk(deeds, platform)
        owed, family = Owed(till, desk), Family(till)
        month = FIRST
        try:
            for month in months_from(FIRST, LAST):
                signing.month(month)
                live_through(world, deeds, month)
                signing.clerk(month)
                sky.month(month)
                seen = watchers.before(month)
                deeds.close(month)
                watchers.behind(month, seen)
                invariants.after_closing(month, proved=[month])
                after_closing(world, deeds, month)
                invariants.remember(month)
                sky.late(month)
                family.month()
                till.month()
                owed.after_the_clerk()
                desk.month()
                owed.always()
                family.always()
            month = FLUSH
            world.publish_fx_of(FLUSH)
            deeds.close(FLUSH)
            invariants.after_closing(FLUSH, proved=months_from(FIRST, FLUSH))
            replayed = Replayed(world, deeds)
            replayed.every()
            # Rules may refuse any one deed; a world in which all are refused would prove nothing.
            assert replayed.exact, replayed.refused
            assert deeds.done["receipt"], deeds.done
            assert watchers.compared, "no live bill was ever compared"
            assert deeds.done["place"] + deeds.done["draw"], deeds.done
        except BaseException as error:
            error.add_note(f"SEED={seed} month={month} CUSTOMERS={CUSTOMERS}")
            for actor in world.actors:
                error.add_note(f"{actor.client.slug}: {', '.join(map(str, actor.client.deals))}")
            if DONE:
                with Path(f"{DONE}.failed").open("a") as failed:
                    failed.write(f"{seed} {month} {str(error)[:500]!r}\n")
            raise
    if DONE:
        with Path(DONE).open("a") as done:
            done.write(f"{seed}\n")


def live_through(world: World, deeds: Deeds, month: str) -> None:
    """Let a month pass: prices, rates, usage of this month and late usage of earlier ones."""
    random = world.random
    world.publish_fx_of(month)
    if random.random() < 0.3:
        world.reprice(month)
    for actor in world.actors:
        for label in months_from(actor.client.first, month)[-3:]:
            if used(actor, label) and (label == month or random.random() < 0.3):
                deeds.use(actor, label, random.randrange(0, 7))
        if month >= actor.client.first and random.random() < 0.3:
            deeds.allow(actor, month)
        if month >= actor.client.first and random.random() < 0.2:
            deeds.grant(actor, month)
        if month > actor.client.first and random.random() < 0.1 and used(actor, month):
            world.amend_from(actor, month)
        if random.random() < 0.1:
            deeds.move_project(actor, month)


def after_closing(world: World, deeds: Deeds, month: str) -> None:
    """What happens before the next month is over: late news, review, issue, taking back."""
    random = world.random
    deeds.find_out()
    for actor in world.actors:
        if random.random() < 0.3:
            deeds.put_right(actor)
        if random.random() < 0.2 and used(actor, month) and month >= actor.client.first:
            deeds.use(actor, month, 2)
    if random.random() < 0.4:
        world.tick()
        deeds.close(month)
    for actor in world.actors:
        for _ in range(random.randrange(1, 4)):
            deeds.review(actor, patient=True)
        if random.random() < 0.4:
            deeds.take_back(actor)


def used(actor: Actor, month: str) -> bool:
    """Whether a contract holds; behind its end nothing is admitted."""
    return month >= actor.client.first and actor.client.serves(month)
