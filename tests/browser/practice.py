"""A practice house of its own process for the guide's pictures and the ten tasks.

It takes half a minute to make, so it is made where somebody asks for it: `make guide`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from yuejie.beside import free_ports

WANTED = os.environ.get("YUEJIE_GUIDE", "")
MAKING_SECONDS = 600


@dataclass(frozen=True)
class Practice:
    """A practice house that answers, and who may log in."""

    url: str
    passwords: dict[str, tuple[str, str]]

    def enter(self, browser: Browser, who: str, *, width: int = 1280) -> "Walk":
        """Log in as somebody and stand on the home page."""
        page = browser.new_context(
            viewport={"width": width, "height": 860}, locale="zh-CN"
        ).new_page()
        page.set_default_timeout(30_000)
        page.on("dialog", lambda asked: asked.accept())
        name, password = self.passwords[who]
        page.goto(self.url)
        page.fill("#name", name)
        page.fill("#password", password)
        page.click("main button")
        expect(page.locator("nav.side")).to_be_visible()
        return Walk(page)


class Walk:
    """A page, and how often something on it was clicked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def menu(self, word: str) -> None:
        """Choose a line of the menu."""
        self.press(f"nav.side a:has-text('{word}') >> nth=0")

    def press(self, what: str) -> None:
        """Click, and count it."""
        self.clicks += 1
        self.page.click(what)
        self.page.wait_for_load_state("networkidle")

    def sees(self, words: str) -> None:
        """Expect words in the main part of the page."""
        expect(self.page.locator("main")).to_contain_text(words)


@contextmanager
def practising(home: Path) -> Iterator[Practice]:
    """Have a practice house for the length of a block."""
    ports = free_ports(3)
    command = [sys.executable, "-m", "yuejie", "practice", "start"]
    command += [word for port in ports for word in ("--port", str(port))]
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ["YUEJIE_HOME"] = str(home)
    with (
        (home / "practice.log").open("wb") as log,
        subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            url = f"http://127.0.0.1:{ports[0]}"
            _wait(f"{url}/readyz", process)
            said = json.loads((home / "practice" / "logins.json").read_text("utf-8"))
            yield Practice(url, {each["who"]: (each["name"], each["password"]) for each in said})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + MAKING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - an address of our own
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the practice house did not come up at {url}: see its log")
