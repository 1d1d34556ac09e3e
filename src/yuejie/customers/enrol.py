"""Enrol a customer or change its particulars; add a project to its tree."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from yuejie.customers import store
from yuejie.customers.customer import Customer, CustomerState, Project
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, ProjectId, mint
from yuejie.kernel.money import CURRENCIES
from yuejie.kernel.period import zone_of
from yuejie.kernel.uscc import check_uscc

_SLUG_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the operator writes about a customer."""

    slug: str
    legal_name: str
    uscc: str | None = None
    tax_address: str = ""
    tax_phone: str = ""
    bank_name: str = ""
    bank_account: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    tag_names: list[str] = field(default_factory=list)
    state: str = CustomerState.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDraft:
    """What the operator or the customer writes about a project. `parent` is a project's name."""

    name: str
    parent: str | None = None
    department: str = ""
    environment: str = ""
    allowed_providers: list[str] | None = None
    allowed_regions: list[str] | None = None


def find_customer(tx: Tx, name: str) -> Customer:
    """Return the customer of that short name or id, or say 客户不存在."""
    customer = store.customer_by_slug(tx, name)
    if customer is None:
        raise NotFound(f"客户不存在：{name}", customer=name)
    return customer


def enrol_customer(db: Database, particulars: Particulars, *, by: str, now: datetime) -> Customer:
    """Write a customer down, or change it; zone and currency of a known one may not move."""
    with db.begin() as tx:
        return enrol_in(tx, particulars, by=by, now=now)


def enrol_in(tx: Tx, particulars: Particulars, *, by: str, now: datetime) -> Customer:
    """Do so in somebody's transaction."""
    checked = _check(particulars)
    was = store.customer_by_slug(tx, checked.slug)
    became = _drawn(checked, was, now)
    if was == became:
        return became
    store.save_customer(tx, became)
    verb = "change" if was else "enrol"
    record_deed(tx, Deed(by, now, verb, "customer", became.slug), was=was, became=became)
    return became


def add_project(
    db: Database, customer_id: CustomerId, draft: ProjectDraft, *, by: str, now: datetime
) -> Project:
    """Add a project to a customer's tree, or change the one of that name."""
    with db.begin() as tx:
        return add_project_in(tx, customer_id, draft, by=by, now=now)


def add_project_in(
    tx: Tx, customer_id: CustomerId, draft: ProjectDraft, *, by: str, now: datetime
) -> Project:
    """Do so in somebody's transaction."""
    was = store.project_by_name(tx, customer_id, draft.name)
    parent = _parent(tx, customer_id, draft)
    became = Project(
        project_id=was.project_id if was else ProjectId(mint("prj", now)),
        customer_id=customer_id,
        parent_id=parent.project_id if parent else None,
        name=_named(draft.name, "项目名"),
        department=draft.department,
        environment=draft.environment,
        allowed_providers=draft.allowed_providers,
        allowed_regions=draft.allowed_regions,
        created_at=was.created_at if was else now,
    )
    if was == became:
        return became
    _refuse_loop(store.projects(tx, customer_id), became)
    store.save_project(tx, became)
    verb = "change" if was else "add"
    record_deed(tx, Deed(by, now, verb, "project", became.name), was=was, became=became)
    return became


def _check(particulars: Particulars) -> Particulars:
    _named(particulars.slug, "客户简称")
    if not particulars.legal_name.strip():
        raise Invalid(f"客户 {particulars.slug} 缺少单位全称 legal_name，请按营业执照填写")
    if particulars.currency not in CURRENCIES:
        raise Invalid(
            f"客户 {particulars.slug} 的结算币种“{particulars.currency}”不支持，请写 CNY 或 USD"
        )
    if particulars.state not in set(CustomerState):
        raise Invalid(
            f"客户 {particulars.slug} 的状态“{particulars.state}”应为 active 或 suspended"
        )
    zone_of(particulars.zone)
    for name in particulars.tag_names:
        _named(name, "标签名")
    uscc = check_uscc(particulars.uscc) if particulars.uscc else None
    return replace(particulars, uscc=uscc)


def _named(text: str, what: str) -> str:
    if not text or len(text) > _SLUG_MAX or any(char in text for char in ",=\n\t\0"):
        raise Invalid(f"{what}“{text}”应为 1 到 {_SLUG_MAX} 个字符，不含逗号、等号和换行")
    return text


def _drawn(particulars: Particulars, was: Customer | None, now: datetime) -> Customer:
    if was and (was.zone, was.currency) != (particulars.zone, particulars.currency):
        raise Conflict(
            f"客户 {was.slug} 的时区和结算币种（{was.zone}、{was.currency}）已用于计量，"
            "不能修改；请新建客户或签订补充合同"
        )
    return Customer(
        customer_id=was.customer_id if was else CustomerId(mint("cus", now)),
        slug=particulars.slug,
        legal_name=particulars.legal_name.strip(),
        uscc=particulars.uscc,
        tax_address=particulars.tax_address,
        tax_phone=particulars.tax_phone,
        bank_name=particulars.bank_name,
        bank_account=particulars.bank_account,
        zone=particulars.zone,
        currency=particulars.currency,
        tag_names=sorted(particulars.tag_names),
        state=particulars.state,
        created_at=was.created_at if was else now,
    )


def _parent(tx: Tx, customer_id: CustomerId, draft: ProjectDraft) -> Project | None:
    if draft.parent is None:
        return None
    parent = store.project_by_name(tx, customer_id, draft.parent)
    if parent is None:
        raise NotFound(f"项目 {draft.name} 的上级项目“{draft.parent}”不存在，请先建立上级项目")
    return parent


def _refuse_loop(projects: list[Project], changed: Project) -> None:
    parents = {project.project_id: project.parent_id for project in projects}
    parents[changed.project_id] = changed.parent_id
    above, steps = changed.parent_id, 0
    while above is not None and steps <= len(parents):
        if above == changed.project_id:
            raise Conflict(f"项目 {changed.name} 不能是自己的下级，请另选上级项目")
        above, steps = parents.get(above), steps + 1
