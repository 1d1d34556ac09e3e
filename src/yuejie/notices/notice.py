"""What there is to tell: kinds, the facts each needs, how urgent it is, and to whom it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId

KEY_LENGTH: Final = 200
ATTACHMENT_BYTES: Final = 15 * 1024 * 1024
"""Of one notice together: mail servers refuse 20 to 25 MB, and base64 adds a third."""


class Kind(StrEnum):
    """What happened; stored, and never renamed."""

    BILL_PROPOSED = "bill_proposed"
    BILL_ISSUED = "bill_issued"
    BILL_REVIEW_REMINDER = "bill_review_reminder"
    SETTLEMENT_WAITS = "settlement_waits"
    CORRECTION_REJECTED = "correction_rejected"
    REQUEST_REJECTED = "request_rejected"
    DISPUTE_REOPENED = "dispute_reopened"
    FAPIAO_ISSUED = "fapiao_issued"
    FAPIAO_DELIVERY = "fapiao_delivery"
    FAPIAO_DUE = "fapiao_due"
    PAYMENT_REMINDER = "payment_reminder"
    PAYMENT_RECEIVED = "payment_received"
    OVERDUE = "overdue"
    SUSPENSION_WARNING = "suspension_warning"
    SUSPENDED = "suspended"
    PREPAYMENT_EMPTY = "prepayment_empty"
    RESTORED = "restored"
    RED_FORM_WAITING = "red_form_waiting"
    RED_FORM_TO_ANSWER = "red_form_to_answer"
    RED_FORM_LAPSED = "red_form_lapsed"
    RED_FORM_UNREAD = "red_form_unread"
    RED_FORM_CONTRARY = "red_form_contrary"
    DRAWER_LOGGED_OUT = "drawer_logged_out"
    FAPIAO_CREDIT_LOW = "quota_low"
    CONTRACT_ENDING = "contract_ending"
    CONTRACT_RENEWING = "contract_renewing"
    CONTRACT_ENDED = "contract_ended"
    CONTRACT_RENEWED = "contract_renewed"
    CREDIT_USED = "credit_used"
    BUDGET_REACHED = "budget_reached"
    BUDGET_USED_UP = "budget_used_up"
    BUDGET_FORECAST = "budget_forecast"
    BUDGET_EASED = "budget_eased"
    PROTECTION_ACTED = "protection_acted"
    PROTECTION_RELEASED = "protection_released"
    DEPRECATION = "deprecation"
    PRICE_RISE = "price_rise"
    PROVIDER_ACCOUNT_LOW = "provider_account_low"
    PROVIDER_CREDENTIAL_ENDING = "provider_credential_ending"
    PROVIDER_CEILING_NEAR = "provider_ceiling_near"
    CAPACITY_NEAR = "capacity_near"
    SUSPENSE_UNCLAIMED = "suspense_unclaimed"
    SIGNING_ENDED = "signing_ended"
    ANOMALY = "anomaly"
    REPORT_READY = "report_ready"
    REPORT_FAILED = "report_failed"
    TICKET_OPENED = "ticket_opened"
    TICKET_URGENT = "ticket_urgent"
    TICKET_ANSWERED = "ticket_answered"
    TICKET_GRADED = "ticket_graded"
    TICKET_DUE_SOON = "ticket_due_soon"
    TICKET_MISSED = "ticket_missed"
    TRIAL_GRANTED = "trial_granted"
    TRIAL_HALF_USED = "trial_half_used"
    TRIAL_USED_UP = "trial_used_up"
    TRIAL_ENDING = "trial_ending"
    TRIAL_ENDED = "trial_ended"
    TRIAL_CONVERTED = "trial_converted"
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    UNDELIVERED = "undelivered"
    TEST = "test"


class Audience(StrEnum):
    """Whose contacts hear of it."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class Severity(StrEnum):
    """How soon a person must know: only what is urgent breaks quiet hours, and goes alone."""

    ROUTINE = "routine"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Needs:
    """The facts a kind cannot be told without; in this order they are the parameters of an SMS."""

    facts: tuple[str, ...]
    severity: Severity = Severity.ROUTINE


