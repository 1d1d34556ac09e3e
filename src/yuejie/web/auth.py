"""Who may ask what: the one table of every route, and how a caller is known.

    OPEN       anybody: health, metrics, the description of the API
    OPERATOR   whoever holds the operator's token, and the operator's members
    OWN        the operator; a customer's keys and members for the rows of their own customer
    SPEAKS     the operator; a customer's members that give its word (admin, finance)

A route that is not in the table cannot be served: building the application fails.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from yuejie.bills.documents.stamp.note import Stamping
from yuejie.bills.documents.stamp.picture import read_stamp
from yuejie.customers.enrol import find_customer
from yuejie.customers.key import PREFIX, ApiKey, digest_of
from yuejie.customers.members.member import PREFIX as MEMBER_PREFIX
from yuejie.customers.members.member import SPEAKS, Member
from yuejie.customers.members.store import member_by_digest
from yuejie.customers.store import key_by_digest
from yuejie.db.session import Tx
from yuejie.kernel.errors import DomainError, Forbidden, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.web.desk import Desk, DeskHere, Now

API: Final = "/api/v1"


class Who(Enum):
    """Whom a route serves."""

    OPEN = "open"
    OPERATOR = "operator"
    OWN = "own"
    SPEAKS = "speaks"


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
    ("GET", f"{API}/customers/{{customer}}/limits"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/limits"): Who.OPERATOR,
    ("POST", f"{API}/limits/{{limit}}/approve"): Who.OPERATOR,
    ("GET", f"{API}/grants"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/grants"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/grants"): Who.OPERATOR,
    ("POST", f"{API}/grants/{{grant}}/approve"): Who.OPERATOR,
    ("GET", f"{API}/credit-classes"): Who.OPERATOR,
    ("PUT", f"{API}/credit-classes/{{credit_class}}"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts/{{draft}}"): Who.OPERATOR,
    ("PUT", f"{API}/contract-drafts/{{draft}}"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/review"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/sign"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/{{step}}"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts/{{draft}}/documents/{{format}}"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts/{{draft}}/papers"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/papers"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts/{{draft}}/signings"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/signings"): Who.OPERATOR,
    ("GET", f"{API}/contract-papers/{{paper}}/file"): Who.OPERATOR,
    ("GET", f"{API}/signings/{{signing}}"): Who.OPERATOR,
    ("POST", f"{API}/signings/{{signing}}/resume"): Who.OPERATOR,
    ("POST", "/signing/callbacks/{platform}"): Who.OPEN,
    ("GET", f"{API}/contracts"): Who.OWN,
    ("GET", f"{API}/contracts/{{contract}}/documents/{{format}}"): Who.OWN,
    ("POST", f"{API}/contracts/{{contract}}/renew"): Who.OPERATOR,
    ("POST", f"{API}/contracts/{{contract}}/terminate"): Who.OPERATOR,
    ("GET", f"{API}/contract-ends"): Who.OPERATOR,
    ("POST", f"{API}/contract-ends/{{end}}/approve"): Who.OPERATOR,
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
    ("GET", f"{API}/customers/{{customer}}/packs/{{month}}"): Who.OWN,
    ("POST", f"{API}/bills/close"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/propose"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/confirm"): Who.SPEAKS,
    ("POST", f"{API}/bills/{{bill}}/reopen"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/issue"): Who.OPERATOR,
    ("GET", f"{API}/bills/{{bill}}/life"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}/disputes"): Who.OWN,
    ("POST", f"{API}/bills/{{bill}}/disputes"): Who.SPEAKS,
    ("POST", f"{API}/disputes/{{dispute}}/withdraw"): Who.SPEAKS,
    ("POST", f"{API}/disputes/{{dispute}}/accept"): Who.OPERATOR,
    ("POST", f"{API}/disputes/{{dispute}}/reject"): Who.OPERATOR,
    ("GET", f"{API}/disputes"): Who.OPERATOR,
    ("GET", f"{API}/adjustments"): Who.OPERATOR,
    ("POST", f"{API}/adjustments"): Who.OPERATOR,
    ("POST", f"{API}/adjustments/{{adjustment}}/{{decision}}"): Who.OPERATOR,
    ("GET", f"{API}/bills/{{bill}}/credit-notes"): Who.OWN,
    ("POST", f"{API}/bills/{{bill}}/credit-notes"): Who.OPERATOR,
    ("POST", f"{API}/credit-notes/{{note}}/approve"): Who.OPERATOR,
    ("POST", f"{API}/credit-notes/{{note}}/reject"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/billing-units"): Who.OPERATOR,
    ("GET", f"{API}/members"): Who.OPERATOR,
    ("POST", f"{API}/members"): Who.OPERATOR,
    ("POST", f"{API}/members/{{member}}/revoke"): Who.OPERATOR,
    ("GET", f"{API}/fapiao/available"): Who.OWN,
    ("GET", f"{API}/fapiao/titles"): Who.OWN,
    ("POST", f"{API}/fapiao/titles"): Who.SPEAKS,
    ("PUT", f"{API}/fapiao/titles/{{title}}"): Who.SPEAKS,
    ("GET", f"{API}/fapiao"): Who.OWN,
    ("POST", f"{API}/fapiao"): Who.SPEAKS,
    ("GET", f"{API}/fapiao/{{fapiao}}"): Who.OWN,
    ("GET", f"{API}/fapiao/{{fapiao}}/files/{{form}}"): Who.OWN,
    ("POST", f"{API}/fapiao/{{fapiao}}/approve"): Who.OPERATOR,
    ("POST", f"{API}/fapiao/{{fapiao}}/decline"): Who.OPERATOR,
    ("POST", f"{API}/fapiao/{{fapiao}}/upload"): Who.OPERATOR,
    ("POST", f"{API}/fapiao/{{fapiao}}/reverse"): Who.OPERATOR,
    ("POST", f"{API}/fapiao/titles/{{title}}/retire"): Who.SPEAKS,
    ("GET", f"{API}/red-fapiao"): Who.OWN,
    ("POST", f"{API}/red-fapiao/{{red}}/approve"): Who.OPERATOR,
    ("POST", f"{API}/red-fapiao/{{red}}/withdraw"): Who.OPERATOR,
    ("POST", f"{API}/red-fapiao/{{red}}/upload"): Who.OPERATOR,
    ("GET", f"{API}/fapiao-errands"): Who.OPERATOR,
    ("GET", f"{API}/fapiao-limit"): Who.OPERATOR,
    ("POST", "/fapiao/callbacks/{provider}"): Who.OPEN,
    ("GET", f"{API}/bank/accounts"): Who.OPERATOR,
    ("POST", f"{API}/bank/accounts"): Who.OPERATOR,
    ("POST", f"{API}/bank/accounts/{{account}}/statements"): Who.OPERATOR,
    ("GET", f"{API}/pay-into"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/virtual-accounts"): Who.OPERATOR,
    ("PUT", f"{API}/customers/{{customer}}/parent"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/payer-authorisations"): Who.OPERATOR,
    ("GET", f"{API}/receipts"): Who.OWN,
    ("GET", f"{API}/receipts/{{receipt}}"): Who.OPERATOR,
    ("POST", f"{API}/receipts/match"): Who.OPERATOR,
    ("POST", f"{API}/receipts/{{receipt}}/apportion"): Who.OPERATOR,
    ("POST", f"{API}/apportionments/{{batch}}/undo"): Who.OPERATOR,
    ("POST", f"{API}/receipts/{{receipt}}/bounce"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/draw"): Who.OPERATOR,
    ("GET", f"{API}/claims"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/claims"): Who.SPEAKS,
    ("POST", f"{API}/claims/{{claim}}/accept"): Who.OPERATOR,
    ("POST", f"{API}/claims/{{claim}}/reject"): Who.OPERATOR,
    ("GET", f"{API}/refunds"): Who.OPERATOR,
    ("POST", f"{API}/receipts/{{receipt}}/refunds"): Who.OPERATOR,
    ("POST", f"{API}/refunds/{{refund}}/{{decision}}"): Who.OPERATOR,
    ("PUT", f"{API}/refunds/{{refund}}/paid"): Who.OPERATOR,
    ("PUT", f"{API}/refunds/{{refund}}/failed"): Who.OPERATOR,
    ("GET", f"{API}/receivables/ageing"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/receivables"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/statement"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/letters/{{letter}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/deposit-slips"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/deposit-slips/{{number}}"): Who.OWN,
    ("GET", f"{API}/waivers"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/waivers"): Who.OPERATOR,
    ("POST", f"{API}/waivers/{{waiver}}/{{decision}}"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/standing"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/reprieve"): Who.OPERATOR,
    ("GET", f"{API}/proofs/{{month}}"): Who.OPERATOR,
    ("GET", f"{API}/deeds"): Who.OPERATOR,
    ("GET", f"{API}/ledger/balances"): Who.OPERATOR,
    ("GET", f"{API}/ledger/trial-balance"): Who.OPERATOR,
    ("GET", f"{API}/ledger/statement"): Who.OPERATOR,
    ("GET", f"{API}/ledger/entries"): Who.OPERATOR,
    ("GET", f"{API}/ledger/check"): Who.OPERATOR,
    ("POST", f"{API}/ledger/accruals"): Who.OPERATOR,
    ("GET", f"{API}/ledger/handovers"): Who.OPERATOR,
    ("POST", f"{API}/ledger/handovers"): Who.OPERATOR,
    ("GET", f"{API}/ledger/handovers/{{batch_id}}/file"): Who.OPERATOR,
    ("GET", f"{API}/providers/standings"): Who.OPERATOR,
    ("GET", f"{API}/providers/warnings"): Who.OPERATOR,
    ("PUT", f"{API}/providers/{{account_id}}/terms"): Who.OPERATOR,
    ("POST", f"{API}/providers/{{account_id}}/balances"): Who.OPERATOR,
    ("GET", f"{API}/providers/bills"): Who.OPERATOR,
    ("POST", f"{API}/providers/bills"): Who.OPERATOR,
    ("POST", f"{API}/providers/bills/{{provider_bill_id}}/void"): Who.OPERATOR,
    ("GET", f"{API}/providers/payments"): Who.OPERATOR,
    ("POST", f"{API}/providers/payments"): Who.OPERATOR,
    ("POST", f"{API}/providers/payments/{{payment_id}}/decision"): Who.OPERATOR,
    ("POST", f"{API}/providers/payments/{{payment_id}}/paid"): Who.OPERATOR,
    ("POST", f"{API}/reconciliations/reports"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations/reports"): Who.OPERATOR,
    ("POST", f"{API}/reconciliations"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations/{{reconciliation_id}}"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations/{{reconciliation_id}}/tables/{{table}}"): Who.OPERATOR,
    ("GET", f"{API}/margins/{{month}}"): Who.OPERATOR,
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
    """Who asks: the operator, one of its members, or a customer by a key or a member of its own."""

    name: str
    key: ApiKey | None = None
    member: Member | None = None

    @property
    def customer_id(self) -> CustomerId | None:
        """Whose rows the caller is confined to; the operator is confined to nobody's."""
        if self.key is not None:
            return self.key.customer_id
        return self.member.customer_id if self.member else None

    @property
    def is_operator(self) -> bool:
        """Whether the house itself asks."""
        return self.customer_id is None

    @property
    def speaks(self) -> bool:
        """Whether the caller gives a customer's word, or the house's."""
        return self.is_operator or (self.member is not None and self.member.role in SPEAKS)


_bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="令牌",
    description="运营令牌 `yj-…`（`yuejie token` 可见），"
    "成员令牌 `yj-m-…`，或客户的 API 密钥 `sk-yj-…`（只读自己的数据）",
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
        raise Forbidden("客户密钥与客户成员不能使用这个接口，请改用运营令牌")
    if who is Who.SPEAKS and not caller.speaks:
        raise Forbidden("这个操作须由客户的管理员或财务成员进行，请改用其成员令牌")
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
    if secret.startswith(MEMBER_PREFIX):
        return _member(desk, secret)
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


def _member(desk: Desk, token: str) -> Caller:
    with desk.door.database().read() as tx:
        member = member_by_digest(tx, digest_of(token, desk.pepper))
    if member is None:
        raise Unauthenticated("成员令牌无效，请核对后重试，或请管理员重新签发")
    if member.revoked_at is not None:
        raise Unauthenticated(f"成员 {member.name} 已停用，请联系管理员")
    return Caller(member.signs_as, member=member)


def _stamping(
    desk: DeskHere,
    caller: AnyCaller,
    now: Now,
    *,
    stamped: Annotated[
        bool, Query(description="加盖印章图样（仅运营方；只是图片，不是电子签名）")
    ] = False,
) -> Stamping | None:
    if not stamped:
        return None
    if not caller.is_operator:
        raise Forbidden("加盖印章图样的文件只能由运营方下载，请联系运营方")
    return Stamping(read_stamp(desk.stamp_file), by=caller.name, now=now)


StampingHere = Annotated[Stamping | None, Depends(_stamping)]
"""What stamps a paper, where `?stamped=true` asks for it; only the operator may ask."""


def whose(tx: Tx, caller: Caller, asked: str | None) -> CustomerId | None:
    """Return whose rows to read: a key's own, or whom the operator asks for, None for everybody.

    A key that names another customer hears what it would hear of one that does not exist.
    """
    if caller.customer_id is None:
        return find_customer(tx, asked).customer_id if asked else None
    if asked and find_customer(tx, asked).customer_id != caller.customer_id:
        raise NotFound(f"客户不存在：{asked}", customer=asked)
    return caller.customer_id
