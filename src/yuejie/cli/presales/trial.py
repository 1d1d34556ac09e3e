"""`yuejie trial …`."""

from pathlib import Path

import click

from yuejie.app import seller
from yuejie.cli.frame import Frame, as_json, frame, give_json, put, say, show_table
from yuejie.contracts.contract import Terms
from yuejie.contracts.numbers.number import called
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import Money
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.notices.notice import Audience, Kind
from yuejie.presales.trial import store
from yuejie.presales.trial.ask import (
    ask_trial,
    claim_hash,
    decline_trial,
    policy_of,
    public,
    set_policy,
)
from yuejie.presales.trial.convert import convert_by_draft, convert_trial, soonest, standing_of
from yuejie.presales.trial.grant import claim_key, grant_trial
from yuejie.presales.trial.pdf import TrialPaper, facts_of, file_name, to_pdf
from yuejie.presales.trial.report import TrialReport, report_of
from yuejie.presales.trial.tell import told_of
from yuejie.presales.trial.tend import book_cost
from yuejie.presales.trial.trial import (
    REQUESTS_SAID,
    ZONE,
    Asked,
    RequestState,
    Stage,
    TrialPolicy,
)

ROWS = 200
STATES = REQUESTS_SAID
TOLD = {
    Kind.TRIAL_GRANTED: "试用开始",
    Kind.TRIAL_HALF_USED: "用过一半",
    Kind.TRIAL_USED_UP: "额度用完",
    Kind.TRIAL_ENDING: "三日内到期",
    Kind.TRIAL_ENDED: "期满，附报告与账单样张",
    Kind.TRIAL_CONVERTED: "转为正式，附报告与账单样张",
}
AUDIENCES = {Audience.CUSTOMER: "客户", Audience.OPERATOR: "销售"}
STAGES = {Stage.RUNNING: "进行中", Stage.CONVERTED: "已转正式", Stage.ENDED: "已期满"}


@click.group()
def trial() -> None:
    """试用：申请、审批、用量、报告与账单样张、转正式合同。用量不计费，成本记销售费用。"""


@trial.command("policy")
@click.option("--book", help="销售价目；试用按它的目录价列出参考金额")
@click.option("--model", "models", multiple=True, help="可试用的模型，可重复")
@click.option("--days", type=int, help="最长天数，7 到 14")
@click.option("--tokens", type=int, help="token 上限（硬限额）")
@click.option(
    "--fx-policy",
    default="none",
    type=click.Choice(["none", "card"]),
    help="card：外币价目按汇率折算，客户以 CNY 结算",
)
@click.option("--by-rule/--by-sales", default=False, help="规则内的申请自动批准，或须销售审批")
@as_json
@frame
def policy(
    house: Frame,
    *,
    book: str | None,
    models: tuple[str, ...],
    days: int | None,
    tokens: int | None,
    fx_policy: str,
    by_rule: bool,
    json: bool,
) -> None:
    """显示试用规则；写明 --book、--model、--days、--tokens 则设为新规则。"""
    with house.database() as db:
        if book is not None:
            if not models or days is None or tokens is None:
                raise Invalid("设试用规则须写明 --model、--days 与 --tokens")
            wanted = TrialPolicy(
                revision=0,
                sale_book=BookId(book),
                fx_policy=fx_policy,
                models=models,
                days_most=days,
                tokens_most=tokens,
                by_rule=by_rule,
                made_by="",
                made_at=house.now(),
            )
            set_policy(db, wanted, by=house.by, now=house.now())
        with db.read() as tx:
            found = policy_of(tx)
    if json:
        give_json(found)
        return
    how = "规则内自动批准" if found.by_rule else "由销售审批"
    say(
        f"试用规则第 {found.revision} 版：{'、'.join(found.models)}；最多 {found.days_most} 天、"
        f"{found.tokens_most:,} token；价目 {found.sale_book}；{how}"
    )


