"""A mail server, as much of RFC 5321 as clients speak: it keeps or refuses, and forwards nothing.

With a certificate it offers STARTTLS or speaks TLS from the start, and with a user it asks for
AUTH, which it takes under TLS only.
"""

import base64
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

SIZE: Final = 25 * 1024 * 1024
"""Largest mail, as the usual providers have it."""
_LINE: Final = 64 * 1024


@dataclass
class Mailbox:
    """What came in; `moods` are answered to MAIL FROM, in order, before mails are taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    """What is answered to addresses that hold a piece of text."""
    user: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    at_once: bool = False
    """Whether TLS begins with the connection, as on port 465."""
    taken: Callable[[EmailMessage], object] = lambda _: None


class Session(socketserver.StreamRequestHandler):
    """One conversation."""

    server: "MailServer"

    def setup(self) -> None:
        """Begin TLS where it begins with the connection."""
        self.box = self.server.box
        self.secure = False
        self.known = not self.box.user
        if self.box.tls is not None and self.box.at_once:
            self._secured()
        super().setup()

    def _secured(self) -> None:
        assert self.box.tls is not None
        self.request: Any = self.box.tls.wrap_socket(self.request, server_side=True)
        self.secure = True

    def finish(self) -> None:
        """Hang up, also where TLS made a socket of its own."""
        with suppress(OSError):
            super().finish()
        self.request.close()

    def say(self, words: str) -> None:
        """Answer a line."""
        self.wfile.write(f"{words}\r\n".encode())

    def handle(self) -> None:
        """Greet, and answer verb by verb until the client goes."""
        self.say("220 mail.simulated ESMTP")
        try:
            for raw in iter(lambda: self.rfile.readline(_LINE), b""):
                line = raw.decode(errors="replace").strip()
                if not self.answered(line.split(" ")[0].split(":")[0].upper(), line):
                    return
        except (OSError, ValueError):
            return  # the client hung up

    def answered(self, verb: str, line: str) -> bool:
        """Answer one line; tell whether the conversation goes on."""
        box = self.box
        if verb == "QUIT":
            self.say("221 2.0.0 bye")
            return False
        if verb == "EHLO":
            *offers, last = ("mail.simulated", f"SIZE {SIZE}", *self._offers())
            self.say("\r\n".join([*(f"250-{each}" for each in offers), f"250 {last}"]))
        elif verb == "STARTTLS" and box.tls is not None and not self.secure:
            self.say("220 2.0.0 go ahead")
            self._secured()
            socketserver.StreamRequestHandler.setup(self)
        elif verb == "AUTH":
            self._admit(line)
        elif verb == "MAIL" and not self.known:
            self.say("530 5.7.0 authentication required")
        elif verb == "MAIL" and box.moods:
            self.say(box.moods.pop(0))
        elif verb == "RCPT":
            found = [words for piece, words in box.unknown.items() if piece in line]
            self.say(found[0] if found else "250 2.1.5 ok")
        elif verb == "DATA":
            self.say("354 go on")
            self.say(self._kept())
        else:
            self.say("250 2.0.0 ok")
        return True

    def _offers(self) -> list[str]:
        offers = ["STARTTLS"] if self.box.tls is not None and not self.secure else []
        return [*offers, "AUTH PLAIN"] if self.secure and self.box.user else [*offers, "HELP"]

    def _admit(self, line: str) -> None:
        shown = base64.b64decode(line.rsplit(" ", maxsplit=1)[-1]).decode().split("\0")
        self.known = self.secure and shown[1:] == [self.box.user, self.box.password]
        words = "235 2.7.0 ok" if self.known else "535 5.7.8 authentication failed"
        self.say(words)

    def _kept(self) -> str:
        lines = iter(lambda: self.rfile.readline(_LINE), b".\r\n")
        body = b"".join(line[1:] if line.startswith(b".") else line for line in lines)
        if len(body) > SIZE:
            return "552 5.3.4 message size exceeds fixed limit"
        mail = message_from_bytes(body, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.box.raw.append(body)
        self.box.mails.append(mail)
        self.box.taken(mail)
        return "250 2.0.0 queued"


class MailServer(socketserver.ThreadingTCPServer):
    """Serves one mailbox on a port of this machine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, box: Mailbox, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Session)
        self.box = box
        box.port = int(self.server_address[1])


@contextmanager
def mail_server(box: Mailbox | None = None) -> Iterator[Mailbox]:
    """Have a mail server for the length of a block."""
    kept = box or Mailbox()
    with MailServer(kept) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
