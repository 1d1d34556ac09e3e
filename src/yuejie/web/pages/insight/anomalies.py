"""What is unusual: since when, which key and model, what it costs; and people's word on it."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.insights.anomaly.answer import acknowledge, give_feedback, mute
from yuejie.insights.anomaly.explain import Share
from yuejie.insights.anomaly.finding import (
    GRAIN_NAMES,
    MEASURE_NAMES,
    RULE_NAMES,
    SCOPE_NAMES,
    STATE_NAMES,
    Feedback,
    Finding,
    FindingState,
)
from yuejie.insights.anomaly.show import Shown, show_finding, show_findings
from yuejie.insights.anomaly.tell import amount, place
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge
from yuejie.kernel.period import zone_of
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.protections import protections_shown
from yuejie.web.pages.insight.whom import Blank

routes: Final = APIRouter(
    include_in_schema=False, prefix="/anomalies", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]
State = Annotated[FindingState | None, Blank]
SAID: Final = {"true": "确有异常", "false": "误报"}
RULES: Final = {rule: word.replace("%", "%%") for rule, word in RULE_NAMES.items()}
"""Words of a page are formats: a percent sign is written twice."""
MUTES: Final = {1: "1 天", 7: "7 天", 30: "30 天", 90: "90 天"}


@routes.get("")
def list_findings(
    request: Request,
    db: Db,
    state: State = None,
    customer: str = "",
    cursor: str | None = None,
) -> Response:
    """Show findings, the newest first; of one customer also what protects it."""
    caller = caller_of(request)
    window = Window.read("page:anomalies", cursor, PAGE)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        everybody = customers(tx) if caller.is_operator else []
        guarded = protections_shown(tx, customer_id) if customer_id else None
    found = show_findings(
        db, customer_id, state=state, before=window.after or None, limit=window.fetch
    )
    rows = found[:PAGE]
    return draw(
        request,
        "insight/anomalies.html",
        rows=[row_of(each) for each in rows],
        states=STATE_NAMES,
        measures=MEASURE_NAMES,
        everybody=everybody,
        guarded=guarded,
        asked={"state": state or "", "customer": customer},
        query=f"?customer={guarded.party.slug}" if guarded and caller.is_operator else "",
        older=window.write(rows[-1].finding.finding_id) if len(found) > PAGE else None,
    )


def row_of(shown: Shown) -> dict[str, object]:
    """Write a finding: where, what it was and usually is, who explains it, what it costs."""
    found = shown.finding
    return {
        "found": found,
        "customer": shown.customer,
        "zone": zone_of(shown.customer.zone),
        "place": place(found, shown.names, shown.customer),
        "observed": amount(found, found.observed),
        "expected": amount(found, found.expected),
        "key": shown.names.get(found.key_id, found.key_id),
        "extra": Charge(found.extra_pico, found.currency),
    }


@routes.get("/{finding}")
def show(request: Request, db: Db, finding: str) -> Response:
    """Show one finding with what explains it and its life."""
    shown = show_finding(db, caller_of(request).customer_id, finding)
    shares = shown.finding.shares
    return draw(
        request,
        "insight/anomaly.html",
        zone=zone_of(shown.customer.zone),
        shown=shown,
        row=row_of(shown),
        sides=[
            ("密钥", [share_of(shown, each) for each in shares.by_key]),
            ("模型", [share_of(shown, each) for each in shares.by_model]),
        ],
        periods=shares.periods,
        states=STATE_NAMES,
        measures=MEASURE_NAMES,
        scopes=SCOPE_NAMES,
        grains=GRAIN_NAMES,
        rules=RULES,
        said=SAID,
        mutes=MUTES,
    )


def share_of(shown: Shown, share: Share) -> tuple[str, str, str]:
    """Write what a key or a model has used now, and usually: the mean of the periods before."""
    found: Finding = shown.finding
    usual = share.before // max(found.shares.periods, 1)
    return shown.names.get(share.name, share.name), amount(found, share.now), amount(found, usual)


@routes.post("/{finding}/acknowledge", dependencies=ours)
def note(request: Request, db: Db, now: Now, finding: str, why: Text = "") -> Response:
    """Write down that somebody knows."""
    caller = caller_of(request)
    acknowledge(db, caller.customer_id, finding, why=why, by=caller.name, now=now)
    return go(request, f"/anomalies/{finding}", "已记下：有人知悉")


@routes.post("/{finding}/mute", dependencies=ours)
def hush(
    request: Request,
    db: Db,
    now: Now,
    finding: str,
    days: Annotated[int, Form(ge=1, le=90)] = 7,
    why: Text = "",
) -> Response:
    """Find nothing of the same cause for some days; it is still learnt from."""
    caller = caller_of(request)
    until = now + timedelta(days=days)
    mute(db, caller.customer_id, finding, until=until, why=why, by=caller.name, now=now)
    return go(request, f"/anomalies/{finding}", f"已静音 {days} 天")


@routes.post("/{finding}/feedback", dependencies=ours)
def judge(
    request: Request, db: Db, now: Now, finding: str, feedback: Text = "", why: Text = ""
) -> Response:
    """Take people's word whether it was one."""
    caller = caller_of(request)
    show_finding(db, caller.customer_id, finding)
    if feedback not in SAID:
        raise Invalid("请选择“确有异常”或“误报”")
    said = Feedback(feedback)
    give_feedback(db, caller.customer_id, finding, said, why=why, by=caller.name, now=now)
    return go(request, f"/anomalies/{finding}", f"已记下反馈：{SAID[feedback]}")
