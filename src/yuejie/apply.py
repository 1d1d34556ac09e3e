"""Apply a house file: providers, models, prices, customers with keys and budgets, declaratively.

The file says how things should be; applying says what it changed, and applying again changes
nothing. Everything is read and checked before the first change, each part is its own deed, and a
part that fails names itself; what was changed before it stays and the next run goes on from there.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from yuejie.budgets.allowance import Measure, Period, read_cap
from yuejie.budgets.keep import AllowanceDraft, add_allowance, change_allowance
from yuejie.budgets.keep import Change as Revised
from yuejie.budgets.store import of_customer
from yuejie.contracts.auto import store as autos
from yuejie.contracts.auto.policy import Policy
from yuejie.contracts.auto.publish import publish_auto
from yuejie.contracts.contract import Contract, FxPolicy, Terms, refuse_idle
from yuejie.contracts.formats.agreed import pricing_of
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.store import accounts, book, contract_versions, fx_rows
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.customers.store import customer_by_slug, keys, project_by_name, projects
from yuejie.db.session import Database
from yuejie.gateway.credentials import decrypt, encrypt
from yuejie.house_file import (
    AccountPart,
    AutoPart,
    BookPart,
    BudgetPart,
    ContractPart,
    CustomerPart,
    DeploymentPart,
    FxPart,
    HouseFile,
    KeyPart,
    ModelPart,
    ProjectPart,
)
from yuejie.kernel.errors import Conflict, DomainError, Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.payments.dunning.sign import sign_contract

_CHINA: Final = "Asia/Shanghai"
_SEED: Final = "seed:"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that applying did, as a sentence; a new key brings its secret."""

    sentence: str
    customer: str = ""
    key_name: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Applying:
    """What every part needs: the database, the secrets, who and when, and where files lie."""

    db: Database
    pepper: bytes
    credential_key: bytes
    by: str
    now: datetime
    folder: Path
    environ: Mapping[str, str]


def apply_house(house: HouseFile, applying: Applying) -> Iterator[Change]:
    """Make the house as the file says and yield each change; a failing part names itself."""
    _check(house, applying)
    steps: list[tuple[str, Callable[[], Iterator[Change]]]] = [
        *((f"fx {p.base}{p.quote}", lambda p=p: _fx(p, applying)) for p in house.fx),
        *((f"account {p.id}", lambda p=p: _account(p, applying)) for p in house.account),
        *((f"model {p.id}", lambda p=p: _model(p, applying)) for p in _backups_first(house.model)),
        *(
            (f"deployment {p.model}", lambda p=p: _deployment(p, applying))
            for p in house.deployment
        ),
        *((f"auto {p.name}", lambda p=p: _auto(p, applying)) for p in house.auto),
        *((f"book {p.id}", lambda p=p: _book(p, applying)) for p in house.book),
        *((f"customer {p.slug}", lambda p=p: _customer(p, applying)) for p in house.customer),
    ]
    for what, step in steps:
        try:
            yield from step()
        except DomainError as error:
            raise Invalid(f"{what}：{error.sentence}") from error


def _check(house: HouseFile, applying: Applying) -> None:
    """Refuse what can be seen to be wrong before anything is changed."""
    for account in house.account:
        _credential(account, applying.environ)
    for priced in house.book:
        for source in priced.prices:
            _price_file(source, applying.folder)
    listed = {part.id: part.currency for part in house.book}
    for customer in house.customer:
        zone_of(customer.zone)
        if customer.contract is not None:
            _check_contract(customer.contract, customer, listed, applying)
        names = {project.name for project in customer.project}
        for key in customer.key:
            if key.project not in names:
                raise Invalid(
                    f"客户 {customer.slug} 的密钥 {key.name} 指向未写明的项目“{key.project}”"
                )


