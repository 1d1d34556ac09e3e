"""One process of simulators for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms.demo.simulators.caller import Simulators
from yuejie.demo.simulators.launch import Running, running


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    truth: Path = tmp_path_factory.mktemp("simulators") / "truth.jsonl"
    with running(truth) as started:
        yield started


@pytest.fixture
def simulators(process: Running) -> Simulators:
    made = Simulators(process)
    assert made.post("/_sim/reset", {}, {}).status == 200
    return made
