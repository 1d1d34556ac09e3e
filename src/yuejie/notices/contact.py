"""Who is told, and by which channel: contacts, channels, quiet hours, senders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of

LANGUAGES: Final = ("zh-CN", "en")


class ChannelKind(StrEnum):
    """How a message travels; stored, and never renamed."""

    EMAIL = "email"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    ALIYUN_SMS = "aliyun_sms"
    TENCENT_SMS = "tencent_sms"
    WEBHOOK = "webhook"


MERGING: Final = frozenset(
    {ChannelKind.EMAIL, ChannelKind.WECOM, ChannelKind.DINGTALK, ChannelKind.FEISHU}
)
"""Channels that show several notices at once; an SMS has one template, a webhook one event."""
NEVER_QUIET: Final = frozenset({ChannelKind.WEBHOOK})
"""A program does not sleep."""
SENT_BY_SENDER: Final = frozenset(
    {ChannelKind.EMAIL, ChannelKind.ALIYUN_SMS, ChannelKind.TENCENT_SMS}
)
"""Channels that need an account of the operator's: a mail server, a contract for SMS."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many messages in so long, per robot."""

    most: int
    within: timedelta


RATES: Final[Mapping[ChannelKind, tuple[Rate, ...]]] = {
    ChannelKind.WECOM: (Rate(20, timedelta(minutes=1)),),
    ChannelKind.DINGTALK: (Rate(20, timedelta(minutes=1)),),
    ChannelKind.FEISHU: (Rate(100, timedelta(minutes=1)), Rate(5, timedelta(seconds=1))),
    ChannelKind.TENCENT_SMS: (Rate(1, timedelta(seconds=30)),),
}
"""What the platforms' documents allow; beyond it DingTalk drops everything for ten minutes.

The hours and days of an SMS number are settings of the operator's at its vendor: only the vendor's
own codes tell of them. Aliyun lets a notification of one template pass fifty times a day.
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or a group: a customer's, or the operator's where `customer_id` is None.

    Between `quiet_from` and `quiet_until`, local time, only what is urgent goes out.
    """

    contact_id: str
    customer_id: CustomerId | None
    name: str
    language: str
    zone: str
    quiet_from: time | None
    quiet_until: time | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a contact. `kinds` empty takes every kind; `hint` is the masked address.

    `bucket` is the same for two channels that share a robot, and with it the robot's limits.
    """

    channel_id: str
    contact_id: str
    customer_id: CustomerId | None
    kind: str
    kinds: list[str]
    hint: str
    sealed: bytes = field(repr=False)
    bucket: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """The operator's account for mail or SMS; its secret is sealed under its kind."""

    kind: str
    settings: dict[str, object]
    sealed: bytes = field(repr=False)


def quiet_end(
    now: datetime, zone: str, quiet_from: time | None, quiet_until: time | None
) -> datetime | None:
    """Return when the quiet hours end in which `now` lies, or None outside of them.

    An hour that the clocks repeat may end twice; the end that counts is the one ahead.
    """
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return None
    local = now.astimezone(zone_of(zone))
    clock = local.time()
    over_midnight = quiet_from > quiet_until
    inside = (
        clock >= quiet_from or clock < quiet_until
        if over_midnight
        else quiet_from <= clock < quiet_until
    )
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= quiet_from else 0)
    ends = datetime.combine(day, quiet_until, local.tzinfo).astimezone(UTC)
    if ends <= now:
        ends = datetime.combine(day, quiet_until, local.tzinfo).replace(fold=1).astimezone(UTC)
    return ends
