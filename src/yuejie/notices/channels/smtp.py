"""Mail: text and HTML, files attached, one message for all addresses of a channel."""

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import whole
from yuejie.notices.channels.parcel import Outcome, Rest, refused, retry, sent
from yuejie.notices.channels.wire import cut_off
from yuejie.notices.wording.letter import Letter

SECONDS: Final = 10.0
"""For each answer while we connect, and for each piece after."""
TOTAL_SECONDS: Final = 120.0
"""For all the rest: twenty megabytes at 1.4 Mbit/s. A mail's lease lasts longer than both."""
SECURITY: Final = ("tls", "starttls", "none")
SETTINGS: Final = frozenset({"host", "port", "security", "from", "user", "reply_to"})
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
"""What no file system takes in a name, and what would end a header."""
_NAME: Final = 120
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]+\.[\w-]+", re.ASCII)
_KIND: Final = re.compile(r"(?!message/|multipart/)[\w.+-]+/[\w.+-]+", re.ASCII)
_BYTES: Final = "application/octet-stream"
_TEMPORARY: Final = range(400, 500)
_CONFIGURED: Final = frozenset({530, 534, 535, 538})
"""Failures of our own login, which a person mends; the mail itself is in order."""


@dataclass(frozen=True, slots=True)
class Server:
    """The operator's mail server. `security` none is for a relay on the same machine or network."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    reply_to: str = ""
    password: str = field(default="", repr=False)


def server_of(settings: Mapping[str, str], password: str) -> Server:
    """Read the settings of the sender `email`; what does not fit is refused."""
    security = settings.get("security", "tls")
    host, sender = settings.get("host", ""), settings.get("from", "")
    port = settings.get("port", "465" if security == "tls" else "587")
    reply_to = settings.get("reply_to", "")
    if not host or len(getaddresses([sender])) != 1 or "@" not in sender:
        raise Invalid("邮件发信设置缺少 host 或 from，请用 yuejie notices senders set email 补全")
    for name, text in (("from", sender), ("reply_to", reply_to)):
        if not text.isprintable() or (text and not _ADDRESS.fullmatch(plain_of(text))):
            raise Invalid(
                f"邮件发信设置的 {name} 应写成 name@example.com 或 名称 <name@example.com>"
            )
    number = whole(port)
    if security not in SECURITY or number is None:
        raise Invalid("邮件发信设置的 security 应为 tls、starttls 或 none，port 应为整数")
    if security == "none" and settings.get("user"):
        raise Invalid("不加密的邮件服务器不能使用口令登录，请改用 tls 或 starttls")
    user = settings.get("user", "")
    return Server(host, number, security, sender, user, reply_to, password)


def plain_of(address: str) -> str:
    """Return the bare address of one that may have a name before it."""
    return getaddresses([address])[0][1]


def addresses_of(text: str) -> list[str]:
    """Return the addresses of a channel, separated by commas; the first is To, the rest Cc."""
    found = [each.strip() for each in text.split(",")]
    for address in found:
        if not _ADDRESS.fullmatch(address):
            raise Invalid(f"邮件地址“{address}”不对，请写成 name@example.com，多个用逗号分开")
    if not 0 < len(found) <= 20:
        raise Invalid("邮件地址应有 1 到 20 个")
    return found


def mail_of(
    letter: Letter, addresses: list[str], sender: str, at: datetime, *, reply_to: str = ""
) -> EmailMessage:
    """Write the mail; its Message-ID is made from the message id, the same at every attempt.

    Texts are base64: Chinese in eight bits is broken by relays that take seven.
    """
    mail = EmailMessage()
    domain = plain_of(sender).rpartition("@")[2]
    mail["Message-ID"] = f"<{letter.message_id}@{domain}>"
    mail["Date"] = format_datetime(at)
    mail["Subject"] = letter.title
    mail["From"] = sender
    mail["To"] = Address(addr_spec=addresses[0])
    if len(addresses) > 1:
        mail["Cc"] = [Address(addr_spec=each) for each in addresses[1:]]
    if reply_to:
        mail["Reply-To"] = reply_to
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text(), cte="base64")
    mail.add_alternative(letter.html(), subtype="html", cte="base64")
    for attachment in letter.attachments:
        kind = attachment.media_type
        maintype, _, subtype = (kind if _KIND.fullmatch(kind) else _BYTES).partition("/")
        mail.add_attachment(
            attachment.body, maintype=maintype, subtype=subtype, filename=name_of(attachment.name)
        )
    return mail


def name_of(name: str) -> str:
    """Return a file's name that every system takes; what follows the last dot is kept."""
    clean = _UNFIT.sub("_", name).strip(". ") or "file"
    stem, dot, ending = clean.rpartition(".")
    if len(clean) <= _NAME or len(ending) >= _NAME:
        return clean[:_NAME]
    return f"{stem[: _NAME - len(ending) - 1]}{dot}{ending}"


def send(server: Server, mail: EmailMessage) -> Outcome:
    """Hand a mail to the server and judge its answer; 4xx may be tried again, 5xx not.

    What goes wrong before the first address is named concerns every mail: the server rests.
    """
    try:
        with _connected(server) as smtp, cut_off(smtp, TOTAL_SECONDS):
            if smtp.sock is not None:
                smtp.sock.settimeout(TOTAL_SECONDS)
            if server.user:
                smtp.login(server.user, server.password)
            missed = smtp.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        return _judged(code, words)
    except smtplib.SMTPDataError as error:
        return _judged(error.smtp_code, error.smtp_error)
    except smtplib.SMTPResponseException as error:
        return _judged(error.smtp_code, error.smtp_error, rest=Rest.SENDER)
    except (smtplib.SMTPException, OSError) as error:
        return retry("smtp", f"{type(error).__name__} {error}", rest=Rest.SENDER)
    said = "；".join(f"{each} 被拒：{code} {_text(w)}" for each, (code, w) in missed.items())
    return replace(sent("250", said), missed=bool(missed))


def _connected(server: Server) -> smtplib.SMTP:
    tls = ssl.create_default_context()
    name = plain_of(server.sender).rpartition("@")[2]
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=SECONDS, context=tls)
    smtp = smtplib.SMTP(server.host, server.port, name, timeout=SECONDS)
    if server.security == "starttls":
        try:
            smtp.starttls(context=tls)
        except (smtplib.SMTPException, OSError):
            smtp.close()
            raise
    return smtp


def _judged(code: int, words: bytes | str, *, rest: Rest = Rest.NOBODY) -> Outcome:
    if code in _TEMPORARY or code in _CONFIGURED:
        return retry(str(code), _text(words), rest=rest)
    return refused(str(code), _text(words))


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words
