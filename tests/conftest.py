"""What every test shares: databases, how Hypothesis searches, the switch for golden files."""

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres", "tests.warehouses"]

# Each HTTP client reads every authority of the machine when it is made, which is 25 of the 26 ms
# of CPU that it takes, here and in the processes that tests start. Whoever is met in a test speaks
# plainly or has an authority of its own, so one is trusted, whose key nobody has.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "simulators" / "authority.pem")

# A deadline would test the machine, not the code; the same examples every time, so that a red
# build is red for everyone.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


LONG = (
    "tests/browser/",
    "tests/crash/",
    "tests/scenarios/test_budgets.py",
    "tests/simulate/",
    "tests/rooms/web/",
    "tests/stories/",
)
"""Modules that take or wait longest begin first, so that no process ends with one of them alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the modules; within one, tests stay as they are written."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Take what collecting loads out of the search for garbage, as console and gateway do.

    It stays; looking through it over and over is almost half of what collecting takes, and about
    a tenth of what the tests take afterwards.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden-update`."""
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="rewrite tests/golden/ with what the code says now; read the diff",
    )
