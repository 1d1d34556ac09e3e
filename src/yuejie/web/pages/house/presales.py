"""Presales: prospects, what they need, what that comes to, and the quotes that answer it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.contracts.formats.agreed import ppm_of
from yuejie.contracts.terms import ContractType
from yuejie.kernel.errors import Invalid
from yuejie.presales import prospects as deeds
from yuejie.presales import store
from yuejie.presales.ask import Ask, ask_of, read_ask
from yuejie.presales.examples import example
from yuejie.presales.form import read_form
from yuejie.presales.make import make_quote
from yuejie.presales.proposal.store import proposals_of
from yuejie.presales.trace import Tracing
from yuejie.presales.volume import plan_volume
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words

routes: Final = APIRouter(
    include_in_schema=False, prefix="/presales", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Line = Annotated[str, Form(max_length=500)]
Paper = Annotated[str, Form(max_length=100_000)]
Upload = Annotated[UploadFile | None, File()]


def _asked(
    book: Line = "", kind: Line = "", discount: Line = "", fee: Line = "", file: Upload = None
) -> Ask:
    """Read what is asked for: a file, or the common choices."""
    if file is not None and file.filename:
        return read_ask(file.file.read(), file.filename)
    return _common(book, kind, discount, fee)


@routes.get("")
def list_prospects(request: Request, db: Db, cursor: str | None = None) -> Response:
    """Show what waits for a decision, then the prospects by short name."""
    window = Window.read("page:prospects", cursor, PAGE)
    with db.read() as tx:
        rows = store.prospects(tx, after=window.after, limit=window.fetch)
        waiting = store.waiting_quotes(tx)
        floor = deeds.floor_ppm(tx)
        names = {each.prospect_id: each for each in store.prospects(tx)} if waiting else {}
    shown = rows[: window.limit]
    return draw(
        request,
        "house/presales.html",
        prospects=shown,
        waiting=waiting,
        names=names,
        floor=floor,
        older=window.write(shown[-1].slug) if len(rows) > window.limit else None,
    )


@routes.post("", dependencies=ours)
def enrol(request: Request, db: Db, now: Now, slug: Line = "", name: Line = "") -> Response:
    """Take up a company that may become a customer."""
    by = caller_of(request).name
    made = deeds.enrol_prospect(db, slug.strip(), name, by=by, now=now)
    return go(request, f"/presales/{made.slug}", f"潜在客户 {made.name} 已登记，请填需求表")


@routes.post("/floor", dependencies=ours)
def put_floor(request: Request, db: Db, now: Now, share: Line = "") -> Response:
    """Set the margin below which a quote needs another person."""
    by = caller_of(request).name
    deeds.set_floor(db, ppm_of(share, "毛利底线"), by=by, now=now)
    return go(request, "/presales", f"毛利底线已设为 {share}，此后的报价按它判断")


@routes.get("/{prospect}")
def show_prospect(request: Request, db: Db, prospect: str) -> Response:
    """Show a prospect's need, what it comes to each month, its quotes and proposals."""
    with db.read(consistent=True) as tx:
        who = deeds.find_prospect(tx, prospect)
        forms = store.forms_of(tx, who.prospect_id)
        quotes = store.quotes_of(tx, who.prospect_id)
        papers = proposals_of(tx, who.prospect_id)
        lists = [each for each in store.list_books(tx) if each.kind in {"sale", "card"}]
    newest = forms[-1] if forms else None
    return draw(
        request,
        "house/prospect.html",
        prospect=who,
        forms=forms[::-1],
        newest=newest,
        volumes=plan_volume(newest.requirement, Tracing()) if newest else (),
        quotes=quotes,
        states=words.QUOTES,
        proposals=papers[::-1],
        templates=words.TEMPLATES,
        books=lists,
        types=words.TYPES,
        sample=example("general"),
    )


@routes.post("/{prospect}/forms", dependencies=ours)
def hand_in(
    request: Request, db: Db, now: Now, prospect: str, text: Paper = "", file: Upload = None
) -> Response:
    """Keep the next version of what a prospect needs: a file, or what was typed."""
    body, name = _given(text, file)
    by = caller_of(request).name
    made = deeds.hand_in_form(db, prospect, read_form(body, name), by=by, now=now)
    return go(request, f"/presales/{prospect}", f"需求表第 {made.version} 版已保存")


@routes.post("/{prospect}/quotes", dependencies=ours)
def quote(
    request: Request,
    db: Db,
    now: Now,
    prospect: str,
    ask: Annotated[Ask, Depends(_asked)],
) -> Response:
    """Quote the newest form; below the floor margin it waits for another person."""
    made = make_quote(db, prospect, ask, by=caller_of(request).name, now=now)
    return go(request, f"/presales/quotes/{made.quote_id}", f"报价第 {made.version} 版已生成")


def _common(book: str, kind: str, discount: str, fee: str) -> Ask:
    """Read the common choices; no kind of contract chosen quotes every kind at the list."""
    if not book:
        raise Invalid("报价须选择价目；还没有销售价目请先在“价目”建立")
    if not kind:
        if discount.strip() or fee.strip():
            raise Invalid("写了折扣或管理费，请同时选择合同类型")
        return ask_of({"book": book})
    if kind not in set(ContractType):
        raise Invalid("合同类型请从列表中选择")
    plan: dict[str, object] = {"name": words.TYPES[ContractType(kind)], "type": kind}
    if discount.strip():
        plan["discount"] = [{"models": "*", "discount": discount.strip()}]
    if fee.strip():
        plan["management_fee"] = fee.strip()
    return ask_of({"book": book, "plan": [plan]})


def _given(text: str, file: UploadFile | None) -> tuple[bytes, str]:
    """Return the file if there is one, else what was typed, which is TOML."""
    if file is not None and file.filename:
        return file.file.read(), file.filename
    if not text.strip():
        raise Invalid("请上传需求表文件，或在框中填写")
    return text.encode(), "页面填写.toml"
