"""`python -m bench.load`: an order on standard input, a report on standard output."""

import asyncio
import gc
import sys
import time

import msgspec
import uvloop

from bench.figures import quantile
from bench.load.connection import Caller, Tally
from bench.load.order import Order, Report, Target


async def crowd(order: Order) -> Report:
    """Let every connection ask as fast as it is answered, until the time is over."""
    tally = Tally()
    began = time.perf_counter()
    deadline = began + order.seconds
    callers = [await connected(order.target, tally, deadline) for _ in range(order.connections)]
    for caller in callers:
        caller.ask()
    await asyncio.gather(*(caller.done for caller in callers))
    return reported(tally, tally.last - began, [], [])


async def pairs(order: Order, other: Target) -> Report:
    """Ask at a leisurely rate, the target and the other in turn, and keep every pair."""
    tally, beside = Tally(), Tally()
    began = time.perf_counter()
    couples = []
    for number in range(order.connections):
        one = await connected(order.target, tally, 0.0)
        two = await connected(other, beside, 0.0)
        couples.append(_couple(one, two, order, number / order.connections))
    await asyncio.gather(*couples)
    return reported(tally, time.perf_counter() - began, tally.took, beside.took)


async def _couple(one: Caller, other: Caller, order: Order, phase: float) -> None:
    step = 1 / order.rate
    at = time.perf_counter() + step * phase
    for turn in range(int(order.seconds * order.rate)):
        await asyncio.sleep(at - time.perf_counter())
        at += step
        # Who goes first takes turns: the second finds a warmer machine.
        for caller in (one, other) if turn % 2 else (other, one):
            caller.ask()
            await caller.done


async def connected(target: Target, tally: Tally, deadline: float) -> Caller:
    """Open a connection to a target."""
    loop = asyncio.get_running_loop()
    _, caller = await loop.create_connection(
        lambda: Caller(target.request, tally, deadline), "127.0.0.1", target.port
    )
    return caller


def reported(tally: Tally, seconds: float, took: list[float], beside: list[float]) -> Report:
    """Sum up what was seen."""
    return Report(
        answers=len(tally.took),
        seconds=seconds,
        p50_ms=quantile(tally.took, 0.5) * 1000,
        p99_ms=quantile(tally.took, 0.99) * 1000,
        events=tally.events,
        wrong=tally.wrong,
        example=tally.example,
        took_ms=[each * 1000 for each in took],
        beside_ms=[each * 1000 for each in beside],
    )


def main() -> None:
    """Carry out one order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.disable()
    report = uvloop.run(pairs(order, order.beside) if order.beside else crowd(order))
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
