"""Customers, their projects and their contracts."""

from typing import Final

from fastapi import Response, status

from yuejie.contracts.contract import Terms
from yuejie.contracts.numbers.store import numbers_of
from yuejie.contracts.store import contracts_of
from yuejie.customers.enrol import add_project, enrol_customer, find_customer
from yuejie.customers.store import customer_by_slug, customers, projects
from yuejie.kernel.ids import BookId
from yuejie.payments.dunning.sign import sign_first
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.customers import CustomerIn, CustomerOut, ProjectIn, ProjectOut
from yuejie.web.shapes.prices import ContractIn, ContractOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("客户", prefix="/customers")


@routes.get("", summary="列出客户")
def list_customers(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[CustomerOut]:
    """按简称列出客户。"""
    window = Window.read("customers", cursor, limit)
    with db.read() as tx:
        rows = customers(tx, after=window.after, limit=window.fetch)
    return window.page(rows, CustomerOut.model_validate, lambda row: row.slug)


@routes.get("/{customer}", summary="查看客户")
def get_customer(db: Db, customer: Name) -> CustomerOut:
    """按简称或编号查看一个客户。"""
    with db.read() as tx:
        return CustomerOut.model_validate(find_customer(tx, customer))


@routes.put(
    "/{customer}",
    summary="登记或更改客户",
    responses={201: {"model": CustomerOut, "description": "新登记"}},
)
def put_customer(
    db: Db, caller: AnyCaller, now: Now, customer: Name, body: CustomerIn, response: Response
) -> CustomerOut:
    """按简称登记客户，已有则更改（201 新登记，200 已有）；时区和币种登记后不能改。"""
    with db.read() as tx:
        known = customer_by_slug(tx, customer)
    slug = known.slug if known else customer
    enrolled = enrol_customer(db, body.particulars(slug), by=caller.name, now=now)
    response.status_code = status.HTTP_200_OK if known else status.HTTP_201_CREATED
    return CustomerOut.model_validate(enrolled)


@routes.get("/{customer}/projects", summary="列出项目", tags=["项目"])
def list_projects(
    db: Db, customer: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ProjectOut]:
    """按名称列出一个客户的项目。"""
    window = Window.read("projects", cursor, limit)
    with db.read() as tx:
        rows = projects(tx, find_customer(tx, customer).customer_id)
    found = cut(window, rows, lambda row: row.name)
    return window.page(found, ProjectOut.model_validate, lambda row: row.name)


@routes.post("/{customer}/projects", summary="新增或更改项目", tags=["项目"])
def put_project(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ProjectIn) -> ProjectOut:
    """新增项目，或更改同名项目；重复提交不再改动。"""
    with db.read() as tx:
        who = find_customer(tx, customer)
    added = add_project(db, who.customer_id, body.draft(), by=caller.name, now=now)
    return ProjectOut.model_validate(added)


@routes.get("/{customer}/contracts", summary="列出合同", tags=["合同"])
def list_contracts(
    db: Db, customer: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ContractOut]:
    """列出一个客户的合同各版。"""
    window = Window.read("contracts", cursor, limit)
    with db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
        numbers = numbers_of(tx, customer_id)
        rows = [ContractOut.of(row, numbers) for row in contracts_of(tx, customer_id)]

    def key(version: ContractOut) -> str:
        return f"{version.starts_at.isoformat()} {version.contract_id} {version.version:08d}"

    return window.page(cut(window, rows, key), ContractOut.model_validate, key)


@routes.post("/{customer}/contracts", summary="签订合同", tags=["合同"])
def sign(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ContractIn) -> ContractOut:
    """登记客户的第一份合同；条款相同则不再改动，已有合同的经合同草案由两人变更或另签。"""
    with db.read() as tx:
        who = find_customer(tx, customer)
    terms = Terms(
        customer_id=who.customer_id,
        sale_book=BookId(body.book),
        currency=body.currency,
        zone=who.zone,
        fx_policy=body.fx_policy,
        tax_mode=body.tax_mode,
        tax_ppm=body.tax_ppm,
        starts_at=body.starts_at,
    )
    signed = sign_first(db, terms, by=caller.name, now=now)
    with db.read() as tx:
        return ContractOut.of(signed, numbers_of(tx, who.customer_id))
