"""The file that operators of LiteLLM drop in: no call is lost, told twice, or leaked."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# What litellm 1.110.2 gave for one call (mock_response), shortened to what is read, with the
# usage details of a provider that caches and thinks.
PAYLOAD: dict[str, Any] = {
    "id": "chatcmpl-8b0accca",
    "litellm_call_id": "21c11c8a-8ccf-4a9e-9ab9-d5d28384fa21",
    "call_type": "acompletion",
    "cache_hit": None,
    "status": "success",
    "startTime": 1795951912.331535,
    "endTime": 1795951913.196334,
    "model": "gpt-4o",
    "model_group": "",
    "metadata": {
        "user_api_key_team_id": "team-1",
        "user_api_key_team_alias": None,
        "usage_object": {
            "prompt_tokens": 1000,
            "completion_tokens": 300,
            "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": None},
            "completion_tokens_details": {"reasoning_tokens": 120},
        },
    },
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "messages": [{"role": "user", "content": "a secret"}],
    "response": {"choices": [{"message": {"content": "another secret"}}]},
}


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the file as a module; where LiteLLM is not installed it stands on nothing."""
    monkeypatch.setenv("YUEJIE_CUSTOMER", "acme")
    monkeypatch.setenv("YUEJIE_TEAMS", '{"team-1": "beta/search"}')
    text = files("yuejie.intake.elsewhere").joinpath("yuejie_litellm.py.txt").read_text("utf-8")
    module = ModuleType("yuejie_litellm")
    exec(compile(text, "yuejie_litellm.py", "exec"), vars(module))  # noqa: S102 - it is ours
    return module


class Console:
    """A console that answers as it is told, and remembers what it heard."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[dict[str, Any]] = []
        console = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                console.heard.append(body)
                self.send_response(console.answers.pop(0) if console.answers else 200)
                self.end_headers()
                self.wfile.write(b'{"detail": "why"}')

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def console() -> Iterator[Console]:
    console = Console()
    yield console
    console.server.shutdown()
    console.server.server_close()
    console.thread.join()


def sender(callback: ModuleType, console: Console, folder: Path) -> Any:
    return callback.Sender(callback.Spool(folder), console.url, "token", "litellm")


def test_a_call_becomes_disjoint_meters_of_its_teams_customer(callback: ModuleType) -> None:
    assert callback.event_of(PAYLOAD) == {
        "id": "21c11c8a-8ccf-4a9e-9ab9-d5d28384fa21",
        "customer": "beta",
        "project": "search",
        "model": "gpt-4o",
        "started_at": "2026-11-29T11:31:52.331535+00:00",
        "ended_at": "2026-11-29T11:31:53.196334+00:00",
        "meters": {
            "input": 400,
            "cache_read": 600,
            "output": 180,
            "reasoning": 120,
            "requests": 1,
        },
        "response_id": "chatcmpl-8b0accca",
    }
    assert callback.event_of(PAYLOAD | {"cache_hit": True}) is None


def test_what_is_not_sent_stays_on_disk_without_a_word_of_the_call(
    callback: ModuleType, console: Console, tmp_path: Path
) -> None:
    """The console is down for two tries; a new start of the proxy sends what the old one left."""
    console.answers = [503, 503]
    first = sender(callback, console, tmp_path)
    logger = callback.YuejieLogger(first)
    asyncio.run(
        logger.async_log_success_event({"standard_logging_object": PAYLOAD}, None, None, None)
    )
    logger.log_success_event(
        {"standard_logging_object": PAYLOAD | {"litellm_call_id": "2"}}, None, None, None
    )
    assert [first.send(), first.send()] == [False, False]
    spooled = [path.read_text("utf-8") for path in tmp_path.glob("*.json")]
    assert len(spooled) == 2
    assert not any("secret" in text for text in spooled)
    again = sender(callback, console, tmp_path)
    again.send()
    assert list(tmp_path.glob("*.json")) == []
    assert [each["id"] for each in console.heard[-1]["events"]] == [
        "21c11c8a-8ccf-4a9e-9ab9-d5d28384fa21",
        "2",
    ]


def test_of_a_batch_that_is_refused_only_what_is_wrong_is_set_aside(
    callback: ModuleType, console: Console, tmp_path: Path
) -> None:
    one = sender(callback, console, tmp_path)
    for name in ("a", "b", "c"):
        one.spool.put({"id": name, "model": "m"})
    console.answers = [422, 200, 422, 200]
    one.send()
    assert list(tmp_path.glob("*.json")) == []
    (aside,) = (tmp_path / "refused").glob("*.json")
    told = json.loads(aside.read_text("utf-8"))
    assert (told["event"]["id"], "why" in told["why"]) == ("b", True)


def test_a_call_that_contradicts_itself_is_set_aside_and_fails_nobody(
    callback: ModuleType, console: Console, tmp_path: Path
) -> None:
    logger = callback.YuejieLogger(sender(callback, console, tmp_path))
    logger.log_success_event(
        {"standard_logging_object": PAYLOAD | {"prompt_tokens": 1}}, None, None, None
    )
    (aside,) = (tmp_path / "refused").glob("*.json")
    assert "自相矛盾" in aside.read_text("utf-8")
    assert "secret" not in aside.read_text("utf-8")
