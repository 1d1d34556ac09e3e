"""What if: a month under other prices, terms or models, beside the bill as it is.

A clerk replays the month; the page says how far that is, and then what it came to.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.contracts.formats.agreed import words_of
from yuejie.contracts.life.store import drafts_of
from yuejie.contracts.numbers.store import numbers_of
from yuejie.contracts.store import books, contract_at
from yuejie.customers.customer import Customer
from yuejie.db.session import Database
from yuejie.insights.trend.places import By
from yuejie.insights.trend.series import Asked, read_series
from yuejie.insights.trend.span import Grain
from yuejie.insights.whatif.compare import CAUSE_NAMES
from yuejie.insights.whatif.told import Told
from yuejie.insights.whatif.words import NamedFile
from yuejie.jobs.job import Job, JobKind, JobState
from yuejie.jobs.kinds.what_if import order_what_if, told_of
from yuejie.jobs.start import find_job
from yuejie.kernel.errors import Forbidden, Invalid, NotFound
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely
from yuejie.web.pages.ops.jobs import begin, far_of, reloaded

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

    @classmethod
    def of(cls, job: Job) -> "Supposed":
        """Return the form as it was filled in; of what a program supposed, the month alone."""
        words, said = job.asked["words"], {"month": job.asked["month"]}
        swaps, off = words.get("map", []), words.get("discount", [])
        if len(swaps) == 1:
            said |= {"source": swaps[0].get("from", ""), "target": swaps[0].get("to", "")}
        if len(off) == 1:
            family = off[0].get("models", "")
            said |= {"family": "" if family == "*" else family}
            said |= {"discount": off[0].get("discount", "").rstrip("%")}
        said["without"] = next(iter(words.get("without", [])), "")
        return cls(**said, **{name: words.get(name, "") for name in ("tax_mode", "book", "draft")})

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
def ask(
    request: Request,
    db: Db,
    now: Now,
    customer: str = "",
    month: str = "",
    job: str = "",
    moving: bool = Query(default=False),  # noqa: FBT001 - a query of the page itself
) -> Response:
    """Show what can be supposed of a customer's month, and of a job how far it is or its answer."""
    caller = caller_of(request)
    asked_for: Job | None = None
    if job:
        with db.read() as tx:
            asked_for = find_job(tx, job, caller.customer_id)
        if asked_for.kind is not JobKind.WHAT_IF:
            raise NotFound("没有这次假设，请在本页重新填写")
        customer = asked_for.asked["customer"]
    party = whom(db, caller, customer)
    if party is None:
        return choose(request, db, "假如")
    asked = Supposed.of(asked_for) if asked_for else Supposed(month=month)
    facts = _facts(request, db, party, now, asked, asked_for)
    answer = draw(request, "study/whatif.html", zone=zone_of(party.zone), **facts)
    return reloaded(answer) if moving and asked_for and not asked_for.is_open else answer


@routes.post("", dependencies=ours)
def answer(
    request: Request,
    db: Db,
    now: Now,
    asked: Annotated[Supposed, Form()],
    customer: str = "",
) -> Response:
    """Have the month replayed as supposed; nothing of it is written but the answer."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    if not caller.is_operator and (asked.book or asked.draft):
        raise Forbidden("已发布价目、合同草案、约定单价与部署只有运营方可以假设，请去掉后重试")
    given, file = asked.words(), asked.given
    if not given and file is None:
        raise Invalid("什么都没有假设，请至少填一项")
    order = order_what_if(party, _month(asked, party, now), given, file, caller.customer_id)
    return begin(request, db, order, now)


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
    job: Job | None,
) -> dict[str, Any]:
    by_operator = caller_of(request).is_operator
    outcome: Told | None = None
    label = _month(asked, party, now)
    with db.read(consistent=True) as tx:
        used = read_series(tx, party, _models_of(label, party), now=now)
        contract = contract_at(tx, party.customer_id, now)
        agreed = words_of(contract.terms) if contract else {}
        lists = [b.book_id for b in books(tx) if b.kind == "sale"] if by_operator else []
        drafts = drafts_of(tx, party.customer_id) if by_operator else []
        numbers = numbers_of(tx, party.customer_id)
        if job is not None and job.state is JobState.DONE:
            outcome = told_of(tx, job)
    return {
        **(far_of(request, job, now) if job else {"job": None}),
        "customer": party,
        "asked": asked,
        "month": str(label),
        "models": sorted(line.name for line in used.lines),
        "without": {k: word for k, word in WITHOUT.items() if agreed.get(k) not in {None, "0.00"}},
        "books": lists,
        "drafts": drafts,
        "numbers": numbers,
        "tax_modes": TAX_MODES,
        "causes": CAUSE_NAMES,
        "outcome": outcome,
        "lines": outcome.lines[:LINES] if outcome else (),
        "query": query_of(request, party),
    }
