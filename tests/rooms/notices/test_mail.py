"""Mail against a server that speaks TLS, asks for a login, refuses, and falls silent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.notices.desk import KEY, NOW, channel, facts_of, mail_sender
from tests.simulators.certificates import certified
from yuejie.db.session import Database
from yuejie.demo.post.mail import Mailbox, mail_server
from yuejie.kernel.errors import Invalid
from yuejie.notices import store
from yuejie.notices.channels.parcel import Outcome, Parcel, Rest, Result, Told
from yuejie.notices.channels.post import Post
from yuejie.notices.channels.smtp import (
    SECONDS,
    TOTAL_SECONDS,
    Server,
    mail_of,
    name_of,
    send,
    server_of,
)
from yuejie.notices.deliver import MAIL_LEASE
from yuejie.notices.notice import Attachment, Kind
from yuejie.notices.wording.letter import Letter

BILL = Told("ntc_1", "bill_issued", None, facts_of(Kind.BILL_ISSUED), NOW)
SENDER = "月结 <bill@yuejie.example.com>"


def letter_of(*files: Attachment, **facts: str) -> Letter:
    told = replace(BILL, facts={**BILL.facts, **facts})
    parcel = Parcel("msg_1", "chn_1", "email", "zh-CN", (told,), b"", attachments=files)
    return Letter.of(parcel)


def mail(*files: Attachment, **facts: str) -> EmailMessage:
    return mail_of(letter_of(*files, **facts), ["wang@acme.example.com"], SENDER, NOW)


def sent_to(box: Mailbox, security: str = "none", **account: str) -> Outcome:
    return send(Server("localhost", box.port, security, SENDER, **account), mail())


def test_a_mail_has_text_html_files_and_an_id_of_its_own(database: Database) -> None:
    with mail_server() as box:
        mail_sender(database, box.port)
        made, _ = channel(database, "email", "wang@acme.example.com, cfo@acme.example.com")
        with database.read() as tx:
            (sender,) = store.senders(tx)
        parcel = Parcel(
            "msg_1",
            made.channel_id,
            "email",
            "zh-CN",
            (BILL,),
            made.sealed,
            attachments=(Attachment("账单.pdf", "application/pdf", b"%PDF-1"),),
            sender_settings=sender.settings,
            sender_sealed=sender.sealed,
        )
        assert Post(KEY).send(parcel, at=NOW).result is Result.SENT
        (mail,) = box.mails
        assert mail["Subject"] == "账单已出账：B202610-0001"
        assert mail["Message-ID"] == "<msg_1@yuejie.example.com>"
        assert (mail["To"], mail["Cc"]) == ("wang@acme.example.com", "cfo@acme.example.com")
        plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert page is not None
        assert "95,000.00 CNY" in plain.get_content()
        assert "<td" in page.get_content()
        (file,) = mail.iter_attachments()
        assert (file.get_filename(), file.get_content()) == ("账单.pdf", b"%PDF-1")
        assert box.raw[0].isascii(), "every relay takes seven bits"
        box.moods = ["451 try later", "550 no"]
        assert Post(KEY).send(parcel, at=NOW).result is Result.RETRY
        assert Post(KEY).send(parcel, at=NOW).result is Result.REFUSED
        box.unknown = {"cfo@": "550 5.1.1 <cfo@acme.example.com> no such user"}
        said = Post(KEY).send(parcel, at=NOW)
        assert (said.result, said.missed) == (Result.SENT, True)
        assert (
            said.said
            == "c***@acme.example.com 被拒：550 5.1.1 <c***@acme.example.com> no such user"
        )
        box.unknown = {"acme": "550 no"}
        assert Post(KEY).send(parcel, at=NOW).result is Result.REFUSED
    said = Post(KEY).send(parcel, at=NOW)
    assert (said.result, said.rest) == (Result.RETRY, Rest.SENDER)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server whose certificate this machine trusts, with one user."""
    context, public = certified(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with mail_server(Mailbox(tls=context, user="bill", password="correct")) as box:
        yield box


def test_starttls_and_a_login(trusted: Mailbox) -> None:
    assert sent_to(trusted, "starttls", user="bill", password="correct").result is Result.SENT
    said = sent_to(trusted, "starttls", user="bill", password="wrong")
    assert (said.result, said.code, said.rest) == (Result.RETRY, "535", Rest.SENDER)
    assert sent_to(trusted, "starttls").code == "530", "without a login"
    assert len(trusted.mails) == 1


def test_tls_from_the_start(trusted: Mailbox) -> None:
    trusted.at_once = True
    assert sent_to(trusted, "tls", user="bill", password="correct").result is Result.SENT


def test_a_certificate_of_somebody_else_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, public = certified(tmp_path, "mail.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    for at_once, security in ((False, "starttls"), (True, "tls")):
        with mail_server(Mailbox(tls=context, user="bill", at_once=at_once)) as box:
            said = sent_to(box, security, user="bill", password="correct")
            assert (said.result, said.rest) == (Result.RETRY, Rest.SENDER)
            assert "CERTIFICATE_VERIFY_FAILED" in said.said
            assert box.mails == []


def test_a_server_without_starttls_gets_no_mail_that_asks_for_it() -> None:
    with mail_server() as box:
        assert sent_to(box, "starttls").result is Result.RETRY
        assert box.mails == []


@pytest.mark.parametrize(
    ("mood", "result", "rest"),
    [
        ("421 4.3.2 too many connections", Result.RETRY, Rest.SENDER),
        ("451 4.7.1 rate limited", Result.RETRY, Rest.SENDER),
        ("552 5.3.4 too big", Result.REFUSED, Rest.NOBODY),
        ("554 5.7.1 spam", Result.REFUSED, Rest.NOBODY),
    ],
)
def test_what_a_server_says_to_the_sender(mood: str, result: Result, rest: Rest) -> None:
    with mail_server() as box:
        box.moods = [mood]
        said = sent_to(box)
        assert (said.result, said.rest) == (result, rest)


def test_a_greylisted_reader_is_tried_again_and_holds_up_nobody() -> None:
    with mail_server() as box:
        box.unknown = {"wang": "450 4.2.0 greylisted, come back in 5 minutes"}
        said = sent_to(box)
        assert (said.result, said.code, said.rest) == (Result.RETRY, "450", Rest.NOBODY)


EVIL = "a\r\nBcc: all@example.com\r\n\r\n<script>"


def test_no_fact_becomes_a_header() -> None:
    made = mail(number=EVIL, customer=EVIL, link=EVIL)
    assert made["Bcc"] is None
    assert "\n" not in str(made["Subject"])
    assert len(list(made.iter_parts())) == 2


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("发票 26312000000123456789.pdf", "发票 26312000000123456789.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"; x=\r\nBcc: b@c.cn.pdf', "a_; x=__Bcc_ b@c.cn.pdf"),
        ("", "file"),
        ("..", "file"),
        (f"{'长' * 300}.xlsx", f"{'长' * 115}.xlsx"),
        ("长" * 300, "长" * 120),
        ("con\0trol.pdf", "con_trol.pdf"),
    ],
)
def test_a_files_name_is_one_everywhere(name: str, becomes: str) -> None:
    assert name_of(name) == becomes
    (file,) = mail(Attachment(name, "application/pdf", b"%PDF")).iter_attachments()
    assert file.get_filename() == becomes


@given(st.text(max_size=200), st.text(max_size=40), st.binary(max_size=50))
def test_any_file_arrives_as_it_is(name: str, media_type: str, body: bytes) -> None:
    raw = bytes(mail(Attachment(name, media_type, body), Attachment("b.csv", "text/csv", body)))
    assert raw.isascii()
    assert not re.search(rb"(?im)^bcc:", raw)
    for file in mail(Attachment(name, media_type, body)).iter_attachments():
        assert file.get_payload(decode=True) == body


def test_a_reply_goes_to_who_reads_it() -> None:
    settings = {"host": "h", "from": SENDER, "reply_to": "财务 <finance@yuejie.example.com>"}
    server = server_of(settings, "")
    made = mail_of(letter_of(), ["a@b.cn"], server.sender, NOW, reply_to=server.reply_to)
    assert made["Reply-To"] == "财务 <finance@yuejie.example.com>"


def test_a_mail_in_the_works_outlives_no_lease() -> None:
    """A slow server is cut off before another deliverer may take the mail up."""
    greeting_tls_and_hello = 6
    assert timedelta(seconds=TOTAL_SECONDS + greeting_tls_and_hello * SECONDS) < MAIL_LEASE


def test_a_mail_server_that_is_half_described_is_refused() -> None:
    for settings in (
        {},
        {"host": "h", "from": "nobody"},
        {"host": "h", "from": "a@b.c", "security": "rot13"},
        {"host": "h", "from": "a@b.c", "port": "x"},
        {"host": "h", "from": "a@b.c", "security": "none", "user": "u"},
        {"host": "h", "from": "a@b.c\r\nBcc: x@y.z"},
        {"host": "h", "from": "a@b.c", "reply_to": "nobody"},
    ):
        with pytest.raises(Invalid):
            server_of(settings, "")
