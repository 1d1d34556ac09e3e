"""A request at the door: who asks, what came, and how it is answered where it is refused."""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from yuejie.contracts.auto.policy import TASK_LENGTH
from yuejie.gateway.allow.betas import HEADER as BETAS
from yuejie.gateway.allow.betas import betas_of
from yuejie.gateway.call.endpoints import Action, Endpoint
from yuejie.gateway.call.form import Upload
from yuejie.gateway.call.headers import Pairs
from yuejie.gateway.meter.quick import quick_hint
from yuejie.gateway.refusal import Code, Dialect, Refused, body_of
from yuejie.gateway.rights.admission import Plan, merge_tags
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.snapshot import KeyRow
from yuejie.gateway.trace import Trace
from yuejie.kernel.ids import request_id
from yuejie.usage.dialects import BrokenJson, RequestHint, request_hint

CONFLICT: Final = 409
"""SDKs repeat a 409 unless they are told not to."""
_OPENAI: Final = Dialect.OPENAI


class Request:
    """One request at the door: who asks, in whose words to answer."""

    __slots__ = (
        "attempted",
        "dialect",
        "english",
        "exchange",
        "extra",
        "headers",
        "key",
        "model",
        "now_us",
        "operation",
        "trace",
    )

    def __init__(self, exchange: Exchange, now_us: int, operation: bytes) -> None:
        self.exchange = exchange
        self.now_us = now_us
        self.operation = operation
        self.headers = exchange.headers
        self.english = self.headers.get("accept-language", "")[:2].lower() == "en"
        self.dialect: Dialect = _OPENAI
        self.extra: Pairs = []
        """Headers of ours, whatever the answer is."""
        self.key: KeyRow | None = None
        self.model = ""
        """As the client names it, once that is read."""
        self.attempted = False
        """From then on the journal says what becomes of the call."""
        self.trace: Trace | None = None

    @property
    def request_id(self) -> str:
        """The operation's id as people see it."""
        return request_id(self.operation)

    @property
    def betas(self) -> str:
        """What a client of Anthropic's asks for by header, beyond the catalogue."""
        return betas_of(self.exchange.head.pairs) if BETAS in self.headers else ""

    def mark(self, stage: str, plan: Plan | None = None) -> None:
        """Note that a stage is over, if the call is sampled; a plan says whose call it is."""
        if self.trace is None:
            return
        self.trace.mark(stage)
        if plan is not None:
            self.trace.facts |= {
                "yuejie.customer": plan.key.customer_id,
                "yuejie.project": plan.key.project_id,
                "gen_ai.request.model": plan.model,
            }

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal."""
        named = self.request_id
        headers = [("content-type", "application/json"), ("x-request-id", named), *self.extra]
        if refused.retry_after_s is not None:
            headers.append(("retry-after", str(refused.retry_after_s)))
        elif refused.status == CONFLICT:
            headers.append(("x-should-retry", "false"))
        body = body_of(refused, self.dialect, named, english=self.english)
        self.exchange.response_bytes(refused.status, headers, body)

    def answer(self, body: bytes, kind: str = "application/json", status: int = 200) -> None:
        """Answer with something of our own."""
        headers = [("content-type", kind), ("x-request-id", self.request_id)]
        self.exchange.response_bytes(status, headers, body)


class Came(msgspec.Struct, frozen=True):
    """What came behind a head, and what is read of it."""

    body: bytes
    """Empty where a form is passed on as it comes."""
    form: Upload | None
    told: RequestHint


class Refusal(Exception):
    """A refusal on its way to the door."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code.name)
        self.refused = refused


def tags_of(request: Request, plan: Plan) -> str:
    """Return the tags of a call: its key's, and those its header adds."""
    told = request.headers.get("x-yuejie-tags")
    if told is None and "x-yuejie-tags" in request.exchange.head.hidden:
        # The server keeps to itself what is not ASCII; a tag must not vanish in silence.
        names = "、".join(plan.customer.tag_names) or "无"
        raise Refusal(Refused(Code.TAGS_UNFIT, {"why": "中文请用百分号编码", "names": names}))
    if not told:
        return plan.key.tags
    merged = merge_tags(plan, told)
    if isinstance(merged, Refused):
        raise Refusal(merged)
    return merged


def task_of(request: Request) -> str:
    """Read what a call says it is for; one that vanished in silence would cost the wrong price."""
    told: str = request.headers.get("x-yuejie-task", "")
    if not told and "x-yuejie-task" in request.exchange.head.hidden:
        raise Refusal(Refused(Code.TASK_UNFIT))
    return (unquote(told) if "%" in told else told).strip()[:TASK_LENGTH]


def hint_of(
    endpoint: Endpoint, action: Action | None, body: bytes, window_of: Callable[[str], int | None]
) -> RequestHint:
    """Read what must be remembered of a request."""
    try:
        hint = quick_hint(endpoint.api, body, window_of) or request_hint(endpoint.api, body)
    except BrokenJson as error:
        raise Refusal(Refused(Code.BODY_BROKEN, {"why": str(error)})) from error
    if action is not None:
        hint = replace(hint, model=action.model, stream=action.stream)
    if hint.context_window is None and (window := window_of(hint.model)) is not None:
        hint = replace(hint, context_window=window)
    return hint


def refuse_large(request: Request, limit: int) -> None:
    """Refuse a body that says it is longer than `limit` bytes, before any of it is read."""
    length = request.headers.get("content-length", "0")
    if len(length) > 18 or not length.isdecimal() or int(length) > limit:
        raise Refusal(Refused(Code.BODY_TOO_LARGE, {"limit": limit}))
