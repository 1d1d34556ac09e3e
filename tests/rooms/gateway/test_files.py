"""The files of a node: snapshot, block list, credentials; and forms cut anywhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.gateway.world import SECRET_KEY, Draft
from yuejie.gateway.blocklist import block, blocked, unblock
from yuejie.gateway.call.form import Spoilt, Upload, receive
from yuejie.gateway.credentials import decrypt, encrypt
from yuejie.gateway.publish import narrowed
from yuejie.gateway.refusal import Refused
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import (
    FILE,
    AccountRow,
    SnapshotBroken,
    pack,
    read_head,
    read_snapshot,
    write_snapshot,
)
from yuejie.gateway.store import ProjectFacts
from yuejie.kernel.errors import Invalid


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    snapshot = Draft("http://x").snapshot()
    write_snapshot(tmp_path, pack(snapshot), 42)
    head, back = read_snapshot(tmp_path / FILE)
    assert back == snapshot
    assert head == read_head(tmp_path / FILE)
    assert head.published_us == 42
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    write_snapshot(tmp_path, pack(Draft("http://x").snapshot()), 42)
    path = tmp_path / FILE
    data = bytearray(path.read_bytes())
    for damaged in (data[:40], data[:-1], bytes(len(data)), data[:100] + b"\xff" + data[101:]):
        path.write_bytes(damaged)
        with pytest.raises(SnapshotBroken, match="快照文件"):
            read_snapshot(path)


def test_the_snapshot_holds_no_credential_in_clear() -> None:
    body = pack(Draft("http://x").snapshot())
    assert b"sk-simulator" not in body
    assert b"sk-yj-test" not in body


def test_credentials_open_for_their_account_only() -> None:
    sealed = encrypt("sk-secret", SECRET_KEY, "acc_1")
    assert decrypt(sealed, SECRET_KEY, "acc_1") == "sk-secret"
    assert encrypt("sk-secret", SECRET_KEY, "acc_1") != sealed
    for attempt in (
        (sealed, SECRET_KEY, "acc_2"),
        (sealed, b"\x33" * 32, "acc_1"),
        (sealed[:-1], SECRET_KEY, "acc_1"),
        (b"", SECRET_KEY, "acc_1"),
    ):
        with pytest.raises(Invalid, match="重新执行 yuejie apply"):
            decrypt(*attempt)
    with pytest.raises(Invalid, match="32 字节"):
        encrypt("sk-secret", b"short", "acc_1")


def test_an_account_that_cannot_be_opened_is_left_out_and_named() -> None:
    def unlock(row: AccountRow) -> str:
        return decrypt(row.credential, b"\x33" * 32, row.account_id)

    view = View(Draft("http://x").snapshot(), unlock)
    assert view.targets == {}
    assert len(view.locked) == 3


@pytest.mark.parametrize(
    ("platform", "base", "expected"),
    [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("deepseek", "https://api.deepseek.com/", "https://api.deepseek.com/v1"),
        ("zai", "https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4"),
        ("deepseek", "https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic"),
        ("anthropic", "https://api.anthropic.com/v1/", "https://api.anthropic.com"),
        ("gemini_api", "https://g.example/v1beta", "https://g.example"),
    ],
)
def test_addresses_are_taken_as_people_write_them(platform: str, base: str, expected: str) -> None:
    draft = Draft("http://x")
    draft.accounts = [
        msgspec.structs.replace(row, platform=platform, base_url=base) for row in draft.accounts
    ]
    view = View(draft.snapshot(), lambda _: "sk")
    assert view.targets["gpt-sim"][0].access.base_url == expected


def test_the_block_list(tmp_path: Path) -> None:
    assert blocked(tmp_path) == frozenset()
    assert block(tmp_path, "key_1")
    assert block(tmp_path, b"\xab")
    assert not block(tmp_path, "key_1")
    assert blocked(tmp_path) == {"key_1", "ab"}
    assert unblock(tmp_path, "key_1")
    assert not unblock(tmp_path, "key_1")
    assert blocked(tmp_path) == {"ab"}


def test_a_project_is_never_wider_than_its_ancestors() -> None:
    rows = narrowed(
        [
            ProjectFacts("root", "c", None, ["a", "b"], None),
            ProjectFacts("child", "c", "root", ["b", "c"], ["cn"]),
            ProjectFacts("leaf", "c", "child", None, ["cn", "eu"]),
            ProjectFacts("free", "c", None, None, None),
        ]
    )
    assert {row.project_id: (row.providers, row.regions) for row in rows} == {
        "root": (["a", "b"], None),
        "child": (["b"], ["cn"]),
        "leaf": (["b"], ["cn"]),
        "free": (None, None),
    }


async def pieces(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        yield data[at:cut]
        at = max(at, cut)


def form(*parts: tuple[str, bytes]) -> bytes:
    body = b"".join(
        b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (head.encode(), text)
        for head, text in parts
    )
    return body + b"--b--\r\n"


MODEL = ('name="model"', b"whisper")
STREAM = ('name="stream"', b"true")
SOUND = ('name="file"; filename="a.wav"', b"RIFF--b not a boundary\r\n" + bytes(300))


@given(
    st.permutations([MODEL, STREAM, SOUND]),
    st.lists(st.integers(0, 700), max_size=20),
)
def test_a_form_passes_whole_however_it_is_cut(
    parts: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    body = form(*parts)

    async def through() -> tuple[dict[str, str], bytes]:
        found = await receive("multipart/form-data; boundary=b", pieces(body, cuts))
        assert isinstance(found, Upload)
        return found.fields, b"".join([piece async for piece in found.renamed("other-1")])

    fields, sent = asyncio.run(through())
    assert fields["model"] == "whisper"
    assert sent == body.replace(b"whisper", b"other-1")
    if parts.index(STREAM) < parts.index(SOUND) or parts.index(MODEL) > parts.index(STREAM):
        assert fields["stream"] == "true"


def digest_of(body: bytes, boundary: str, cuts: list[int]) -> bytes:
    async def whole() -> bytes:
        found = await receive(f"multipart/form-data; boundary={boundary}", pieces(body, cuts))
        assert isinstance(found, Upload)
        digest = await found.whole()
        assert b"".join([piece async for piece in found.renamed("whisper")]) == body
        return digest

    return asyncio.run(whole())


@given(st.lists(st.integers(0, 700), max_size=9), st.lists(st.integers(0, 700), max_size=9))
def test_a_form_says_the_same_however_it_is_cut_and_divided(
    cuts: list[int], others: list[int]
) -> None:
    """A client that sends a form again chooses another boundary; another byte is another form."""
    body = form(MODEL, STREAM, SOUND)
    again = body.replace(b"--b", b"--another-boundary")
    assert digest_of(body, "b", cuts) == digest_of(again, "another-boundary", others)
    altered = form(MODEL, STREAM, (SOUND[0], SOUND[1][:-1] + b"!"))
    assert digest_of(body, "b", cuts) != digest_of(altered, "b", cuts)


ANOTHER = ('name="model"', b"dearer")
SPELT = ('name=model; x="1"', b"dearer")
ASIDE = ('x\r\nContent-Type: text/plain; name="x"\r\nX: y; name="model"', b"dearer")


@given(
    st.sampled_from([ANOTHER, SPELT, ASIDE]),
    st.integers(1, 3),
    st.lists(st.integers(0, 700), max_size=9),
)
def test_a_form_that_names_two_models_never_leaves_whole(
    second: tuple[str, bytes], at: int, cuts: list[int]
) -> None:
    """One reader takes the first and another the last: what is priced must be what is called."""
    parts = [MODEL, STREAM, SOUND]
    body = form(*parts[:at], second, *parts[at:])

    async def refused() -> Refused:
        found = await receive("multipart/form-data; boundary=b", pieces(body, cuts))
        if isinstance(found, Refused):
            return found
        sent: list[bytes] = []
        with pytest.raises(Spoilt) as caught:
            await passed(found, sent)
        assert not b"".join(sent).endswith(b"--b--\r\n")
        return caught.value.refused

    async def passed(found: Upload, sent: list[bytes]) -> None:
        async for piece in found.renamed("other-1"):
            sent.append(piece)  # noqa: PERF401 - what has left before the refusal counts

    assert "两个 model" in asyncio.run(refused()).sentence("req_1")


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        ("application/json", b"{}", "boundary"),
        ("multipart/form-data; boundary=b", form(SOUND), "没有 model 字段"),
        ("multipart/form-data; boundary=b", b"", "没有 model 字段"),
        ('multipart/form-data; boundary="b"', form(STREAM), "没有 model 字段"),
    ],
)
def test_a_form_without_a_model_is_refused(content_type: str, body: bytes, why: str) -> None:
    async def refused() -> Refused:
        found = await receive(content_type, pieces(body, []))
        assert isinstance(found, Refused)
        return found

    assert re.search(why, asyncio.run(refused()).sentence("req_1"))
