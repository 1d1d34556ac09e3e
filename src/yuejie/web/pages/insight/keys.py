"""Projects and keys: what there is, and a key's secret, which is shown this once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.customer import Customer, Project
from yuejie.customers.enrol import ProjectDraft, add_project, find_customer
from yuejie.customers.key import ApiKey
from yuejie.customers.keys import IssuedKey, KeyDraft, issue_key, revoke_key, rotate_key
from yuejie.customers.store import key_by_id, keys, projects
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import KeyId
from yuejie.kernel.money import whole
from yuejie.kernel.period import zone_of
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely

routes: Final = APIRouter(include_in_schema=False, prefix="/keys", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Typed = Annotated[str, Field(max_length=500)]
STATES: Final = {"active": "有效", "leaving": "轮换中", "expired": "已到期", "revoked": "已吊销"}
OVERLAPS: Final = {0: "立即停用", 24: "24 小时", 168: "7 天", 720: "30 天"}
"""Hours for which an old key is still good beside its successor."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A project in its tree, with how deep it is and how many good keys it has."""

    project: Project
    depth: int
    keys: int


class Sought(BaseModel):
    """The form of the list of keys as it was filled in; what is empty asks for all."""

    q: Typed = ""
    state: Typed = ""
    cursor: Typed = ""

    def fits(self, key: ApiKey, state: str, project: str) -> bool:
        """Tell whether a key is looked for."""
        words = f"{key.name} {key.hint} {project} {key.tags}".casefold()
        return (not self.state or state == self.state) and self.q.strip().casefold() in words


@routes.get("")
def list_keys(
    request: Request, db: Db, now: Now, sought: Annotated[Sought, Depends()], customer: str = ""
) -> Response:
    """Show a customer's projects and keys; no secret is known any more."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "密钥与项目")
    return _page(request, db, party, now, sought=sought)


class Wanted(BaseModel):
    """The form of a new key, as it was typed."""

    project: Typed = ""
    name: Typed = ""
    models: Typed = ""
    days: Typed = ""

    def draft(self, now: datetime) -> KeyDraft:
        """Return what the verb takes. Raises Invalid for what cannot be read."""
        if not self.name.strip():
            raise Invalid("请给密钥起个名称，例如：后端服务")
        return KeyDraft(
            project=self.project,
            name=self.name.strip(),
            models=self.models.replace("，", ",").replace(",", " ").split() or None,
            expires_at=_expiry(self.days, now),
        )


@routes.post("", dependencies=ours)
def issue(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    form: Annotated[Wanted, Form()],
    customer: str = "",
) -> Response:
    """Issue a key and show its secret, this once; only a digest of it is kept."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    issued = issue_key(db, party, form.draft(now), pepper=desk.pepper, by=caller.name, now=now)
    return _page(request, db, party, now, issued)


class Planned(BaseModel):
    """The form of a new project, as it was typed."""

    name: Typed = ""
    parent: Typed = ""
    department: Typed = ""
    environment: Typed = ""


