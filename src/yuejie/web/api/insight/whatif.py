"""What if: a month replayed under other prices, terms, models or routes."""

from typing import Final

from fastapi import Response

from yuejie.customers.enrol import find_customer
from yuejie.insights.whatif.told import Told
from yuejie.insights.whatif.what_if import what_if
from yuejie.insights.whatif.words import NamedFile, convert_suppose, suppose
from yuejie.jobs.kinds.what_if import order_what_if
from yuejie.kernel.errors import Forbidden
from yuejie.kernel.period import BillingMonth
from yuejie.web.api.watch.jobs import (
    ACCEPTED,
    LINES,
    Lines,
    Prefer,
    accepted,
    wants_async,
)
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.whatif import WhatIfIn, WhatIfOut
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("假如", prefix="/customers/{customer}/what-if")


@routes.post("/{month}", summary="假如", response_model=WhatIfOut, responses=ACCEPTED)
def post_what_if(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    month: Month,
    body: WhatIfIn,
    lines: Lines = LINES,
    prefer: Prefer = "",
) -> WhatIfOut | Response:
    """把一个月按别的价目、条款、模型或部署重放，与真实账单逐行比较；什么也不写入。

    什么都不改时与账单一分不差。客户可替换模型、给出条款或价目文件；其余仅限运营方。
    大的月份请用 Prefer: respond-async：结果在任务的 what-if。
    """
    if not caller.is_operator and (body.book or body.draft or body.route or body.override):
        raise Forbidden("已发布价目、合同草案、约定单价与部署只有运营方可以假设，请去掉后重试")
    with db.read() as tx:
        who = find_customer(tx, str(whose(tx, caller, customer)))
    words, given = convert_suppose(body.words()), body.price_file
    file = NamedFile(given.name, given.content.encode()) if given else None
    if wants_async(prefer):
        order = order_what_if(
            who, BillingMonth.parse(month), body.words(), file, caller.customer_id
        )
        return accepted(db, order, caller, now)
    outcome = what_if(
        db,
        who,
        BillingMonth.parse(month),
        lambda tx, known: suppose(tx, known, words, file),
        now=now,
    )
    return WhatIfOut.of(Told.of(outcome), lines)
