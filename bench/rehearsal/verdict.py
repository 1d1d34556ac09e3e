"""The verdict: what providers served, what the database holds, and what lies on a lost disk."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.figures import Figure, Result
from bench.rehearsal import store
from bench.rehearsal.crowd import Seen
from bench.rehearsal.provider import INPUT, OUTPUT, read_truth
from yuejie.db.session import Database
from yuejie.usage.journal import START, Begun, Ended, read_from
from yuejie.usage.tail import journal_folders

COST = INPUT * 5_000_000 + OUTPUT * 15_000_000
"""What a call of the capped model costs, in picos of a dollar: 5 and 15 dollars a million."""

WORDS: Final = {
    "upgrade_retried": "滚动升级期间的重试",
    "revoked_ms": "吊销密钥到各节点都拒绝，毫秒",
    "presumed_windows": "节点丢失时按已用计的额度窗口",
    "drain_retried": "节点退出时被切断的请求",
    "adopted": "两个节点收养丢失的流水，各得事件",
}


@dataclass(frozen=True, slots=True)
class Books:
    """What was served and what is stored, call by call."""

    served: set[bytes]
    capped: int
    """Calls of the capped model that were served."""
    stored: set[bytes]
    doubled: int
    rolled_up: int
    counted: int
    spent: int
    leased: int

    @property
    def lost(self) -> set[bytes]:
        """What was served and is not stored."""
        return self.served - self.stored


def open_books(db: Database, truth: Path, allowance: int) -> Books:
    """Read everything."""
    served, capped = set[bytes](), 0
    for attempt, model in read_truth(truth):
        assert attempt not in served, "an attempt reached the provider twice"  # noqa: S101 - the verdict
        served.add(attempt)
        capped += model == 0
    with db.read(consistent=True) as tx:
        window = store.window(tx, allowance)
        return Books(
            served,
            capped,
            set(store.events(tx)),
            store.doubled(tx),
            store.rolled_up(tx),
            store.counted(tx),
            int(window.spent),
            int(window.leased),
        )


def calls_on(home: Path) -> set[bytes]:
    """Return every call of which a home's journals know, begun or ended."""
    found = set[bytes]()
    for folder in journal_folders(home / "journals"):
        for _, record in read_from(folder, START, alive=False):
            match record:
                case Begun():
                    found.add(record.event)
                case Ended():
                    found.add(record.begun.event)
                case _:
                    pass
    return found


@dataclass
class Verdict:
    """What the rehearsal came to."""

    seen: Seen
    cap: int
    before: Books
    """With the disk lost."""
    on_disk: set[bytes]
    """Every call that the lost disk knew."""
    after: Books
    """With the disk found, and adopted by two nodes at once."""
    unproved: list[str]
    """What the proof of the house found wrong, with the month closed."""
    promoted: tuple[float, ...]
    """How many seconds each promotion took until every node had told of itself again."""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def tail(self) -> set[bytes]:
        """What the lost disk held and the database did not."""
        return self.on_disk - self.before.stored

    def result(self) -> Result:
        """Return what it came to as the house writes down what it measures."""
        seen, before, after = self.seen, self.before, self.after
        figures: list[tuple[str, str, tuple[float, ...], float | None]] = [
            ("请求", "次", (seen.done,), None),
            ("每秒", "次", (seen.done / seen.seconds,), None),
            ("供应商服务", "次", (len(before.served),), None),
            ("丢失的磁盘上的尾段", "次", (len(self.tail & before.served),), None),
            ("丢失而不在尾段之内的", "次", (len(before.lost - self.tail),), 0.0),
            ("磁盘找回、收养之后仍缺的", "次", (len(after.lost),), 0.0),
            ("重复", "次", (before.doubled, after.doubled), 0.0),
            ("硬上限用去", "%", (100 * max(before.spent, after.spent) / self.cap,), 100.0),
            ("客户端重试", "次", (seen.retried,), None),
            ("重试也没有治好的", "次", (seen.failed,), 0.0),
            ("主库被杀到各节点向新主库报到", "秒", self.promoted, None),
        ]
        return Result(
            "rehearsal",
            [Figure(what, unit, values, at_most=most) for what, unit, values, most in figures],
            [f"{WORDS.get(name, name)}：{fact}" for name, fact in self.facts.items()]
            + [f"没有守住：{fault}" for fault in self.faults()],
        )

    def faults(self) -> list[str]:
        """Return every promise that was not kept, in words; none is the aim."""
        before, after = self.before, self.after
        unserved = len(self.tail - before.served)
        checks = {
            f"丢失 {len(before.lost)} 次，与丢失的尾段不符": before.lost
            == self.tail & before.served,
            f"尾段中 {unserved} 次供应商不知道，多于在途": unserved <= self.seen.retried,
            f"收养之后仍缺 {len(after.lost)} 次": not after.lost,
            f"重复计费 {before.doubled} 与 {after.doubled}": before.doubled == after.doubled == 0,
            f"汇总 {after.rolled_up} 与事件 {after.counted} 不符": after.rolled_up == after.counted,
            f"硬上限 {self.cap} 被突破：{max(before.spent, after.spent)}": max(
                before.spent, after.spent
            )
            <= self.cap,
            f"硬上限 {self.cap} 被实际用量突破：{after.capped * COST}": after.capped * COST
            <= self.cap,
            f"收养之后仍借出 {after.leased}": after.leased == 0,
            f"有 {self.seen.failed} 个请求重试也没有成功": self.seen.failed == 0,
            f"应有 {self.seen.answered} 次应答，只服务了 {len(before.served)} 次": len(
                before.served
            )
            >= self.seen.answered,
        }
        return [fault for fault, kept in checks.items() if not kept] + self.unproved
