"""kill -9 of the writer and of the ingest, at any moment, loses and doubles nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.rooms.intake.calls import calls as make_calls
from tests.rooms.intake.calls import (
    events,
    following,
    ingest,
    quantities,
    rolled_up,
    take_in,
    whole,
    write_journal,
)
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import START, Begun, Ended
from yuejie.usage.rebuild import rebuild
from yuejie.usage.tail import Tail, is_alive, journal_folders

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from pathlib import Path
from tests.rooms.intake.calls import calls, open_journal, whole, write
journal = open_journal(Path(sys.argv[1]))
made = calls(20_000, seed=int(sys.argv[2]))
print("ready", flush=True)
for start in range(0, len(made), 3):
    records = whole(made[start : start + 3])
    write(journal, records[:-1])
    write(journal, records[-1:])
"""
INGEST = """
import sys
from pathlib import Path
from tests.rooms.intake.calls import NOW, ingest
from yuejie.db.session import Database
follower = ingest(Database.open(sys.argv[2]), Path(sys.argv[1]))
print("ready", flush=True)
while True:
    follower.step(NOW)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a program of ours in a process of its own, and wait until it is at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def on_disk(home: Path) -> tuple[list[Ended], list[Begun]]:
    """What dead journals hold: the calls that ended, and those that never did."""
    ended: list[Ended] = []
    begun: list[Begun] = []
    for folder in journal_folders(home / "journals"):
        tail = Tail(folder, START)
        chunk = tail.read()
        while not chunk.tail:
            assert not chunk.broken
            ended += chunk.ended
            chunk = tail.read()
        ended += chunk.ended
        begun += tail.give_up()
    return ended, begun


def test_a_killed_writer_leaves_every_call_as_exactly_one_event(
    database: Database, tmp_path: Path
) -> None:
    rnd = random.Random(7)
    with following(ingest(database, tmp_path)):
        for seed in range(3):
            writer = start(WRITER, str(tmp_path), str(seed))
            time.sleep(rnd.uniform(0.05, 0.4))
            kill(writer)
    take_in(database, tmp_path)
    ended, begun = on_disk(tmp_path)
    assert not any(is_alive(folder) for folder in journal_folders(tmp_path / "journals"))
    assert ended
    stored = events(database, ended)
    assert len(stored) == len({row.event_id for row in stored}) == len(ended)
    with database.read() as tx, tx.cursor as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE reason = 'worker_died') FROM usage_event"
        )
        assert cursor.fetchone() == (len(ended) + len(begun), len(begun))
    measured = quantities(ended)
    assert {k: v for k, v in rolled_up(database).items() if k[3] != "unmeasured"} == measured
    assert rebuild(database, BillingMonth(2026, 10)).different == 0


def test_a_killed_ingest_goes_on_where_it_was(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    rnd = random.Random(11)
    made = make_calls(12_000)
    write_journal(tmp_path, whole(made))
    for _ in range(4):
        follower = start(INGEST, str(tmp_path), database_url)
        time.sleep(rnd.uniform(0.05, 0.3))
        kill(follower)
    take_in(database, tmp_path)
    assert len(events(database, made)) == 12_000
    assert rolled_up(database) == quantities(made)
    assert rebuild(database, BillingMonth(2026, 10)).different == 0
