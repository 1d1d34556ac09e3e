"""A small world for the gateway: a snapshot written by hand, simulators, real worker processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from yuejie.contracts.prices import BookRows, RateRow, RevisionRow
from yuejie.customers.key import digest_of
from yuejie.gateway.credentials import encrypt
from yuejie.gateway.snapshot import (
    AccountRow,
    AllowanceRow,
    AutoRow,
    ContractRow,
    CustomerRow,
    DeploymentRow,
    KeyRow,
    ModelRow,
    ProjectRow,
    Snapshot,
    pack,
    write_snapshot,
)
from yuejie.kernel.clock import SystemClock
from yuejie.usage.journal import START, Begun, Ended, Returned, is_alive, read_from
from yuejie.usage.meters import Meter

PEPPER: Final = b"\x11" * 32
SECRET_KEY: Final = b"\x22" * 32
KEY: Final = "sk-yj-test"
OTHER_KEY: Final = "sk-yj-other"
CREDENTIAL: Final = "sk-simulator"
TOKEN_RATES: Final = {
    "input": 2_000_000,
    "cache_read": 200_000,
    "cache_write_5m": 2_500_000,
    "cache_write_30m": 2_500_000,
    "cache_write_1h": 4_000_000,
    "cache_write_12h": 4_000_000,
    "cache_write_unspecified": 2_500_000,
    "output": 8_000_000,
    "reasoning": 8_000_000,
    "audio_in": 5_000_000,
    "audio_out": 9_000_000,
    "image_in": 5_000_000,
    "image_out": 9_000_000,
    "images": 40_000_000_000,
    "seconds": 100_000_000,
    "characters": 15_000_000,
    "web_searches": 10_000_000_000,
}
MODES: Final = {
    "gpt-sim": "chat",
    "claude-sim": "chat",
    "gemini-sim": "chat",
    "embed-sim": "embedding",
    "image-sim": "image_generation",
    "whisper-sim": "audio_transcription",
    "tts-sim": "audio_speech",
}
UPSTREAM_OF: Final = {"embed-sim": "text-embedding-3-small", "image-sim": "gpt-image-1"}
PLATFORM_OF: Final = {"claude-sim": "anthropic", "gemini-sim": "gemini_api"}


def now_us() -> int:
    return int(SystemClock().now().timestamp() * 1_000_000)


def key_row(secret: str = KEY, key_id: str = "key_1", **changes: object) -> KeyRow:
    facts: dict[str, Any] = {
        "key_id": key_id,
        "digest": digest_of(secret, PEPPER),
        "customer_id": "cus_1",
        "project_id": "prj_1",
        "tags": "team=ai",
        "models": None,
        "expires_us": 0,
        "revoked_us": 0,
    }
    facts.update(changes)
    return KeyRow(**facts)


def book(book_id: str, kind: str, models: list[str], *, scale: int = 1) -> BookRows:
    """A book that prices every meter of some models, from 2020 on."""
    rates: list[RateRow] = []
    for model in models:
        for meter, pico in TOKEN_RATES.items():
            rates.append(
                RateRow(
                    rate_id=(1000 if kind == "sale" else 5000) + len(rates),
                    revision=1,
                    model=model,
                    meter=meter,
                    pico=pico * scale,
                    currency="CNY",
                    service_tier="default",
                    context_above=0,
                    time_window="",
                    list_rate=0,
                )
            )
    return BookRows(book_id, kind, "CNY", [RevisionRow(1, 1_577_836_800_000_000)], rates)


def account(account_id: str, platform: str, base_url: str, **changes: object) -> AccountRow:
    facts: dict[str, Any] = {
        "account_id": account_id,
        "provider": platform,
        "platform": platform,
        "base_url": base_url,
        "region": "cn",
        "credential": encrypt(CREDENTIAL, SECRET_KEY, account_id),
        "active": True,
    }
    facts.update(changes)
    return AccountRow(**facts)


def deployment(deployment_id: str, model: str, account_id: str, **changes: object) -> DeploymentRow:
    facts: dict[str, Any] = {
        "deployment_id": deployment_id,
        "model_id": model,
        "account_id": account_id,
        "upstream_model": UPSTREAM_OF.get(model, model),
        "cost_model": f"{PLATFORM_OF.get(model, 'openai')}/{model}",
        "priority": 0,
        "weight": 1,
        "active": True,
    }
    facts.update(changes)
    return DeploymentRow(**facts)


def customer(*, active: bool = True) -> CustomerRow:
    return CustomerRow("cus_1", active, "Asia/Shanghai", ["team", "feature"])


def _model(name: str, mode: str, *, active: bool = True) -> ModelRow:
    return ModelRow(name, mode, "sim", 128_000, 8_192, None, active, 1_700_000_000)


@dataclass(slots=True)
class Draft:
    """A snapshot that tests may change before it is written."""

    base_url: str
    revision: int = 1
    skew_ms: int = 0
    keys: list[KeyRow] = field(default_factory=lambda: [key_row()])
    projects: list[ProjectRow] = field(
        default_factory=lambda: [ProjectRow("prj_1", "cus_1", None, None)]
    )
    customers: list[CustomerRow] = field(default_factory=lambda: [customer()])
    contracts: list[ContractRow] = field(
        default_factory=lambda: [ContractRow("ctr_1", 1, "cus_1", "sale", "CNY", 0)]
    )
    models: list[ModelRow] = field(default_factory=list)
    accounts: list[AccountRow] = field(default_factory=list)
    deployments: list[DeploymentRow] = field(default_factory=list)
    books: list[BookRows] = field(default_factory=list)
    autos: list[AutoRow] = field(default_factory=list)
    allowances: list[AllowanceRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, mode in MODES.items():
            self.models.append(_model(name, mode))
            platform = PLATFORM_OF.get(name, "openai")
            self.deployments.append(deployment(f"dep_{name}", name, f"acc_{platform}"))
        for platform in ("openai", "anthropic", "gemini_api"):
            self.accounts.append(account(f"acc_{platform}", platform, self.base_url))
        self.books = [
            book("sale", "sale", list(MODES), scale=2),
            book("cost", "cost", [f"{PLATFORM_OF.get(m, 'openai')}/{m}" for m in MODES]),
        ]

    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.revision,
            self.keys,
            self.projects,
            self.customers,
            self.contracts,
            self.models,
            self.accounts,
            self.deployments,
            self.books,
            self.skew_ms,
            self.allowances,
            autos=self.autos,
        )

    def write(self, home: Path, published_us: int | None = None) -> None:
        self.revision += 1
        write_snapshot(home, pack(self.snapshot()), published_us or now_us())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Program:
    """A process of the world."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_for(self, path: str, status: int = 200, seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"died with {self.process.returncode}")
            try:
                if httpx2.get(self.url + path, timeout=2).status_code == status:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} did not answer {status}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


