"""The only SQL about rules of shared costs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.bills.sharing.rule import Method, ShareRule
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

INSERT_RULE: Final = """
    INSERT INTO share_rule (rule_id, customer_id, what, method, weights, since, made_by, made_at)
    VALUES (%(rule_id)s, %(customer_id)s, %(what)s, %(method)s, %(weights)s::jsonb, %(since)s,
            %(by)s, %(at)s)
"""


def insert_rule(tx: Tx, rule: ShareRule) -> None:
    """Write a rule down; rules are only ever added."""
    tx.run(
        INSERT_RULE,
        rule_id=rule.rule_id,
        customer_id=rule.customer_id,
        what=rule.what,
        method=rule.method,
        weights=msgspec.json.encode(dict(rule.weights)).decode(),
        since=rule.since,
        by=rule.made_by,
        at=rule.made_at,
    )


@dataclass(frozen=True, slots=True)
class _RuleRow:
    rule_id: str
    customer_id: CustomerId
    what: str
    method: str
    weights: dict[str, int]
    since: str
    made_by: str
    made_at: datetime


RULES_OF: Final = """
    SELECT rule_id, customer_id, what, method, weights, since, made_by, made_at
    FROM share_rule
    WHERE customer_id = %(customer_id)s
    ORDER BY since, made_at, rule_id
"""


def rules_of(tx: Tx, customer_id: CustomerId) -> list[ShareRule]:
    """Return every rule of a customer, the earliest first."""
    return [
        ShareRule(
            rule_id=row.rule_id,
            customer_id=row.customer_id,
            what=row.what,
            method=Method(row.method),
            weights=row.weights,
            since=row.since,
            made_by=row.made_by,
            made_at=row.made_at,
        )
        for row in tx.rows(_RuleRow, RULES_OF, customer_id=customer_id)
    ]
