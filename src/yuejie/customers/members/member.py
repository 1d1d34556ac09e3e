"""A member: a person who acts under its own name, for the operator or for a customer.

Deeds that need two people need two members. A member's token is shown once and kept as an HMAC,
like a key's secret; it opens the console's API and the command line, never the gateway.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.ids import CustomerId

PREFIX: Final = "yj-m-"
_SECRET_BYTES: Final = 32


class Role(StrEnum):
    """What a member is there for; `developer` and `auditor` are a customer's, the others differ."""

    ADMIN = "admin"
    FINANCE = "finance"
    SALES = "sales"
    SUPPORT = "support"
    DEVELOPER = "developer"
    AUDITOR = "auditor"


OPERATORS: Final = frozenset({Role.ADMIN, Role.FINANCE, Role.SALES, Role.SUPPORT})
CUSTOMERS: Final = frozenset({Role.ADMIN, Role.FINANCE, Role.DEVELOPER, Role.AUDITOR})
SPEAKS: Final = frozenset({Role.ADMIN, Role.FINANCE})
"""Who gives a customer's word about bills, fapiao and payments."""
ASKS: Final = SPEAKS | {Role.DEVELOPER}
"""Who asks for help in a customer's name; an auditor looks on."""
AUDITS: Final = frozenset({Role.ADMIN, Role.AUDITOR})
"""Who sees what was done in a customer's name."""


@dataclass(frozen=True, slots=True)
class Member:
    """What is kept of a member; without a customer it is one of the operator's."""

    member_id: str
    customer_id: CustomerId | None
    name: str
    role: Role
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def signs_as(self) -> str:
        """How deeds name this member: never two the same."""
        return f"{'customer' if self.customer_id else 'operator'}:{self.name}"


def make_token() -> str:
    """Return a fresh token, 256 random bits; the only time it exists in clear."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
