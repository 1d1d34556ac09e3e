"""Ingest: shuffled and duplicated journals come to the same events and rollups.

Guards usage and intake: rebuild equals increment, and a call is one event however often and in
whatever order its records arrive.
"""

import random
from pathlib import Path

import pytest

from tests.rooms.intake.calls import (
    calls,
    events,
    quantities,
    rolled_up,
    take_in,
    whole,
    write_journal,
)
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import Record
from yuejie.usage.rebuild import rebuild

OCTOBER = BillingMonth(2026, 10)


def scattered(made: list[Record], rnd: random.Random) -> list[list[Record]]:
    """The records over three journals, some twice, in any order."""
    journals: list[list[Record]] = [[], [], []]
    for record in made:
        for journal in rnd.sample(journals, rnd.choice([1, 1, 2])):
            journal.append(record)
    for journal in journals:
        rnd.shuffle(journal)
    return journals


@pytest.mark.parametrize("seed", range(6))
def test_rebuild_equals_increment_from_shuffled_duplicated_journals(
    database: Database, tmp_path: Path, seed: int
) -> None:
    rnd = random.Random(seed)
    made = calls(200, seed=seed)
    for part in scattered(whole(made), rnd):
        write_journal(tmp_path, part)
        if rnd.random() < 0.7:
            take_in(database, tmp_path)
    take_in(database, tmp_path)
    latest = {row.event_id: row for row in events(database, made)}
    assert len(latest) == 200
    assert rolled_up(database) == quantities(made)
    assert rebuild(database, OCTOBER).different == 0
    assert sorted(row.state for row in latest.values()) == sorted(one.state for one in made)


@pytest.mark.parametrize("seed", range(3))
def test_a_rebuild_puts_right_what_was_changed(
    database: Database, owner_url: str, tmp_path: Path, seed: int
) -> None:
    made = calls(60, seed=seed)
    write_journal(tmp_path, whole(made))
    take_in(database, tmp_path)
    with Database.open(owner_url, size=1) as owner, owner.begin() as tx:
        tx.run("DELETE FROM usage_rollup WHERE meter = 'output'")
        tx.run("UPDATE usage_rollup SET quantity = quantity + 1 WHERE state = 'partial'")
    found = rebuild(database, OCTOBER)
    assert found.different > 0
    assert not found.whole
    assert found.examples[0].rebuilt != found.examples[0].stored
    assert rebuild(database, OCTOBER, check=False).whole
    assert rebuild(database, OCTOBER).different == 0
    assert rolled_up(database) == quantities(made)
