"""Register contacts and their channels, rotate a webhook's secret, forget people, press test."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.cipher import seal
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.period import zone_of
from yuejie.notices import store
from yuejie.notices.channels import smtp, webhook
from yuejie.notices.channels.post import check_url
from yuejie.notices.contact import (
    LANGUAGES,
    SENT_BY_SENDER,
    Channel,
    ChannelKind,
    Contact,
    Sender,
)
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.notices.secret import Secret, close_secret, mask, open_secret

OVERLAP: Final = timedelta(hours=24)
"""How long the old secret of a webhook signs beside the new one."""
CHANNELS: Final = 20
"""Of one contact."""
_NAME: Final = 64
_PHONE: Final = re.compile(r"1[3-9]\d{9}|\+[1-9]\d{6,14}")
_SMS: Final = frozenset({ChannelKind.ALIYUN_SMS, ChannelKind.TENCENT_SMS})
_ACCOUNT: Final[dict[str, frozenset[str]]] = {
    ChannelKind.EMAIL: smtp.SETTINGS,
    ChannelKind.ALIYUN_SMS: frozenset({"access_key_id", "sign_name", "endpoint"}),
    ChannelKind.TENCENT_SMS: frozenset({"secret_id", "app_id", "sign_name", "endpoint", "region"}),
}
"""What is known of an account in the clear; a password among it would be shown to everybody."""
_OPTIONAL: Final = frozenset({"endpoint", "region"})
_TEMPLATE: Final = re.compile(r"template\.([a-z_]+)(?:\.(zh-CN|en))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    """What is wished of a contact."""

    name: str
    language: str = "zh-CN"
    zone: str = "Asia/Shanghai"
    quiet_from: time | None = None
    quiet_until: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDraft:
    """What is wished of a channel. `kinds` empty takes every kind; a webhook's key is made here."""

    contact_id: str
    kind: str
    address: str = field(repr=False)
    key: str = field(default="", repr=False)
    kinds: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Registered:
    """A channel, and the fresh key of a webhook, which is shown this once."""

    channel: Channel
    key: str = field(default="", repr=False)


def add_contact(
    db: Database, customer_id: CustomerId | None, draft: ContactDraft, *, by: str, now: datetime
) -> Contact:
    """Write a contact down; without a customer it is the operator's own."""
    with db.begin() as tx:
        return add_contact_in(tx, customer_id, draft, by=by, now=now)


def add_contact_in(
    tx: Tx, customer_id: CustomerId | None, draft: ContactDraft, *, by: str, now: datetime
) -> Contact:
    """Do so in somebody's transaction."""
    _check_contact(draft)
    contact = Contact(
        contact_id=mint("ctc", now),
        customer_id=customer_id,
        name=draft.name.strip(),
        language=draft.language,
        zone=draft.zone,
        quiet_from=draft.quiet_from,
        quiet_until=draft.quiet_until,
        created_at=now,
    )
    store.insert_contact(tx, contact)
    record_deed(tx, Deed(by, now, "add", "notice_contact", contact.contact_id), became=contact)
    return contact


def change_contact(
    db: Database,
    contact_id: str,
    draft: ContactDraft,
    *,
    customer_id: CustomerId | None = None,
    by: str,
    now: datetime,
) -> Contact:
    """Give a contact another name, language or quiet hours; its channels stay.

    `customer_id` confines the deed to that customer's. What is the same already changes nothing.
    """
    _check_contact(draft)
    with db.begin() as tx:
        was = find_contact(tx, contact_id, customer_id)
        became = replace(
            was,
            name=draft.name.strip(),
            language=draft.language,
            zone=draft.zone,
            quiet_from=draft.quiet_from,
            quiet_until=draft.quiet_until,
        )
        if became != was:
            store.put_contact(tx, became)
            deed = Deed(by, now, "change", "notice_contact", contact_id)
            record_deed(tx, deed, was=was, became=became)
    return became


def remove_contact(
    db: Database, contact_id: str, *, customer_id: CustomerId | None = None, by: str, now: datetime
) -> None:
    """Forget a contact and its channels; `customer_id` confines the deed to that customer's."""
    with db.begin() as tx:
        contact = find_contact(tx, contact_id, customer_id)
        for channel in store.channels(tx, contact.customer_id):
            if channel.contact_id == contact_id:
                store.delete_channel(tx, channel.channel_id, now)
        store.delete_contact(tx, contact_id)
        record_deed(tx, Deed(by, now, "remove", "notice_contact", contact_id))


