"""Keep the rota: put people on duty by week or for a while, and name advisers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from yuejie.customers.enrol import find_customer
from yuejie.customers.members.store import member_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import Span
from yuejie.support.rota import store
from yuejie.support.rota.duty import WEEK, Duty, on_duty, week_of

WEEKS_MOST: Final = 53
"""Weeks that are put down at once."""


def put_weeks(
    db: Database, people: Sequence[str], *, first: date, weeks: int, by: str, now: datetime
) -> list[Duty]:
    """Put people on duty in turn, week by week, from the week of a day on.

    A week that was put down before is taken over: of two the newer counts.
    """
    if not people or not 1 <= weeks <= WEEKS_MOST:
        raise Invalid(f"请写至少一个人，周数写 1 到 {WEEKS_MOST}")
    spans = [week_of(first + WEEK * number) for number in range(weeks)]
    named = [people[number % len(people)] for number in range(weeks)]
    return _put(db, list(zip(named, spans, strict=True)), by=by, now=now, is_override=False)


def put_override(
    db: Database, person: str, *, start: datetime, end: datetime, by: str, now: datetime
) -> Duty:
    """Put somebody on duty for a while, over whoever has the week."""
    if end <= start:
        raise Invalid("替班的结束须晚于开始，请改正后重试")
    [duty] = _put(db, [(person, Span(start, end))], by=by, now=now, is_override=True)
    return duty


def _put(
    db: Database,
    wanted: Sequence[tuple[str, Span]],
    *,
    by: str,
    now: datetime,
    is_override: bool,
) -> list[Duty]:
    made = []
    with db.begin() as tx:
        names = {person: _colleague(tx, person) for person, _ in wanted}
        for person, span in wanted:
            duty = Duty(mint("dut", now), names[person], span.start, span.end, is_override, by, now)
            store.insert_duty(tx, duty)
            record_deed(tx, Deed(by, now, "add", "duty", duty.duty_id), became=duty)
            made.append(duty)
    return made


def remove_duty(db: Database, duty_id: str, *, by: str, now: datetime) -> None:
    """Take a duty off the rota."""
    with db.begin() as tx:
        if not store.remove_duty(tx, duty_id, now):
            raise NotFound(f"值班 {duty_id} 不存在或已撤下，请用 yuejie rota show 核对编号")
        record_deed(tx, Deed(by, now, "remove", "duty", duty_id))


def name_adviser(db: Database, customer: str, person: str, *, by: str, now: datetime) -> str:
    """Name who advises a customer; returns the name as it is kept."""
    with db.begin() as tx:
        party, name = find_customer(tx, customer), _colleague(tx, person)
        was = store.adviser(tx, party.customer_id)
        store.insert_adviser(tx, party.customer_id, name, by=by, at=now)
        deed = Deed(by, now, "name", "adviser", party.customer_id)
        record_deed(tx, deed, was={"person": was}, became={"person": name})
    return name


def person_on_duty(tx: Tx, now: datetime) -> str:
    """Return who is on duty now, or nothing where nobody was put down."""
    duty = on_duty(store.duties(tx, since=now, until=now + WEEK), now)
    return duty.person if duty else ""


def _colleague(tx: Tx, name: str) -> str:
    """Return the name of a member of the operator's in use. Raises NotFound."""
    member = member_by_name(tx, name.strip())
    if member is None or member.customer_id is not None or member.revoked_at is not None:
        raise NotFound(f"运营方没有在用的成员“{name}”，请先用 yuejie members enrol 登记")
    return member.name
