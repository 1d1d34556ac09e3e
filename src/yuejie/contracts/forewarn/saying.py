"""Until when one may say no to a contract that renews itself, and whether it does: pure.

The contract names the day. One that was written down behind that day, or within a week before it,
leaves a week from then on; where its end comes first, nobody could have said no in time, and it
goes on only if a person says so.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.contracts.contract import Contract
from yuejie.contracts.terms import Renewal
from yuejie.kernel.period import zone_of

HEARD_DAYS: Final = 7
"""For so many days what was written down may be contradicted, whatever day it names."""
_DAY: Final = timedelta(days=1)


def renews_itself(own: Sequence[Contract]) -> bool:
    """Tell whether a contract, by its versions, goes on unless somebody says no."""
    newest = own[-1]
    if newest.terms.renewal is not Renewal.AUTO or newest.terms.ends_on is None:
        return False
    return _heard_on(own) < newest.terms.ends_on - _DAY


def say_until(own: Sequence[Contract]) -> date:
    """Return the last day, whole, on which one may say no to a contract that has an end."""
    return min(max(_named(own), _heard_on(own)), _ends_on(own) - _DAY)


def is_late(own: Sequence[Contract]) -> bool:
    """Tell whether a contract was written down too late for the day that it names."""
    return _heard_on(own) > _named(own)


def goes_on(own: Sequence[Contract], now: datetime) -> bool:
    """Tell whether nobody can say no any more to a contract that renews itself.

    The last day is the customer's, whole; but a contract is renewed on the day before its end at
    the latest, so that nobody is turned away at midnight.
    """
    if not renews_itself(own):
        return False
    today = now.astimezone(zone_of(own[-1].zone)).date()
    return today > say_until(own) or today >= _ends_on(own) - _DAY


def written_on(own: Sequence[Contract]) -> date:
    """Return the day on which it was written down what the newest version says of going on.

    A change in other terms leaves that as it was, and so does a renewal: whoever knew that the term
    before goes on knew it of this one.
    """
    first = own[-1]
    for was in reversed(own[:-1]):
        if not _says_the_same(was, first):
            break
        first = was
    return first.signed_at.astimezone(zone_of(first.zone)).date()


def _says_the_same(was: Contract, became: Contract) -> bool:
    if (was.terms.renewal, was.terms.notice_days) != (
        became.terms.renewal,
        became.terms.notice_days,
    ):
        return False
    renewed = was.ends_at is not None and became.starts_at >= was.ends_at
    return renewed or was.terms.ends_on == became.terms.ends_on


def _heard_on(own: Sequence[Contract]) -> date:
    return written_on(own) + HEARD_DAYS * _DAY


def _named(own: Sequence[Contract]) -> date:
    """Return the last day for saying no that the contract names."""
    return _ends_on(own) - max(1, own[-1].terms.notice_days) * _DAY


def _ends_on(own: Sequence[Contract]) -> date:
    ends_on = own[-1].terms.ends_on
    assert ends_on is not None, "only contracts with an end are asked"
    return ends_on
