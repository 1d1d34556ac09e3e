"""The courier of the house: opens a parcel's secrets, sends it, judges the answer."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import msgspec

from yuejie.kernel.cipher import unseal
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.notices.channels import (
    aliyun_sms,
    dingtalk,
    feishu,
    smtp,
    tencent_sms,
    webhook,
    wecom,
    wire,
)
from yuejie.notices.channels.guard import is_allowed, read_url
from yuejie.notices.channels.parcel import Outcome, Parcel, Reply, Request, Rest, refused, retry
from yuejie.notices.contact import ChannelKind
from yuejie.notices.secret import Secret, open_secret
from yuejie.notices.wording.letter import Letter
from yuejie.notices.wording.render import sms_of

ROBOT_HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    ChannelKind.WECOM: wecom.HOSTS,
    ChannelKind.DINGTALK: dingtalk.HOSTS,
    ChannelKind.FEISHU: feishu.HOSTS,
}


def check_url(kind: str, url: str, allowed: frozenset[str]) -> str:
    """Return the host of an address that this kind of channel may have, or refuse it."""
    _, host, port, _ = read_url(url, allowed)
    known = ROBOT_HOSTS.get(kind)
    if known and host not in known and not is_allowed(host, port, allowed):
        raise Invalid(
            f"{kind} 机器人的地址应在 {'、'.join(known)}，不能是 {host}；"
            "私有部署请由运营方用 YUEJIE_NOTICE_HOSTS 放行"
        )
    return host


@dataclass(frozen=True, slots=True)
class Post:
    """Sends parcels; `allowed` names the hosts that may be private."""

    credential_key: bytes = field(repr=False)
    allowed: frozenset[str] = frozenset()
    seconds: float = wire.TOTAL_SECONDS

    def send(self, parcel: Parcel, *, at: datetime) -> Outcome:
        """Send one parcel; what is wrong with it or its receiver becomes an outcome.

        What receivers say is kept in the log: addresses and keys that they quote are masked.
        """
        try:
            secret = open_secret(parcel.sealed, self.credential_key, parcel.channel_id)
        except DomainError as error:
            return refused(error.code, error.sentence)
        outcome = self._sent(parcel, secret, at)
        return replace(outcome, said=secret.masked(outcome.said))

    def _sent(self, parcel: Parcel, secret: Secret, at: datetime) -> Outcome:
        try:
            match ChannelKind(parcel.kind):
                case ChannelKind.EMAIL:
                    return self._mail(parcel, secret, at)
                case ChannelKind.ALIYUN_SMS:
                    return self._posted(self._aliyun(parcel, secret, at), aliyun_sms.judge)
                case ChannelKind.TENCENT_SMS:
                    return self._posted(self._tencent(parcel, secret, at), tencent_sms.judge)
                case ChannelKind.WEBHOOK:
                    event = webhook.request_of(secret.address, secret.keys(at), parcel, at)
                    return self._posted(event, webhook.judge)
                case robot:
                    return self._robot(robot, parcel, secret, at)
        except DomainError as error:
            return refused(error.code, error.sentence)

    def _robot(self, kind: ChannelKind, parcel: Parcel, secret: Secret, at: datetime) -> Outcome:
        check_url(kind, secret.address, self.allowed)
        letter = Letter.of(parcel)
        if kind is ChannelKind.WECOM:
            return self._posted(wecom.request_of(secret.address, letter), wecom.judge)
        if kind is ChannelKind.DINGTALK:
            request = dingtalk.request_of(secret.address, secret.key, letter, at)
            return self._posted(request, dingtalk.judge)
        request = feishu.request_of(secret.address, secret.key, letter, at)
        return self._posted(request, feishu.judge)

    def _posted(self, request: Request, judge: Callable[[Reply], Outcome]) -> Outcome:
        try:
            reply = wire.post(request, self.allowed, seconds=self.seconds)
        except wire.Failed as error:
            said = f"{type(error).__name__} {error}"
            return retry("network", said, rest=Rest.RECEIVER)
        return judge(reply)

    def _mail(self, parcel: Parcel, secret: Secret, at: datetime) -> Outcome:
        settings, password = self._sender(parcel)
        server = smtp.server_of(settings, password)
        addresses = smtp.addresses_of(secret.address)
        letter = Letter.of(parcel)
        mail = smtp.mail_of(letter, addresses, server.sender, at, reply_to=server.reply_to)
        return smtp.send(server, mail)

    def _aliyun(self, parcel: Parcel, secret: Secret, at: datetime) -> Request:
        settings, key = self._sender(parcel)
        parameters = aliyun_sms.parameters_of(
            secret.address,
            _named(settings, "sign_name"),
            _template(settings, parcel),
            sms_of(parcel.told[0].kind, parcel.told[0].facts),
            parcel.message_id,
        )
        _named(settings, "access_key_id")
        return aliyun_sms.request_of(settings, key, parameters, secrets.token_hex(16), at)

    def _tencent(self, parcel: Parcel, secret: Secret, at: datetime) -> Request:
        settings, key = self._sender(parcel)
        for name in ("app_id", "sign_name", "secret_id"):
            _named(settings, name)
        content = tencent_sms.content_of(
            settings,
            secret.address,
            _template(settings, parcel),
            sms_of(parcel.told[0].kind, parcel.told[0].facts),
            parcel.message_id,
        )
        return tencent_sms.request_of(settings, key, content, at)

    def _sender(self, parcel: Parcel) -> tuple[dict[str, str], str]:
        """Return the operator's account for a kind of channel, and its password."""
        if parcel.sender_settings is None:
            raise Invalid(
                f"还没有登记 {parcel.kind} 的发送账号，请用 yuejie notices senders set 登记"
            )
        settings = msgspec.convert(parcel.sender_settings, dict[str, str])
        return settings, unseal(parcel.sender_sealed, self.credential_key, parcel.kind).decode()


def _named(settings: Mapping[str, str], name: str) -> str:
    if not settings.get(name):
        raise Invalid(f"短信发送账号缺少 {name}，请用 yuejie notices senders set 补全")
    return settings[name]


def _template(settings: Mapping[str, str], parcel: Parcel) -> str:
    """Return the vendor's approved template for a kind, of the language where there is one."""
    kind = str(parcel.told[0].kind)
    found = settings.get(f"template.{kind}.{parcel.language}") or settings.get(f"template.{kind}")
    if not found:
        raise Invalid(
            f"短信模板 template.{kind} 没有登记，请报备后用 yuejie notices senders set 补上"
        )
    return found
