"""The only SQL about identity providers, their people, and logins under way."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from yuejie.customers.members.member import Member, Role
from yuejie.customers.sso.provider import Provider
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "providers": "the operator sees every provider",
    "provider_by_id": "a login under way names its provider",
    "provider_for_domain": "who is asking is not known before",
    "person_by_subject": "who is asking is not known before",
    "person_by_email": "who is asking is not known before",
    "attempts_from": "who is asking is not known before",
    "take_attempt": "the attempt says what it is for",
    "emails": "the operator sees every member's",
}
"""Reads that serve the operator; all others take `customer_id` first."""

SWITCH: Final = "sso_providers"
"""The lock of who sets a provider up, shared by whoever is let in by password beside it."""


@dataclass(frozen=True, slots=True)
class _Row:
    provider_id: str
    customer_id: CustomerId | None
    label: str
    issuer: str
    client_id: str
    sealed: bytes
    domains: list[str]
    only_sso: bool
    groups: dict[str, str]
    made_at: datetime
    ended_at: datetime | None


def _provider(row: _Row) -> Provider:
    return Provider(
        provider_id=row.provider_id,
        customer_id=row.customer_id,
        label=row.label,
        issuer=row.issuer,
        client_id=row.client_id,
        sealed=row.sealed,
        domains=tuple(row.domains),
        only_sso=row.only_sso,
        groups=row.groups,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )


PROVIDERS: Final = """
    SELECT provider_id, customer_id, label, issuer, client_id, sealed, domains, only_sso, groups,
           made_at, ended_at
    FROM sso_provider
    WHERE ended_at IS NULL
    ORDER BY customer_id NULLS FIRST
"""


def providers(tx: Tx) -> list[Provider]:
    """Return every provider in use, the house's first."""
    return [_provider(row) for row in tx.rows(_Row, PROVIDERS)]


PROVIDER_OF: Final = """
    SELECT provider_id, customer_id, label, issuer, client_id, sealed, domains, only_sso, groups,
           made_at, ended_at
    FROM sso_provider
    WHERE ended_at IS NULL AND customer_id IS NOT DISTINCT FROM %(customer_id)s
"""


def provider_of(tx: Tx, customer_id: CustomerId | None) -> Provider | None:
    """Return the provider that vouches for a customer's people, or for the operator's."""
    row = tx.maybe(_Row, PROVIDER_OF, customer_id=customer_id)
    return _provider(row) if row else None


PROVIDER_BY_ID: Final = """
    SELECT provider_id, customer_id, label, issuer, client_id, sealed, domains, only_sso, groups,
           made_at, ended_at
    FROM sso_provider
    WHERE ended_at IS NULL AND provider_id = %(provider_id)s
"""


def provider_by_id(tx: Tx, provider_id: str) -> Provider | None:
    """Return a provider that is still in use."""
    row = tx.maybe(_Row, PROVIDER_BY_ID, provider_id=provider_id)
    return _provider(row) if row else None


PROVIDER_FOR_DOMAIN: Final = """
    SELECT provider_id, customer_id, label, issuer, client_id, sealed, domains, only_sso, groups,
           made_at, ended_at
    FROM sso_provider
    WHERE ended_at IS NULL AND %(domain)s = ANY(domains)
"""


def provider_for_domain(tx: Tx, domain: str) -> Provider | None:
    """Return the provider of a mail domain; a domain belongs to one at most."""
    row = tx.maybe(_Row, PROVIDER_FOR_DOMAIN, domain=domain)
    return _provider(row) if row else None


ADD_PROVIDER: Final = """
    INSERT INTO sso_provider (provider_id, customer_id, label, issuer, client_id, sealed, domains,
                              only_sso, groups, made_at)
    VALUES (%(provider_id)s, %(customer_id)s, %(label)s, %(issuer)s, %(client_id)s, %(sealed)s,
            %(domains)s, %(only_sso)s, %(groups)s::jsonb, %(made_at)s)
"""


