"""Deliverers die by kill -9 at many places: every notice arrives, under one id.

Each seed is a period: one or two processes tell the same three notices and deliver them over six
channels, and die at a seeded event: before or after a commit, before or after a sending. What
another process then finishes must have arrived exactly once, and twice only where a process died
between its sending and its commit, under the same id.

`YUEJIE_CRASH_SEEDS=100` lives through a hundred periods; `make test` through a quarter of them.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.crash.deliverer import KINDS, notices_of
from tests.rooms.notices.desk import KEY, NOW, channel, mail_sender, tell
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.demo.post.launch import Receivers, post_here
from yuejie.demo.post.world import DINGTALK_SECRET, FEISHU_SECRET, Arrived
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import LEASE, MAIL_LEASE, deliver_due

ROOT = Path(__file__).parents[2]
SEEDS = int(os.environ.get("YUEJIE_CRASH_SEEDS", "25"))
CHANNELS = 6
EVENTS = 70
"""A little more than a whole run has: some processes live."""


class Deliverers:
    """Processes that deliver and die."""

    def __init__(self, zygote: "subprocess.Popen[str]") -> None:
        self.zygote = zygote

    def run(self, orders: list[dict[str, Any]]) -> list[int]:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(orders) + "\n")
        self.zygote.stdin.flush()
        codes: list[int] = json.loads(self.zygote.stdout.readline())
        return codes


@contextmanager
def deliverers() -> Iterator[Deliverers]:
    command = [sys.executable, "-m", "tests.crash.deliverer"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as zygote:
        try:
            yield Deliverers(zygote)
        finally:
            assert zygote.stdin is not None
            zygote.stdin.close()


def everywhere(db: Database, there: Receivers) -> None:
    """Register one channel of each kind that needs no template, and a second webhook."""
    host = frozenset({there.host})
    mail_sender(db, there.box.port)
    channel(db, "email", "op@house.example.com")
    channel(db, "wecom", there.wecom, allowed=host)
    channel(db, "dingtalk", there.dingtalk, DINGTALK_SECRET, allowed=host)
    channel(db, "feishu", there.feishu, FEISHU_SECRET, allowed=host)
    for name in ("one", "two"):
        _, key = channel(db, "webhook", f"{there.hook}/{name}", allowed=host)
        there.world.hook_keys.append(key)


def finish(db: Database, clock: FixedClock, post: Post, now: datetime, seed: int) -> None:
    """Let another worker, which nobody kills, do the same."""
    tell(db, *notices_of(seed), at=now)
    for wait in (LEASE, MAIL_LEASE, 2 * MAIL_LEASE):
        clock.at = now + wait
        while deliver_due(db, post, clock.at):
            pass


def between(diary: Path) -> set[str]:
    """Return the messages that a process was sending, or had sent and not noted, when it died."""
    begun: set[str] = set()
    for line in diary.read_text().splitlines():
        what, _, message = line.rpartition(" ")
        if what == "send soon":
            begun.add(message)
        elif what == "committed":
            begun.discard(message)
    return begun


def id_in(arrived: Arrived) -> str:
    """Return the message id as the receiver finds it."""
    if arrived.mail is not None:
        return str(arrived.mail["Message-ID"]).strip("<>").partition("@")[0]
    found = re.search(r"msg_\w+", f"{arrived.to} {arrived.text}")
    assert found is not None
    return found[0]


def test_one_message_per_notice_and_channel_whoever_dies_where(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    clock, deaths, repeats = FixedClock(NOW), Counter[str](), 0
    with post_here(clock) as there, deliverers() as mortals:
        everywhere(database, there)
        post = Post(KEY, frozenset({there.host}))
        for seed in range(SEEDS):
            chance, now = Random(seed), NOW + timedelta(days=seed)
            clock.at = now
            there.world.arrived.clear()
            diaries = [tmp_path / f"{seed}.{n}" for n in range(1 + (seed % 3 == 0))]
            order = {"url": database_url, "now": now.isoformat(), "host": there.host, "seed": seed}
            codes = mortals.run(
                [
                    order | {"dies_at": chance.randint(1, EVENTS), "diary": str(diary)}
                    for diary in diaries
                ]
            )
            assert set(codes) <= {0, -signal.SIGKILL}, seed
            finish(database, clock, post, now, seed)
            dying = set().union(*(between(diary) for diary in diaries))
            repeats += judge(list(there.world.arrived), dying, seed)
            for code, diary in zip(codes, diaries, strict=True):
                last = diary.read_text().splitlines()[-2] if code else "lived"
                deaths[last.partition(" msg_")[0]] += 1
        assert_nothing_is_left(database)
    least = SEEDS // 30
    assert (
        min(deaths[each] for each in ("commit soon", "committed", "send soon", "sent")) > least
    ), deaths
    assert repeats > least, "some died between sending and commit, and were repeated"


def judge(arrived: list[Arrived], dying: set[str], seed: int) -> int:
    """Check one period's arrivals and return how many were repeats."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in arrived:
        for number in set(re.findall(rf"B-{seed}-\d+-", each.text)):
            ids[each.channel, number].add(id_in(each))
    per_channel = {"email": 1, "wecom": 1, "dingtalk": 1, "feishu": 1, "webhook": 2}
    for kind, channels in per_channel.items():
        for number in range(len(KINDS)):
            found = ids[kind, f"B-{seed}-{number}-"]
            assert len(found) == channels, f"seed {seed}: {kind} told {number} as {found}"
    times = Counter(id_in(each) for each in arrived)
    twice = {name for name, count in times.items() if count > 1}
    assert twice <= dying, f"seed {seed}: a repeat without a crash between send and commit"
    return len(twice)


def assert_nothing_is_left(db: Database) -> None:
    with db.read() as tx:
        assert tx.value("SELECT count(*) FROM notice") == SEEDS * len(KINDS)
        assert tx.value("SELECT count(*) FROM notice_copy") == SEEDS * len(KINDS) * CHANNELS
        assert tx.value("SELECT count(*) FROM notice_copy WHERE message_id IS NULL") == 0
        assert tx.value("SELECT count(*) FROM notice_message WHERE state <> 'sent'") == 0
        assert (
            tx.value(
                "SELECT count(*) FROM (SELECT FROM notice_outcome WHERE result = 'sent'"
                " GROUP BY message_id HAVING count(*) > 1) doubled"
            )
            == 0
        )
