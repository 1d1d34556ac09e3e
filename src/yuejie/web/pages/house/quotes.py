"""A quote: options, advice, the ground of every figure, its life, and the proposals made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of
from yuejie.presales import store
from yuejie.presales.life.decide import find_quote, step_quote
from yuejie.presales.proposal.make import Wish, make_proposal
from yuejie.presales.proposal.proposal import PRINTABLE, Language, Template
from yuejie.presales.proposal.store import proposals_of
from yuejie.presales.prospects import find_prospect
from yuejie.presales.quote import NEXT, QuoteEvent
from yuejie.presales.trace import Figure, Op, exact_of, value_of
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words

routes: Final = APIRouter(
    include_in_schema=False, prefix="/presales/quotes/{quote}", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]

_SAID: Final = {
    QuoteEvent.APPROVE: "报价已批准，可以报出",
    QuoteEvent.REJECT: "报价已驳回",
    QuoteEvent.OFFER: "已记下：报价已给客户",
    QuoteEvent.ACCEPT: "已记下：客户接受了报价，可以起草合同",
    QuoteEvent.WITHDRAW: "报价已撤回",
}


@routes.get("")
def show_quote(request: Request, db: Db, now: Now, quote: str) -> Response:
    """Show a quote whole; the margin is the house's own business."""
    with db.read(consistent=True) as tx:
        found = find_quote(tx, quote)
        who = find_prospect(tx, found.prospect_id)
        life = store.transitions_of(tx, quote)
        papers = [each for each in proposals_of(tx, who.prospect_id) if each.quote_id == quote]
    body = found.body
    zone = zone_of(body.basis.zone)
    return draw(
        request,
        "house/quote.html",
        zone=zone,
        quote=found,
        prospect=who,
        body=body,
        currency=body.requirement.currency,
        proposed=body.option(body.proposal.model, body.proposal.plan),
        kinds={each.model: words.OPTIONS[each.kind] for each in body.choices},
        below={(each.model, each.plan) for each in body.below_floor},
        excluded=[each for each in body.choices if each.excluded],
        expired=found.expired(now.astimezone(zone).date()),
        life=life,
        proposals=papers[::-1],
        next={event for state, event in NEXT if state is found.state},
        printable=found.state in PRINTABLE,
        own=found.made_by == caller_of(request).name,
        events=QuoteEvent,
        words=words,
    )


@routes.get("/trace")
def show_trace(
    request: Request, db: Db, quote: str, figure: str = "", cursor: str | None = None
) -> Response:
    """Show a figure and what it follows from, one step at a time; without a name, every figure."""
    window = Window.read("page:trace", cursor, PAGE)
    first = window.behind(int) or 0
    with db.read() as tx:
        found = find_quote(tx, quote)
        who = find_prospect(tx, found.prospect_id)
    known = {each.name: each for each in found.body.trace}
    if figure and figure not in known:
        raise NotFound(f"报价 {quote} 里没有“{figure}”这个数，请从报价页点进来")
    rows = _shown(found.body.trace, known, figure)
    return draw(
        request,
        "house/trace.html",
        quote=found,
        prospect=who,
        one=_told(known[figure]) if figure else None,
        figures=[_told(each) for each in rows[first : first + PAGE]],
        older=window.write(first + PAGE) if first + PAGE < len(rows) else None,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A figure as people read it: its value in its unit, and its formula or where it stands."""

    name: str
    label: str
    value: str
    unit: str
    source: str
    words: str
    exact: str
    is_given: bool


def _told(figure: Figure) -> Told:
    is_given = figure.op is Op.GIVEN
    value, _, unit = value_of(figure).partition(" ")
    return Told(
        name=figure.name,
        label=figure.label,
        value=value,
        unit=unit,
        source=figure.source if is_given else "",
        words=figure.words,
        exact="" if is_given else exact_of(figure),
        is_given=is_given,
    )


def _shown(trace: Sequence[Figure], known: Mapping[str, Figure], figure: str) -> Sequence[Figure]:
    return [known[name] for name in known[figure].of] if figure else trace


@routes.post("/proposals", dependencies=ours)
def propose(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    quote: str,
    template: Text = "",
    language: Annotated[Language, Form()] = Language.ZH,
) -> Response:
    """Write a quote up as PDF and DOCX and keep them as the next version."""
    wish = Wish(
        quote_id=quote,
        template=Template(template) if template in set(Template) else None,
        language=language,
    )
    seller = desk.seller.legal_name
    note = make_proposal(db, wish, seller=seller, by=caller_of(request).name, now=now)
    return go(request, f"/presales/quotes/{quote}", f"方案书第 {note.version} 版已出具，可以下载")


@routes.post("/approve", dependencies=ours)
def approve(request: Request, db: Db, now: Now, quote: str, why: Text = "") -> Response:
    """Approve a quote below the floor margin that somebody else made."""
    return _step(request, db, now, quote, QuoteEvent.APPROVE, why)


@routes.post("/reject", dependencies=ours)
def reject(request: Request, db: Db, now: Now, quote: str, why: Text = "") -> Response:
    """Reject a quote below the floor margin."""
    return _step(request, db, now, quote, QuoteEvent.REJECT, why)


@routes.post("/offer", dependencies=ours)
def offer(request: Request, db: Db, now: Now, quote: str, why: Text = "") -> Response:
    """Note that the prospect has the quote."""
    return _step(request, db, now, quote, QuoteEvent.OFFER, why)


@routes.post("/accept", dependencies=ours)
def accept(request: Request, db: Db, now: Now, quote: str, why: Text = "") -> Response:
    """Note that the prospect said yes."""
    return _step(request, db, now, quote, QuoteEvent.ACCEPT, why)


@routes.post("/withdraw", dependencies=ours)
def withdraw(request: Request, db: Db, now: Now, quote: str, why: Text = "") -> Response:
    """Take a quote back."""
    return _step(request, db, now, quote, QuoteEvent.WITHDRAW, why)


def _step(request: Request, db: Db, now: Now, quote: str, event: QuoteEvent, why: str) -> Response:
    step_quote(db, quote, event, why=why, by=caller_of(request).name, now=now)
    return go(request, f"/presales/quotes/{quote}", _SAID[event])