def insert_provider(tx: Tx, provider: Provider) -> None:
    """Write a provider down."""
    tx.run(
        ADD_PROVIDER,
        provider_id=provider.provider_id,
        customer_id=provider.customer_id,
        label=provider.label,
        issuer=provider.issuer,
        client_id=provider.client_id,
        sealed=provider.sealed,
        domains=list(provider.domains),
        only_sso=provider.only_sso,
        groups=msgspec.json.encode(provider.groups).decode(),
        made_at=provider.made_at,
    )


END_PROVIDER: Final = """
    UPDATE sso_provider SET ended_at = %(at)s
    WHERE provider_id = %(provider_id)s AND ended_at IS NULL
"""


def end_provider(tx: Tx, provider_id: str, at: datetime) -> bool:
    """End a provider; False when it had ended before."""
    return tx.run(END_PROVIDER, provider_id=provider_id, at=at) == 1


END_LOGINS: Final = """
    UPDATE session SET ended_at = %(at)s
    WHERE ended_at IS NULL AND member_id IN (
        SELECT member_id FROM member WHERE customer_id IS NOT DISTINCT FROM %(customer_id)s
    )
"""


def end_logins(tx: Tx, customer_id: CustomerId | None, at: datetime) -> int:
    """End every session of a customer's members, or of the operator's."""
    return tx.run(END_LOGINS, customer_id=customer_id, at=at)


# ── people ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Known:
    member_id: str
    customer_id: CustomerId | None
    name: str
    role: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None
    subject: str | None
    provider_id: str | None

    @property
    def member(self) -> Member:
        return Member(
            self.member_id,
            self.customer_id,
            self.name,
            Role(self.role),
            self.digest,
            self.created_at,
            self.revoked_at,
        )


BY_SUBJECT: Final = """
    SELECT m.member_id, m.customer_id, m.name, m.role, m.digest, m.created_at, m.revoked_at,
           p.subject, p.provider_id
    FROM sso_person p
    JOIN member m USING (member_id)
    WHERE p.provider_id = %(provider_id)s AND p.subject = %(subject)s AND m.revoked_at IS NULL
"""


def person_by_subject(tx: Tx, provider_id: str, subject: str) -> Member | None:
    """Return the member that has logged in as this person before."""
    row = tx.maybe(_Known, BY_SUBJECT, provider_id=provider_id, subject=subject)
    return row.member if row else None


BY_EMAIL: Final = """
    SELECT m.member_id, m.customer_id, m.name, m.role, m.digest, m.created_at, m.revoked_at,
           p.subject, p.provider_id
    FROM sso_person p
    JOIN member m USING (member_id)
    WHERE p.email = %(email)s AND m.revoked_at IS NULL
      AND m.customer_id IS NOT DISTINCT FROM %(customer_id)s
"""


def person_by_email(
    tx: Tx, email: str, customer_id: CustomerId | None
) -> tuple[Member, str | None] | None:
    """Return the member that was given an address, and as which provider's person it is bound."""
    row = tx.maybe(_Known, BY_EMAIL, email=email, customer_id=customer_id)
    return (row.member, row.provider_id) if row else None


IS_DISMISSED: Final = """
    SELECT EXISTS (
        SELECT FROM sso_person p JOIN member m USING (member_id)
        WHERE m.revoked_at IS NOT NULL AND m.customer_id IS NOT DISTINCT FROM %(customer_id)s
          AND (p.email = %(email)s
               OR (p.provider_id = %(provider_id)s AND p.subject = %(subject)s))
    )
"""


def is_dismissed(
    tx: Tx, customer_id: CustomerId | None, *, email: str, provider_id: str, subject: str
) -> bool:
    """Tell whether somebody has ended this person before: no group brings it back."""
    return bool(
        tx.value(
            IS_DISMISSED,
            customer_id=customer_id,
            email=email,
            provider_id=provider_id,
            subject=subject,
        )
    )


PUT_EMAIL: Final = """
    INSERT INTO sso_person (member_id, email) VALUES (%(member_id)s, %(email)s)
    ON CONFLICT (member_id) DO UPDATE
    SET email = excluded.email, provider_id = NULL, subject = NULL, bound_at = NULL
"""


def put_email(tx: Tx, member_id: str, email: str) -> None:
    """Give a member an address; whoever it was bound to is nobody any more."""
    tx.run(PUT_EMAIL, member_id=member_id, email=email)