def add_channel(
    db: Database,
    draft: ChannelDraft,
    *,
    credential_key: bytes,
    allowed: frozenset[str],
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
) -> Registered:
    """Write a channel of a contact down, its address and key sealed."""
    with db.begin() as tx:
        return add_channel_in(
            tx,
            draft,
            credential_key=credential_key,
            allowed=allowed,
            by=by,
            now=now,
            customer_id=customer_id,
        )


def add_channel_in(
    tx: Tx,
    draft: ChannelDraft,
    *,
    credential_key: bytes,
    allowed: frozenset[str],
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
) -> Registered:
    """Do so in somebody's transaction."""
    hint, address = _check_channel(draft, allowed)
    key = webhook.make_secret() if draft.kind == ChannelKind.WEBHOOK else draft.key
    channel_id = mint("chn", now)
    secret = Secret(address=address, key=key)
    contact = find_contact(tx, draft.contact_id, customer_id)
    others = [
        each
        for each in store.channels(tx, contact.customer_id)
        if each.contact_id == contact.contact_id
    ]
    if len(others) >= CHANNELS:
        raise Conflict(f"联系人 {contact.name} 已有 {CHANNELS} 个渠道，请先删去不用的")
    channel = Channel(
        channel_id=channel_id,
        contact_id=contact.contact_id,
        customer_id=contact.customer_id,
        kind=draft.kind,
        kinds=sorted(set(draft.kinds)),
        hint=hint,
        sealed=close_secret(secret, credential_key, channel_id),
        bucket=_bucket(draft.kind, address),
        created_at=now,
    )
    store.insert_channel(tx, channel)
    deed = Deed(by, now, "add", "notice_channel", channel_id)
    record_deed(tx, deed, became=shown(channel))
    return Registered(channel, key if draft.kind == ChannelKind.WEBHOOK else "")


def remove_channel(
    db: Database, channel_id: str, *, customer_id: CustomerId | None = None, by: str, now: datetime
) -> None:
    """Forget a channel; what waits for it is dropped."""
    with db.begin() as tx:
        channel = find_channel(tx, channel_id, customer_id)
        store.delete_channel(tx, channel_id, now)
        deed = Deed(by, now, "remove", "notice_channel", channel_id)
        record_deed(tx, deed, was=shown(channel))


def rotate_secret(
    db: Database,
    channel_id: str,
    *,
    credential_key: bytes,
    by: str,
    now: datetime,
    overlap: timedelta = OVERLAP,
    customer_id: CustomerId | None = None,
) -> str:
    """Give a webhook a fresh key and return it, this once; the old one signs too for a while."""
    with db.begin() as tx:
        channel = find_channel(tx, channel_id, customer_id)
        if channel.kind != ChannelKind.WEBHOOK:
            raise Conflict(f"渠道 {channel_id} 不是 webhook，没有可轮换的签名密钥；请重新登记渠道")
        was = open_secret(channel.sealed, credential_key, channel_id)
        fresh = Secret(was.address, webhook.make_secret(), was.key, now + overlap)
        store.reseal(tx, channel_id, close_secret(fresh, credential_key, channel_id))
        record_deed(tx, Deed(by, now, "rotate", "notice_channel", channel_id))
    return fresh.key


def set_sender(
    db: Database,
    kind: str,
    settings: dict[str, str],
    secret: str,
    *,
    credential_key: bytes,
    by: str,
    now: datetime,
) -> None:
    """Write the operator's account for mail or SMS down, or replace it."""
    if kind not in SENT_BY_SENDER:
        raise Invalid(f"发送账号“{kind}”应为 email、aliyun_sms 或 tencent_sms")
    _check_account(kind, settings)
    if kind == ChannelKind.EMAIL:
        smtp.server_of(settings, secret)
    sender = Sender(kind, dict(settings), seal(secret.encode(), credential_key, kind))
    with db.begin() as tx:
        store.save_sender(tx, sender)
        deed = Deed(by, now, "set", "notice_sender", kind)
        record_deed(tx, deed, became=sender.settings)


def enqueue_test(
    db: Database,
    channel_id: str,
    *,
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
) -> str:
    """Press the test button: write a test notice for one channel and return its key."""
    with db.begin() as tx:
        channel = find_channel(tx, channel_id, customer_id)
        key = f"test:{channel_id}:{mint('tst', now)}"
        audience = Audience.OPERATOR if channel.customer_id is None else Audience.CUSTOMER
        notice = Notice(Kind.TEST, audience, {}, key, channel.customer_id)
        enqueue(tx, notice, at=now, only_channel=channel_id)
        record_deed(tx, Deed(by, now, "test", "notice_channel", channel_id))
        return key


