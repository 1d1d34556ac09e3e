"""The story: three nodes under load; an upgrade, promotions, a cut wire, a lost disk, a drain."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from bench.figures import Unfair
from bench.rehearsal import store
from bench.rehearsal.crowd import Order, Seen
from bench.rehearsal.site import Site
from bench.rehearsal.stage import Stage, open_stage
from bench.rehearsal.verdict import COST, Books, Verdict, calls_on, open_books
from yuejie.app import ledger_checks
from yuejie.bills.closing.close import close_month
from yuejie.db.migrate import migrate, newest, older_than
from yuejie.db.session import connected
from yuejie.intake.nodes.adopt import adopt
from yuejie.intake.nodes.keep import all_nodes, drain, resume
from yuejie.intake.nodes.lose import declare_lost
from yuejie.intake.nodes.node import SILENT, Node, NodeState
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.recovery.proof import prove_house

Say = Callable[[str], None]
NAMES: Final = ("gw-a", "gw-b", "gw-c")
DRAIN_SECONDS: Final = 300
_LOOK_SECONDS: Final = 0.05
_OK, _REVOKED = 200, 401
_BY: Final = "rehearsal"
_REPOSITORY: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the rehearsal is."""

    calls: int
    clients: int = 48
    workers: int = 1
    namespaces: bool = False
    cut_seconds: float = 300.0
    freeze_seconds: float = 2.0
    """How long the lost node's intake had stood still: what it served meanwhile is the tail."""
    hurry: bool = False
    """Wait for nobody's silence: for a small rehearsal."""
    old: bool = True
    """Begin with the build before this one, and upgrade in the middle."""
    delay_ms: int = 5
    rate: float = 0.0

    @property
    def fits(self) -> int:
        """How many of the capped calls the cap fits: less than will come."""
        return self.calls * 12 // 100


