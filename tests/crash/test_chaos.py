"""Kill -9, database outages and hang-ups under load: no token is lost and none is counted twice."""

import os
import time
from collections import Counter
from random import Random

from tests.crash.ledger_of_truth import recorded, served, wait_until_drained
from tests.crash.load import Load
from tests.house import House, running_house
from yuejie.demo.simulators.report import render
from yuejie.demo.simulators.truth import read as read_truth
from yuejie.intake.imports.load import read_report
from yuejie.intake.resolve import resolve_by_report

ROUNDS = int(os.environ.get("YUEJIE_CHAOS_ROUNDS") or 10)
"""Seconds of havoc; `make exact ROUNDS=300` makes it five minutes of them."""


def test_kills_and_outages_under_load_lose_nothing_and_double_nothing() -> None:
    """
    Two gateways serve three dialects; a fifth of the clients hang up. Every second a gateway is
    killed with -9, twice in ten the database, once the intake. Afterwards every call that a
    provider served is exactly one event; the measured ones match meter by meter, the rest is
    exactly the worklist, and the provider's own usage report brings the difference to zero.
    """
    with running_house() as house:
        load = Load(house.gateway, house.keys)
        load.start()
        _havoc(house, Random(11))
        load.stop()
        assert load.answered > 100, f"only {load.answered} of {load.sent} calls were answered"
        house.retire_gateways()
        wait_until_drained(house)

        truth = served(read_truth(house.simulator.truth))
        events = recorded(house.db)
        assert truth.keys() <= events.keys(), "a served call is missing"
        worklist = {e for e, event in events.items() if event.state == "unmeasured"}
        measured = {e for e, event in events.items() if event.state == "measured"}
        partial = {e for e, event in events.items() if event.state == "partial"}
        assert not events.keys() - worklist - measured - partial

        for attempt in truth.keys() & measured:
            assert events[attempt].quantities == Counter(truth[attempt].usage), attempt
        for attempt in partial:
            assert events[attempt].quantities <= Counter(truth[attempt].usage), attempt
        for attempt in measured - truth.keys():
            assert not events[attempt].quantities, "billed what no provider served"

        _resolve(house)
        events = recorded(house.db)
        total: Counter[str] = Counter()
        for line in truth.values():
            total.update(line.usage)
        counted: Counter[str] = Counter()
        for event in events.values():
            if event.state in {"measured", "partial"}:
                counted.update(event.quantities)
        assert counted == +total


def _havoc(house: House, rng: Random) -> None:
    """Do harm once a second."""
    time.sleep(3)
    for second in range(ROUNDS):
        house.kill(rng.choice(["gateway-1", "gateway-2"]))
        if second % 10 in {3, 7}:
            house.kill_database()
        if second % 10 == 5:
            house.kill("intake")
        time.sleep(1)
    time.sleep(3)


def _resolve(house: House) -> None:
    """Import the simulators' own usage report, as an operator imports a provider's."""
    report = house.settings.home / "report.jsonl"
    report.write_bytes(render(read_truth(house.simulator.truth), "jsonl"))
    resolve_by_report(house.db, read_report(report, "jsonl"))


def test_the_supervisor_brings_everything_back() -> None:
    """Each process is killed once; half a minute later all of them run again."""
    with running_house(workers=1, console=True) as house:
        names = [child.program.name for child in house.supervisor.children]
        before = {name: house.pid(name) for name in names}
        for name in names:
            house.kill(name)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            after = {name: house.pid(name) for name in names}
            if all(after[name] not in {None, before[name]} for name in names):
                return
            time.sleep(0.1)
        raise AssertionError(f"{before} became {after}")