def _check_contract(
    part: ContractPart, customer: CustomerPart, listed: Mapping[str, str], applying: Applying
) -> None:
    """Refuse terms that nobody could sign; `listed` are the books of the file, by currency."""
    with applying.db.read() as tx:
        known = book(tx, part.book)
        who = customer_by_slug(tx, customer.slug)
        signed = contract_versions(tx, _contract_id(who)) if who else []
    currency = known.currency if known else listed.get(part.book)
    if currency is None:
        return
    try:
        terms = _terms(part, CustomerId(customer.slug), customer.zone, currency)
        terms.refuse_nonsense(currency)
        if not signed:
            refuse_idle(terms.commercial, terms.starts_at, terms.zone)
    except DomainError as error:
        raise Invalid(f"customer {customer.slug}：{error.sentence}") from error


def _terms(part: ContractPart, customer_id: CustomerId, zone: str, book_currency: str) -> Terms:
    """Return the terms that a part writes; rates are in the currency of the book they stand in."""
    priced_in = part.currency if part.fx_policy == FxPolicy.CARD else book_currency
    return Terms(
        customer_id=customer_id,
        sale_book=BookId(part.book),
        currency=part.currency,
        zone=zone,
        fx_policy=part.fx_policy,
        tax_mode=part.tax_mode,
        tax_ppm=part.tax_ppm,
        starts_at=parse_instant(part.starts_at, zone_of(zone)),
        commercial=part.terms.terms(),
        pricing=pricing_of(part.discount, part.override, priced_in),
    )


def _backups_first(models: list[ModelPart]) -> list[ModelPart]:
    """Order models so that a backup exists before the model that names it."""
    return sorted(models, key=lambda model: model.backup_model is not None)


def _fx(part: FxPart, applying: Applying) -> Iterator[Change]:
    rate = FxRate.parse(part.rate, part.base, part.quote)
    with applying.db.read() as tx:
        known = fx_rows(tx, base=part.base, quote=part.quote, first=part.on_date, last=part.on_date)
    row = publish_fx(
        applying.db, rate, part.on_date, source=part.source, by=applying.by, now=applying.now
    )
    if row not in known:
        yield Change(f"汇率 {part.on_date} 1 {part.base} = {rate} {part.quote}（{part.source}）")


def _account(part: AccountPart, applying: Applying) -> Iterator[Change]:
    secret = _credential(part, applying.environ)
    with applying.db.read() as tx:
        was = next((a for a in accounts(tx) if a.account_id == part.id), None)
    same = was is not None and _opens_to(was.credential, secret, part.id, applying.credential_key)
    draft = AccountDraft(
        account_id=part.id,
        provider=part.provider,
        platform=part.platform,
        base_url=part.base_url.rstrip("/"),
        region=part.region,
        credential=encrypt(secret, applying.credential_key, part.id),
    )
    if put_account(applying.db, draft, opens_same=same, by=applying.by, now=applying.now):
        yield Change(f"供应商账号 {part.id}（{part.platform}，{part.base_url}）")


def _opens_to(sealed: bytes, secret: str, account_id: str, key: bytes) -> bool:
    try:
        return decrypt(sealed, key, account_id) == secret
    except DomainError:
        return False


def _credential(part: AccountPart, environ: Mapping[str, str]) -> str:
    secret = part.credential or environ.get(part.credential_env, "")
    if not secret:
        where = f"环境变量 {part.credential_env}" if part.credential_env else "credential"
        raise Invalid(f"供应商账号 {part.id} 没有凭证，请填写 {where}")
    return secret


def _model(part: ModelPart, applying: Applying) -> Iterator[Change]:
    draft = ModelDraft(
        model_id=part.id,
        mode=part.mode,
        owner=part.owner,
        context_window=part.context_window,
        max_output=part.max_output,
        capabilities=part.capabilities,
        deprecation_date=part.deprecation_date,
        replacement=part.replacement,
        backup_model=part.backup_model,
    )
    if put_model(applying.db, draft, by=applying.by, now=applying.now):
        yield Change(f"模型 {part.id}")


