"""An identity provider: whose people it vouches for, and what its groups stand for. Pure."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from yuejie.customers.members.member import CUSTOMERS, OPERATORS, Role
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId

_DOMAIN: Final = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@([a-z0-9.-]{4,253})\Z")
_TEXT_MAX: Final = 300
DOMAINS_MAX: Final = 20
GROUPS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Provider:
    """What is kept of an identity provider; the secret of our client there is encrypted."""

    provider_id: str
    customer_id: CustomerId | None
    label: str
    issuer: str
    client_id: str
    sealed: bytes = field(repr=False)
    domains: tuple[str, ...]
    only_sso: bool
    groups: dict[str, str]
    """Which group of the provider's people brings which role, for those who are no members yet."""
    made_at: datetime
    ended_at: datetime | None = None

    def role_for(self, groups: frozenset[str]) -> Role | None:
        """Return the role that the first of a person's groups brings, in the order of the map."""
        found = next((role for group, role in self.groups.items() if group in groups), None)
        return Role(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDraft:
    """What an operator writes about an identity provider."""

    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: tuple[str, ...]
    only_sso: bool = False
    groups: dict[str, str] = field(default_factory=dict)

    def refuse_unfit(self, *, of_house: bool) -> None:
        """Refuse what could not work, or would give power away. Raises Invalid."""
        for what, text in (
            ("名称", self.label),
            ("client_id", self.client_id),
            ("client_secret", self.client_secret),
        ):
            if not text or len(text) > _TEXT_MAX or not text.isprintable():
                raise Invalid(f"单点登录的{what}应为 1 到 {_TEXT_MAX} 个可见字符")
        refuse_issuer(self.issuer)
        if not 0 < len(self.domains) <= DOMAINS_MAX:
            raise Invalid(f"请写 1 到 {DOMAINS_MAX} 个企业邮箱域名，例如 example.cn")
        for domain in self.domains:
            if not _DOMAIN.match(domain):
                raise Invalid(f"邮箱域名“{domain}”不对，请写成小写的 example.cn")
        allowed = (OPERATORS if of_house else CUSTOMERS) - {Role.ADMIN}
        if len(self.groups) > GROUPS_MAX:
            raise Invalid(f"用户组对应关系最多 {GROUPS_MAX} 条")
        for group, role in self.groups.items():
            if not group or len(group) > _TEXT_MAX or not group.isprintable():
                raise Invalid("用户组名称应为可见字符，请改正后重试")
            if role not in allowed:
                raise Invalid(
                    f"用户组“{group}”不能对应角色“{role}”，请写 {'、'.join(sorted(allowed))}"
                    " 之一（管理员只能由人指定）"
                )


def refuse_issuer(issuer: str) -> None:
    """Refuse an issuer that is no plain address: OpenID Connect Core §2, Discovery §4."""
    try:
        parts = urlsplit(issuer)
        parts.port  # noqa: B018 - reading it refuses a port that is no number
    except ValueError:
        raise Invalid(f"issuer“{issuer[:80]}”不是地址") from None
    plain = issuer.isascii() and issuer.isprintable() and " " not in issuer
    if parts.scheme not in {"https", "http"} or not parts.hostname or not plain:
        raise Invalid(f"issuer“{issuer[:80]}”应写成 https://login.example.cn 这样的地址")
    if parts.query or parts.fragment or parts.username is not None or len(issuer) > _TEXT_MAX:
        raise Invalid("issuer 不能带参数、片段或用户名，请原样抄写身份提供方给出的 issuer")


def email_of(text: str) -> str:
    """Read a mail address as it is compared: without case. Raises Invalid."""
    email = text.strip().lower()
    if not _EMAIL.match(email):
        raise Invalid(f"邮箱“{text[:80]}”格式不对，请写成 name@example.cn")
    return email


def domain_of(email: str) -> str:
    """Return what stands behind the @."""
    return email.rpartition("@")[2]


def read_list(text: str) -> tuple[str, ...]:
    """Read domains as people write them: separated by spaces, commas or lines."""
    found = re.split(r"[\s,，;；]+", text.strip().lower())
    return tuple(dict.fromkeys(each for each in found if each))


def read_groups(text: str) -> dict[str, str]:
    """Read which group brings which role, a line each: `finance-team = finance`."""
    found: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        group, mark, role = line.rpartition("=")
        if not mark:
            raise Invalid(f"用户组对应关系“{line.strip()[:80]}”应写成 用户组 = 角色，每行一条")
        found[group.strip()] = role.strip()
    return found
