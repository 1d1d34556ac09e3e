"""Leases: calls are let pass by what this worker was given, and more is asked for when that ends.

Most calls find enough here and wait for nobody. Those that do not wait together for one answer of
the database, in the order in which they came; who does not fit even then is refused, and told
whether a retry can help. What is not needed goes back through the journal.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from yuejie.budgets.allowance import Measure, Slot
from yuejie.budgets.lending.lease import AHEAD as AHEAD_MOST
from yuejie.budgets.lending.lease import JournalOver, Leased
from yuejie.gateway.allow.slices import WIDEST, Hold, Need, Slice, Slices
from yuejie.gateway.allow.told import away, refusal
from yuejie.gateway.refusal import Refused
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.kernel.errors import DomainError
from yuejie.usage.journal import FlyingRow

log = structlog.get_logger()

ROUND: Final = 500
"""Calls that one lease serves."""
AHEAD_FIRST: Final = 4
"""Calls' worth asked for ahead at first; it doubles while a slice lasts less than a second."""
MOST: Final = AHEAD_MOST
"""A worker that needs more than this in a second asks more than once a second."""
ENOUGH: Final = 64
"""While others find so many calls' worth, a slice is filled before it is empty."""
ROUNDS: Final = 5
"""So often a call asks anew while the database says that there is enough."""
LASTS_US: Final = 1_000_000
LONG_US: Final = 4 * LASTS_US
"""A slice that lasts longer was too large by far: the next is as small as the first."""
ASK_SECONDS: Final = 3.0
"""How long calls wait for the database's answer; then they are decided without it."""
REST_US: Final = 1_000_000
"""After a database that did not answer, nobody asks for so long."""
FLOWN_US: Final = 5_000_000
"""Calls that stay under way are told again after so long, so that it is known how fresh that is."""
TIDY_SECONDS: Final = 0.25

Demand = Mapping[Slot, int]
Ask = Callable[
    [Sequence[Demand], Mapping[Slot, int], Demand, int, frozenset[Slot]], dict[Slot, Leased]
]
"""Asks the database, on a thread: demands, what is free here, like what and how many ahead,
and which windows are paced."""
GiveBack = Callable[[Sequence[tuple[int, int, str, int]]], None]


@dataclass(slots=True)
class _Waiting:
    needs: Sequence[Need]
    answer: "asyncio.Future[Hold | Refused]"
    rounds: int = 0


