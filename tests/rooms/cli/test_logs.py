"""What a command logs: on standard error, and never what variables held."""

import io
from collections.abc import Iterator

import pytest
import structlog

from yuejie.logs import set_aside


class Terminal(io.StringIO):
    """A terminal that somebody reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def _as_shipped() -> Iterator[None]:
    """structlog as a command finds it."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("_as_shipped")
@pytest.mark.parametrize("sink", [io.StringIO, Terminal])
def test_a_broken_deed_does_not_tell_its_variables(
    sink: type[io.StringIO],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    err = sink()
    monkeypatch.setattr("sys.stderr", err)
    set_aside()
    secret = "sk-yj-never-to-be-seen"
    try:
        secret.index("?")
    except ValueError:
        structlog.get_logger().exception("deed.broken", job="7")
    assert capsys.readouterr().out == ""
    for word in ("deed.broken", "ValueError", "job"):
        assert word in err.getvalue()
    assert "never-to-be-seen" not in err.getvalue()
