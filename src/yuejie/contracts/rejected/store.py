"""The only SQL about what of contracts was turned down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "turned_down_since": "the operator's people are told of what they asked for",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedDown:
    """One thing that was turned down: its kind, its id, how often so far, by whom and why."""

    asked: str
    thing_id: str
    occasion: str
    customer_id: CustomerId | None
    currency: str | None
    amount_fen: int | None
    asked_by: str
    by: str
    at: datetime
    why: str


TURNED_DOWN_SINCE: Final = """
    SELECT kind AS asked, grant_id AS thing_id, '' AS occasion, customer_id, currency, amount_fen,
           asked_by, rejected_by AS by, rejected_at AS at, rejected_why AS why
    FROM customer_grant WHERE rejected_at >= %(since)s
    UNION ALL
    SELECT 'temporary_limit', limit_id, '', customer_id, currency, limit_fen,
           asked_by, rejected_by, rejected_at, rejected_why
    FROM temporary_limit WHERE rejected_at >= %(since)s
    UNION ALL
    SELECT 'contract_end', end_id, '', customer_id, NULL, NULL,
           asked_by, rejected_by, rejected_at, rejected_why
    FROM contract_end WHERE rejected_at >= %(since)s
    UNION ALL
    SELECT 'price_change', change_id, '', NULL, NULL, NULL,
           asked_by, decided_by, decided_at, decided_why
    FROM price_change WHERE state = 'rejected' AND decided_at >= %(since)s
    UNION ALL
    SELECT 'contract_draft', draft_id, ':' || step.step_id, draft.customer_id, NULL, NULL,
           draft.drafted_by, step.by, step.at, step.why
    FROM contract_draft_step step JOIN contract_draft draft USING (draft_id)
    WHERE step.became = 'rejected' AND step.at >= %(since)s
    ORDER BY at, thing_id
"""


def turned_down_since(tx: Tx, since: datetime) -> list[TurnedDown]:
    """Return what was turned down since an instant; a draft may have been several times."""
    return tx.rows(TurnedDown, TURNED_DOWN_SINCE, since=since)
