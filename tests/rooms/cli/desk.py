"""A command on the database of a test, without a process of its own."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from click.testing import CliRunner, Result

from tests.scenarios.books import FixedClock
from yuejie.cli.frame import Frame
from yuejie.settings import Settings


def run(
    command: click.Command,
    url: str,
    now: datetime,
    *words: str,
    by: str = "op",
    token: str = "",
    code: int = 0,
    environ: Mapping[str, str] | None = None,
) -> str:
    """Run a command, with a member's token if one is set, and return what it said."""
    return _run(command, url, now, words, by, token, code, environ).output


def _run(
    command: click.Command,
    url: str,
    now: datetime,
    words: tuple[str, ...],
    by: str = "op",
    token: str = "",
    code: int = 0,
    environ: Mapping[str, str] | None = None,
) -> Result:
    own = {"YUEJIE_DATABASE_URL": url, "YUEJIE_MEMBER_TOKEN": token}
    settings = Settings.load(own | dict(environ or {}))
    frame = Frame(settings, FixedClock(now), by)
    result: Result = CliRunner().invoke(
        command, list(words), obj=frame, catch_exceptions=False, standalone_mode=True
    )
    assert result.exit_code == code, result.output
    return result


def run_json(
    command: click.Command,
    url: str,
    now: datetime,
    *words: str,
    environ: Mapping[str, str] | None = None,
) -> Any:
    """Run a command with --json and return what it answered: nothing else on standard output."""
    return json.loads(_run(command, url, now, (*words, "--json"), environ=environ).stdout)
