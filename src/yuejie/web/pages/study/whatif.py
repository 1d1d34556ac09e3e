"""What if: a month under other prices, terms or models, beside the bill as it is."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.contracts.formats.agreed import words_of
from yuejie.contracts.life.store import drafts_of
from yuejie.contracts.store import books, contract_at
from yuejie.customers.customer import Customer
from yuejie.db.session import Database
from yuejie.insights.trend.places import By
from yuejie.insights.trend.series import Asked, read_series
from yuejie.insights.trend.span import Grain
from yuejie.insights.whatif.compare import CAUSE_NAMES
from yuejie.insights.whatif.what_if import Outcome, what_if
from yuejie.insights.whatif.words import NamedFile, convert_suppose, suppose
from yuejie.kernel.errors import Forbidden, Invalid
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely

routes: Final = APIRouter(include_in_schema=False, prefix="/what-if", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

LINES: Final = 100
TAX_MODES: Final = {"inclusive": "价内税", "exclusive": "价外税"}
WITHOUT: Final = {
    "commitment": "最低消费",
    "tier_discount": "阶梯折扣",
    "management_fee": "管理费",
    "sla": "服务等级赔付",
}
"""Terms that can be supposed away."""
Typed = Annotated[str, Field(max_length=500)]


class Supposed(BaseModel):
    """The form as it was filled in; what is empty is as it was."""

    month: Typed = ""
    source: Typed = ""
    target: Typed = ""
    family: Typed = ""
    discount: Typed = ""
    without: Typed = ""
    tax_mode: Typed = ""
    book: Typed = ""
    draft: Typed = ""
    file: UploadFile | None = None

    @property
    def given(self) -> NamedFile | None:
        """Return the price file that was handed in, if any was."""
        if self.file is None or not self.file.filename:
            return None
        return NamedFile(self.file.filename, self.file.file.read())

    def words(self) -> dict[str, Any]:
        """Return the suppositions as the room reads them."""
        said: dict[str, Any] = {}
        if self.source.strip() or self.target.strip():
            said["map"] = [{"from": self.source.strip(), "to": self.target.strip()}]
        if self.discount.strip():
            share = self.discount.strip().rstrip("%") + "%"
            said["discount"] = [{"models": self.family.strip() or "*", "discount": share}]
        if self.without:
            said["without"] = [self.without]
        given = {name: getattr(self, name) for name in ("tax_mode", "book", "draft")}
        return said | {name: value for name, value in given.items() if value}


@routes.get("")
def ask(request: Request, db: Db, now: Now, customer: str = "", month: str = "") -> Response:
    """Show what can be supposed of a customer's month."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "假如")
    facts = _facts(request, db, party, now, Supposed(month=month))
    return draw(request, "study/whatif.html", zone=zone_of(party.zone), **facts)


@routes.post("", dependencies=ours)
def answer(
    request: Request,
    db: Db,
    now: Now,
    asked: Annotated[Supposed, Form()],
    customer: str = "",
) -> Response:
    """Replay the month as supposed, and show it beside the bill; nothing is written."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    if not caller.is_operator and (asked.book or asked.draft):
        raise Forbidden("已发布价目、合同草案、约定单价与部署只有运营方可以假设，请去掉后重试")
    given, file = asked.words(), asked.given
    if not given and file is None:
        raise Invalid("什么都没有假设，请至少填一项")
    words = convert_suppose(given)
    label = _month(asked, party, now)
    outcome = what_if(db, party, label, lambda tx, known: suppose(tx, known, words, file), now=now)
    facts = _facts(request, db, party, now, asked, outcome)
    return redraw(request, "study/whatif.html", zone=zone_of(party.zone), **facts)


def _month(asked: Supposed, party: Customer, now: datetime) -> BillingMonth:
    if asked.month:
        return BillingMonth.parse(asked.month)
    return BillingMonth.of(now, zone_of(party.zone)).previous


def _models_of(month: BillingMonth, party: Customer) -> Asked:
    """Ask which models were used in a month."""
    last = month.span(zone_of(party.zone)).end - timedelta(microseconds=1)
    return Asked(grain=Grain.MONTH, count=1, by=By.MODEL, until=last)


def _facts(
    request: Request,
    db: Database,
    party: Customer,
    now: datetime,
    asked: Supposed,
    outcome: Outcome | None = None,
) -> dict[str, Any]:
    by_operator = caller_of(request).is_operator
    label = _month(asked, party, now)
    with db.read(consistent=True) as tx:
        used = read_series(tx, party, _models_of(label, party), now=now)
        contract = contract_at(tx, party.customer_id, now)
        agreed = words_of(contract.terms) if contract else {}
        lists = [b.book_id for b in books(tx) if b.kind == "sale"] if by_operator else []
        drafts = drafts_of(tx, party.customer_id) if by_operator else []
    return {
        "customer": party,
        "asked": asked,
        "month": str(label),
        "models": sorted(line.name for line in used.lines),
        "without": {k: word for k, word in WITHOUT.items() if agreed.get(k) not in {None, "0.00"}},
        "books": lists,
        "drafts": drafts,
        "tax_modes": TAX_MODES,
        "causes": CAUSE_NAMES,
        "outcome": outcome,
        "lines": outcome.lines[:LINES] if outcome else (),
        "query": query_of(request, party),
    }