BIND: Final = """
    UPDATE sso_person SET provider_id = %(provider_id)s, subject = %(subject)s, bound_at = %(at)s
    WHERE member_id = %(member_id)s AND provider_id IS DISTINCT FROM %(provider_id)s
"""


def bind(tx: Tx, member_id: str, provider_id: str, subject: str, at: datetime) -> bool:
    """Bind a member to a provider's person; False when it is bound there already."""
    done = tx.run(BIND, member_id=member_id, provider_id=provider_id, subject=subject, at=at)
    return done == 1


# By the issuer, not by our own row of it: what is set up anew there still knows its people.
UNKNOWN_TO: Final = """
    SELECT max(p.label)
    FROM sso_provider p
    WHERE p.ended_at IS NULL AND p.only_sso
      AND p.customer_id IS NOT DISTINCT FROM %(customer_id)s
      AND NOT EXISTS (
          SELECT FROM sso_person s JOIN sso_provider q ON q.provider_id = s.provider_id
          WHERE s.member_id = %(member_id)s AND q.issuer = p.issuer)
"""


def unknown_to(tx: Tx, customer_id: CustomerId | None, member_id: str) -> str | None:
    """Name the only way in that has never let a member in; None where there is no such thing."""
    found: str | None = tx.value(UNKNOWN_TO, customer_id=customer_id, member_id=member_id)
    return found


EMAILS: Final = """
    SELECT p.member_id, p.email FROM sso_person p JOIN member m USING (member_id)
    WHERE m.revoked_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class _Address:
    member_id: str
    email: str


def emails(tx: Tx) -> dict[str, str]:
    """Return the address of every member that has one."""
    return {row.member_id: row.email for row in tx.rows(_Address, EMAILS)}


# ── logins under way ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that has gone to the provider and not come back yet."""

    provider_id: str
    browser: bytes = field(repr=False)
    nonce: str = field(repr=False)
    verifier: bytes = field(repr=False)
    back: str
    address: str
    begun_at: datetime


ADD_ATTEMPT: Final = """
    INSERT INTO sso_attempt (digest, provider_id, browser, nonce, verifier, back, address, begun_at)
    VALUES (%(digest)s, %(provider_id)s, %(browser)s, %(nonce)s, %(verifier)s, %(back)s,
            %(address)s, %(begun_at)s)
"""


def insert_attempt(tx: Tx, digest: bytes, attempt: Attempt) -> None:
    """Write down what a login began with, under the HMAC of its state."""
    tx.run(
        ADD_ATTEMPT,
        digest=digest,
        provider_id=attempt.provider_id,
        browser=attempt.browser,
        nonce=attempt.nonce,
        verifier=attempt.verifier,
        back=attempt.back,
        address=attempt.address,
        begun_at=attempt.begun_at,
    )


TAKE_ATTEMPT: Final = """
    UPDATE sso_attempt SET used_at = %(at)s
    WHERE digest = %(digest)s AND used_at IS NULL AND begun_at > %(since)s
    RETURNING provider_id, browser, nonce, verifier, back, address, begun_at
"""


def take_attempt(tx: Tx, digest: bytes, *, since: datetime, at: datetime) -> Attempt | None:
    """Take up a login, once; None when there is none, it is too old, or somebody was faster."""
    return tx.maybe(Attempt, TAKE_ATTEMPT, digest=digest, since=since, at=at)


COUNT_FROM: Final = """
    SELECT count(*) FROM sso_attempt WHERE address = %(address)s AND begun_at > %(since)s
"""


def attempts_from(tx: Tx, address: str, since: datetime) -> int:
    """Count the logins that were begun from an address."""
    found = tx.value(COUNT_FROM, address=address, since=since)
    assert isinstance(found, int)
    return found


FORGET_ATTEMPTS: Final = "DELETE FROM sso_attempt WHERE begun_at <= %(since)s"


def forget_attempts(tx: Tx, since: datetime) -> int:
    """Forget logins that never came back."""
    return tx.run(FORGET_ATTEMPTS, since=since)