@routes.post("/projects", dependencies=ours)
def add(
    request: Request,
    db: Db,
    now: Now,
    form: Annotated[Planned, Form()],
    customer: str = "",
) -> Response:
    """Add a project. One of that name is not changed by a form that does not show what it has."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    with db.read() as tx:
        if any(each.name == form.name.strip() for each in projects(tx, party.customer_id)):
            raise Conflict(f"项目“{form.name.strip()}”已存在，请换一个名称")
    draft = ProjectDraft(
        name=form.name.strip(),
        parent=form.parent or None,
        department=form.department.strip(),
        environment=form.environment.strip(),
    )
    add_project(db, party.customer_id, draft, by=caller.name, now=now)
    return go(request, f"/keys{query_of(request, party)}", f"项目 {draft.name} 已建立")


@routes.post("/{key}/rotate", dependencies=ours)
def rotate(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    key: str,
    hours: Annotated[int, Form(ge=0, le=2160)] = 24,
) -> Response:
    """Issue a successor with the same rights; the old key is good until the overlap ends."""
    party = _owner(db, key)
    issued = rotate_key(
        db,
        KeyId(key),
        overlap=timedelta(hours=hours),
        pepper=desk.pepper,
        by=caller_of(request).name,
        now=now,
    )
    return _page(request, db, party, now, issued)


@routes.post("/{key}/revoke", dependencies=ours)
def revoke(request: Request, db: Db, now: Now, key: str) -> Response:
    """End a key for good; every gateway refuses it within a second."""
    party = _owner(db, key)
    ended = revoke_key(db, KeyId(key), by=caller_of(request).name, now=now)
    said = f"密钥 {ended.name} …{ended.hint} 已吊销，各网关一秒内拒绝"
    return go(request, f"/keys{query_of(request, party)}", said)


def _owner(db: Database, key: str) -> Customer:
    with db.begin() as tx:  # a key is read to be changed, and held meanwhile
        found = key_by_id(tx, KeyId(key))
        if found is None:
            raise NotFound(f"密钥 {key} 不存在，请刷新页面")
        return find_customer(tx, found.customer_id)


def _expiry(days: str, now: datetime) -> datetime | None:
    """Return when a key runs out; an empty field is never."""
    if not days.strip():
        return None
    number = whole(days)
    if number is None or not 0 < number <= 3650:
        raise Invalid("有效天数请写 1 到 3650 的整数，不填为长期有效")
    return now + timedelta(days=number)


def _page(
    request: Request,
    db: Database,
    party: Customer,
    now: datetime,
    issued: IssuedKey | None = None,
    *,
    sought: Sought | None = None,
) -> Response:
    asked = sought or Sought()
    window = Window.read(f"page:keys:{party.customer_id}", asked.cursor or None, PAGE)
    with db.read() as tx:
        tree = projects(tx, party.customer_id)
        ring = keys(tx, party.customer_id)
    states = {each.key_id: state_of(each, now) for each in ring}
    named = {each.project_id: each.name for each in tree}

    def place(key: ApiKey) -> str:
        """Order keys: those that are good first, by name."""
        return f"{states[key.key_id] != 'active':d} {key.name} {key.key_id}"

    fitting = [k for k in ring if asked.fits(k, states[k.key_id], named.get(k.project_id, ""))]
    found = cut(window, fitting, place)
    good = [each.project_id for each in ring if states[each.key_id] in {"active", "leaving"}]
    response = draw(
        request,
        "insight/keys.html",
        zone=zone_of(party.zone),
        customer=party,
        branches=[Branch(p, depth, good.count(p.project_id)) for p, depth in branches(tree)],
        keys=found[:PAGE],
        asked=asked,
        any_keys=bool(ring),
        later=window.write(place(found[PAGE - 1])) if len(found) > PAGE else None,
        named=named,
        states=STATES,
        standing=states,
        overlaps=OVERLAPS,
        issued=issued,
        query=query_of(request, party),
    )
    if request.headers.get("hx-request"):
        # The form's refusals go beside it; a key that was made takes the place of the page.
        response.headers.update(
            {"hx-retarget": "#main", "hx-reselect": "#main", "hx-reswap": "outerHTML show:top"}
        )
    return response


def state_of(key: ApiKey, now: datetime) -> str:
    """Tell how a key stands."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return "leaving" if key.replaced_by else "active"


def branches(tree: list[Project]) -> list[tuple[Project, int]]:
    """Return projects as one reads a tree: each below its parent, with its depth, by name."""
    below: dict[str | None, list[Project]] = {}
    for each in sorted(tree, key=lambda one: one.name):
        below.setdefault(each.parent_id, []).append(each)
    found: list[tuple[Project, int]] = []
    waiting = [(each, 0) for each in reversed(below.get(None, []))]
    while waiting and len(found) < len(tree):
        project, depth = waiting.pop()
        found.append((project, depth))
        waiting += [(each, depth + 1) for each in reversed(below.get(project.project_id, []))]
    return found