def _deployment(part: DeploymentPart, applying: Applying) -> Iterator[Change]:
    upstream = part.upstream_model or part.model
    with applying.db.read() as tx:
        platforms = {str(account.account_id): account.platform for account in accounts(tx)}
    draft = DeploymentDraft(
        model_id=part.model,
        account_id=part.account,
        upstream_model=upstream,
        cost_model=part.cost_model or f"{platforms.get(part.account, '')}/{upstream}",
        priority=part.priority,
        weight=part.weight,
    )
    if put_deployment(applying.db, draft, by=applying.by, now=applying.now):
        yield Change(f"部署 {draft.deployment_id}")


def _auto(part: AutoPart, applying: Applying) -> Iterator[Change]:
    policy = Policy(default_model=part.default_model, rules=part.rule).complete()
    with applying.db.read() as tx:
        known = autos.versions_of(tx, part.name)
    if known and known[-1].policy == policy:
        return  # in force, scheduled, or taken out of service since, which stays so
    starts = parse_instant(part.starts_at, zone_of(_CHINA)) if part.starts_at else None
    made = publish_auto(
        applying.db, part.name, policy, by=applying.by, now=applying.now, starts_at=starts
    )
    yield Change(f"自动模型 {part.name} 第 {made.version} 版")


def _book(part: BookPart, applying: Applying) -> Iterator[Change]:
    now, by = applying.now, applying.by
    with applying.db.read() as tx:
        known = book(tx, part.id)
    opened = open_book(applying.db, part.id, kind=part.kind, currency=part.currency, by=by, now=now)
    if opened != known:
        yield Change(f"价目 {part.id}（{part.kind}，{part.currency}）")
    for source in part.prices:
        name, body = _price_file(source, applying.folder)
        starts = parse_instant(part.starts_at, zone_of(_CHINA)) if part.starts_at else now
        wanted = PriceImport(
            book_id=part.id, name=name, body=body, starts_at=starts, approve=part.approve
        )
        report = import_prices(applying.db, wanted, by=by, now=now)
        if report.refused:
            raise Invalid("\n".join([f"{source} 未导入：", *report.lines()]))
        if report.published and report.published.revision is not None:
            yield Change(report.outcome)


def _price_file(source: str, folder: Path) -> tuple[str, bytes]:
    """Return a price file's name and contents; `seed:` names one that comes with the product."""
    if source.startswith(_SEED):
        name = source.removeprefix(_SEED)
        seed = files("yuejie.contracts").joinpath("seed", name)
        if not seed.is_file():
            raise Invalid(
                f"产品不带价目“{source}”，可写 seed:cost_prices.json 或 seed:sale_prices.toml"
            )
        return name, seed.read_bytes()
    path = folder / source
    if not path.is_file():
        raise Invalid(f"价目文件“{path}”不存在，请检查 prices 一项的路径")
    return path.name, path.read_bytes()


def _customer(part: CustomerPart, applying: Applying) -> Iterator[Change]:
    with applying.db.read() as tx:
        was = customer_by_slug(tx, part.slug)
    customer = enrol_customer(
        applying.db,
        Particulars(
            slug=part.slug,
            legal_name=part.legal_name,
            uscc=part.uscc,
            tax_address=part.tax_address,
            tax_phone=part.tax_phone,
            bank_name=part.bank_name,
            bank_account=part.bank_account,
            zone=part.zone,
            currency=part.currency,
            tag_names=part.tag_names,
            state=part.state,
        ),
        by=applying.by,
        now=applying.now,
    )
    if was != customer:
        yield Change(f"客户 {part.slug}（{part.legal_name}）", customer=part.slug)
    if part.contract is not None:
        yield from _contract(part.contract, customer, applying)
    for project in part.project:
        yield from _project(project, customer, applying)
    for key in part.key:
        yield from _key(key, customer, applying)
    for budget in part.budget:
        yield from _budget(budget, customer, applying)


def _contract(part: ContractPart, customer: Customer, applying: Applying) -> Iterator[Change]:
    contract_id = _contract_id(customer)
    with applying.db.read() as tx:
        listed = book(tx, part.book)
    currency = listed.currency if listed else part.currency
    terms = _terms(part, customer.customer_id, customer.zone, currency)
    with applying.db.read() as tx:
        known = contract_versions(tx, contract_id)
    signed: Contract = sign_contract(
        applying.db, terms, by=applying.by, now=applying.now, contract_id=contract_id
    )
    if signed not in known:
        yield Change(f"客户 {customer.slug} 的合同第 {signed.version} 版（{signed.sale_book}）")