class Load:
    """The clients, as a process; what they saw last."""

    def __init__(self, order: Order) -> None:
        self.seen = Seen()
        self._calls = order.calls
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.rehearsal.crowd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_REPOSITORY,
        )
        stdin = cast("IO[bytes]", self._process.stdin)
        stdin.write(msgspec.json.encode(order) + b"\n")
        stdin.flush()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def reach(self, share: float) -> None:
        """Wait until a share of all calls is done."""
        while self.seen.done < share * self._calls:
            if self._process.poll() is not None:
                if self.seen.done < share * self._calls:
                    raise Unfair("负载进程提前结束")
                return
            time.sleep(_LOOK_SECONDS)

    def finish(self) -> Seen:
        """Let the clients come to an end, and wait until all calls are done."""
        cast("IO[bytes]", self._process.stdin).close()
        self._process.wait()
        self._thread.join()
        return self.seen

    def stop(self) -> None:
        """End it, whatever it has done."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            cast("IO[bytes]", pipe).close()

    def _listen(self) -> None:
        for line in cast("IO[bytes]", self._process.stdout):
            self.seen = msgspec.json.decode(line, type=Seen)


@dataclass
class Story:
    """What happens, in order."""

    plan: Plan
    stage: Stage
    say: Say
    facts: dict[str, str] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    gone: list[Site] = field(default_factory=list)
    cut_off: set[str] = field(default_factory=set)
    promoted: list[float] = field(default_factory=list)
    """How many seconds after the death of each primary every node had told the next of itself."""

    def play(self) -> Verdict:
        """Play it, and judge."""
        for name in NAMES:
            self._join(name, name, self.stage.old)
        for site in self.sites.values():
            site.await_ready()
        time.sleep(1)  # keys and cap are in the snapshot by then
        hosts = [site.host for site in self.sites.values()]
        plan = self.plan
        load = Load(
            Order(
                hosts,
                self.stage.ground.ports.gateway,
                self.stage.keys["app"],
                plan.calls,
                plan.clients,
                rate=plan.rate,
            )
        )
        try:
            self._acts(load)
            seen = load.finish()
        finally:
            load.stop()
        return self._judge(seen)

    def end(self) -> None:
        """Stop every process."""
        for site in (*self.sites.values(), *self.gone):
            site.end()

    def _acts(self, load: Load) -> None:
        load.reach(0.10)
        if self.stage.old is not None:
            self._upgrade(load)
        load.reach(0.22)
        self._promote(load)
        load.reach(0.30)
        self._revoke()
        load.reach(0.35)
        self._cut("gw-c", off=True)
        cut = threading.Timer(self.plan.cut_seconds, self._cut, ("gw-c",), {"off": False})
        cut.daemon = True
        cut.start()
        load.reach(0.42)
        # The node that is cut off will come back to another server than it left.
        self._promote(load)
        load.reach(0.50)
        self._lose("gw-b", load)
        load.reach(0.70)
        cut.join()
        load.reach(0.75)
        self._leave("gw-a", load)

    def _join(self, name: str, home: str, build: Path | None = None) -> Site:
        site = self.stage.site(name, home, workers=self.plan.workers, build=build)
        self.sites[name] = site
        site.start("intake", "gateway")
        return site

    def _upgrade(self, load: Load) -> None:
        """Migrate what the new build needs, then take node by node to it, under load."""
        before, owner = load.seen.retried, self.stage.servers.url("owner")
        migrate(owner, before_code_only=True)
        for site in self.sites.values():
            if not self._old_builds():
                raise Unfair("旧版本还在使用数据库，却没有被认出")
            site.stop("gateway")
            site.stop("intake")
            site.build = None
            site.start("intake", "gateway")
            site.await_ready()
            self.say(f"{site.name} 已换新版本，{load.seen.done:,} 次")
        self._await(lambda: not self._old_builds(), "旧版本的会话没有消失")
        self.facts["upgrade_retried"] = str(load.seen.retried - before)

    def _revoke(self) -> None:
        """Revoke a key: after a second no node lets it pass."""
        sites = list(self.sites.values())
        self._await(
            lambda: all(site.status(self.stage.keys["dev"]) == _OK for site in sites), "dev"
        )
        began = time.monotonic()
        self.stage.revoke("dev")
        self._await(
            lambda: all(site.status(self.stage.keys["dev"]) == _REVOKED for site in sites), ""
        )
        self.facts["revoked_ms"] = f"{(time.monotonic() - began) * 1000:.0f}"

    def _old_builds(self) -> list[str]:
        with connected(self.stage.servers.url("owner"), name="rehearsal") as connection:
            return older_than(connection, newest())

    def _promote(self, load: Load) -> None:
        """Kill the server that writes, promote its standby, make the old one the new standby."""
        servers, before, began = self.stage.servers, load.seen, time.monotonic()
        servers.fail_over()
        self._await(lambda: self._told_since(began), "节点没有找到新的主库")
        waited, after = time.monotonic() - began, load.seen
        served = after.answered - before.answered
        self.promoted.append(waited)
        retried = after.retried - before.retried
        self.say(
            f"主库被杀，备库接任，{waited:.1f} 秒后各节点都已报到，"
            f"其间应答 {served:,} 次，重试 {retried:,} 次"
        )
        servers.rejoin()
        self.say(f"旧主库已倒回并成为新的同步备库，{load.seen.done:,} 次")

    def _told_since(self, began: float) -> bool:
        """Tell whether every node that can has told of itself since an instant."""
        with suppress(DomainError):
            since = timedelta(seconds=time.monotonic() - began)
            told = {node.name for node in all_nodes(self.stage.db) if node.age < since}
            return told >= self.sites.keys() - self.cut_off
        return False

    def _cut(self, name: str, *, off: bool) -> None:
        self.stage.ground.cut(name, off=off)
        self.cut_off = {name} if off else set()
        self.say(f"{name} 与数据库{'断开' if off else '恢复连通'}")

    def _lose(self, name: str, load: Load) -> None:
        """Let a node's disk go, with a tail on it; a new one takes its place, with a new disk."""
        site = self.sites.pop(name)
        self.gone.append(site)
        site.signal("intake", signal.SIGSTOP)
        known = calls_on(site.home)
        time.sleep(self.plan.freeze_seconds)
        # Clients may have gone to the other nodes for a while: without a tail nothing is shown.
        self._await(lambda: bool(calls_on(site.home) - known), f"{name} 没有新的调用")
        site.die()
        site.home.rename(self.stage.folder / "lost")
        self.say(f"{name} 连同磁盘丢失，{load.seen.done:,} 次")
        node = self._node(name)
        if self.plan.hurry:
            with self.stage.db.begin() as tx:
                store.fall_silent(tx, node.node_id)
        else:
            self._await(lambda: self._node(name).age > SILENT, "没有失联")
        loss = declare_lost(
            self.stage.db,
            name,
            confirmed=str(node.node_id),
            by=_BY,
            why="磁盘丢失",
            now=SystemClock().now(),
        )
        self.facts["presumed_windows"] = str(loss.presumed)
        self._join(name, f"{name}-new").await_ready()
        self.say(f"{name} 换上新盘重新加入，{load.seen.done:,} 次")

    def _leave(self, name: str, load: Load) -> None:
        """Let a node leave in good order and come back, while its clients notice nothing."""
        site, before = self.sites[name], self._retried(load, name)
        drain(self.stage.db, name, by=_BY, why="演练", now=SystemClock().now())
        self._await(lambda: self._node(name).state is NodeState.LEFT, f"{name} 没有退出")
        self.facts["drain_retried"] = str(self._retried(load, name) - before)
        self.say(f"{name} 已退出，{load.seen.done:,} 次")
        resume(self.stage.db, name, by=_BY, why="演练", now=SystemClock().now())
        site.await_ready()

    def _retried(self, load: Load, name: str) -> int:
        host = self.sites[name].host
        return sum(count for why, count in load.seen.why.items() if why == f"{host} -1")

    def _node(self, name: str) -> Node:
        """Return the newest node of a name."""
        named = [node for node in all_nodes(self.stage.db) if node.name == name]
        return max(named, key=lambda node: node.joined_at)

    def _await(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise Unfair(otherwise)
            time.sleep(_LOOK_SECONDS)

    def _judge(self, seen: Seen) -> Verdict:
        for site in self.sites.values():
            site.stop("gateway")
        self._await(self._all_read, "流水没有读完")
        self.stage.close_truth()
        lost, before = self.stage.folder / "lost", self._books()
        on_disk = calls_on(lost)
        with ThreadPoolExecutor(2) as both:
            clock, db = SystemClock(), self.stage.db
            jobs = [
                both.submit(adopt, db, self.stage.folder / name, name, lost, clock=clock)
                for name in ("gw-a", "gw-c")
            ]
            taken = [each for job in jobs for each in job.result()]
        self.facts["adopted"] = " + ".join(str(each.events) for each in taken)
        cap, after = self.plan.fits * COST, self._books()
        wrong, promoted = self._prove(), tuple(self.promoted)
        return Verdict(seen, cap, before, on_disk, after, wrong, promoted, self.facts)

    def _prove(self) -> list[str]:
        """Close the month as if it were over and prove the whole house; return what is wrong."""
        db, now = self.stage.db, SystemClock().now()
        with db.read() as tx:
            months = [BillingMonth.parse(label) for label in store.months(tx)]
        for month in months:
            over = max(now, month.span(zone_of("UTC")).end + timedelta(days=1))
            closed = close_month(db, month, customer=None, commit=True, by=_BY, now=over)
            done = "、".join(f"{each.customer} {each.done}" for each in closed)
            self.facts[f"关账 {month}"] = done
        found = prove_house(db, ledger_checks())
        for each in found:
            self.facts[each.check] = f"{each.looked_at}，{each.seconds:.0f} 秒"
        return [f"{each.check}：{wrong}" for each in found for wrong in each.wrong]

    def _books(self) -> Books:
        return open_books(self.stage.db, self.stage.truth, self.stage.allowance)

    def _all_read(self) -> bool:
        with self.stage.db.read() as tx:
            return store.unread(tx) == 0


def rehearse(plan: Plan, say: Say) -> Verdict:
    """Play the whole story and return the verdict."""
    with open_stage(
        namespaces=plan.namespaces, delay_ms=plan.delay_ms, fits=plan.fits, old=plan.old
    ) as stage:
        story = Story(plan, stage, say)
        try:
            return story.play()
        finally:
            story.end()
