"""Tell of contracts that end, have ended, or go on by themselves."""

from datetime import datetime
from typing import Final

from yuejie.contracts.forewarn.endings import LastDay, Stage, last_days
from yuejie.contracts.numbers.store import every_number
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

KINDS: Final[dict[Stage, Kind]] = {
    Stage.ENDING: Kind.CONTRACT_ENDING,
    Stage.RENEWING: Kind.CONTRACT_RENEWING,
    Stage.ENDED: Kind.CONTRACT_ENDED,
    Stage.RENEWED: Kind.CONTRACT_RENEWED,
}
OURS: Final = frozenset({Stage.ENDING, Stage.ENDED, Stage.RENEWED})
"""What our own people hear of as well: somebody has to renew, or to know that it went on.

And of what was written down so late that the day it names for saying no is not the one that counts.
"""


def announce_endings(db: Database, now: datetime) -> int:
    """Enqueue what is to be told of contracts' last days, each step once; return how many.

    What was amended, renewed, left or followed since is judged as it is at this moment.
    """
    with db.begin() as tx:
        told = 0
        numbers = every_number(tx)
        for day in last_days(tx, now=now):
            customer = find_customer(tx, day.contract.customer_id).legal_name
            name = day.contract.contract_id
            called = numbers.get(name, name)
            told += sum(enqueue(tx, each, at=now) for each in notices_of(day, customer, called))
    return told


def notices_of(day: LastDay, customer: str, contract: str) -> list[Notice]:
    """Say to a customer, and where it concerns them to our own people, what a last day means.

    The contract is named as its papers name it.
    """
    terms = day.contract.terms
    facts = {
        "contract": contract,
        "ends_on": str(terms.ends_on),
        "days": str(day.days),
        "say_until": str(day.say_until or "—"),
        "months": str(terms.renewal_months),
    }
    kind, owner = KINDS[day.stage], day.contract.customer_id
    told = [Notice(kind, Audience.CUSTOMER, facts, f"{day.key}:customer", owner)]
    if day.stage in OURS or day.late:
        ours = facts | {"customer": customer}
        told.append(Notice(kind, Audience.OPERATOR, ours, f"{day.key}:operator", owner))
    return told
