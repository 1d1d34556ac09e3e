"""The door: requests come in, find their endpoint, and are admitted or refused."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from traceback import format_exception
from typing import Any, Final

import msgspec
import structlog

from yuejie.customers.key import digest_of, digest_of_foreign
from yuejie.gateway.allow.leases import Leases, rate_headers
from yuejie.gateway.allow.needs import caps_of, needs_of, output_bound
from yuejie.gateway.allow.slices import Need
from yuejie.gateway.allow.worst import Call
from yuejie.gateway.call.asked import Asked
from yuejie.gateway.call.claims import KEY_LENGTH, Claims
from yuejie.gateway.call.endpoints import (
    LISTING,
    OFFERED,
    POSTS,
    Action,
    Endpoint,
    action_of,
    dialect_of,
    not_offered,
)
from yuejie.gateway.call.form import Spoilt, receive
from yuejie.gateway.call.headers import query_upward, secret_of, upward
from yuejie.gateway.call.live import Running
from yuejie.gateway.call.operation import CUT, Operation, Workshop
from yuejie.gateway.call.wants import wants_of
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.prefix import Sketch, look
from yuejie.gateway.meter.refused import Whose
from yuejie.gateway.metrics import CONTENT_TYPE, Gauges
from yuejie.gateway.refusal import Code, Dialect, Refused
from yuejie.gateway.request import (
    Came,
    Refusal,
    Request,
    hint_of,
    refuse_large,
    tags_of,
    task_of,
)
from yuejie.gateway.rights.admission import Admission, Plan
from yuejie.gateway.rights.listing import entry, listing
from yuejie.gateway.server.exchange import Exchange, Gone, TooLong
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.gateway.trace import Traces
from yuejie.gateway.upstream.choice import Choice, choose
from yuejie.kernel.limits import BODY_BYTES, SNAPSHOT_AGE, UPLOAD_BYTES
from yuejie.usage.dialects import RequestHint

log = structlog.get_logger()

AGE_US: Final = int(SNAPSHOT_AGE.total_seconds()) * 1_000_000
_PATHS: Final = "、".join(OFFERED)
_HINT: Final = 4
KEYS: Final = 10_000
"""Keys whose digests are remembered: an HMAC costs as much as a third of an admission."""


class Gateway:
    """What answers the requests of one worker."""

    def __init__(
        self,
        shop: Workshop,
        chrono: Chrono,
        claims: Claims,
        leases: Leases,
        gauges: Gauges,
        pepper: bytes,
        sketch: Sketch,
        traces: Traces | None = None,
    ) -> None:
        self._traces = traces
        self._sketch = sketch
        self._shop = shop
        self._chrono = chrono
        self._claims = claims
        self._leases = leases
        self._gauges = gauges
        self._pepper = pepper
        self._admission: Admission | None = None
        self._published_us = 0
        self.is_leaving = False
        """Whether load balancers are to look elsewhere; calls are served all the same."""
        self._digests: dict[str, tuple[bytes, bytes, str]] = {}
        """By the header that named a key: its two digests, and what hints at it."""

    def know(self, admission: Admission, published_us: int) -> None:
        """Judge by other rights from now on."""
        if self._admission is None or admission.view is not self._admission.view:
            rows = (row for own in admission.view.allowances.values() for row in own)
            self._leases.know(rows, admission.view.workers)
            self._shop.vitals.watch(admission.view.watched())
        self._admission = admission
        self._published_us = self._gauges.published_us = published_us

    def answer(self, exchange: Exchange) -> Coroutine[Any, Any, object]:
        """Answer one request."""
        now_us = self._chrono.now_us()
        request = Request(exchange, now_us, self._chrono.new_id(now_us))
        if self._traces is None:
            return self._answer(request)
        return self._traced(request, self._traces)

    async def _traced(self, request: Request, traces: Traces) -> None:
        """Answer a request and note where its time went, if it is one of those that are watched."""
        request.trace = traces.begin(request.headers, request.now_us)
        failed = "stopped"
        try:
            failed = await self._answer(request)
        except Gone:
            failed = "client_gone"
            raise
        finally:
            if request.trace is not None and request.trace.marks:
                request.trace.facts["yuejie.request"] = request.request_id
                traces.end(request.trace, request.exchange.path, failed=failed)

    async def _answer(self, request: Request) -> str:
        """Do so; return the code of our own refusal, or nothing."""
        exchange = request.exchange
        try:
            if exchange.method == "POST":
                endpoint = POSTS.get(exchange.path)
                if endpoint is not None:
                    request.dialect = endpoint.dialect
                    await self._call(request, endpoint, None)
                    return ""
                action = action_of(exchange.path)
                if action is not None:
                    request.dialect = Dialect.GEMINI
                    await self._call(request, action.endpoint, action)
                    return ""
            self._other(request)
        except Refusal as refusal:
            code = refusal.refused.code
            self._note(request, refusal.refused)
            request.refuse(refusal.refused)
            return code.name.lower()
        except Gone:
            raise
        except Exception as error:
            # Without the values of variables: a prompt or a key may be among them.
            trace = "".join(format_exception(error))
            log.critical("gateway.error", request=request.request_id, trace=trace)
            if not request.attempted:
                self._note(request, Refused(Code.INTERNAL))
            if not exchange.begun:
                request.refuse(Refused(Code.INTERNAL))
            raise
        return ""

    def _note(self, request: Request, refused: Refused) -> None:
        """Write down a request that is turned away: a call is counted, and each can be looked up.

        A client's first try is often a list of models; that is no call, but it has an id.
        """
        code, turned = refused.code, self._shop.turned
        reason, status, now_us = code.name.lower(), code.value.status, request.now_us
        self._gauges.refused(code)
        whose = self._whose(request)
        if request.exchange.method == "POST":
            turned.count(now_us, reason, status, whose)
        turned.keep(request.operation, now_us, reason, status, refused.facts, whose)

    def _whose(self, request: Request) -> Whose:
        """Return under whom a request is turned away, and what is known of it by now."""
        key, view = request.key, self._admission.view if self._admission else None
        if key is None and view is not None:
            # Turned away before anybody looked whose key it is: a worker that stops, old rights.
            secret = secret_of(request.headers, request.exchange.query)
            key = view.keys.get(digest_of(secret, self._pepper)) if secret else None
        known = view is not None and (request.model in view.models or request.model in view.autos)
        model = request.model if known else ""
        return Whose(key.customer_id, key.project_id, key.key_id, model) if key else Whose()

    async def _call(self, request: Request, endpoint: Endpoint, action: Action | None) -> None:
        admission = self._rights(request)
        digest, hint = self._digest(request, admission)
        key = admission.key(digest, hint, request.now_us)
        if isinstance(key, Refused):
            raise Refusal(key)
        request.key = key
        admitted_us = request.now_us
        body = None if endpoint.multipart else request.exchange.here(BODY_BYTES)
        if body is not None:
            came = Came(body, None, hint_of(endpoint, action, body, admission.view.window_of))
        else:
            came = await self._received(request, endpoint, action, admission)
            # A body may take minutes: its rights and prices are those of its end.
            admission, admitted_us = self._admission or admission, self._chrono.now_us()
        request.mark("receive")
        request.model = came.told.model
        plan = admission.admit(
            digest,
            hint,
            request.model,
            endpoint.dialect,
            request.exchange.path,
            now_us=admitted_us,
        )
        if isinstance(plan, Refused):
            raise Refusal(plan)
        asked = self._asked(request, endpoint, action, came, plan)
        live, running = self._shop.live, self._enter(request)
        # Whatever the call takes on its way is given back here.
        try:
            if asked.plan.caps and (caps := caps_of(asked.plan, asked.tags)):
                await self._reserve(request, asked, caps)
            if asked.plan.salt and asked.body:
                asked.marks = self._prefix(asked, request.now_us)
            client_key = request.headers.get("idempotency-key")
            if client_key is None:
                request.attempted = True
                await Operation(asked, self._shop, running, request.now_us).run()
            else:
                await self._claimed(request, asked, client_key, running)
        except asyncio.CancelledError:
            if running.cut is None or request.attempted:
                raise
            raise Refusal(Refused(CUT[running.cut], retry_after_s=1)) from None
        finally:
            if asked.hold is not None:
                asked.hold.release()
            live.leave(running)

    def _asked(
        self, request: Request, endpoint: Endpoint, action: Action | None, came: Came, plan: Plan
    ) -> Asked:
        """Put together what an admitted call asks for, and whom, where a policy chooses."""
        choice = None
        if plan.auto is not None:
            call = Call(endpoint.api, came.told, came.body, request.betas)
            plan, choice = self._choose(request, plan, call)
        tags = tags_of(request, plan)
        request.mark("admit", plan)
        return Asked(
            exchange=request.exchange,
            endpoint=endpoint,
            action=action,
            operation=request.operation,
            request_id=request.request_id,
            query=query_upward(request.exchange.query),
            said=upward(request.exchange.head),
            english=request.english,
            hint=came.told,
            body=came.body,
            form=came.form,
            plan=plan,
            tags=tags,
            hold=None,
            longest=0,
            choice=choice,
            extra=request.extra,
            trace=request.trace,
        )

    def _enter(self, request: Request) -> Running:
        """Count a call among those under way."""
        live, task = self._shop.live, request.exchange.task
        assert task is not None, "the server answers every request in a task"
        if live.stopping:
            # A body may take minutes: nothing waits any more for what enters now.
            raise Refusal(Refused(Code.STOPPING, retry_after_s=1))
        return live.enter(task)

    async def _reserve(
        self, request: Request, asked: Asked, caps: tuple[AllowanceRow, ...]
    ) -> None:
        """Hold what the call may come to at worst, or refuse it."""
        asked.longest = output_bound(caps)
        now_us = self._chrono.now_us()
        call = Call(asked.endpoint.api, asked.hint, asked.body, request.betas)
        needs = self._needs(asked.plan, caps, call, asked.longest, now_us)
        found = self._leases.pass_now(needs, now_us) or await self._leases.ask(needs)
        if not isinstance(found, Refused):
            asked.hold = found
        request.extra = asked.extra = rate_headers(needs, now_us)
        if isinstance(found, Refused):
            raise Refusal(found)
        request.mark("reserve")

    def _choose(self, request: Request, plan: Plan, call: Call) -> tuple[Plan, Choice]:
        """Let an auto model's policy choose; what is held then covers whoever it may come to."""
        auto = plan.auto
        assert auto is not None, "asked of auto models alone"
        task = task_of(request) or plan.key.task
        ruled = auto.of(task)
        shop = self._shop
        choice = choose(
            plan.model,
            auto.row.version,
            ruled,
            task,
            wants_of(call),
            vitals=shop.vitals,
            breakers=shop.breakers,
            chance=shop.chance,
            now_us=request.now_us,
        )
        if isinstance(choice, Refused):
            raise Refusal(choice)
        assert ruled.plan is not None, "somebody was chosen"
        return ruled.plan, choice

    def _prefix(self, asked: Asked, now_us: int) -> dict[str, str]:
        """Count what of a prompt was sent before, for whom asked for it; no call fails by it."""
        salt, model = asked.plan.salt, asked.hint.model
        found = look(self._sketch, salt, model, asked.body, now_us // 1_000_000)
        return found.facts if found is not None else {}

    def _needs(
        self, plan: Plan, caps: tuple[AllowanceRow, ...], call: Call, longest: int, now_us: int
    ) -> Sequence[Need]:
        """Return what a call reserves of every allowance at worst, or refuse the call."""
        admission = self._admission
        assert admission is not None, "a plan was made by it"
        slices, view = self._leases.slices, admission.view
        needs = needs_of(plan, caps, slices, call, view, longest=longest, now_us=now_us)
        if isinstance(needs, Refused):
            raise Refusal(needs)
        return needs

    async def _claimed(
        self, request: Request, asked: Asked, client_key: str, running: Running
    ) -> None:
        """Carry a call that is sent once under its client's key."""
        customer_id = asked.plan.key.customer_id
        client_key = client_key[:KEY_LENGTH]
        said = asked.body
        if asked.form is not None:
            try:
                said = await asked.form.whole()
            except Spoilt as spoilt:
                raise Refusal(spoilt.refused) from spoilt
        refused = await self._claims.claim(
            customer_id,
            client_key,
            asked=request.exchange.path.encode() + b"\0" + said,
            operation=request.operation,
            now_us=request.now_us,
        )
        if refused is not None:
            raise Refusal(refused)
        request.attempted = True
        frees = partial(self._claims.release, customer_id, client_key, request.operation)
        operation = Operation(asked, self._shop, running, request.now_us, frees)
        try:
            await operation.run()
        finally:
            await operation.free()

    def _rights(self, request: Request) -> Admission:
        admission = self._admission
        if admission is None or request.now_us - self._published_us > AGE_US:
            raise Refusal(Refused(Code.SNAPSHOT_STALE, retry_after_s=1))
        if self._shop.live.stopping:
            raise Refusal(Refused(Code.STOPPING, retry_after_s=1))
        return admission

    def _digest(self, request: Request, admission: Admission) -> tuple[bytes, str]:
        """Return by what a key is known: its HMAC, or that of its SHA-256 where it came so."""
        told = request.headers.get("authorization", "")
        known = self._digests.get(told)
        if known is None:
            secret = secret_of(request.headers, request.exchange.query)
            if not secret:
                raise Refusal(Refused(Code.KEY_MISSING))
            known = (
                digest_of(secret, self._pepper),
                digest_of_foreign(secret, self._pepper),
                secret[-_HINT:],
            )
            if told[:7].lower() == "bearer ":
                if len(self._digests) >= KEYS:
                    self._digests.clear()
                self._digests[told] = known
        digest, foreign, hint = known
        keys = admission.view.keys
        return foreign if digest not in keys and foreign in keys else digest, hint

    async def _received(
        self,
        request: Request,
        endpoint: Endpoint,
        action: Action | None,
        admission: Admission,
    ) -> Came:
        if endpoint.multipart:
            refuse_large(request, UPLOAD_BYTES)
            content_type = request.headers.get("content-type", "")
            form = await receive(content_type, request.exchange.chunks())
            if isinstance(form, Refused):
                raise Refusal(form)
            fields = form.fields
            stream = fields.get("stream", "").lower() == "true"
            return Came(b"", form, RequestHint(fields.get("model", ""), stream=stream))
        refuse_large(request, BODY_BYTES)
        try:
            body = await request.exchange.body(BODY_BYTES)
        except TooLong:
            raise Refusal(Refused(Code.BODY_TOO_LARGE, {"limit": BODY_BYTES})) from None
        return Came(body, None, hint_of(endpoint, action, body, admission.view.window_of))

    def _other(self, request: Request) -> None:
        """Answer what is no call: lists of models, health, numbers, and strangers."""
        path: str = request.exchange.path
        method: str = request.exchange.method
        anthropic = "anthropic-version" in request.headers
        request.dialect = dialect_of(path, anthropic)
        listed = LISTING.match(path)
        if method == "GET" and listed is not None:
            self._list(request, listed[2])
        elif method == "GET" and path == "/healthz":
            request.answer(b"ok\n", "text/plain; charset=utf-8")
        elif method == "GET" and path == "/readyz":
            self._ready(request)
        elif method == "GET" and path == "/metrics":
            request.answer(self._gauges.page(), CONTENT_TYPE)
        elif (what := not_offered(path)) is not None:
            raise Refusal(Refused(Code.NOT_OFFERED, {"path": path, "what": what, "paths": _PATHS}))
        else:
            facts = {"method": method, "path": path, "paths": _PATHS}
            raise Refusal(Refused(Code.PATH_UNKNOWN, facts))

    def _ready(self, request: Request) -> None:
        try:
            skew_ms = self._rights(request).view.skew_ms
            refused = Refused(Code.CLOCK_SKEWED, {"skew_ms": skew_ms}) if skew_ms else None
            if self.is_leaving:
                refused = Refused(Code.STOPPING)
        except Refusal as refusal:
            refused = refusal.refused
        if refused is not None:
            sentence = refused.sentence(request.request_id, english=request.english)
            request.answer(f"{sentence}\n".encode(), "text/plain; charset=utf-8", 503)
        else:
            request.answer(b"ready\n", "text/plain; charset=utf-8")

    def _list(self, request: Request, name: str | None) -> None:
        admission = self._rights(request)
        dialect = request.dialect
        if "x-goog-api-key" in request.headers:
            dialect = request.dialect = Dialect.GEMINI
        digest, hint = self._digest(request, admission)
        key = admission.key(digest, hint, request.now_us)
        if isinstance(key, Refused):
            raise Refusal(key)
        names = admission.models(key, dialect, request.now_us)
        if isinstance(names, Refused):
            raise Refusal(names)
        view = admission.view
        if name is None:
            request.answer(listing([view.listed(each) for each in names], dialect))
        elif name in names:
            request.answer(_json(entry(view.listed(name), dialect)))
        else:
            facts = {"model": name, "models": ", ".join(names)}
            raise Refusal(Refused(Code.MODEL_UNKNOWN, facts))


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
