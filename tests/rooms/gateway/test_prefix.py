"""What is counted of prompts that begin like others, for whom asked for it; nothing stays."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.mooncake.replay import Call, exact, read, tapped
from tests.rooms.gateway.world import KEY, OTHER_KEY, Draft, ended_of, key_row, start_worker
from yuejie.gateway.meter.prefix import BUCKETS, FILE, TTL_S, Sketch, look
from yuejie.gateway.snapshot import PrefixRow, ProjectRow, Snapshot

TRACE = Path(__file__).parent / "mooncake" / "first_400.jsonl.gz"
SALT = b"s" * 32
SECRET = "Order 20260901 of Ms Chen, whose card ends in 4711. "


def body(text: str, **more: object) -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


@pytest.fixture
def sketch(tmp_path: Path) -> Sketch:
    return Sketch(tmp_path)


def test_recorded_conversations_within_a_tenth_of_an_exact_cache(tmp_path: Path) -> None:
    """Four workers of a node take turns; together they see what one cache would serve."""
    calls = list(read(TRACE))
    served = exact(calls)
    assert served > 700_000
    assert abs(tapped(calls, tmp_path, workers=4) - served) * 10 <= served


def test_a_replay_serves_the_leading_blocks_only() -> None:
    calls = [Call(0, 1_500, (1, 2, 3)), Call(1, 1_500, (1, 9, 3)), Call(302, 1_536, (1, 9, 3))]
    assert exact(calls[:2]) == 512
    assert exact(calls) == 512
    assert exact([*calls[:2], Call(301, 1_500, (1, 9, 3))]) == 512 + 1_500


def test_a_prompt_counts_as_far_as_it_was_sent_before(sketch: Sketch) -> None:
    first = look(sketch, SALT, "m", body("a" * 4_000), 0)
    again = look(sketch, SALT, "m", body("a" * 4_000), TTL_S)
    longer = look(sketch, SALT, "m", body("a" * 4_000 + "b" * 4_000), TTL_S)
    assert first is not None
    assert again is not None
    assert longer is not None
    assert (first.repeated, again.repeated) == (0, again.size)
    # Seven whole blocks of 512; where the texts part lies within the eighth.
    assert longer.repeated == 7 * 512


def test_after_five_minutes_without_use_it_is_new(sketch: Sketch) -> None:
    look(sketch, SALT, "m", body("a" * 4_000), 0)
    found = look(sketch, SALT, "m", body("a" * 4_000), TTL_S + 1)
    assert found is not None
    assert found.repeated == 0


@pytest.mark.parametrize(("salt", "model"), [(b"t" * 32, "m"), (SALT, "n")])
def test_other_customers_and_other_models_share_nothing(
    sketch: Sketch, salt: bytes, model: str
) -> None:
    look(sketch, SALT, "m", body("a" * 4_000), 0)
    found = look(sketch, salt, model, body("a" * 4_000), 1)
    assert found is not None
    assert found.repeated == 0


def test_what_stands_around_the_prompt_does_not_matter(sketch: Sketch) -> None:
    look(sketch, SALT, "m", body("a" * 4_000, stream=True, temperature=1), 0)
    found = look(sketch, SALT, "m", b'{"user": "u-17", ' + body("a" * 4_000)[1:], 1)
    assert found is not None
    assert found.repeated == found.size


def test_nothing_of_a_prompt_is_in_the_table(sketch: Sketch, tmp_path: Path) -> None:
    look(sketch, SALT, "m", body(SECRET * 100), 0)
    table = (tmp_path / FILE).read_bytes()
    assert len(table) == BUCKETS * 48
    assert not any(SECRET[at : at + 8].encode() in table for at in range(len(SECRET) - 8))
    assert len(table.replace(b"\0", b"")) <= 12 * (len(SECRET) * 100 // 512 + 2)


def test_a_disk_without_room_fails_no_call(tmp_path: Path) -> None:
    assert look(Sketch(tmp_path / "missing"), SALT, "m", body("a" * 4_000), 0) is None


def test_a_request_without_a_prompt_has_no_prefix(sketch: Sketch) -> None:
    assert look(sketch, SALT, "m", b'{"model": "m", "voice": "x"}', 0) is None


class OptedIn(Draft):
    """A house in which one of two projects asked for prefix hashes."""

    def snapshot(self) -> Snapshot:
        known = super().snapshot()
        known.prefixes.append(PrefixRow("cus_1", "prj_1", SALT))
        return known


def test_only_who_asked_finds_two_numbers_with_its_calls(node: Node, tmp_path: Path) -> None:
    """The second of two like prompts was sent before, streamed or not; the other project's is not
    looked at."""
    draft = OptedIn(node.simulators.url)
    draft.keys.append(key_row(OTHER_KEY, "key_2", project_id="prj_2"))
    draft.projects = [
        ProjectRow("prj_1", "cus_1", None, None, ["prj_1"]),
        ProjectRow("prj_2", "cus_1", None, None, ["prj_2"]),
    ]
    draft.write(tmp_path)
    worker = start_worker(tmp_path)
    try:
        found = []
        for key, stream in ((KEY, False), (KEY, True), (KEY, False), (OTHER_KEY, False)):
            answer = httpx2.post(
                f"{worker.url}/v1/chat/completions",
                headers={"authorization": f"Bearer {key}"},
                json=json.loads(body(SECRET * 40, stream=stream)) | {"model": "gpt-sim"},
                timeout=20,
            )
            assert answer.status_code == 200
            (record,) = ended_of(tmp_path, answer.headers["x-request-id"])
            found.append((record.facts.get("prefix_bytes"), record.facts.get("prefix_repeated")))
    finally:
        worker.stop()
    size = found[0][0]
    assert found == [(size, "0"), (size, size), (size, size), (None, None)]


def test_a_member_whose_name_is_no_text_fails_no_call(sketch: Sketch) -> None:
    """The quick reading passes over it, so the hold of such a call is taken before this one."""
    assert look(sketch, SALT, "m", b'{"model":"m","messages":[],"\xff":1}', 1) is None
