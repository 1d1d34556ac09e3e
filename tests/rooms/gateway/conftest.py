"""One provider and one gateway worker for most tests; those that break things start their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.world import KEY, Draft, Program, start_simulators, start_worker


@dataclass(slots=True)
class Node:
    """A gateway node under test."""

    home: Path
    truth: Path
    simulators: Program
    worker: Program

    @property
    def url(self) -> str:
        return self.worker.url

    def draft(self) -> Draft:
        return Draft(self.simulators.url)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    simulators = start_simulators(folder / "truth.jsonl")
    home = folder / "home"
    Draft(simulators.url).write(home)
    worker = start_worker(home)
    yield Node(home, folder / "truth.jsonl", simulators, worker)
    worker.stop()
    simulators.stop()


@pytest.fixture
def client(node: Node) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx2.Client(base_url=node.url, headers=headers, timeout=20) as client:
        yield client
