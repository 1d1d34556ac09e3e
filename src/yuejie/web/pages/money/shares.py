"""费用分摊: a month's bills as projects or departments bear them, and the rules for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.bills.bill import METERED, BillState, LineKind
from yuejie.bills.documents.wording import KINDS
from yuejie.bills.sharing import store
from yuejie.bills.sharing.keep import RuleDraft, make_rule
from yuejie.bills.sharing.rule import EVERYTHING, Method, ShareRule, rules_in
from yuejie.bills.sharing.share import BY_USE
from yuejie.bills.sharing.show import UNBORNE, ShareBy, ShareSheet, share_sheet
from yuejie.bills.store import bills_of_customer
from yuejie.customers.customer import Customer
from yuejie.customers.store import projects
from yuejie.db.session import Tx
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.kernel.money import whole
from yuejie.kernel.period import BillingMonth, parse_instant, zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.money.party import choose

routes: Final = APIRouter(include_in_schema=False, prefix="/shares", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=200)]

METHODS: Final = {
    Method.PROPORTIONAL: "按用量",
    Method.EQUAL: "均摊",
    Method.CUSTOM: "自定义权重",
}
BY: Final = {ShareBy.PROJECT: "按项目", ShareBy.DEPARTMENT: "按部门"}
WHAT: Final = {
    EVERYTHING: "全部共同费用",
    **{str(kind): KINDS[kind] for kind in LineKind if kind not in METERED},
}
NAMES: Final = {UNBORNE: "未分摊", "（无部门）": "无部门"}
"""What stands for a project or department where there is none."""
STATES: Final = {"in_force": "有效", "replaced": "已被取代", "coming": "尚未开始"}
_BARS: Final = 20
"""So many fit into a chart; the table has all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A month divided, or the sentence why there is nothing to divide."""

    sheet: ShareSheet | None
    refused: str = ""


@routes.get("")
def show(
    request: Request,
    db: Db,
    customer: str = "",
    month: str = "",
    by: ShareBy = ShareBy.PROJECT,
    as_of: str = "",
) -> Response:
    """Show who bears a month, by which rule, and every rule there is."""
    caller = caller_of(request)
    with db.read(consistent=True) as tx:
        chosen = choose(tx, caller, customer)
        facts: dict[str, Any] = {}
        if chosen.party is not None:
            facts = _facts(tx, chosen.party, month, by, as_of.strip(), drafts=caller.is_operator)
    return draw(
        request,
        "money/shares.html",
        zone=zone_of(chosen.party.zone) if chosen.party else HOUSE_ZONE,
        chosen=chosen,
        asked={"by": by, "as_of": as_of},
        methods=METHODS,
        ways=BY,
        what=WHAT,
        special=NAMES,
        states=STATES,
        **facts,
    )


def _facts(
    tx: Tx, party: Customer, asked: str, by: ShareBy, as_of: str, *, drafts: bool
) -> dict[str, Any]:
    known = parse_instant(as_of, zone_of(party.zone), "时刻") if as_of else None
    seen = [
        bill
        for bill in bills_of_customer(tx, party.customer_id)
        if drafts or bill.state is not BillState.DRAFT
    ]
    months = sorted({str(bill.month) for bill in seen}, reverse=True)
    label = asked or next(iter(months), "")
    shown, held = Shown(None), dict[str, ShareRule]()
    rules = store.rules_of(tx, party.customer_id)
    if label:
        month = BillingMonth.parse(label)
        held = {r.rule_id: r for r in rules_in(rules, month, known=known).by_what.values()}
        try:
            shown = Shown(share_sheet(tx, party.customer_id, month, by, known=known, drafts=drafts))
        except DomainError as error:
            shown = Shown(None, error.sentence)
    query = {"by": str(by)} | ({"as_of": known.isoformat()} if known else {})
    return {
        "month": label,
        "months": months,
        "sheet": shown.sheet,
        "refused": shown.refused,
        "totals": shown.sheet.totals() if shown.sheet else [],
        "bars": _BARS,
        "kinds": KINDS,
        "by_use": BY_USE,
        "rules": [(rule, _state(rule, label, held, known)) for rule in reversed(rules)],
        "names": {str(each.project_id): each.name for each in projects(tx, party.customer_id)},
        "download": urlencode(query),
    }


def _state(rule: ShareRule, month: str, held: dict[str, ShareRule], known: datetime | None) -> str:
    """Say how a rule stands in a month, as of an instant."""
    if rule.rule_id in held:
        return "in_force"
    later = rule.since > month or (known is not None and rule.made_at > known)
    return "coming" if later else "replaced"


@routes.post("", dependencies=ours)
def make(
    request: Request,
    db: Db,
    now: Now,
    customer: str = "",
    what: Text = EVERYTHING,
    method: Text = "",
    among: Annotated[str, Form(max_length=20_000)] = "",
    since: Text = "",
) -> Response:
    """Set a rule from a month on, which may be billed already: no bill moves by it."""
    with db.read() as tx:
        chosen = choose(tx, caller_of(request), customer)
    if method not in set(Method):
        raise Invalid("没有这种分摊方式，请在页面上选择")
    way = Method(method)
    draft = RuleDraft(
        what=what, method=way, since=BillingMonth.parse(since), projects=_weights(among, way)
    )
    made = make_rule(db, chosen.needed.slug, draft, by=caller_of(request).name, now=now)
    said = f"分摊规则自 {made.since} 起有效；账单不变，分摊表按它重算"
    return go(request, f"/shares{chosen.query}", said)


def _weights(text: str, method: Method) -> dict[str, int]:
    """Read a project a line, with its weight behind the last `=` where weights count."""
    found: dict[str, int] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, weight = line, "1"
        if method is Method.CUSTOM:
            name, _, weight = line.rpartition("=")
        number = whole(weight)
        if not name.strip() or number is None:
            raise Invalid(f"“{line}”应写成 项目=60，每行一个，权重为整数")
        found[name.strip()] = number
    return found
