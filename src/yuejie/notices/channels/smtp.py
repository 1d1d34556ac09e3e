"""Mail: text and HTML, files attached, one message for all addresses of a channel."""

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.notices.channels.parcel import Outcome, refused, retry, sent
from yuejie.notices.wording.letter import Letter

SECONDS: Final = 20.0
SECURITY: Final = ("tls", "starttls", "none")
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]+\.[\w-]+", re.ASCII)
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
    password: str = field(default="", repr=False)


def server_of(settings: Mapping[str, str], password: str) -> Server:
    """Read the settings of the sender `email`; what does not fit is refused."""
    security = settings.get("security", "tls")
    host, sender = settings.get("host", ""), settings.get("from", "")
    port = settings.get("port", "465" if security == "tls" else "587")
    if not host or len(getaddresses([sender])) != 1 or "@" not in sender:
        raise Invalid("邮件发信设置缺少 host 或 from，请用 yuejie notices senders set email 补全")
    if security not in SECURITY or not port.isdecimal():
        raise Invalid("邮件发信设置的 security 应为 tls、starttls 或 none，port 应为整数")
    if security == "none" and settings.get("user"):
        raise Invalid("不加密的邮件服务器不能使用口令登录，请改用 tls 或 starttls")
    return Server(host, int(port), security, sender, settings.get("user", ""), password)


def addresses_of(text: str) -> list[str]:
    """Return the addresses of a channel, separated by commas; the first is To, the rest Cc."""
    found = [each.strip() for each in text.split(",")]
    for address in found:
        if not _ADDRESS.fullmatch(address):
            raise Invalid(f"邮件地址“{address}”不对，请写成 name@example.com，多个用逗号分开")
    if not 0 < len(found) <= 20:
        raise Invalid("邮件地址应有 1 到 20 个")
    return found


def mail_of(letter: Letter, addresses: list[str], sender: str, at: datetime) -> EmailMessage:
    """Write the mail; its Message-ID is made from the message id, the same at every attempt."""
    mail = EmailMessage()
    ((_, plain),) = getaddresses([sender])
    domain = plain.rpartition("@")[2]
    mail["Message-ID"] = f"<{letter.message_id}@{domain}>"
    mail["Date"] = format_datetime(at)
    mail["Subject"] = letter.title
    mail["From"] = sender
    mail["To"] = Address(addr_spec=addresses[0])
    if len(addresses) > 1:
        mail["Cc"] = [Address(addr_spec=each) for each in addresses[1:]]
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text())
    mail.add_alternative(letter.html(), subtype="html")
    for attachment in letter.attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        mail.add_attachment(
            attachment.body,
            maintype=maintype or "application",
            subtype=subtype or "octet-stream",
            filename=attachment.name,
        )
    return mail


def send(server: Server, mail: EmailMessage) -> Outcome:
    """Hand a mail to the server and judge its answer; 4xx may be tried again, 5xx not."""
    try:
        with _connected(server) as smtp:
            if server.user:
                smtp.login(server.user, server.password)
            missed = smtp.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        return _judged(code, words)
    except smtplib.SMTPResponseException as error:
        return _judged(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return retry("smtp", str(error))
    said = "、".join(f"{address} 被拒" for address in missed)
    return sent("250", said)


def _connected(server: Server) -> smtplib.SMTP:
    tls = ssl.create_default_context()
    name = getaddresses([server.sender])[0][1].rpartition("@")[2]
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


def _judged(code: int, words: bytes | str) -> Outcome:
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    if code in _TEMPORARY or code in _CONFIGURED:
        return retry(str(code), said)
    return refused(str(code), said)