class Leases:
    """The one who lets calls pass or not, in one worker."""

    def __init__(
        self,
        ask: Ask,
        give_back: GiveBack,
        now_us: Callable[[], int],
        over: Callable[[], None] = lambda: None,
    ) -> None:
        """`over` is called when this journal may lease nothing more: its worker needs another."""
        self.slices = Slices()
        self._ask = ask
        self._give_back = give_back
        self._now_us = now_us
        self._over = over
        self._thread = ThreadPoolExecutor(1, "leases")
        self._waiting: list[_Waiting] = []
        self._asking: set[Slice] = set()
        self._round: asyncio.Task[None] | None = None
        self._out: asyncio.Future[dict[Slot, Leased]] | None = None
        self._wish: Sequence[Need] = ()
        self._ahead = AHEAD_FIRST
        self._asked_us = 0
        self._rests_until_us = 0
        self._flown: dict[Slot, tuple[int, int]] = {}
        self._flown_us = 0
        self.workers = 1

    def know(self, rows: Iterable[AllowanceRow], workers: int) -> None:
        """Hold calls to other allowances from now on."""
        self.workers = workers
        self.give_back(self.slices.know(rows))

    def pass_now(self, needs: Sequence[Need], now_us: int) -> Hold | None:
        """Let a call pass by what is here; None if it has to wait for more.

        This runs for every call that is held to a cap.
        """
        asking, low = self._asking, False
        for need in needs:
            each, reserve = need.slice, need.reserve
            left = each.granted - each.returned - each.used - each.held - reserve
            if left < each.low:
                # Under a paced cap a call fits while anything is left.
                if left < 0 and (each.hard or left <= -reserve):
                    return None
                low = True
            if each.adrift or (asking and each in asking):
                return None
            each.asked_us = now_us
        hold = Hold(needs)
        if low and self._round is None:
            # Asked for before it is used up, so that nobody has to wait.
            self._wish = needs
            self._round = asyncio.create_task(self._rounds())
        return hold

    async def ask(self, needs: Sequence[Need]) -> Hold | Refused:
        """Wait for more, and let the call pass or not."""
        now_us = self._now_us()
        for need in needs:
            need.slice.asked_us = now_us
        if now_us < self._rests_until_us:
            return self._without(needs)
        waiting = _Waiting(needs, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._round is None:
            self._round = asyncio.create_task(self._rounds())
        try:
            found = await waiting.answer
        except asyncio.CancelledError:
            self._abandon(waiting)
            raise
        return found

    def tidy(self) -> None:
        """Give back what nobody needs."""
        self.give_back(each for each in self.slices.due(self._now_us()) if each not in self._asking)

    def under_way(self) -> list[FlyingRow]:
        """Return how calls under paced caps stand, where that is news or some seconds old."""
        now_us = self._now_us()
        stand = self.slices.flying()
        old = now_us - self._flown_us >= FLOWN_US
        rows: list[FlyingRow] = [
            (*slot, str(worst), calls)
            for slot, (worst, calls) in stand.items()
            if (calls and old) or self._flown.get(slot, (0, 0)) != (worst, calls)
        ]
        rows += [(*slot, "0", 0) for slot in self._flown.keys() - stand.keys()]
        self._flown = {slot: said for slot, said in stand.items() if said[1]}
        if old:
            self._flown_us = now_us
        return rows

    def give_back(self, slices: Iterable[Slice]) -> None:
        """Write into the journal that these slices keep only what calls under way hold."""
        given = []
        for each in slices:
            if each.free > 0:
                amount = min(each.free, WIDEST)
                given.append((*each.slot, amount))
                each.returned += amount
        if given:
            self._give_back(given)

    def close(self) -> None:
        """Ask nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _abandon(self, waiting: _Waiting) -> None:
        """The client has gone: what it was given meanwhile is free again."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.answer.done() and not waiting.answer.cancelled():
            found = waiting.answer.result()
            if isinstance(found, Hold):
                found.release()

    async def _rounds(self) -> None:
        try:
            while self._waiting or self._wish:
                wish, self._wish = self._wish, ()
                batch, self._waiting = self._waiting[:ROUND], self._waiting[ROUND:]
                self._asking = {need.slice for each in batch for need in each.needs}
                try:
                    await self._one_round(batch, batch[-1].needs if batch else wish)
                finally:
                    self._asking = set()
                    # A round that broke in the middle leaves nobody waiting for ever.
                    for each in batch:
                        if not each.answer.done() and each not in self._waiting:
                            _answer(each, self._without(each.needs))
        finally:
            self._round = None

    async def _one_round(self, batch: list[_Waiting], like: Sequence[Need]) -> None:
        demands = [_demand(each.needs) for each in batch]
        slices = {need.slice for each in batch for need in each.needs}
        free = {each.slot: each.free for each in slices}
        slices |= {need.slice for need in like}
        now_us = self._now_us()
        lasted_us = now_us - self._asked_us
        if lasted_us < LASTS_US:
            self._ahead = min(2 * self._ahead, MOST)
        elif lasted_us > LONG_US:
            self._ahead = AHEAD_FIRST
        self._asked_us = now_us
        paced = frozenset(each.slot for each in slices if not each.row.hard)
        try:
            told = await self._asked(demands, free, _demand(like), self._ahead, paced)
        except (DomainError, TimeoutError) as error:
            why = error.sentence if isinstance(error, DomainError) else "没有及时回答"
            log.warning("leases.database_away", why=why)
            self._rests_until_us = self._now_us() + REST_US
            if isinstance(error, JournalOver):
                self._over()
            for each in batch:
                _answer(each, self._without(each.needs))
            return
        for slice_ in slices:
            slice_.told(told[slice_.slot])
        for need in like:
            plenty = need.slice.there >= ENOUGH * need.reserve
            need.slice.low = max(need.slice.free, 0) // 4 if plenty else 0
        refused = [each for each in batch if not self._served(each)]
        # What is here and too little for those who asked may, with others' rests, be enough.
        self.give_back({need.slice for each in refused for need in each.needs})

    async def _asked(
        self,
        demands: Sequence[Demand],
        free: Mapping[Slot, int],
        like: Demand,
        ahead: int,
        paced: frozenset[Slot],
    ) -> dict[Slot, Leased]:
        """Ask on the thread, and wait a little: behind a cut wire no answer comes for long.

        What is granted to a question for which nobody waits any more, the next answer tells.
        Raises TimeoutError, at once while such a question is still out.
        """
        if self._out is not None and not self._out.done():
            raise TimeoutError
        loop = asyncio.get_running_loop()
        out = loop.run_in_executor(self._thread, self._ask, demands, free, like, ahead, paced)
        out.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._out = out
        return await asyncio.wait_for(asyncio.shield(out), ASK_SECONDS)

    def _served(self, waiting: _Waiting) -> bool:
        if waiting.answer.done():
            return True
        lacking = [need for need in waiting.needs if not _fits(need)]
        if not lacking:
            _answer(waiting, Hold(waiting.needs))
            return True
        waiting.rounds += 1
        if waiting.rounds < ROUNDS and all(n.slice.there >= n.reserve for n in lacking):
            # Calls that ended meanwhile cost more than they had reserved; there is enough.
            self._waiting.append(waiting)
            return True
        _answer(waiting, refusal(lacking, self._now_us()))
        return False

    def _without(self, needs: Sequence[Need]) -> Hold | Refused:
        """Decide without the database: what was leased, of a rate this worker's share; trust."""
        lacking = [need for need in needs if need.slice.adrift or not _fits(need)]
        for need in lacking:
            if need.slice.is_trusted:
                continue
            if not need.slice.is_rate:
                return away(need)
            share = max(need.cap // self.workers, 1) if need.cap else 0
            if need.slice.loose + need.reserve > share:
                return refusal([need], self._now_us())
        for need in lacking:
            need.slice.adrift = True
        return Hold(needs, adrift=True)


def _demand(needs: Sequence[Need]) -> Demand:
    return {need.slice.slot: need.reserve for need in needs}


def _fits(need: Need) -> bool:
    """Tell whether what is left here is enough; a paced cap lets pass while anything is left."""
    free = need.slice.free
    return free >= need.reserve if need.slice.row.hard else free > 0


def _answer(waiting: _Waiting, found: Hold | Refused) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(found)
    elif isinstance(found, Hold):
        found.release()


_RATE_HEADERS: Final = {
    measure: tuple(f"x-ratelimit-{told}-{measure}" for told in ("limit", "remaining", "reset"))
    for measure in (Measure.REQUESTS.value, Measure.TOKENS.value)
}


def rate_headers(needs: Sequence[Need], now_us: int) -> list[tuple[str, str]]:
    """Return the standard headers of the tightest rate in requests and in tokens."""
    tightest: dict[str, tuple[int, Slice]] = {}
    for need in needs:
        each = need.slice
        if each.rate:
            left = max(each.free, 0) + each.there
            known = tightest.get(each.rate)
            if known is None or left < known[0]:
                tightest[each.rate] = (left, each)
    headers: list[tuple[str, str]] = []
    for measure, (left, each) in tightest.items():
        limit, remaining, reset = _RATE_HEADERS[measure]
        seconds = max(each.ends_us - now_us, 0) // 1_000_000 + 1
        if each.said_s != seconds:
            # Two of three say the same for a second.
            each.said_s = seconds
            each.limit = (limit, str(each.cap) if each.cap else each.row.cap)
            each.reset = (reset, f"{seconds}s")
        headers += (each.limit, (remaining, str(left)), each.reset)
    return headers
