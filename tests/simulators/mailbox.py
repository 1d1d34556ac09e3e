"""A mail server on loopback, as much of RFC 5321 as smtplib speaks: it keeps or refuses mails."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What came in; `moods` are answered to MAIL FROM, in order, before mails are taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


@contextmanager
def mail_server() -> Iterator[Mailbox]:  # noqa: C901 - one conversation, verb by verb
    """Run a mail server for the length of a block."""
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

        def handle(self) -> None:
            self.say("220 mail.test ESMTP")
            for raw in iter(self.rfile.readline, b""):
                if not self.answered(raw.decode().strip()):
                    return

        def answered(self, line: str) -> bool:
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return False
            if verb == "MAIL" and box.moods:
                self.say(box.moods.pop(0))
            elif verb == "RCPT" and any(each in line for each in box.unknown):
                self.say("550 5.1.1 no such user")
            elif verb == "DATA":
                self.say("354 go on")
                self.say(self.taken())
            else:
                self.say("250 ok")
            return True

        def taken(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            body = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
            mail = message_from_bytes(body, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            box.mails.append(mail)
            return "250 2.0.0 queued"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
