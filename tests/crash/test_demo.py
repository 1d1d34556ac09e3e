"""The demo, as a newcomer runs it: from nothing to bills on paper, and it ends by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.house import free_port

PATIENCE_SECONDS = 900
"""Warm it takes less than one minute alone; here others use the machine too."""
PAPER = {".pdf", ".xlsx", ".csv", ".json"}


def test_the_demo_ends_by_itself_with_bills_that_were_proved(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "YUEJIE_HOME": str(tmp_path / "house"),
        "YUEJIE_GATEWAY_PORT": str(free_port()),
        "YUEJIE_API_PORT": str(free_port()),
    }
    done = subprocess.run(
        [sys.executable, "-m", "yuejie", "demo", "--once"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "，0 处不符" in done.stdout
    (folder,) = (tmp_path / "house" / "demo" / "bills").iterdir()
    bills = {path.stem for path in folder.iterdir() if path.suffix == ".pdf"}
    assert bills
    for bill in bills:
        assert {path.suffix for path in folder.glob(f"{bill}.*")} == PAPER
        assert (folder / f"{bill}.pdf").read_bytes().startswith(b"%PDF")
        assert json.loads((folder / f"{bill}.json").read_bytes())
    assert str(folder) in done.stdout
