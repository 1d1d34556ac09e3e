"""The only SQL of the rota and of advisers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.support.rota.duty import Duty

OPERATOR_READS: Final = {"advisers": "the operator looks at everybody's adviser"}

INSERT_DUTY: Final = """
    INSERT INTO duty (duty_id, person, starts_at, ends_at, is_override, made_by, made_at)
    VALUES (%(duty_id)s, %(person)s, %(starts_at)s, %(ends_at)s, %(is_override)s, %(made_by)s,
            %(made_at)s)
"""


def insert_duty(tx: Tx, duty: Duty) -> None:
    """Put somebody on duty."""
    tx.run(
        INSERT_DUTY,
        duty_id=duty.duty_id,
        person=duty.person,
        starts_at=duty.starts_at,
        ends_at=duty.ends_at,
        is_override=duty.is_override,
        made_by=duty.made_by,
        made_at=duty.made_at,
    )


DUTIES: Final = """
    SELECT duty_id, person, starts_at, ends_at, is_override, made_by, made_at
    FROM duty
    WHERE removed_at IS NULL AND ends_at > %(since)s AND starts_at < %(until)s
    ORDER BY starts_at, duty_id
    LIMIT %(limit)s
"""


def duties(tx: Tx, *, since: datetime, until: datetime, limit: int = 1_000) -> list[Duty]:
    """Return duties that touch a span, the earliest first."""
    return tx.rows(Duty, DUTIES, since=since, until=until, limit=limit)


REMOVE_DUTY: Final = """
    UPDATE duty SET removed_at = %(at)s WHERE duty_id = %(duty_id)s AND removed_at IS NULL
"""


def remove_duty(tx: Tx, duty_id: str, at: datetime) -> bool:
    """Take a duty off the rota; False where there is none."""
    return tx.run(REMOVE_DUTY, duty_id=duty_id, at=at) == 1


INSERT_ADVISER: Final = """
    INSERT INTO adviser (customer_id, person, named_by, named_at)
    VALUES (%(customer_id)s, %(person)s, %(by)s, %(at)s)
"""


def insert_adviser(tx: Tx, customer_id: CustomerId, person: str, *, by: str, at: datetime) -> None:
    """Name who advises a customer from now on."""
    tx.run(INSERT_ADVISER, customer_id=customer_id, person=person, by=by, at=at)


ADVISER: Final = """
    SELECT COALESCE((SELECT person FROM adviser WHERE customer_id = %(customer_id)s
                     ORDER BY adviser_id DESC LIMIT 1), '')
"""


def adviser(tx: Tx, customer_id: CustomerId) -> str:
    """Return who advises a customer, or nothing where nobody was named."""
    return str(tx.value(ADVISER, customer_id=customer_id))


@dataclass(frozen=True, slots=True)
class _Named:
    customer_id: CustomerId
    person: str


ADVISERS: Final = """
    SELECT DISTINCT ON (customer_id) customer_id, person
    FROM adviser
    ORDER BY customer_id, adviser_id DESC
"""


def advisers(tx: Tx) -> dict[CustomerId, str]:
    """Return who advises whom."""
    return {row.customer_id: row.person for row in tx.rows(_Named, ADVISERS)}
