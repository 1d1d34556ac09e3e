"""Trials: who asks for one, how those that run stand, and how one becomes a contract."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.life.draft import DraftState
from yuejie.contracts.life.store import drafts
from yuejie.contracts.numbers.number import called
from yuejie.contracts.numbers.store import every_number
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.presales.trial import store
from yuejie.presales.trial.ask import decline_trial
from yuejie.presales.trial.convert import convert_by_draft
from yuejie.presales.trial.grant import grant_trial
from yuejie.presales.trial.report import TrialReport, find_trial, read_report
from yuejie.presales.trial.tell import told_of
from yuejie.presales.trial.trial import RequestState
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words

routes: Final = APIRouter(include_in_schema=False, prefix="/trials", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]

_SHOWN: Final = 20
"""Trials on a page: each is read with its usage."""
_DRAFTS: Final = 500


@routes.get("")
def list_trials(
    request: Request, db: Db, now: Now, state: str = "asked", cursor: str | None = None
) -> Response:
    """Show the requests that wait, then trials with what is left of them, the newest first."""
    window = Window.read("page:trials", cursor, _SHOWN)
    wanted = RequestState(state) if state in set(RequestState) else None
    with db.read(consistent=True) as tx:
        policy = store.policy(tx)
        asked = store.requests(tx, state=wanted, limit=PAGE)
        rows = store.trials(tx, before=window.after or None, limit=window.fetch)
        shown = [read_report(tx, each, now=now) for each in rows[: window.limit]]
        ready = _ready(tx, shown)
        told = {each.trial.trial_id: told_of(tx, each.trial) for each in shown}
        numbers = every_number(tx)
    return draw(
        request,
        "house/trials.html",
        policy=policy,
        requests=asked,
        states=words.REQUESTS,
        asked=state,
        trials=shown,
        stages=words.STAGES,
        ready=ready,
        numbers=numbers,
        told=told,
        occasions=words.TRIAL_TOLD,
        now=now,
        older=window.write(rows[window.limit - 1].trial_id) if len(rows) > window.limit else None,
    )


def _ready(tx: Tx, shown: list[TrialReport]) -> dict[str, list[str]]:
    """Return the reviewed drafts of the customers that are shown: what a trial may become."""
    known = {each.customer.customer_id for each in shown}
    states = [str(DraftState.REVIEWED)]
    found: dict[str, list[str]] = {}
    for each in drafts(tx, states=states, customer_id=None, before=None, limit=_DRAFTS):
        if each.customer_id in known:
            found.setdefault(each.customer_id, []).append(each.draft_id)
    return found


@routes.post("/requests/{trial_request}/approve", dependencies=ours)
def approve(
    request: Request, db: Db, desk: DeskHere, now: Now, trial_request: str, customer: Text = ""
) -> Response:
    """Grant what was asked for: a customer, a contract at nothing, a hard allowance of tokens."""
    by = caller_of(request).name
    made = grant_trial(
        db,
        trial_request,
        slug=customer.strip(),
        credential_key=desk.credential_key,
        by=by,
        now=now,
    )
    sentence = f"试用 {made.trial_id} 已批准并开始；申请人凭领取码领取密钥"
    return go(request, "/trials", sentence)


@routes.post("/requests/{trial_request}/decline", dependencies=ours)
def decline(request: Request, db: Db, now: Now, trial_request: str, why: Text = "") -> Response:
    """Decline, and say why."""
    decline_trial(db, trial_request, why=why, by=caller_of(request).name, now=now)
    return go(request, "/trials", "试用申请已婉拒")


@routes.post("/{trial}/convert", dependencies=ours)
def convert(request: Request, db: Db, now: Now, trial: str, draft: Text = "") -> Response:
    """Sign a reviewed draft that follows a trial; its keys stay, it is billed from its start."""
    if not draft:
        raise Invalid("请先为该客户起草合同并由财务审核，再选择草案转为正式合同")
    with db.read() as tx:
        customer_id = find_trial(tx, trial).customer_id
    signed = convert_by_draft(db, customer_id, draft, by=caller_of(request).name, now=now)
    with db.read() as tx:
        number = called(tx, customer_id, signed.contract_id)
    return go(request, "/trials", f"试用已转为合同 {number}，密钥不变")