def find_contact(tx: Tx, contact_id: str, customer_id: CustomerId | None) -> Contact:
    """Return a contact; another customer's is as if it did not exist."""
    found = store.contact(tx, contact_id)
    if found is None or (customer_id is not None and found.customer_id != customer_id):
        raise NotFound(f"联系人 {contact_id} 不存在，请用 yuejie notices contacts list 查看")
    return found


def find_channel(tx: Tx, channel_id: str, customer_id: CustomerId | None) -> Channel:
    """Return a channel; another customer's is as if it did not exist."""
    found = store.channel(tx, channel_id)
    if found is None or (customer_id is not None and found.customer_id != customer_id):
        raise NotFound(f"渠道 {channel_id} 不存在，请用 yuejie notices channels list 查看")
    return found


def shown(channel: Channel) -> dict[str, object]:
    """Return what may be seen of a channel: everything but its secrets."""
    return {
        "channel_id": channel.channel_id,
        "contact_id": channel.contact_id,
        "customer_id": channel.customer_id,
        "kind": channel.kind,
        "kinds": channel.kinds,
        "hint": channel.hint,
        "created_at": channel.created_at,
    }


def _check_contact(draft: ContactDraft) -> None:
    if not 0 < len(draft.name.strip()) <= _NAME or not draft.name.isprintable():
        raise Invalid(f"联系人姓名“{draft.name}”应为 1 到 {_NAME} 个字符")
    if draft.language not in LANGUAGES:
        raise Invalid(f"联系人 {draft.name} 的语言“{draft.language}”应为 zh-CN 或 en")
    if (draft.quiet_from is None) != (draft.quiet_until is None):
        raise Invalid(f"联系人 {draft.name} 的免打扰时段要同时写明起止，例如 22:00 到 08:00")
    zone_of(draft.zone)


def _check_channel(draft: ChannelDraft, allowed: frozenset[str]) -> tuple[str, str]:
    """Return the masked address of a channel and the address as it is kept."""
    if draft.kind not in set(ChannelKind):
        raise Invalid(f"渠道种类“{draft.kind}”应为 {'、'.join(ChannelKind)} 之一")
    unknown = [kind for kind in draft.kinds if kind not in set(Kind)]
    if unknown:
        raise Invalid(f"通知种类“{unknown[0]}”没有登记，请用 yuejie notices kinds 查看")
    if draft.kind == ChannelKind.EMAIL:
        found = smtp.addresses_of(draft.address)
        return ", ".join(mask(each) for each in found), ", ".join(found)
    if draft.kind in _SMS:
        phone = re.sub(r"[\s-]", "", draft.address)
        if not _PHONE.fullmatch(phone):
            raise Invalid("手机号应为 11 位，或以 + 和国家代码开头；请核对")
        return mask(phone), phone
    host = check_url(draft.kind, draft.address, allowed)
    return f"https://{host}/…{draft.address[-4:]}", draft.address


def _bucket(kind: str, address: str) -> str:
    """Name what shares a limit: the robot behind an address, without telling the address."""
    return sha256(f"{kind} {address}".encode()).hexdigest()[:32]


def _check_account(kind: str, settings: dict[str, str]) -> None:
    """Refuse what an account of this kind does not have, and an SMS account that cannot send."""
    known = _ACCOUNT[kind]
    sms = kind in _SMS
    for name, value in settings.items():
        template = _TEMPLATE.fullmatch(name) if sms else None
        if name not in known and not (template and template[1] in set(Kind)):
            raise Invalid(
                f"{kind} 发送账号没有设置项“{name}”，应为 {'、'.join(sorted(known))}"
                f"{'，或 template.通知种类' if sms else ''}；口令与密钥请用 --secret-env"
            )
        if not value.isprintable():
            raise Invalid(f"{kind} 发送账号的 {name} 含有不可见字符，请重新填写")
        if sms and name != "sign_name" and not value.isascii():
            raise Invalid(f"{kind} 发送账号的 {name} 只能用英文字符，请核对")
    missing = sorted(known - _OPTIONAL - settings.keys()) if sms else []
    if missing:
        raise Invalid(f"{kind} 发送账号缺少 {'、'.join(missing)}，请补全")
