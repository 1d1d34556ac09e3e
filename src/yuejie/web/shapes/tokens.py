"""API tokens on the wire."""

from typing import Annotated, Final

from pydantic import Field

from yuejie.customers.members.power import Power
from yuejie.customers.tokens.keep import MadeToken
from yuejie.customers.tokens.token import NAME_MAX, READ, Token
from yuejie.web.shapes.wire import In, Instant, Out

_SCOPES: Final = "|".join((READ, *Power))
Scope = Annotated[str, Field(pattern=f"^({_SCOPES})$")]


class TokenIn(In):
    """新建一个 API 令牌。"""

    name: str = Field(
        description="用途，便于日后辨认", min_length=1, max_length=NAME_MAX, examples=["对账脚本"]
    )
    scopes: list[Scope] = Field(
        description="权限：read 为读取，其余与角色的权限同名；不能超出自己的角色",
        min_length=1,
        max_length=len(Power) + 1,
        examples=[["read"]],
    )
    expires_at: Instant = Field(description="到期时间，至多 366 天之后")


class TokenOut(Out):
    """API 令牌，不含令牌本身。"""

    token_id: str = Field(description="编号")
    name: str = Field(description="用途")
    hint: str = Field(description="令牌的末四位")
    scopes: list[str] = Field(description="权限")
    made_at: Instant = Field(description="新建时间")
    expires_at: Instant = Field(description="到期时间")
    used_at: Instant | None = Field(description="最近一次使用，精确到分钟；空为从未使用")
    revoked_at: Instant | None = Field(description="吊销时间；空为在用")

    @classmethod
    def of(cls, token: Token) -> "TokenOut":
        """Write a token."""
        shown = {name: getattr(token, name) for name in cls.model_fields if name != "scopes"}
        return cls(**shown, scopes=sorted(token.scopes))


class TokenMade(TokenOut):
    """新令牌；令牌只在这次答复中出现。"""

    token: str = Field(description="令牌")

    @classmethod
    def of_made(cls, made: MadeToken) -> "TokenMade":
        """Write a fresh token with its secret."""
        return cls(**TokenOut.of(made.token).model_dump(), token=made.secret)
