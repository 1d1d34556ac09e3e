"""What a client asked, once it is admitted: everything an attempt needs, in one place."""

from collections.abc import AsyncIterable
from typing import Protocol

import msgspec

from yuejie.gateway.allow.asked_for import with_longest
from yuejie.gateway.allow.slices import Hold
from yuejie.gateway.call.endpoints import Action, Endpoint
from yuejie.gateway.call.headers import Pairs
from yuejie.gateway.refusal import Refused, body_of
from yuejie.gateway.rights.admission import Plan, Route
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.trace import Trace
from yuejie.gateway.upstream.choice import Choice
from yuejie.gateway.upstream.port import Said
from yuejie.usage.dialects import (
    Api,
    RequestHint,
    UsageFilter,
    force_include_usage,
    replace_model,
)

_FORCED = frozenset({Api.OPENAI_CHAT, Api.OPENAI_COMPLETIONS})


class Form(Protocol):
    """A multipart body on its way through."""

    def renamed(self, model: str) -> AsyncIterable[bytes]:
        """Give the body once, with another model's name in it."""
        ...

    async def whole(self) -> bytes:
        """Wait for all of it, and return a digest of what it says."""
        ...


class Asked(msgspec.Struct, eq=False):
    """One operation: the client, its request, its rights."""

    exchange: Exchange
    endpoint: Endpoint
    action: Action | None
    operation: bytes
    request_id: str
    query: str
    said: Said
    """What its headers tell the provider."""
    english: bool
    hint: RequestHint
    body: bytes
    form: Form | None
    plan: Plan
    tags: str
    hold: Hold | None = None
    longest: int = 0
    """The longest answer that is written into a request which names none; 0: nothing is."""
    choice: Choice | None = None
    """Of an auto model: who answers, and why."""
    marks: dict[str, str] = {}
    """What is kept of the request with its events, beside what the provider says: two numbers."""
    extra: Pairs = []
    """Headers of ours on the answer: what is left of a rate."""
    trace: Trace | None = None
    """Where the stages of a sampled call are noted."""
    _bodies: dict[tuple[str, str], bytes] = {}

    @property
    def hides_usage(self) -> bool:
        """Usage must be asked for upstream and hidden from a client that did not ask."""
        hint = self.hint
        return hint.stream and not hint.include_usage and self.endpoint.api in _FORCED

    def usage_filter(self) -> UsageFilter | None:
        """Return what hides the usage, where it must be hidden."""
        return UsageFilter() if self.hides_usage else None

    def url(self, route: Route) -> str:
        """Return where a route's provider is asked this."""
        access = route.target.access
        action = self.action
        if action is None:
            return f"{access.base_url}{self.endpoint.tail}{self.query}"
        model = route.target.upstream_model
        return f"{access.base_url}/{action.version}/models/{model}:{action.verb}{self.query}"

    def body_for(self, route: Route) -> bytes | AsyncIterable[bytes]:
        """Return the body as this route's provider must see it."""
        name = route.target.upstream_model
        if self.form is not None:
            return self.form.renamed(name)
        platform = route.target.access.platform
        body = self._bodies.get((name, platform))
        if body is None:
            body = self._spliced(name)
            if self.longest:
                body = with_longest(self.endpoint.api, platform, body, self.longest)
            self._bodies[name, platform] = body
        return body

    def _spliced(self, name: str) -> bytes:
        body = self.body
        if name != self.hint.model or (self.action is None and _may_name_two(body)):
            if self.action is None:
                body = replace_model(body, name)
            elif self.endpoint.api is Api.GEMINI_EMBED:
                # Embedding names the model once more in the body, and insists that it agrees.
                body = body.replace(
                    b'"models/%b"' % self.hint.model.encode(), b'"models/%b"' % name.encode()
                )
        return force_include_usage(body) if self.hides_usage else body

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal of ours."""
        headers = [("content-type", "application/json"), ("x-request-id", self.request_id)]
        if refused.retry_after_s is not None:
            headers.append(("retry-after", str(refused.retry_after_s)))
        body = body_of(refused, self.endpoint.dialect, self.request_id, english=self.english)
        self.exchange.response_bytes(refused.status, headers, body)


def _may_name_two(body: bytes) -> bool:
    """Tell quickly whether two models may be named: some readers take the first, some the last."""
    return body.count(b'"model"') > 1 or b"\\u00" in body
