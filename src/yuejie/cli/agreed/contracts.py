"""`yuejie contracts …`: drafts, review, signature, papers, amendment, renewal, end."""

from datetime import datetime
from pathlib import Path

import click

from yuejie.app import seller, signatories
from yuejie.bills.correct.break_fee import approve_leaving
from yuejie.cli.agreed.classes import classes, set_class
from yuejie.cli.agreed.esign import esign
from yuejie.cli.frame import Frame, as_json, frame, give_json, plain, say, show_table, text_of
from yuejie.cli.words import DRAFT_KINDS, FX_POLICIES, PAPERS, TAX_MODES, called
from yuejie.contracts.contract import TAX_PPM, Contract, Terms
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.documents.framework import ContractText
from yuejie.contracts.documents.store import papers_of
from yuejie.contracts.documents.write_up import WRITERS, PaperKind, contract_text, draft_text
from yuejie.contracts.formats.agreed import fen_of, percent, read_draft
from yuejie.contracts.life.approve import reject_draft, review_draft
from yuejie.contracts.life.draft import (
    CALLED,
    DONE,
    ContractDraft,
    DraftBody,
    DraftKind,
    DraftState,
    Review,
)
from yuejie.contracts.life.drafting import (
    draft_contract,
    found,
    revise_draft,
    rework_draft,
    submit_draft,
    withdraw_draft,
)
from yuejie.contracts.life.ending import (
    PARTIES,
    Wish,
    ask_end,
    ending_soon,
    reject_end,
    renew_contract,
)
from yuejie.contracts.life.store import (
    ContractEnd,
    credit_rules,
    drafts_of,
    ends_of,
    open_drafts,
    steps_of,
)
from yuejie.contracts.numbers.number import contract_named, draft_named, number_of
from yuejie.contracts.numbers.store import every_number, numbers_of
from yuejie.contracts.store import book, contract_versions, contracts_of
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.payments.dunning.sign import sign_contract, sign_draft, sign_first

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def contracts() -> None:
    """合同：起草、审核、签署、变更、续约、终止，文本与附件。

    合同写合同编号（HT2026000042）或 con_…；新合同的草案在签署前也可写合同编号。
    """


for each in (esign, classes, set_class):
    contracts.add_command(each)


