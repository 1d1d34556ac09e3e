"""Who may ask what: the one table of every route, and how a caller is known.

    OPEN       anybody: health, metrics, the description of the API
    OPERATOR   whoever holds the operator's token
    OWN        the operator, and a customer's key for the rows of its own customer

A route that is not in the table cannot be served: building the application fails.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from yuejie.customers.enrol import find_customer
from yuejie.customers.key import PREFIX, ApiKey, digest_of
from yuejie.customers.store import key_by_digest
from yuejie.db.session import Tx
from yuejie.kernel.errors import DomainError, Forbidden, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.web.desk import Desk, DeskHere

API: Final = "/api/v1"


class Who(Enum):
    """Whom a route serves."""

    OPEN = "open"
    OPERATOR = "operator"
    OWN = "own"


ACCESS: Final[dict[tuple[str, str], Who]] = {
    ("GET", "/healthz"): Who.OPEN,
    ("GET", "/readyz"): Who.OPEN,
    ("GET", "/metrics"): Who.OPEN,
    ("GET", "/api/docs"): Who.OPEN,
    ("GET", "/api/docs/{name}"): Who.OPEN,
    ("GET", "/api/openapi.json"): Who.OPEN,
    ("GET", f"{API}/customers"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}"): Who.OPERATOR,
    ("PUT", f"{API}/customers/{{customer}}"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/projects"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/projects"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/keys"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/keys"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/contracts"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/contracts"): Who.OPERATOR,
    ("POST", f"{API}/keys/{{key_id}}/rotate"): Who.OPERATOR,
    ("POST", f"{API}/keys/{{key_id}}/revoke"): Who.OPERATOR,
    ("GET", f"{API}/models"): Who.OWN,
    ("GET", f"{API}/models/deprecations"): Who.OPERATOR,
    ("POST", f"{API}/models/{{model_id:path}}/disable"): Who.OPERATOR,
    ("POST", f"{API}/models/{{model_id:path}}/enable"): Who.OPERATOR,
    ("GET", f"{API}/deployments"): Who.OPERATOR,
    ("POST", f"{API}/deployments/{{deployment_id:path}}/drain"): Who.OPERATOR,
    ("POST", f"{API}/deployments/{{deployment_id:path}}/restore"): Who.OPERATOR,
    ("GET", f"{API}/books"): Who.OPERATOR,
    ("GET", f"{API}/books/{{book_id}}/revisions"): Who.OPERATOR,
    ("GET", f"{API}/books/{{book_id}}/price"): Who.OPERATOR,
    ("GET", f"{API}/fx"): Who.OPERATOR,
    ("POST", f"{API}/fx"): Who.OPERATOR,
    ("GET", f"{API}/usage"): Who.OWN,
    ("GET", f"{API}/usage/worklist"): Who.OPERATOR,
    ("POST", f"{API}/usage/worklist/{{event_id}}/resolve"): Who.OPERATOR,
    ("POST", f"{API}/usage/worklist/reprice"): Who.OPERATOR,
    ("POST", f"{API}/usage/events"): Who.OPERATOR,
    ("GET", f"{API}/requests"): Who.OWN,
    ("GET", f"{API}/requests/{{request_id}}"): Who.OWN,
    ("GET", f"{API}/bills"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}/documents/{{kind}}"): Who.OWN,
    ("POST", f"{API}/bills/close"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/issue"): Who.OPERATOR,
    ("GET", f"{API}/proofs/{{month}}"): Who.OPERATOR,
    ("GET", f"{API}/deeds"): Who.OPERATOR,
    ("GET", f"{API}/notices/contacts"): Who.OWN,
    ("POST", f"{API}/notices/contacts"): Who.OPERATOR,
    ("GET", f"{API}/notices/channels"): Who.OWN,
    ("POST", f"{API}/notices/contacts/{{contact_id}}/channels"): Who.OPERATOR,
    ("POST", f"{API}/notices/channels/{{channel_id}}/test"): Who.OPERATOR,
    ("POST", f"{API}/notices/channels/{{channel_id}}/rotate"): Who.OPERATOR,
    ("POST", f"{API}/notices/channels/{{channel_id}}/remove"): Who.OPERATOR,
    ("POST", f"{API}/notices/contacts/{{contact_id}}/remove"): Who.OPERATOR,
    ("GET", f"{API}/notices/log"): Who.OWN,
}


class Unauthenticated(DomainError):
    """Nobody we know is asking."""

    code: ClassVar[str] = "unauthenticated"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the operator, or a customer by one of its keys."""

    name: str
    key: ApiKey | None = None

    @property
    def customer_id(self) -> CustomerId | None:
        """Whose rows the caller is confined to; the operator is confined to nobody's."""
        return self.key.customer_id if self.key else None

    @property
    def is_operator(self) -> bool:
        """Whether the house itself asks."""
        return self.key is None


_bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="令牌",
    description="运营令牌 `yj-…`（`yuejie token` 可见），"
    "或客户的 API 密钥 `sk-yj-…`（只读自己的数据）",
)


def admit(
    request: Request,
    desk: DeskHere,
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Let a caller through to a route that serves it, or refuse."""
    caller = _recognise(desk, shown.credentials if shown else "", desk.clock.now())
    who = ACCESS[request.method, request.scope["route"].path]
    if who is Who.OPERATOR and not caller.is_operator:
        raise Forbidden("客户密钥不能使用这个接口，请改用运营令牌")
    return caller


AnyCaller = Annotated[Caller, Depends(admit)]


def guarded(tag: str, *, prefix: str = "") -> APIRouter:
    """Return a router whose every route admits its caller first.

    It carries the whole path of its routes, under which ACCESS knows them.
    """
    return APIRouter(prefix=f"{API}{prefix}", tags=[tag], dependencies=[Depends(admit)])


def _recognise(desk: Desk, secret: str, now: datetime) -> Caller:
    """Find out who holds a token. A suspended customer may still read: its bills remain due."""
    if not secret:
        raise Unauthenticated("请求没有带令牌，请加上请求头 Authorization: Bearer <运营令牌>")
    if hmac.compare_digest(secret.encode(), desk.operator_token.encode()):
        return Caller("api:operator")
    if not secret.startswith(PREFIX):
        raise Unauthenticated("运营令牌不对，请用 yuejie token 查看后重试")
    with desk.door.database().read() as tx:
        key = key_by_digest(tx, digest_of(secret, desk.pepper))
    if key is None:
        raise Unauthenticated("密钥无效，请核对后重试，或请管理员重新签发")
    if key.revoked_at is not None:
        raise Unauthenticated(f"密钥（…{key.hint}）已吊销，请换用新密钥")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated(f"密钥（…{key.hint}）已过期，请换用新密钥")
    return Caller(f"key:{key.key_id}", key)


def whose(tx: Tx, caller: Caller, asked: str | None) -> CustomerId | None:
    """Return whose rows to read: a key's own, or whom the operator asks for, None for everybody.

    A key that names another customer hears what it would hear of one that does not exist.
    """
    if caller.customer_id is None:
        return find_customer(tx, asked).customer_id if asked else None
    if asked and find_customer(tx, asked).customer_id != caller.customer_id:
        raise NotFound(f"客户不存在：{asked}", customer=asked)
    return caller.customer_id
