"""The only SQL of the web: whether the database is fit and well, and the record of deeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

FIT: Final = "SELECT to_regclass('deed') IS NOT NULL"


def is_fit(tx: Tx) -> bool:
    """Tell whether the database has our tables; before its first migration it has none."""
    return tx.value(FIT) is True


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A change of master data: who did what to which thing, and the thing before and after."""

    deed_id: int
    at: datetime
    by: str
    verb: str
    noun: str
    name: str
    was: dict[str, Any] | None
    became: dict[str, Any] | None
    why: str
    via: str


DEEDS: Final = """
    SELECT deed_id, at, by, verb, noun, name, was, became, why, via
    FROM deed
    WHERE deed_id < %(before)s
      AND (%(noun)s::text IS NULL OR noun = %(noun)s)
      AND (%(called)s::text[] IS NULL OR name = ANY(%(called)s))
      AND (%(signers)s::text[] IS NULL OR by = ANY(%(signers)s))
      AND (%(verbs)s::text[] IS NULL OR verb = ANY(%(verbs)s)
           OR noun || ' ' || verb = ANY(%(verbs)s))
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    ORDER BY deed_id DESC
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deeds are looked for; what is None does not matter.

    A verb may be that of one noun alone: `bill pay`.
    """

    noun: str | None = None
    called: Sequence[str] | None = None
    signers: Sequence[str] | None = None
    verbs: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


def deeds(tx: Tx, sought: Sought, *, before: int, limit: int) -> list[DeedRow]:
    """Return the newest deeds before one: of a noun, a name, a person, a span, where given."""
    return tx.rows(DeedRow, DEEDS, **_sought(sought), before=before, limit=limit)


def _sought(sought: Sought) -> dict[str, object]:
    return {name: getattr(sought, name) for name in sought.__dataclass_fields__}


OWN: Final = """
    SELECT (SELECT coalesce(array_agg('customer:' || name), '{}') FROM member
            WHERE customer_id = %(customer_id)s) AS names,
           (SELECT coalesce(array_agg(member_id), '{}') FROM member
            WHERE customer_id = %(customer_id)s) AS members,
           (SELECT coalesce(array_agg(key_id), '{}') FROM api_key
            WHERE customer_id = %(customer_id)s) AS keys
"""


@dataclass(frozen=True, slots=True)
class _Own:
    names: list[str]
    members: list[str]
    keys: list[str]


DEEDS_OF: Final = """
    SELECT deed_id, at, by, verb, noun, name, was, became, why, via
    FROM deed d
    WHERE deed_id < %(before)s
      AND (
        (noun = 'member' AND name = ANY(%(members)s))
        OR (noun = 'api_key' AND name = ANY(%(keys)s))
        OR (by = ANY(%(names)s) AND EXISTS (
            -- A name may be somebody else's after its member has gone.
            SELECT FROM member m
            WHERE m.customer_id = %(customer_id)s AND d.by = 'customer:' || m.name
              AND d.at >= m.created_at AND (m.revoked_at IS NULL OR d.at < m.revoked_at)
        ))
      )
      AND (%(noun)s::text IS NULL OR noun = %(noun)s)
      AND (%(called)s::text[] IS NULL OR name = ANY(%(called)s))
      AND (%(signers)s::text[] IS NULL OR by = ANY(%(signers)s))
      AND (%(verbs)s::text[] IS NULL OR verb = ANY(%(verbs)s)
           OR noun || ' ' || verb = ANY(%(verbs)s))
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    ORDER BY deed_id DESC
    LIMIT %(limit)s
"""


def deeds_of(
    tx: Tx, customer_id: CustomerId, sought: Sought, *, before: int, limit: int
) -> list[DeedRow]:
    """Return the newest of a customer's own deeds before one.

    Its own are what its members did while they were its members, and what anybody did to its
    members and keys.
    """
    own = tx.row(_Own, OWN, customer_id=customer_id)
    return tx.rows(
        DeedRow,
        DEEDS_OF,
        customer_id=customer_id,
        names=own.names,
        members=own.members,
        keys=own.keys,
        before=before,
        limit=limit,
        **_sought(sought),
    )


def deeds_seen(
    tx: Tx, customer_id: CustomerId | None, sought: Sought, *, before: int, limit: int
) -> list[DeedRow]:
    """Return a customer's own deeds, or with no customer, everybody's."""
    if customer_id is None:
        return deeds(tx, sought, before=before, limit=limit)
    return deeds_of(tx, customer_id, sought, before=before, limit=limit)


# ── how the system is ───────────────────────────────────────────────────────────────────────────

INSTANT: Final = "SELECT clock_timestamp()"


def instant(tx: Tx) -> datetime:
    """Return the instant by the database's clock."""
    found = tx.value(INSTANT)
    assert isinstance(found, datetime)
    return found


@dataclass(frozen=True, slots=True)
class Machine:
    """What the database says of itself: its version, since when it runs, its size in bytes."""

    version: str
    started_at: datetime
    size_bytes: int


MACHINE: Final = """
    SELECT current_setting('server_version') AS version,
           pg_postmaster_start_time() AS started_at,
           pg_database_size(current_database()) AS size_bytes
"""


def machine(tx: Tx) -> Machine:
    """Return what the database says of itself."""
    return tx.row(Machine, MACHINE)


@dataclass(frozen=True, slots=True)
class Probe:
    """The clerk's last look at the gateway from outside."""

    minute: datetime
    is_ready: bool
    why: str
    took_ms: int
    node: str


LAST_PROBE: Final = """
    SELECT minute, is_ready, why, took_ms, node FROM gateway_probe ORDER BY minute DESC LIMIT 1
"""


def last_probe(tx: Tx) -> Probe | None:
    """Return the last look at the gateway, None before the first."""
    return tx.maybe(Probe, LAST_PROBE)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Traces that the clerk's rounds leave; None where a duty has never done anything yet."""

    probed_at: datetime | None
    capacity_through: datetime | None


ROUNDS: Final = """
    SELECT (SELECT max(minute) FROM gateway_probe) AS probed_at,
           (SELECT hours_through FROM capacity_cursor) AS capacity_through
"""


def rounds(tx: Tx) -> Rounds:
    """Return how far the clerk's recorded duties have come."""
    return tx.row(Rounds, ROUNDS)