@trial.command("ask")
@click.option("--company", required=True, help="公司全称")
@click.option("--contact", required=True, help="联系人")
@click.option("--email", required=True, help="公司邮箱")
@click.option("--phone", default="")
@click.option("--purpose", default="", help="用途")
@click.option("--model", "models", multiple=True, help="想试用的模型，可重复；不写为全部可试用的")
@click.option("--days", type=int, default=7, show_default=True)
@click.option("--tokens", type=int)
@frame
def ask(house: Frame, /, **told: str | int | tuple[str, ...] | None) -> None:
    """代客户申请试用；领取码只显示一次，凭它领取密钥。"""
    asked = Asked(**told)  # type: ignore[arg-type]  # why: click has read each as its type
    with house.database() as db:
        receipt = ask_trial(
            db,
            asked,
            peer=house.user,
            pepper=house.settings.pepper,
            credential_key=house.settings.credential_key,
            now=house.now(),
        )
    request = receipt.request
    say(f"试用申请 {request.request_id}：{STATES[request.state]}")
    say(f"领取码（只显示这一次）：{receipt.claim}")


@trial.command("requests")
@click.option("--all", "everything", is_flag=True, help="含已处理的")
@as_json
@frame
def requests(house: Frame, *, everything: bool, json: bool) -> None:
    """列出试用申请，新的在前。"""
    state = None if everything else RequestState.ASKED
    with house.database() as db, db.read() as tx:
        found = [public(each) for each in store.requests(tx, state=state, limit=ROWS)]
    if json:
        give_json(found)
        return
    if not found:
        say("没有待处理的试用申请")
        return
    rows = [
        (
            each.request_id,
            each.company,
            f"{each.contact} {each.email}",
            "、".join(each.models),
            each.days,
            each.tokens,
            STATES[each.state],
        )
        for each in found
    ]
    show_table("试用申请", ["编号", "公司", "联系人", "模型", "天数", "token", "状态"], rows)


@trial.command("approve")
@click.argument("request_id")
@click.option("--customer", default="", help="客户简称；不写则按申请编号")
@frame
def approve(house: Frame, request_id: str, customer: str) -> None:
    """批准试用：立即开始，申请人凭领取码领取密钥。"""
    with house.database() as db:
        made = grant_trial(
            db,
            request_id,
            slug=customer,
            credential_key=house.settings.credential_key,
            by=house.by,
            now=house.now(),
        )
        with db.read() as tx:
            who = find_customer(tx, made.customer_id)
    until = made.ends_at.astimezone(zone_of(ZONE))
    say(
        f"试用 {made.trial_id} 已开始：客户 {who.slug}，{'、'.join(made.models)}，"
        f"{made.tokens:,} token，至 {until:%Y-%m-%d %H:%M} 止"
    )


@trial.command("decline")
@click.argument("request_id")
@click.option("--why", required=True, help="原因，申请人会看到")
@frame
def decline(house: Frame, request_id: str, why: str) -> None:
    """婉拒试用申请。"""
    with house.database() as db:
        decline_trial(db, request_id, why=why, by=house.by, now=house.now())
    say(f"试用申请 {request_id} 已婉拒")


@trial.command("claim")
@click.argument("request_id")
@click.argument("claim")
@frame
def claim(house: Frame, request_id: str, claim: str) -> None:
    """凭领取码领取试用密钥，只显示一次。"""
    with house.database() as db:
        _, issued = claim_key(
            db,
            request_id,
            claim_hash(claim),
            pepper=house.settings.pepper,
            now=house.now(),
        )
    say(issued.secret)


@trial.command("list")
@as_json
@frame
def list_trials(house: Frame, *, json: bool) -> None:
    """列出试用，新的在前。"""
    with house.database() as db, db.read() as tx:
        now = house.now()
        found = [
            (each, find_customer(tx, each.customer_id), standing_of(tx, each, now))
            for each in store.trials(tx, limit=ROWS)
        ]
    if json:
        give_json(
            [
                {"trial": each, "customer": who.slug, "standing": stands}
                for each, who, stands in found
            ]
        )
        return
    if not found:
        say("还没有试用")
        return
    rows = [
        (
            each.trial_id,
            who.slug,
            STAGES[stands.stage],
            f"{stands.over_at.astimezone(zone_of(ZONE)):%Y-%m-%d %H:%M}",
            each.tokens,
            "已领取" if each.key_id else "未领取",
        )
        for each, who, stands in found
    ]
    show_table("试用", ["编号", "客户", "状态", "止于", "token 额度", "密钥"], rows)


