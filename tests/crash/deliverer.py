"""A process that forks deliverers which die by SIGKILL at the event that they are told.

Everything is imported once; a fork costs some milliseconds, and a hundred deaths some seconds.
Each line of standard input is an order, each line of standard output what became of it.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.rooms.notices.desk import KEY, facts_of
from yuejie.db.session import Database, Tx
from yuejie.insights.reports.run import run_due
from yuejie.notices.channels.parcel import Outcome, Parcel
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import deliver_due
from yuejie.notices.notice import Kind, Notice
from yuejie.notices.outbox import enqueue

KINDS = (Kind.SUSPENDED, Kind.BILL_ISSUED, Kind.BILL_ISSUED)
ROUNDS = 20


@dataclass
class Fate:
    """Counts what happens, writes it down, and kills this process at one event."""

    dies_at: int
    diary: int
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: threading.local = field(default_factory=threading.local)
    """The message that this thread has sent and not noted."""

    def event(self, what: str) -> None:
        with self.lock:
            self.count += 1
            os.write(self.diary, f"{what}\n".encode())
            if self.count == self.dies_at:
                os.write(self.diary, b"killed\n")
                os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Database):
    """A database whose user may die just before and just after each commit."""

    fate: Fate

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield tx
            self.fate.event("commit soon")
        name = getattr(self.fate.under_way, "name", "")
        self.fate.under_way.name = ""
        self.fate.event(f"committed {name}".strip())


@dataclass(frozen=True, slots=True)
class MortalPost(Post):
    """A courier that may die just before and just after each sending."""

    fate: Fate = field(kw_only=True)

    def send(self, parcel: Parcel, *, at: datetime) -> Outcome:
        self.fate.event(f"send soon {parcel.message_id}")
        outcome = Post.send(self, parcel, at=at)
        self.fate.under_way.name = parcel.message_id
        self.fate.event(f"sent {parcel.message_id}")
        return outcome


def notices_of(seed: int) -> list[Notice]:
    """Return what every worker finds worth telling in that period, under the same keys."""
    return [
        Notice(
            kind,
            "operator",
            facts_of(kind) | {"number": f"B-{seed}-{number}-", "customer": f"B-{seed}-{number}-"},
            f"period:{seed}:{number}",
            None,
        )
        for number, kind in enumerate(KINDS)
    ]


def work(order: dict[str, Any]) -> None:
    """Tell what there is to tell, or make the reports that are due, and deliver all of it."""
    now = datetime.fromisoformat(order["now"])
    fate = Fate(order["dies_at"], os.open(order["diary"], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    post = MortalPost(KEY, frozenset({order["host"]}), fate=fate)
    with Mortal.open(order["url"], name="deliverer") as db:
        assert isinstance(db, Mortal)
        db.fate = fate
        if order.get("reports"):
            run_due(db, now)
        else:
            with db.begin() as tx:
                for notice in notices_of(order["seed"]):
                    enqueue(tx, notice, at=now)
        for _ in range(ROUNDS):
            if not deliver_due(db, post, now):
                break


def main() -> None:
    """Fork a deliverer per order and say how each batch ended."""
    for line in sys.stdin:
        children = []
        for order in json.loads(line):
            child = os.fork()
            if child == 0:
                sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - dies with us
                code = 1
                try:
                    work(order)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
