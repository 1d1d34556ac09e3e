"""A proposal: which quote it writes up, its files, and where every number in it comes from."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.presales.proposal.proposal import Language
from yuejie.presales.proposal.traced.show import trace_proposal
from yuejie.presales.prospects import find_prospect
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.words import ZH
from yuejie.web.pages.house import words

routes: Final = APIRouter(
    include_in_schema=False, prefix="/presales/proposals", dependencies=[Depends(visit)]
)


@routes.get("/{proposal}")
def show_proposal(request: Request, db: Db, proposal: str) -> Response:
    """Show a kept version with every number that it prints, in the words of who looks."""
    language = Language.ZH if request.state.visitor.language == ZH else Language.EN
    found = trace_proposal(db, proposal, language=language)
    with db.read() as tx:
        who = find_prospect(tx, found.note.prospect_id)
    return draw(
        request,
        "house/proposal.html",
        note=found.note,
        prospect=who,
        found=found,
        words=words,
    )
