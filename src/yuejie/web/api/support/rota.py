"""The rota: who is on duty, and who advises whom."""

from datetime import timedelta
from typing import Final

from fastapi import status

from yuejie.customers.store import customers
from yuejie.support.rota import store
from yuejie.support.rota.keep import (
    name_adviser,
    person_on_duty,
    put_override,
    put_weeks,
    remove_duty,
)
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.support.rota import (
    AdviserIn,
    AdviserOut,
    DutyOut,
    DutyRemoved,
    OverrideIn,
    RotaOut,
    WeeksIn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("值班")
AHEAD: Final = timedelta(days=371)


@routes.get("/rota", summary="值班表")
def get_rota(db: Db, now: Now) -> RotaOut:
    """现在谁值班，今后一年怎样排，各客户的顾问。"""
    with db.read() as tx:
        found = store.duties(tx, since=now, until=now + AHEAD)
        advisers = store.advisers(tx)
        return RotaOut(
            now=person_on_duty(tx, now),
            duties=[DutyOut.model_validate(each) for each in found],
            advisers={
                each.slug: advisers[each.customer_id]
                for each in customers(tx)
                if each.customer_id in advisers
            },
        )


@routes.post("/rota/weeks", summary="按周轮值", status_code=status.HTTP_201_CREATED)
def post_weeks(db: Db, caller: AnyCaller, now: Now, body: WeeksIn) -> list[DutyOut]:
    """依次排若干周；已排的周以新排的为准。"""
    made = put_weeks(db, body.people, first=body.first, weeks=body.weeks, by=caller.name, now=now)
    return [DutyOut.model_validate(each) for each in made]


@routes.post("/rota/overrides", summary="替班", status_code=status.HTTP_201_CREATED)
def post_override(db: Db, caller: AnyCaller, now: Now, body: OverrideIn) -> DutyOut:
    """一段时间由别人值班，优先于周值班。"""
    start, end = body.starts_at, body.ends_at
    made = put_override(db, body.person, start=start, end=end, by=caller.name, now=now)
    return DutyOut.model_validate(made)


@routes.post("/rota/{duty}/remove", summary="撤下值班")
def post_remove(db: Db, caller: AnyCaller, now: Now, duty: Name) -> DutyRemoved:
    """撤下一次值班或替班。"""
    remove_duty(db, duty, by=caller.name, now=now)
    return DutyRemoved(removed=duty)


@routes.put("/customers/{customer}/adviser", summary="指定顾问")
def put_adviser(db: Db, caller: AnyCaller, now: Now, customer: Name, body: AdviserIn) -> AdviserOut:
    """指定客户的顾问；工单超时也通知顾问。"""
    person = name_adviser(db, customer, body.person, by=caller.name, now=now)
    return AdviserOut(customer=customer, person=person)
