"""Who asks, and what it may do: the kinds of callers, and the rule that lets one through. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from yuejie.customers.key import ApiKey
from yuejie.customers.members.member import ASKS, AUDITS, SPEAKS, Member, Role
from yuejie.customers.members.power import Power, holds, refuse_powerless
from yuejie.customers.tokens.token import READ, Token
from yuejie.kernel.errors import Forbidden
from yuejie.kernel.ids import CustomerId


class Who(Enum):
    """Whom a route serves."""

    OPEN = "open"
    OPERATOR = "operator"
    OWN = "own"
    ASKS = "asks"
    SPEAKS = "speaks"
    TELLS = "tells"
    AUDITS = "audits"
    LEADS = "leads"
    MEMBER = "member"


_READING: Final = frozenset({Who.OWN, Who.OPERATOR, Who.AUDITS})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the operator, one of its members, or a customer by a key or a member of its own.

    With a `token` the member has handed some of its powers to a program.
    """

    name: str
    key: ApiKey | None = None
    member: Member | None = None
    token: Token | None = None

    @property
    def customer_id(self) -> CustomerId | None:
        """Whose rows the caller is confined to; the operator is confined to nobody's."""
        if self.key is not None:
            return self.key.customer_id
        return self.member.customer_id if self.member else None

    @property
    def myself(self) -> Member:
        """Return the member that asks for itself: MEMBER and LEADS let nobody else through."""
        assert self.member is not None, "what is a person's own is asked for by a member"
        return self.member

    @property
    def is_operator(self) -> bool:
        """Whether the house itself asks."""
        return self.customer_id is None

    @property
    def speaks(self) -> bool:
        """Whether the caller gives a customer's word, its own or on behalf of one."""
        if self.member is None:
            return self.is_operator
        if not self.has(Power.SPEAK):
            return False
        return holds(self.member, Power.SPEAK) if self.is_operator else self.member.role in SPEAKS

    @property
    def asks(self) -> bool:
        """Whether the caller asks for help, in its customer's name or on behalf of one.

        A key does not, nor does a customer's token: they lie in programs, and what they open would
        wake people up.
        """
        if self.member is None:
            return self.is_operator
        if self.is_operator:
            return holds(self.member, Power.ANSWER) and self.has(Power.ANSWER)
        return self.member.role in ASKS and self.token is None

    @property
    def audits(self) -> bool:
        """Whether the caller may read what was done, the operator's or a customer's own."""
        return self.is_operator or (self.member is not None and self.member.role in AUDITS)

    @property
    def leads(self) -> bool:
        """Whether the caller keeps the members of a customer, its own or on behalf of one."""
        if self.member is None:
            return self.is_operator
        return (
            holds(self.member, Power.SET_UP) if self.is_operator else self.member.role is Role.ADMIN
        )

    def has(self, scope: str) -> bool:
        """Whether a token may do a thing as far as its scopes go; whoever has none may."""
        return self.token is None or scope in self.token.scopes

    def needs(self, power: Power) -> None:
        """Refuse a member whose role does not hold a power; the operator's own token holds all.

        Of an API token, its scopes must hold it as well.
        """
        if not self.is_operator:
            raise Forbidden("客户密钥与客户成员不能使用这个接口，请改用运营令牌")
        if self.member is not None:
            refuse_powerless(self.member, power)
        self.refuse_beyond(power)

    def refuse_beyond(self, scope: str) -> None:
        """Refuse a token whose scopes do not have one."""
        if not self.has(scope):
            assert self.token is not None, "only a token lacks a scope"
            raise Forbidden(f"令牌（…{self.token.hint}）没有权限 {scope}，请新建有这项权限的令牌")


def permit(caller: Caller, who: Who | Power) -> None:
    """Refuse a caller whom a route does not serve. Raises Forbidden."""
    if isinstance(who, Power):
        caller.needs(who)
    if who in _READING:
        caller.refuse_beyond(READ)
    if who is Who.OPERATOR and not caller.is_operator:
        raise Forbidden("客户密钥与客户成员不能使用这个接口，请改用运营令牌")
    if who is Who.ASKS and not caller.asks:
        raise Forbidden("工单由客户的管理员、财务、开发成员或我方客服处理，无权由他人代办")
    if who is Who.TELLS and caller.is_operator:
        caller.needs(Power.SET_NOTICES)
    elif who in {Who.SPEAKS, Who.TELLS} and not caller.speaks:
        caller.refuse_beyond(Power.SPEAK)
        raise Forbidden("这个操作须由客户或运营方的管理员、财务成员进行，请改用其成员令牌")
    if who is Who.AUDITS and not caller.audits:
        raise Forbidden("操作记录由客户的管理员、审计成员查看，请由其查看")
    if who is Who.LEADS and not caller.leads:
        raise Forbidden("成员由客户的管理员管理，请联系贵方的管理员")
    if who in {Who.LEADS, Who.MEMBER} and (caller.member is None or caller.token is not None):
        raise Forbidden("这件事由成员本人办理，请登录控制台，或改用成员令牌 yj-m-…")


def may(caller: Caller, who: Who | Power) -> bool:
    """Tell whether a route serves a caller."""
    try:
        permit(caller, who)
    except Forbidden:
        return False
    return True
