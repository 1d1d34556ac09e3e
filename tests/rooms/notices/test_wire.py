"""The wire against endpoints that trickle, redirect, or are somebody else."""

import smtplib
import time
from pathlib import Path

import pytest

from tests.simulators.certificates import certified
from tests.simulators.receivers import receiving
from yuejie.demo.post.mail import Mailbox, mail_server
from yuejie.notices.channels.guard import Place
from yuejie.notices.channels.parcel import Request
from yuejie.notices.channels.wire import REPLY_BYTES, Failed, cut_off, post, reach


def asked(url: str, host: str, seconds: float = 5.0) -> int:
    return post(Request(f"{url}/x", {}, b"{}"), frozenset({host}), seconds=seconds).status


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 200 OK\r\nX: y\r\n" + b"X: y\r\n", b"\r\n"])
def test_an_answer_that_trickles_for_ever_is_cut_off(piece: bytes) -> None:
    """A byte now and then renews every timeout of a socket; the clock of the attempt goes on."""
    with receiving(lambda _: (200, {})) as slow:
        slow.trickles = piece
        with pytest.raises(Failed):  # or never
            asked(slow.url, slow.host, seconds=0.3)


def test_an_endless_answer_is_read_to_its_bound() -> None:
    with receiving(lambda _: (200, {"x": "y" * (2 * REPLY_BYTES)})) as talkative:
        request = Request(talkative.url, {}, b"{}")
        assert len(post(request, frozenset({talkative.host})).body) == REPLY_BYTES


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy resolves names itself: the address that was checked would not be the one reached."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving(lambda _: (200, {})) as there:
        assert asked(there.url, there.host) == 200


def test_tls_proves_the_name_at_the_pinned_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, public = certified(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with receiving(lambda _: (200, {}), tls=good) as there:
        assert asked(f"https://localhost:{there.port}", "localhost") == 200
    bad, public = certified(tmp_path, "hooks.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with receiving(lambda _: (200, {}), tls=bad) as stranger:
        with pytest.raises(Failed, match="CERTIFICATE_VERIFY_FAILED"):
            asked(f"https://localhost:{stranger.port}", "localhost")
        assert stranger.got == [], "nothing is said before the name is proved"


def test_the_next_checked_address_is_tried_where_one_does_not_answer() -> None:
    with receiving(lambda _: (200, {})) as there:
        place = Place("http", "h", there.port, ("127.0.0.2", "127.0.0.1"), "/")
        with reach(place, time.monotonic() + 5) as line:
            assert line.getpeername() == ("127.0.0.1", there.port)


def test_a_mail_server_that_falls_silent_is_cut_off() -> None:
    with mail_server(Mailbox()) as box:
        smtp = smtplib.SMTP("localhost", box.port, timeout=30)
        smtp.docmd("DATA")
        with cut_off(smtp, 0.05), pytest.raises(smtplib.SMTPServerDisconnected):
            smtp.getreply()
        smtp.close()
