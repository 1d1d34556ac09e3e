"""The bytes of journal records, fixed for ever: what an older release wrote, this one reads.

`begun.hex` and `ended.hex` are framed records; a new field is appended with a default, and then
the old files still decode to the same calls.
"""

from pathlib import Path

import msgspec
import pytest

from yuejie.usage.journal import Begun, Ended, EndedItem, Record, encode, frame

HERE = Path(__file__).parent

BEGUN = Begun(
    event=bytes.fromhex("0199f3c2a0007abc8def0123456789ab"),
    operation=bytes.fromhex("0199f3c2a0007abc8def0123456789aa"),
    attempt=2,
    started_us=1_792_125_000_123_456,
    month="2026-10",
    hour_s=1_792_123_200,
    customer="cus_0199f3c2a0007abc8def012345678901",
    project="prj_0199f3c2a0007abc8def012345678902",
    key="key_0199f3c2a0007abc8def012345678903",
    tags="env=prod,team=研发",
    deployment="openai-main",
    api="openai.chat",
    model="gpt-4o",
    stream=True,
    contract="con_0199f3c2a0007abc8def012345678904",
    contract_version=3,
    sale_book="list@CNY",
    sale_revision=12,
    cost_book="cost",
    cost_revision=7,
    hold_pico=123_456_789_012,
    lease="lease-1",
)
ENDED = Ended(
    begun=BEGUN,
    ended_us=1_792_125_003_987_654,
    state="partial",
    reason="上游中断",
    billable=True,
    items=(
        EndedItem("gpt-4o", "input", 812, 101, 202),
        EndedItem("gpt-4o", "cache_read", 4_096, 102, 203),
        EndedItem("gpt-4o", "output", 350, 103, 204),
        EndedItem("gpt-4o", "requests", 1, 0, 0),
    ),
    context_tokens=4_908,
    billed_model="gpt-4o-2024-08-06",
    service_tier="default",
    http_status=200,
    outcome="provider_cut",
    first_byte_ms=412,
    response_id="chatcmpl-abc",
    facts={"inference_geo": "us"},
)
GOLDEN: dict[str, Record] = {"begun": BEGUN, "ended": ENDED}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_record_has_the_bytes_it_always_had(name: str, request: pytest.FixtureRequest) -> None:
    path = HERE / f"{name}.hex"
    written = frame(encode(GOLDEN[name])).hex()
    lines = "\n".join(written[i : i + 80] for i in range(0, len(written), 80)) + "\n"
    if request.config.getoption("--golden-update"):
        path.write_text(lines, "ascii")
    assert path.read_text("ascii") == lines


@pytest.mark.parametrize("name", GOLDEN)
def test_the_bytes_of_an_older_release_still_say_the_same(name: str) -> None:
    data = bytes.fromhex((HERE / f"{name}.hex").read_text("ascii"))
    decoded: Record = msgspec.msgpack.decode(data[8:], type=Begun | Ended)
    assert decoded == GOLDEN[name]
