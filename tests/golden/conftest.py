"""Golden bills: what finance reads in a diff. `--golden-update` rewrites them."""

from collections.abc import Callable
from pathlib import Path

import pytest

Golden = Callable[[str, bytes], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare bytes with the file of that name beside the test, or rewrite it when asked to."""
    folder = Path(request.path).parent
    update = request.config.getoption("--golden-update")

    def compare(name: str, actual: bytes) -> None:
        path = folder / name
        if update:
            path.write_bytes(actual)
        assert path.read_bytes().decode() == actual.decode()

    return compare
