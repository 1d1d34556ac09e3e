"""The parser gives the same answer however it was cut, and nothing for what is no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.gateway.upstream.http1 import HEAD_BYTES, Malformed, Parser

BODY = b'{"usage": 1}' * 9


def chunked(body: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in [*sizes, len(body)]:
        piece = body[at : at + size]
        if piece:
            out += b"%X;x=y\r\n%b\r\n" % (len(piece), piece)
        at += size
    return out + b"0\r\nx-trailer: 1\r\n\r\n"


def parse(data: bytes, cuts: list[int]) -> tuple[Parser, bytes]:
    parser, body, at = Parser(), b"", 0
    for cut in [*sorted(cuts), len(data)]:
        parser.feed(data[at:cut])
        body += parser.take() if parser.size else b""
        at = cut
    return parser, body


CUTS = st.lists(st.integers(0, 400), max_size=12)


@given(CUTS, st.lists(st.integers(1, 60), max_size=6))
def test_chunked(cuts: list[int], sizes: list[int]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
    parser, body = parse(head + chunked(BODY, sizes), cuts)
    assert body == BODY
    assert parser.done
    assert parser.keeps
    assert parser.is_clean
    assert parser.head is not None
    assert parser.head[1][0] == ("content-type", "a/b")


@given(CUTS)
def test_by_length_after_an_interim_answer(cuts: list[int]) -> None:
    head = (
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 No\r\ncontent-length: 108\r\n\r\n"
    )
    parser, body = parse(head + BODY, cuts)
    assert (body, parser.done, parser.keeps) == (BODY, True, True)
    assert parser.head is not None
    assert parser.head[0] == 429


@given(CUTS)
def test_until_the_server_closes(cuts: list[int]) -> None:
    parser, body = parse(b"HTTP/1.0 200 OK\r\n\r\n" + BODY, cuts)
    assert (body, parser.done, parser.keeps) == (BODY, False, False)
    parser.close()
    assert parser.done


def test_a_close_in_the_middle_does_not_end_an_answer() -> None:
    parser, _ = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n" + BODY, [])
    parser.close()
    assert not parser.done


def test_connection_close_is_heard() -> None:
    parser, _ = parse(b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 0\r\n\r\n", [])
    assert (parser.done, parser.keeps) == (True, False)


def test_what_comes_unasked_makes_the_connection_unclean() -> None:
    parser, body = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab", [])
    assert (body, parser.is_clean) == (b"a", False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 099 no\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloXX",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * (HEAD_BYTES + 1),
        b"x" * (HEAD_BYTES + 1),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Parser().feed(data)
