"""The truth log and the usage report that is made of it."""

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rooms.demo.simulators.caller import Simulators
from yuejie.demo.simulators.launch import running
from yuejie.demo.simulators.report import render, summary
from yuejie.demo.simulators.truth import TruthLine, TruthLog, read
from yuejie.kernel.errors import Unavailable

LINE = TruthLine(
    call=1,
    at="2026-10-01T00:00:00.000+00:00",
    dialect="openai",
    api="openai.chat",
    model="gpt-4o",
    billed_model="gpt-4o",
    response_id="chatcmpl-1",
    client_request_id="attempt-1",
    credential="ator",
    stream=True,
    status=200,
    delivered_events=7,
    complete=False,
    outcome="cut",
    reported=False,
    usage={"input": 274, "cache_read": 100, "output": 39, "reasoning": 5, "cache_write_5m": 6},
    service_tier="default",
)


def _write(path: Path, lines: int) -> None:
    log = TruthLog(path)
    for _ in range(lines):
        log.append(LINE)
    log.close()


def test_processes_may_share_a_log(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "truth.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, 500)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert list(read(path)) == [LINE] * 1500


def test_a_line_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    _write(path, 2)
    path.write_bytes(path.read_bytes() + b'{"call":3,')

    assert len(list(read(path))) == 2


def test_the_report_names_each_call_by_the_id_its_caller_gave() -> None:
    row = json.loads(render([LINE], "jsonl"))

    assert row["client_request_id"] == "attempt-1"
    assert (row["model"], row["usage"]) == ("gpt-4o", LINE.usage)


def test_the_report_in_openais_words() -> None:
    page = json.loads(render([LINE], "openai"))
    result = page["data"][0]["results"][0]

    assert result["input_tokens"] == 380
    assert result["input_uncached_tokens"] == 274
    assert result["input_cached_tokens"] == 100
    assert result["input_cache_write_tokens"] == 6
    assert result["output_tokens"] == 44
    assert result["client_request_id"] == "attempt-1"
    assert json.loads(render([LINE], "anthropic"))["data"] == []


def test_the_report_in_anthropics_words(simulators: Simulators) -> None:
    simulators.message("[[sim in=374 out=44 cached=100 write1h=30 reasoning=5]]")
    page = simulators.get("/_sim/usage_report?format=anthropic").json()
    result = page["data"][-1]["results"][0]

    assert result["uncached_input_tokens"] == 244
    assert result["cache_creation"]["ephemeral_1h_input_tokens"] == 30
    assert result["output_tokens"] == 44


def test_the_report_of_a_running_process_matches_attempts(simulators: Simulators) -> None:
    simulators.chat("[[sim in=10 out=6]]", {"x-client-request-id": "attempt-7"})
    simulators.chat("[[sim in=10 out=6]]", {"X-Yuejie-Attempt": "attempt-8"})
    body = simulators.get("/_sim/usage_report").body
    rows = [json.loads(line) for line in body.splitlines()]

    assert [row["client_request_id"] for row in rows[-2:]] == ["attempt-7", "attempt-8"]
    assert simulators.get("/_sim/usage_report?format=csv").status == 400


def test_the_report_as_a_command(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    _write(path, 2)
    command = [sys.executable, "-m", "yuejie.demo.simulators", "report", str(path)]

    done = subprocess.run([*command, "--format", "jsonl"], capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    absent = subprocess.run([*command[:-1], str(tmp_path / "no")], capture_output=True, check=False)
    assert absent.returncode == 2
    assert "没有真值日志" in absent.stderr.decode()


def test_the_summary_adds_up(simulators: Simulators) -> None:
    assert summary([LINE, LINE]) == {
        "calls": 2,
        "reported": 0,
        "outcomes": {"cut": 2},
        "usage": {"gpt-4o": {m: 2 * q for m, q in sorted(LINE.usage.items())}},
    }
    simulators.chat("[[sim fault=500]]")
    assert simulators.get("/_sim/truth").json()["refused"] == {"500": 1}


def test_the_model_and_the_tier_that_answer_can_be_others(simulators: Simulators) -> None:
    answer = simulators.chat("[[sim model=gpt-4o-2024-08-06 tier=flex]]").json()
    truth = simulators.last()

    assert (answer["model"], answer["service_tier"]) == ("gpt-4o-2024-08-06", "flex")
    assert (truth.model, truth.billed_model) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert simulators.chat("x", service_tier="fast").json()["service_tier"] == "priority"


def test_the_same_request_is_answered_with_the_same_words(simulators: Simulators) -> None:
    answers = [simulators.chat("你好").json() for _ in range(2)]

    assert answers[0]["choices"] == answers[1]["choices"]
    assert answers[0]["usage"] == answers[1]["usage"]
    assert answers[0]["id"] != answers[1]["id"]


def test_other_settings_other_bills(tmp_path: Path) -> None:
    options = ["--failed", "openai=free", "--key", "sk-a", "--seed", "3", "--pace-ms", "1"]
    with running(tmp_path / "truth.jsonl", options=options) as started:
        simulators = Simulators(started)
        assert simulators.chat("x").status == 401
        mine = {"authorization": "Bearer sk-a"}
        simulators.chat("[[sim out=60 error_midstream=3]]", mine, stream=True)
        assert simulators.last().usage == {}
        port = int(started.url.rsplit(":", 1)[1])
        with pytest.raises(Unavailable, match="未能启动"), running(tmp_path / "t", port=port):
            pass


def test_repeated_streams_have_an_id_each_in_every_event(simulators: Simulators) -> None:
    """Answers to the same bytes within a second are remembered; their ids are not."""
    replies = [simulators.chat("[[sim out=9]]", stream=True) for _ in range(5)]
    ids = [{event["id"] for event in reply.events()} for reply in replies]

    assert all(len(one) == 1 for one in ids)
    assert len(set.union(*ids)) == 5
    assert {line.response_id for line in simulators.truth()[-5:]} == set.union(*ids)
