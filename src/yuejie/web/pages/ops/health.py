"""Health of what serves: errors, latency and breakers by deployment, with drain and restore."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.catalog import Deployment
from yuejie.contracts.offer import set_account_state
from yuejie.contracts.store import accounts, deployments
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PPM
from yuejie.usage.calls.look import show_answers
from yuejie.usage.calls.store import AnswersRow
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house.providers import switched

routes: Final = APIRouter(include_in_schema=False, prefix="/health", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=500)]

HOURS: Final = {"1": "最近一小时", "24": "最近一天", "168": "最近七天"}
STATES: Final = {
    "healthy": "健康",
    "shaky": "有错误",
    "tripped": "已熔断",
    "idle": "没有调用",
    "drained": "已摘除",
    "disabled": "账号停用",
}
TRIPS_AT: Final = 5
"""So many failures in a row open the breaker of a gateway worker; see gateway/upstream/breaker."""
SHAKY_PPM: Final = 20_000
"""From two calls in a hundred on, somebody should look."""


@dataclass(frozen=True, slots=True)
class Health:
    """A deployment with how it answered."""

    place: Deployment
    answers: AnswersRow | None
    state: str

    @property
    def error_ppm(self) -> int | None:
        """Which share of its calls failed; None without calls."""
        if self.answers is None or not self.answers.calls:
            return None
        return int(self.answers.failed) * PPM // int(self.answers.calls)


@routes.get("")
def show(request: Request, db: Db, now: Now, hours: str = "1") -> Response:
    """Show every deployment, the sick first, and the provider accounts they stand on."""
    if hours not in HOURS:
        raise Invalid("没有这个时段，请在页面上选择")
    found = {
        each.deployment_id: each for each in show_answers(db, now - timedelta(hours=int(hours)))
    }
    with db.read(consistent=True) as tx:
        places = deployments(tx)
        held = {each.account_id: each for each in accounts(tx)}
    off = {name for name, each in held.items() if each.state != "active"}
    rows = [judge(place, found.get(place.deployment_id), off) for place in places]
    order = ["tripped", "shaky", "healthy", "idle", "drained", "disabled"]
    rows.sort(key=lambda row: (order.index(row.state), row.place.model_id, row.place.priority))
    return draw(
        request,
        "ops/health.html",
        rows=rows,
        accounts=[(each, _of_account(rows, each.account_id)) for each in held.values()],
        counts={state: sum(row.state == state for row in rows) for state in order},
        states=STATES,
        hours=HOURS,
        asked=hours,
        trips_at=TRIPS_AT,
    )


def judge(place: Deployment, answers: AnswersRow | None, off: Iterable[str]) -> Health:
    """Say how a deployment is; its breaker is a worker's own, what opens it is in the calls."""
    state = "healthy"
    if place.account_id in off:
        state = "disabled"
    elif place.state != "active":
        state = "drained"
    elif answers is None or not answers.calls:
        state = "idle"
    elif answers.failures_in_a_row >= TRIPS_AT:
        state = "tripped"
    elif int(answers.failed) * PPM >= SHAKY_PPM * int(answers.calls):
        state = "shaky"
    return Health(place, answers, state)


def _of_account(rows: Iterable[Health], account_id: str) -> tuple[int, int]:
    known = [row.answers for row in rows if row.place.account_id == account_id and row.answers]
    return sum(int(each.calls) for each in known), sum(int(each.failed) for each in known)


@routes.post("/deployments", dependencies=ours)
def switch_deployment(
    request: Request,
    db: Db,
    now: Now,
    deployment: Text,
    state: Literal["active", "drained"] = Form(),
) -> Response:
    """Drain a deployment or take it back into service; calls under way are finished."""
    return switched(request, db, deployment, state, now=now, back="/health")


@routes.post("/accounts", dependencies=ours)
def switch_account(
    request: Request,
    db: Db,
    now: Now,
    account: Text,
    state: Literal["active", "drained"] = Form(),
) -> Response:
    """Take a provider account out of service with all its deployments, or back."""
    set_account_state(db, account, state, by=caller_of(request).name, now=now)
    said = "已启用" if state == "active" else "已停用，其部署一秒内不再接新调用"
    return go(request, "/health", f"账号 {account} {said}")
