"""Hard caps under everything at once: two nodes, four workers, a thousand clients, crashes."""

import asyncio
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

import pytest

from tests.crash.ledger_of_truth import wait_until_drained
from tests.crash.test_exact import await_keys
from tests.house import House, free_port, running_house
from tests.postgres import open_folder
from yuejie.app import app_url
from yuejie.budgets.allowance import Allowance, Measure
from yuejie.budgets.check import check_budgets
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.budgets.lending.store import WindowRow, windows_of
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.demo.simulators.truth import read as read_truth
from yuejie.supervisor import Supervisor, programs

CLIENTS = 1_000
FITS = 100
IN, OUT = 40, 500
COST = IN * 5_000_000 + OUT * 15_000_000
"""What one call costs, in picos of a dollar: gpt-4o at 5 and 15 dollars a million."""
CAP = FITS * COST
PATIENCE = 120


@dataclass
class Crowd:
    """Clients that honour retry-after, and give up only on 402."""

    ports: list[int]
    key: str
    told: Counter[int] = field(default_factory=Counter)
    stop_at: float = field(default_factory=lambda: time.monotonic() + PATIENCE)

    def await_cap(self) -> None:
        """Wait until every worker has had time to learn of the cap and the keys."""
        time.sleep(1.5)

    async def come(self, count: int) -> None:
        await asyncio.gather(*(self._client(Random(number)) for number in range(count)))

    async def _client(self, rng: Random) -> None:
        while time.monotonic() < self.stop_at:
            status, wait = await self._call(rng)
            self.told[status] += 1
            if status in (200, 402):
                return
            await asyncio.sleep(wait * (1 + rng.random()))
        self.told[0] += 1

    async def _call(self, rng: Random) -> tuple[int, float]:
        """Call once; a connection that broke is -1, and is tried again soon."""
        body = json.dumps(
            {
                "model": "gpt-4o",
                "max_tokens": OUT,
                "messages": [{"role": "user", "content": f"[[sim in={IN} out={OUT} delay_ms=20]]"}],
            }
        ).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nconnection: close\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", rng.choice(self.ports))
            writer.write(head + body)
            await writer.drain()
            answer = await asyncio.wait_for(reader.read(), 30)
            writer.close()
        except (OSError, TimeoutError):
            return -1, 0.3
        lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        if not lines[0]:
            return -1, 0.3
        waits = [line[13:] for line in lines if line.lower().startswith("retry-after: ")]
        return int(lines[0].split()[1]), float(waits[0]) if waits else 0.3


@contextmanager
def second_node(house: House) -> Iterator[tuple[Supervisor, int]]:
    """Run two more workers and their intake, as on another machine, on the same database."""
    assert house.supervisor.postgres is not None
    with open_folder() as home:
        shutil.copytree(house.settings.home / "secrets", home / "secrets")
        settings = replace(
            house.settings,
            home=home,
            node="second",
            gateway_port=free_port(),
            database_url=house.supervisor.postgres.url("owner"),
        )
        url = {"YUEJIE_DATABASE_URL": app_url(house.settings)}
        staged = [
            replace(each, environ={**each.environ, **url})
            for each in programs(settings)
            if each.name.startswith(("gateway", "intake"))
        ]
        supervisor = Supervisor(settings, lambda _: None, staged, log_folder=home)
        supervisor.start()
        try:
            yield supervisor, settings.gateway_port
        finally:
            supervisor.stop()


def retire(node: Supervisor) -> None:
    """Stop a node's workers in good order; its intake reads their journals to the end."""
    node.retire([c for c in node.children if c.program.name.startswith("gateway")])


def calm(_: House) -> None:
    """Let nothing happen."""


def kill_workers(house: House) -> None:
    """Kill each of the first node's workers in the middle, and intake too."""
    for name in ("gateway-1", "intake", "gateway-2", "gateway-1"):
        time.sleep(0.7)
        house.kill(name)


OUTAGE_SECONDS = int(os.environ.get("YUEJIE_OUTAGE_SECONDS", "4"))
"""A minute was lived through by hand; some seconds are enough to meet every branch."""


def lose_database(house: House) -> None:
    """Take PostgreSQL away for some seconds; it comes back by the supervisor."""
    time.sleep(0.5)
    for _ in range(2 * OUTAGE_SECONDS):
        house.kill_database()
        time.sleep(0.5)


@pytest.mark.parametrize("harm", [calm, kill_workers, lose_database])
def test_a_thousand_clients_never_spend_more_than_a_hard_cap(
    harm: Callable[[House], None],
) -> None:
    """
    A customer has a hard cap for the month that fits a hundred calls. A thousand clients call two
    nodes at once; they come again when they are told to, and go when nothing is left. What was
    spent never exceeds the cap, nearly all of it was used, and nothing stays reserved.
    """
    with running_house(workers=2) as house, second_node(house) as (second, port):
        customer, allowance = capped(house)
        await_keys(house)
        ports = [house.settings.gateway_port, port]
        crowd = Crowd(ports, house.keys["app"])
        crowd.await_cap()

        async def all_at_once() -> None:
            await asyncio.gather(crowd.come(CLIENTS), asyncio.to_thread(harm, house))

        asyncio.run(all_at_once())
        assert not crowd.told[0], f"clients waited in vain: {crowd.told}"
        house.retire_gateways()
        retire(second)
        wait_until_drained(house)

        (window,) = windows(house, allowance)
        assert check_budgets(house.db, [customer]) == []
        assert window.leased == 0
        assert window.spent <= CAP
        assert window.spent >= CAP * 95 // 100, crowd.told
        really = sum(
            line.usage.get("input", 0) * 5_000_000 + line.usage.get("output", 0) * 15_000_000
            for line in read_truth(house.simulator.truth)
        )
        assert really <= window.spent
        if harm is calm:
            assert really == window.spent
            assert crowd.told[200] * COST == really


def windows(house: House, allowance: Allowance) -> list[WindowRow]:
    with house.db.read() as tx:
        return windows_of(tx, allowance.number, limit=10)


def capped(house: House) -> tuple[Customer, Allowance]:
    with house.db.read() as tx:
        customer = find_customer(tx, "fintech")
    draft = AllowanceDraft(name="本月", measure=Measure.MONEY, currency="USD", cap=CAP)
    now = datetime.now(UTC)
    return customer, add_allowance(house.db, customer, draft, by="test", now=now)