_URGENT: Final = Severity.URGENT
NEEDS: Final[Mapping[Kind, Needs]] = {
    Kind.BILL_PROPOSED: Needs(("month", "amount", "review_until")),
    Kind.BILL_ISSUED: Needs(("number", "month", "amount", "due_on")),
    Kind.BILL_REVIEW_REMINDER: Needs(("month", "amount", "review_until")),
    Kind.SETTLEMENT_WAITS: Needs(("customer", "month", "why")),
    Kind.CORRECTION_REJECTED: Needs(("correction", "customer", "amount", "drafted_by", "why")),
    Kind.REQUEST_REJECTED: Needs(("request", "asked", "ended", "asked_by", "why")),
    Kind.DISPUTE_REOPENED: Needs(("customer", "bill", "line", "why")),
    Kind.FAPIAO_ISSUED: Needs(("fapiao_number", "amount")),
    Kind.FAPIAO_DELIVERY: Needs(("fapiao_number", "amount")),
    Kind.FAPIAO_DUE: Needs(("number", "amount", "fapiao_by")),
    Kind.PAYMENT_REMINDER: Needs(("number", "amount", "due_on")),
    Kind.PAYMENT_RECEIVED: Needs(("amount", "received_on")),
    Kind.OVERDUE: Needs(("number", "amount", "due_on", "days")),
    Kind.SUSPENSION_WARNING: Needs(("amount", "suspend_on"), _URGENT),
    Kind.SUSPENDED: Needs(("amount",), _URGENT),
    Kind.PREPAYMENT_EMPTY: Needs(("available",), _URGENT),
    Kind.RESTORED: Needs(()),
    Kind.RED_FORM_WAITING: Needs(("fapiao_number", "amount")),
    Kind.RED_FORM_TO_ANSWER: Needs(("fapiao_number", "amount", "until"), _URGENT),
    Kind.RED_FORM_LAPSED: Needs(("fapiao_number", "amount", "until")),
    Kind.RED_FORM_UNREAD: Needs(("fapiao_number", "form_number", "why"), _URGENT),
    Kind.RED_FORM_CONTRARY: Needs(
        (
            *("fapiao_number", "amount", "form_number", "answer", "answered_by", "approved_by"),
            *("became", "noted_by", "why"),
        ),
        _URGENT,
    ),
    Kind.DRAWER_LOGGED_OUT: Needs(("drawer",), _URGENT),
    Kind.FAPIAO_CREDIT_LOW: Needs(("remaining",)),
    Kind.CONTRACT_ENDING: Needs(("contract", "ends_on", "days")),
    Kind.CONTRACT_RENEWING: Needs(("contract", "ends_on", "months", "say_until")),
    Kind.CONTRACT_ENDED: Needs(("contract", "ends_on")),
    Kind.CONTRACT_RENEWED: Needs(("contract", "ends_on")),
    Kind.CREDIT_USED: Needs(("used", "limit", "percent")),
    Kind.BUDGET_REACHED: Needs(("budget", "used", "limit", "percent")),
    Kind.BUDGET_USED_UP: Needs(("budget", "used", "limit", "percent", "effect"), _URGENT),
    Kind.BUDGET_FORECAST: Needs(("budget", "forecast", "limit", "percent")),
    Kind.BUDGET_EASED: Needs(("budget", "used", "limit", "percent")),
    Kind.PROTECTION_ACTED: Needs(("protection", "finding", "effect"), _URGENT),
    Kind.PROTECTION_RELEASED: Needs(("protection", "finding", "effect", "why")),
    Kind.DEPRECATION: Needs(("model", "ends_on", "days")),
    Kind.PRICE_RISE: Needs(("model", "starts_on")),
    Kind.PROVIDER_ACCOUNT_LOW: Needs(("account", "balance"), _URGENT),
    Kind.PROVIDER_CREDENTIAL_ENDING: Needs(("account", "ends_on", "days")),
    Kind.PROVIDER_CEILING_NEAR: Needs(("account", "used", "limit", "percent"), _URGENT),
    Kind.CAPACITY_NEAR: Needs(("account", "model", "gauge", "peak", "ceiling", "percent", "when")),
    Kind.SUSPENSE_UNCLAIMED: Needs(("amount", "received_on")),
    Kind.SIGNING_ENDED: Needs(("draft", "outcome", "why")),
    Kind.ANOMALY: Needs(
        ("scope", "measure", "since", "observed", "expected", "key", "model", "extra"), _URGENT
    ),
    Kind.REPORT_READY: Needs(("report", "span", "rows")),
    Kind.REPORT_FAILED: Needs(("report", "why")),
    Kind.TICKET_OPENED: Needs(("ticket", "customer", "grade", "subject", "answer_by")),
    Kind.TICKET_URGENT: Needs(("ticket", "customer", "grade", "subject", "answer_by"), _URGENT),
    Kind.TICKET_ANSWERED: Needs(("ticket", "subject", "state")),
    Kind.TICKET_GRADED: Needs(("ticket", "subject", "before", "grade", "why")),
    Kind.TICKET_DUE_SOON: Needs(("ticket", "customer", "grade", "subject", "answer_by"), _URGENT),
    Kind.TICKET_MISSED: Needs(("ticket", "customer", "grade", "subject", "answer_by"), _URGENT),
    Kind.TRIAL_GRANTED: Needs(("trial", "customer", "limit", "ends_on")),
    Kind.TRIAL_HALF_USED: Needs(("trial", "customer", "used", "limit", "ends_on")),
    Kind.TRIAL_USED_UP: Needs(("trial", "customer", "used", "limit", "ends_on"), _URGENT),
    Kind.TRIAL_ENDING: Needs(("trial", "customer", "used", "limit", "ends_on")),
    Kind.TRIAL_ENDED: Needs(("trial", "customer", "used", "limit", "amount")),
    Kind.TRIAL_CONVERTED: Needs(("trial", "customer", "contract", "starts_on")),
    Kind.INCIDENT: Needs(("what", "state", "text"), _URGENT),
    Kind.MAINTENANCE: Needs(("what", "state", "since", "until", "text")),
    Kind.UNDELIVERED: Needs(("message", "channel", "why")),
    Kind.TEST: Needs((), _URGENT),
}
"""Amounts are written out with their currency, days as whole numbers, dates as 2026-11-10."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along, by mail only."""

    name: str
    media_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell, once: `key` names the occasion, e.g. `bill:<bill_id>:issued`.

    Facts beyond those that the kind needs are listed where the wording has a label for them;
    `link` becomes a button. With audience `customer` there is a customer; an operator's notice may
    name the customer that it is about.
    """

    kind: str
    audience: str
    facts: dict[str, str]
    key: str
    customer_id: CustomerId | None
    attachments: tuple[Attachment, ...] = ()


def checked(notice: Notice) -> Notice:
    """Return a notice that can be told, or say what it lacks."""
    if notice.kind not in set(Kind):
        raise Invalid(f"通知种类“{notice.kind}”没有登记，请改用 yuejie notices kinds 列出的种类")
    missing = [name for name in NEEDS[Kind(notice.kind)].facts if name not in notice.facts]
    if missing:
        raise Invalid(f"通知 {notice.key}（{notice.kind}）缺少 {'、'.join(missing)}，请补上再发")
    if notice.audience not in set(Audience):
        raise Invalid(f"通知 {notice.key} 的对象“{notice.audience}”应为 customer 或 operator")
    if notice.audience == Audience.CUSTOMER and notice.customer_id is None:
        raise Invalid(f"通知 {notice.key} 发给客户，但没有写明客户")
    if not 0 < len(notice.key) <= KEY_LENGTH:
        raise Invalid(f"通知的键“{notice.key}”应为 1 到 {KEY_LENGTH} 个字符")
    if sum(len(each.body) for each in notice.attachments) > ATTACHMENT_BYTES:
        raise Invalid(f"通知 {notice.key} 的附件超过 {ATTACHMENT_BYTES} 字节，请改为附上链接")
    return notice


def is_urgent(kind: str) -> bool:
    """Tell whether a kind breaks quiet hours and is never merged with others."""
    return NEEDS[Kind(kind)].severity is Severity.URGENT