@contracts.command("list")
@click.option("--customer", required=True)
@as_json
@frame
def list_contracts(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的合同版本。"""
    with house.database() as db, db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
        known, numbers = contracts_of(tx, customer_id), numbers_of(tx, customer_id)
    if json:
        give_json([plain(c) | {"number": numbers.get(c.contract_id, "")} for c in known])
        return
    rows = [
        (
            numbers.get(c.contract_id, c.contract_id),
            c.version,
            c.sale_book,
            c.currency,
            called(FX_POLICIES, c.fx_policy),
            called(TAX_MODES, c.tax_mode),
            percent(c.tax_ppm),
            f"{c.starts_at.astimezone(zone_of(c.zone)):%Y-%m-%d %H:%M}",
            c.terms.ends_on or "",
        )
        for c in known
    ]
    columns = ["合同", "版本", "价目", "币种", "汇率方式", "计税", "税率", "生效", "止日"]
    show_table(f"{customer} 的合同", columns, rows)


@contracts.command("sign")
@click.argument("draft", required=False)
@click.option("--customer", help="不经草案直接登记：客户简称或编号")
@click.option("--book", "book_id", help="直接登记：价目")
@click.option("--starts", help="直接登记：生效时间，按客户时区")
@click.option("--currency", default="CNY")
@click.option("--fx-policy", default="none", type=click.Choice(["none", "card", "bill"]))
@click.option("--tax-mode", default="inclusive", type=click.Choice(["inclusive", "exclusive"]))
@click.option("--tax-ppm", default=TAX_PPM, help="税率，百万分率：6% 写 60000")
@frame
def sign(  # noqa: PLR0913, PLR0917 - each is an argument of the command
    house: Frame,
    draft: str | None,
    customer: str | None,
    book_id: str | None,
    starts: str | None,
    currency: str,
    fx_policy: str,
    tax_mode: str,
    tax_ppm: int,
) -> None:
    """签署审核过的草案；或不经草案直接登记：成员只能登记第一份合同，本机可登记下一版。"""
    if draft is not None:
        with house.database() as db:
            _signed(db, sign_draft(db, _draft_id(db, draft), by=house.by, now=house.now()))
        return
    if customer is None or book_id is None or starts is None:
        raise Invalid("请写明草案编号；或以 --customer、--book、--starts 直接登记")
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
            known = contracts_of(tx, who.customer_id)
        by, now = house.by, house.now()
        terms = Terms(
            customer_id=who.customer_id,
            sale_book=BookId(book_id),
            currency=currency,
            zone=who.zone,
            fx_policy=fx_policy,
            tax_mode=tax_mode,
            tax_ppm=tax_ppm,
            starts_at=parse_instant(starts, zone_of(who.zone)),
        )
        if house.is_member:
            _signed(db, sign_first(db, terms, by=by, now=now))
            return
        contract_id = known[-1].contract_id if known else None
        _signed(db, sign_contract(db, terms, by=by, now=now, contract_id=contract_id))


@contracts.command("draft")
@click.argument("file", type=_FILE)
@click.option("--customer", required=True, help="客户简称或编号")
@frame
def draft(house: Frame, file: Path, customer: str) -> None:
    """按 TOML 文件起草合同；没有写的条款按信用分级与合同类型的惯例。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
            body = _body(tx, file, who)
        _moved(db, draft_contract(db, who.customer_id, body, by=house.by, now=house.now()))


@contracts.command("amend")
@click.argument("contract")
@click.argument("file", type=_FILE)
@click.option("--customer", required=True, help="客户简称或编号")
@frame
def amend(house: Frame, contract: str, file: Path, customer: str) -> None:
    """起草一份合同的变更；按合同类型的规则审核与签署。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
            body = _body(tx, file, who)
            contract_id = contract_named(tx, contract)
        made = draft_contract(
            db,
            who.customer_id,
            body,
            by=house.by,
            now=house.now(),
            kind=DraftKind.AMEND,
            contract_id=contract_id,
        )
        _moved(db, made)


@contracts.command("revise")
@click.argument("draft")
@click.argument("file", type=_FILE)
@frame
def revise(house: Frame, draft: str, file: Path) -> None:
    """按 TOML 文件改写尚未提交的草案。"""
    with house.database() as db:
        with db.read() as tx:
            draft_id = draft_named(tx, draft)
            who = find_customer(tx, found(tx, draft_id).customer_id)
            body = _body(tx, file, who)
        _moved(db, revise_draft(db, draft_id, body, by=house.by, now=house.now()))


@contracts.command("submit")
@click.argument("draft")
@frame
def submit(house: Frame, draft: str) -> None:
    """提交草案给财务审核；内容就此冻结。"""
    with house.database() as db:
        _moved(db, submit_draft(db, _draft_id(db, draft), by=house.by, now=house.now()))


@contracts.command("review")
@click.argument("draft")
@click.option("--grade", required=True, help="信用评级，例如 A")
@click.option("--limit", help="授信额度；不写为不设额度")
@click.option("--deposit", default="0.00", help="押金")
@click.option("--comment", default="", help="意见；押金低于分级规定时必填")
@frame
def review(
    house: Frame, draft: str, grade: str, limit: str | None, deposit: str, comment: str
) -> None:
    """财务审核草案：评级、授信额度、押金。"""
    verdict = Review(
        grade=grade,
        limit_fen=None if limit is None else fen_of(limit, "--limit"),
        deposit_fen=fen_of(deposit, "--deposit"),
        comment=comment,
    )
    with house.database() as db:
        name = _draft_id(db, draft)
        _moved(db, review_draft(db, name, verdict, by=house.by, now=house.now()))


@contracts.command("reject")
@click.argument("draft")
@click.option("--why", required=True, help="原因")
@frame
def reject(house: Frame, draft: str, why: str) -> None:
    """退回草案。"""
    with house.database() as db:
        name = _draft_id(db, draft)
        _moved(db, reject_draft(db, name, by=house.by, now=house.now(), why=why))


@contracts.command("rework")
@click.argument("draft")
@frame
def rework(house: Frame, draft: str) -> None:
    """重拟退回的草案。"""
    with house.database() as db:
        _moved(db, rework_draft(db, _draft_id(db, draft), by=house.by, now=house.now()))


@contracts.command("withdraw")
@click.argument("draft")
@click.option("--why", required=True, help="原因")
@frame
def withdraw(house: Frame, draft: str, why: str) -> None:
    """撤回草案，不可恢复。"""
    with house.database() as db:
        name = _draft_id(db, draft)
        _moved(db, withdraw_draft(db, name, by=house.by, now=house.now(), why=why))


@contracts.command("drafts")
@click.option("--customer", help="只看一个客户，含已签与撤回的")
@as_json
@frame
def drafts(house: Frame, customer: str | None, *, json: bool) -> None:
    """列出等待处理的草案。"""
    with house.database() as db, db.read() as tx:
        rows = (
            drafts_of(tx, find_customer(tx, customer).customer_id) if customer else open_drafts(tx)
        )
        slugs = {d.customer_id: find_customer(tx, d.customer_id).slug for d in rows}
        numbers = every_number(tx)
    if json:
        named = [(d, numbers.get(d.contract_id or d.draft_id, "")) for d in rows]
        give_json([plain(d) | {"number": number} for d, number in named])
        return
    shown = [
        (
            d.draft_id,
            numbers.get(d.contract_id or d.draft_id, d.contract_id or ""),
            slugs[d.customer_id],
            called(DRAFT_KINDS, d.kind),
            CALLED[d.state],
            d.drafted_by,
            d.reviewed_by,
            d.body.digest[:12],
        )
        for d in rows
    ]
    columns = ["编号", "合同", "客户", "类别", "状态", "起草", "审核", "内容摘要"]
    show_table("合同草案", columns, shown)


@contracts.command("show")
@click.argument("name")
@click.option("--customer", required=True, help="客户简称或编号")
@frame
def show(house: Frame, name: str, customer: str) -> None:
    """以文字显示草案或合同的最新一版，并列出经手记录与附件。"""
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        say(WRITERS[PaperKind.TXT](_text(tx, house, name, who)).decode())
        name = _id_of(tx, name)
        for step in steps_of(tx, name):
            say(
                f"{step.at.astimezone(zone_of(who.zone)):%Y-%m-%d %H:%M}  {step.by}  "
                f"{DONE[step.event]} → {CALLED[DraftState(step.became)]}  {step.why}".rstrip()
            )
        for paper in papers_of(tx, who.customer_id):
            if name in {paper.draft_id, paper.contract_id}:
                kind = called(PAPERS, paper.kind)
                say(f"附件 {paper.paper_id}  {kind}  {paper.name}  {paper.sha256.hex()}")


@contracts.command("export")
@click.argument("name")
@click.option("--customer", required=True, help="客户简称或编号")
@click.option("--format", "kind", type=click.Choice([k.value for k in PaperKind]), default="pdf")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件")
@frame
def export(house: Frame, name: str, customer: str, kind: str, out: Path | None) -> None:
    """把草案或合同写成 PDF、DOCX 或文本。"""
    with house.database() as db, db.read() as tx:
        text = _text(tx, house, name, find_customer(tx, customer))
    path = out or Path(f"合同_{name}.{kind}")
    path.write_bytes(WRITERS[PaperKind(kind)](text))
    say(f"已写出 {path}")


@contracts.command("attach")
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option("--customer", required=True, help="客户简称或编号")
@click.option("--signed", is_flag=True, help="双方签署件")
@frame
def attach(house: Frame, name: str, file: Path, customer: str, *, signed: bool) -> None:
    """为草案或合同保存附件；--signed 为签署扫描件。"""
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
            name = _id_of(tx, name)
        drafted = name.startswith("draft_")
        paper = PaperDraft(
            customer_id=customer_id,
            kind="signed" if signed else "attachment",
            name=file.name,
            body=file.read_bytes(),
            draft_id=name if drafted else None,
            contract_id=None if drafted else ContractId(name),
        )
        kept = attach_paper(db, paper, by=house.by, now=house.now())
    say(f"已保存 {kept.paper_id}（SHA-256 {kept.sha256.hex()}）")


@contracts.command("renew")
@click.argument("contract")
@click.option("--months", type=int, help="续约月数；不写按合同约定")
@frame
def renew(house: Frame, contract: str, months: int | None) -> None:
    """按原条款续约；成员只能续约定自动续约、而已无从提出不续约的合同。"""
    with house.database() as db:
        with db.read() as tx:
            name = contract_named(tx, contract)
        by, now, alone = house.by, house.now(), house.is_member
        _signed(db, renew_contract(db, name, by=by, now=now, months=months, alone=alone))


@contracts.command("ending")
@click.option("--days", default=60, help="多少天之内到期")
@as_json
@frame
def ending(house: Frame, days: int, *, json: bool) -> None:
    """列出即将到期的合同。"""
    with house.database() as db, db.read() as tx:
        rows = ending_soon(tx, now=house.now(), within_days=days)
        slugs = {c.customer_id: find_customer(tx, c.customer_id).slug for c, _ in rows}
        numbers = every_number(tx)
    if json:
        give_json([{"contract": contract, "days_left": left} for contract, left in rows])
        return
    shown = [
        (
            numbers.get(c.contract_id, c.contract_id),
            slugs[c.customer_id],
            c.terms.ends_on,
            left,
        )
        for c, left in rows
    ]
    show_table("即将到期的合同", ["合同", "客户", "止日", "剩余天数"], shown)


@contracts.command("terminate")
@click.argument("contract")
@click.option("--on", "wished", required=True, type=_DAY, help="自哪天起不再需要")
@click.option("--why", required=True, help="原因")
@click.option("--party", type=click.Choice(PARTIES), default="customer", help="由谁提出")
@click.option("--waive", default="0.00", help="减免的解约费")
@frame
def terminate(
    house: Frame, contract: str, wished: datetime, why: str, party: str, waive: str
) -> None:
    """提出终止合同：计算止日与解约费，待另一人审批。"""
    with house.database() as db:
        with db.read() as tx:
            contract_id = contract_named(tx, contract)
        wish = Wish(
            contract_id=contract_id,
            wished_on=wished.date(),
            party=party,
            why=why,
            waived_fen=fen_of(waive, "--waive"),
        )
        end = ask_end(db, wish, by=house.by, now=house.now())
    for reason in end.reasons:
        say(reason)
    say(f"已提出 {end.end_id}：应收 {Money(end.owed_fen, end.currency)}，待另一人审批")


@contracts.command("approve-end")
@click.argument("end")
@frame
def approve_termination(house: Frame, end: str) -> None:
    """批准他人提出的终止；解约费计入最后一期账单。"""
    with house.database() as db:
        done = approve_leaving(db, end, by=house.by, now=house.now())
        name = _called(db, done.customer_id, done.contract_id)
    say(f"合同 {name} 自 {done.ends_on} 起终止")
    if done.owed_fen:
        say(f"解约费 {Money(done.owed_fen, done.currency)} {done.currency} 计入最后一期账单")


@contracts.command("reject-end")
@click.argument("end")
@click.option("--why", required=True, help="原因")
@frame
def reject_termination(house: Frame, end: str, why: str) -> None:
    """驳回或撤回待批的终止申请；合同照常，可再提出或续约。"""
    with house.database() as db:
        done = reject_end(db, end, why=why, by=house.by, now=house.now())
        name = _called(db, done.customer_id, done.contract_id)
    say(f"已驳回 {done.end_id}，合同 {name} 照常")


@contracts.command("ends")
@click.option("--customer", required=True, help="客户简称或编号")
@as_json
@frame
def ends(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的终止申请。"""
    with house.database() as db, db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
        rows, numbers = ends_of(tx, customer_id, rejected=True), numbers_of(tx, customer_id)
    if json:
        give_json(rows)
        return
    shown = [
        (
            e.end_id,
            numbers.get(e.contract_id, e.contract_id),
            e.ends_on,
            Money(e.owed_fen, e.currency),
            _decided(e),
        )
        for e in rows
    ]
    show_table("终止", ["编号", "合同", "止日", "应收解约费", "审批"], shown)


def _decided(end: ContractEnd) -> str:
    if end.rejected_by is not None:
        return f"{end.rejected_by} 驳回：{end.rejected_why}"
    return end.approved_by or "待批"


def _body(tx: Tx, file: Path, who: Customer) -> DraftBody:
    """Read a draft's file against the rules and books of the house."""
    words = read_draft(text_of(file), file.name)
    listed = book(tx, words.book)
    if listed is None:
        raise NotFound(f"价目 {words.book} 不存在，请用 yuejie price books 查看")
    return words.body(credit_rules(tx), zone=who.zone, book_currency=listed.currency)


def _text(tx: Tx, house: Frame, name: str, who: Customer) -> ContractText:
    """Write a draft or the newest version of a contract up, if it is the customer's."""
    ours, theirs = signatories(seller(house.settings), who)
    wanted = _id_of(tx, name)
    drafted = [d for d in drafts_of(tx, who.customer_id) if d.draft_id == wanted]
    if drafted:
        return draft_text(tx, drafted[0], seller=ours, customer=theirs)
    versions = [c for c in contract_versions(tx, wanted) if c.customer_id == who.customer_id]
    if not versions:
        raise NotFound(f"客户 {who.slug} 没有草案或合同 {name}，请核对编号")
    return contract_text(tx, versions[-1], seller=ours, customer=theirs)


def _draft_id(db: Database, name: str) -> str:
    with db.read() as tx:
        return draft_named(tx, name)


def _id_of(tx: Tx, name: str) -> str:
    """Return the id of a draft or contract; the number of a signed draft names the contract."""
    return str(contract_named(tx, draft_named(tx, name)))


def _called(db: Database, customer_id: CustomerId, contract_id: str) -> str:
    with db.read() as tx:
        return number_of(tx, customer_id, contract_id) or contract_id


def _moved(db: Database, draft: ContractDraft) -> None:
    """Say where a draft is, and the next command; an amendment has the number of its contract."""
    number = _called(db, draft.customer_id, draft.contract_id or draft.draft_id)
    name = number if draft.contract_id is None else draft.draft_id
    of = f"（合同 {number} 的变更）" if draft.contract_id else ""
    say(f"草案 {name}{of}：{CALLED[draft.state]}（内容摘要 {draft.body.digest[:12]}）")
    command = f"yuejie contracts {{}} {name}"
    match draft.state:
        case DraftState.SUBMITTED:
            say(f"请财务审核：{command.format('review')} --grade 评级 --limit 授信额度")
        case DraftState.REVIEWED:
            say(f"请另一人签署：{command.format('sign')}")


def _signed(db: Database, signed: Contract) -> None:
    until = f"，至 {signed.terms.ends_on}" if signed.terms.ends_on else ""
    name = _called(db, signed.customer_id, signed.contract_id)
    say(f"合同 {name} 第 {signed.version} 版，价目 {signed.sale_book}{until}")