@trial.command("show")
@click.argument("name")
@as_json
@frame
def show(house: Frame, name: str, *, json: bool) -> None:
    """显示一个试用的用量、按目录价的参考金额与我方成本；按编号或客户。"""
    with house.database() as db:
        report = report_of(db, name, now=house.now())
        with db.read() as tx:
            told = told_of(tx, report.trial)
    if json:
        give_json(facts_of(report) | {"costs": report.costs, "told": told})
        return
    _say_report(report)
    zone = zone_of(ZONE)
    rows = [
        (f"{each.at.astimezone(zone):%Y-%m-%d %H:%M}", TOLD[each.kind], AUDIENCES[each.audience])
        for each in told
    ]
    if rows:
        show_table("已写入通知（送达见 yuejie notices log）", ["时间", "阶段", "通知谁"], rows)


def _say_report(report: TrialReport) -> None:
    stands = report.standing
    say(
        f"试用 {report.trial.trial_id} · {report.customer.slug} · {STAGES[stands.stage]} · "
        f"止于 {stands.over_at.astimezone(zone_of(ZONE)):%Y-%m-%d %H:%M}"
    )
    say(
        f"用量 {report.tokens:,} / {report.trial.tokens:,} token；"
        f"按目录价 {report.gross} {report.currency}（仅供参考）；应付 0.00"
    )
    rows = [
        (line.month, line.model, line.meter, line.quantity, line.amount) for line in report.lines
    ]
    if rows:
        show_table("用量", ["用量月份", "模型", "计量项", "数量", "按目录价"], rows)
    costs = [
        (c.month, c.currency, Money(c.fen, c.currency), Money(c.booked_fen, c.currency))
        for c in report.costs
    ]
    if costs:
        show_table("我方成本（销售费用）", ["月份", "币种", "成本", "已入账"], costs)


@trial.command("report")
@click.argument("name")
@click.option("--to", "where", type=click.Path(path_type=Path), default=Path(), show_default=True)
@frame
def report(house: Frame, name: str, where: Path) -> None:
    """写出试用报告与账单样张（标明“试用”，不是账单）的 PDF。"""
    with house.database() as db:
        found = report_of(db, name, now=house.now())
    ours = seller(house.settings).legal_name
    for paper in TrialPaper:
        say(str(put(to_pdf(found, paper, ours), file_name(found, paper), where)))


@trial.command("convert")
@click.argument("customer")
@click.option("--draft", help="已审核的合同草案")
@click.option("--book", help="不经草案：销售价目")
@click.option("--starts", help="不经草案：生效时间，按客户时区；不写则尽快（约十秒后）")
@click.option("--fx-policy", default="none", type=click.Choice(["none", "card", "bill"]))
@frame
def convert(
    house: Frame,
    customer: str,
    draft: str | None,
    book: str | None,
    starts: str | None,
    fx_policy: str,
) -> None:
    """转为正式合同：密钥不变，自生效时刻起计费，试用用量永不计费。"""
    if (draft is None) == (book is None):
        raise Invalid("请写明 --draft（审核过的草案）或 --book（直接签），二者取一")
    with house.database() as db:
        by, now = house.by, house.now()
        if draft is not None:
            signed = convert_by_draft(db, customer, draft, by=by, now=now)
        elif house.is_member:
            raise Conflict(
                f"客户 {customer} 有试用合同，一人不能另立合同接续；请起草合同草案"
                "（“合同草案”页面，或 yuejie contracts draft），审核后由另一人以 --draft 转正式"
            )
        else:
            with db.read() as tx:
                who = find_customer(tx, customer)
            terms = Terms(
                customer_id=who.customer_id,
                sale_book=BookId(str(book)),
                currency=who.currency,
                zone=who.zone,
                fx_policy=fx_policy,
                starts_at=parse_instant(starts, zone_of(who.zone)) if starts else soonest(now),
            )
            signed = convert_trial(db, customer, terms, by=by, now=now)
        with db.read() as tx:
            name = called(tx, signed.customer_id, signed.contract_id)
    when = signed.starts_at.astimezone(zone_of(signed.zone))
    say(f"合同 {name} 自 {when:%Y-%m-%d %H:%M:%S} 起接续试用；原密钥不变，此前的用量不计费")


@trial.command("book-cost")
@click.argument("name")
@frame
def book(house: Frame, name: str) -> None:
    """把一个试用的成本转入销售费用（文员每小时也会做）。"""
    with house.database() as db:
        found = report_of(db, name, now=house.now())
        count = book_cost(db, found.trial, by=house.by, now=house.now())
    say(f"已记 {count} 笔分录" if count else "没有新的成本可入账（期满或月末一个多小时后入账）")
