"""Traces as a collector gets them: a real worker, real OTLP over HTTP, one span per stage."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from queue import Queue
from random import Random

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.rooms.gateway.world import KEY, Draft, Program, start_simulators, start_worker
from yuejie.gateway.trace import open_traces, share_of
from yuejie.kernel.errors import Invalid

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Collector(ThreadingHTTPServer):
    """Takes traces as any OpenTelemetry collector does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.bodies: Queue[bytes] = Queue()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def spans(self) -> list[Span]:
        """Return what was told so far."""
        found: list[Span] = []
        while not self.bodies.empty():
            told = ExportTraceServiceRequest.FromString(self.bodies.get())
            found += [
                s for r in told.resource_spans for scope in r.scope_spans for s in scope.spans
            ]
        return found


class _Taker(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.put(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def worker(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "1")
    simulators = start_simulators(tmp_path / "truth.jsonl")
    Draft(simulators.url).write(tmp_path / "home")
    found = start_worker(tmp_path / "home", None)
    found.wait_for("/readyz")
    yield found
    if found.process.poll() is None:
        found.stop()
    simulators.stop()


def ask(worker: Program, *, model: str = "gpt-sim", stream: bool = False, parent: str = "") -> int:
    answer = httpx2.post(
        f"{worker.url}/v1/chat/completions",
        json={
            "model": model,
            "stream": stream,
            "messages": [{"role": "user", "content": "[[sim in=5 out=2 events=2]] 机密"}],
        },
        headers={"authorization": f"Bearer {KEY}"} | ({"traceparent": parent} if parent else {}),
        timeout=30,
    )
    return answer.status_code


def test_a_sampled_call_has_a_span_per_stage_and_joins_the_clients_trace(
    worker: Program, collector: Collector
) -> None:
    assert ask(worker, parent=PARENT) == 200
    assert worker.stop() == 0
    spans = collector.spans()
    (root,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    stages = sorted((s for s in spans if s is not root), key=lambda s: s.start_time_unix_nano)
    assert root.name == "/v1/chat/completions"
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (PARENT[3:35], PARENT[36:52])
    assert [s.name for s in stages] == [
        "receive",
        "admit",
        "write_begun",
        "provider",
        "write_ended",
    ]
    assert {s.parent_span_id for s in stages} == {root.span_id}
    for one, next_one in pairwise(stages):
        assert one.end_time_unix_nano == next_one.start_time_unix_nano
    assert root.start_time_unix_nano == stages[0].start_time_unix_nano
    assert root.end_time_unix_nano >= stages[-1].end_time_unix_nano
    told = b"".join(span.SerializeToString() for span in spans)
    assert "机密".encode() not in told
    assert KEY.encode() not in told


def test_streams_and_refusals_are_told_apart(worker: Program, collector: Collector) -> None:
    assert ask(worker, stream=True) == 200
    assert ask(worker, model="nobody") == 404
    assert worker.stop() == 0
    roots: dict[str, Span] = {}
    stages: dict[str, list[str]] = {}
    for span in collector.spans():
        if span.kind == Span.SPAN_KIND_SERVER:
            roots[span.status.message] = span
        else:
            stages.setdefault(span.trace_id.hex(), []).append(span.name)
    streamed, refused = roots[""], roots["model_unknown"]
    assert stages[streamed.trace_id.hex()][-2:] == ["stream", "write_ended"]
    assert stages[refused.trace_id.hex()] == ["receive"]
    assert refused.status.code == Status.STATUS_CODE_ERROR


def test_without_a_collector_nothing_is_traced() -> None:
    assert open_traces({}, None, Random(1)) is None  # type: ignore[arg-type]  # never asked


@pytest.mark.parametrize("told", ["2", "-0.1", "viel", "nan"])
def test_a_share_that_is_none_is_refused_by_name(told: str) -> None:
    with pytest.raises(Invalid, match="OTEL_TRACES_SAMPLER_ARG"):
        share_of({"OTEL_TRACES_SAMPLER_ARG": told})
