"""Remind our own finance of bills whose fapiao the contract promised for a day that is near."""

from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.store import contracts_of
from yuejie.db.session import Database
from yuejie.fapiao.available import MAY_BE_REQUESTED
from yuejie.fapiao.issuing import store
from yuejie.fapiao.tell import tell_due
from yuejie.kernel.period import zone_of

AHEAD_DAYS: Final = (3, 0, -3)
"""Days before the day on which a fapiao is promised; at each it is told once, while it lacks."""
_BACK: Final = timedelta(days=30)
"""What nobody did about in a month is no news any more; it stands in what may be requested."""
_HOUSE: Final = zone_of("Asia/Shanghai")


def remind_of_fapiao(db: Database, now: datetime) -> int:
    """Tell of bills that may have a fapiao and have none, or not for all of it; each step once.

    Whoever pays first is not told of before the money is there. After an outage only the newest
    step is told.
    """
    today, told = now.astimezone(_HOUSE).date(), 0
    with db.begin() as tx:
        near = today + timedelta(days=AHEAD_DAYS[0])
        for due in store.bills_due(tx, first=today - _BACK, last=near):
            terms = {
                (each.contract_id, each.version): each.terms
                for each in contracts_of(tx, due.customer_id)
            }
            order = terms[due.contract_id, due.contract_version].settlement_order
            days = (due.fapiao_by - today).days
            step = min(each for each in AHEAD_DAYS if days <= each)
            if due.state in MAY_BE_REQUESTED[order]:
                told += tell_due(tx, due, step, now=now)
    return told