def awaited(program: Program, path: str) -> Program:
    """A program that serves; one that does not is not left behind."""
    try:
        program.wait_for(path)
    except AssertionError:
        program.process.kill()
        program.process.wait()
        raise
    return program


def start_simulators(truth: Path, *options: str) -> Program:
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "yuejie.demo.simulators",
            "--port",
            str(port),
            "--truth",
            str(truth),
            *options,
        ]
    )
    return awaited(Program(process, port), "/_sim/ready")


def start_worker(home: Path, port: int | None = None, *options: str, database: str = "") -> Program:
    port = port or free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "yuejie.gateway.worker",
            "--home",
            str(home),
            "--port",
            str(port),
            *options,
        ],
        env={
            **os.environ,
            "YUEJIE_PEPPER": PEPPER.hex(),
            "YUEJIE_CREDENTIAL_KEY": SECRET_KEY.hex(),
            "YUEJIE_DATABASE_URL": database,
        },
    )
    return awaited(Program(process, port), "/healthz")


def records(home: Path) -> Iterator[Begun | Ended]:
    """Everything in the journals of a node."""
    for folder in sorted((home / "journals").iterdir()):
        for _, record in read_from(folder, START, alive=is_alive(folder)):
            if not isinstance(record, Returned):
                yield record


def ended(home: Path) -> list[Ended]:
    return [record for record in records(home) if isinstance(record, Ended)]


def ended_of(home: Path, request_id: str, *, seconds: float = 5) -> list[Ended]:
    """The attempts of one operation, once all that were begun have ended."""
    operation = bytes.fromhex(request_id.removeprefix("req_"))
    end = time.monotonic() + seconds
    while True:
        found = [
            record
            for record in records(home)
            if (record.begun if isinstance(record, Ended) else record).operation == operation
        ]
        done = [record for record in found if isinstance(record, Ended)]
        begun = [record for record in found if isinstance(record, Begun)]
        if begun and len(done) == len(begun):
            return done
        if time.monotonic() > end:
            raise AssertionError(f"{len(begun)} begun, {len(done)} ended")
        time.sleep(0.05)


def quantities(record: Ended) -> dict[str, int]:
    counts = {str(Meter.REQUESTS), str(Meter.FAILED_REQUESTS)}
    found: dict[str, int] = {}
    for item in record.items:
        if item.meter not in counts and item.quantity:
            found[item.meter] = found.get(item.meter, 0) + item.quantity
    return found


def truth_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