def _contract_id(customer: Customer) -> ContractId:
    """Return the id of the contract that the house file writes of a customer."""
    return ContractId(f"con_{customer.customer_id.removeprefix('cus_')}")


def _project(part: ProjectPart, customer: Customer, applying: Applying) -> Iterator[Change]:
    with applying.db.read() as tx:
        was = project_by_name(tx, customer.customer_id, part.name)
    draft = ProjectDraft(
        name=part.name,
        parent=part.parent,
        department=part.department,
        environment=part.environment,
        allowed_providers=part.allowed_providers,
        allowed_regions=part.allowed_regions,
    )
    became = add_project(applying.db, customer.customer_id, draft, by=applying.by, now=applying.now)
    if was != became:
        yield Change(f"客户 {customer.slug} 的项目 {part.name}", customer=customer.slug)


def _key(part: KeyPart, customer: Customer, applying: Applying) -> Iterator[Change]:
    with applying.db.read() as tx:
        names = {p.project_id: p.name for p in projects(tx, customer.customer_id)}
        live = {
            (names[key.project_id], key.name)
            for key in keys(tx, customer.customer_id)
            if key.revoked_at is None
        }
    if (part.project, part.name) in live:
        return
    zone = zone_of(customer.zone)
    draft = KeyDraft(
        project=part.project,
        name=part.name,
        tags=part.tags,
        task_type=part.task_type,
        priority=part.priority,
        models=part.models,
        expires_at=parse_instant(part.expires_at, zone) if part.expires_at else None,
    )
    issued = issue_key(
        applying.db, customer, draft, pepper=applying.pepper, by=applying.by, now=applying.now
    )
    yield Change(
        f"客户 {customer.slug} 的密钥 {part.name}（项目 {part.project}），"
        f"只显示这一次：{issued.secret}",
        customer=customer.slug,
        key_name=part.name,
        secret=issued.secret,
    )


def _budget(part: BudgetPart, customer: Customer, applying: Applying) -> Iterator[Change]:
    """Add an allowance, or change what may change of it; another scope needs another name."""
    at_once = part.measure is Measure.CONCURRENCY
    money = part.measure is Measure.MONEY
    draft = AllowanceDraft(
        name=part.name,
        measure=part.measure,
        cap=read_cap(str(part.cap), part.measure),
        currency=(part.currency or customer.currency) if money else part.currency,
        period=part.per or (Period.ALWAYS if at_once else Period.MONTH),
        mode=part.mode,
        project=part.project,
        key=part.key,
        model=part.model,
        tag=part.tag,
        output_bound=part.output_bound,
        thresholds=part.alert,
        forecasts=part.forecast,
    )
    with applying.db.read() as tx:
        known = {each.name: each for each in of_customer(tx, customer.customer_id)}
    was, said = known.get(part.name), f"客户 {customer.slug} 的额度 {part.name}"
    if was is None:
        add_allowance(applying.db, customer, draft, by=applying.by, now=applying.now)
        yield Change(said, customer=customer.slug)
        return
    kept = (was.measure, was.currency, was.period)
    if kept != (draft.measure, draft.currency, draft.period):
        raise Conflict(f"{said} 的计量、币种和周期不能更改，请结束后用另一个名称新增")
    became = change_allowance(
        applying.db,
        customer,
        part.name,
        Revised(
            cap=draft.cap,
            mode=draft.mode,
            output_bound=draft.output_bound or 0,
            thresholds=draft.thresholds,
            forecasts=draft.forecasts,
        ),
        by=applying.by,
        now=applying.now,
    )
    if became != was:
        yield Change(said, customer=customer.slug)


def environ() -> Mapping[str, str]:
    """Return the environment in which credentials may stand."""
    return os.environ
