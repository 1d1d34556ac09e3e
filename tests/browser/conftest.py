"""A console process and a real browser that looks at it.

The browser is Debian's chromium; `make test` installs it where it may, and says so where it cannot.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.postgres import fresh_database, open_folder
from tests.rooms.web.conftest import TOKEN, House, inhabit
from tests.rooms.web.house import asked, drafted, quoted
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database

CHROMIUM = os.environ.get("YUEJIE_CHROMIUM") or shutil.which("chromium")
SERVE = "from yuejie.settings import Settings; from yuejie.web.server import serve; "
PATIENCE_SECONDS = 60
SHOTS = os.environ.get("YUEJIE_SCREENSHOTS", "")
"""A folder that gets a picture of every page looked at; nothing is kept without it."""


@dataclass
class Console:
    """A running console, and what went wrong in the browsers that looked at it."""

    url: str
    house: House
    draft: str
    quote: str
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note whatever a page complains of."""
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)

    def _failed(self, asked: Request) -> None:
        # A download leaves the page, and a page that is left asks for nothing more.
        if asked.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed {asked.url}: {asked.failure}")

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind} {text}")


@pytest.fixture(scope="module")
def console(postgres: EmbeddedPostgres) -> Iterator[Console]:
    """A console of its own process, over two customers and their bills."""
    with (
        open_folder() as home,
        fresh_database(postgres, "yuejie") as urls,
        Database.open(urls.app, size=4, name="browser") as db,
        socket.socket() as probe,
    ):
        house = inhabit(db)
        asked(house.books)
        draft, quote = drafted(house.books, "acme").draft_id, quoted(house.books).quote_id
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environ = {
            "PATH": os.environ["PATH"],
            "YUEJIE_HOME": str(home),
            "YUEJIE_DATABASE_URL": urls.app,
            "YUEJIE_API_PORT": str(port),
            "YUEJIE_OPERATOR_TOKEN": TOKEN,
            "YUEJIE_CONSOLE_URL": f"http://127.0.0.1:{port}",
        }
        command = [sys.executable, "-c", f"{SERVE}serve(Settings.load())"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(f"{url}/readyz")
                yield Console(url, house, draft, quote)
            finally:
                process.terminate()


def _wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - an address of our own
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer within {PATIENCE_SECONDS} s")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here: as root run `apt-get install chromium`, then test again")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def shoot(page: Page, name: str) -> None:
    """Keep a picture of a page, where a folder for pictures was named."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
