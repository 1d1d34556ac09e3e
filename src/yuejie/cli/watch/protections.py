"""`yuejie protections …`."""

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Database, Tx
from yuejie.insights.protection import protect, store
from yuejie.insights.protection.policy import Action, Policy, ProtectionState, Until
from yuejie.kernel.period import zone_of

STATES = {ProtectionState.ACTING: "生效中", ProtectionState.RELEASED: "已解除"}
ENDS = {Until.FINDING: "异常结束时", Until.PERSON: "由人解除"}


@click.group()
def protections() -> None:
    """防护：发现用量异常时自动限速、暂停或待批准；都可解除，都有记录。"""


def _customer(db: Database, name: str) -> Customer:
    with db.read() as tx:
        return find_customer(tx, name)


@protections.command("set")
@click.argument("customer")
@click.option(
    "--action",
    type=click.Choice([each.value for each in Action]),
    required=True,
    help="throttle 限速、pause 暂停、approval 暂停待批准",
)
@click.option("--project", help="项目（含下级）；不写则整个客户")
@click.option("--key", help="密钥编号或名称")
@click.option("--per-minute", type=int, help="限速：每分钟几次")
@click.option(
    "--until",
    type=click.Choice([each.value for each in Until]),
    help="finding 异常结束即解除（限速默认），person 由人解除（暂停默认）",
)
@frame
def set_policy(house: Frame, /, customer: str, **told: str | int | None) -> None:
    """设一条防护策略：此后的异常发现按它处置；只处置造成异常的密钥。"""
    until = told["until"]
    with house.database() as db:
        draft = protect.PolicyDraft(
            action=Action(str(told["action"])),
            project=_text(told["project"]),
            key=_text(told["key"]),
            per_minute=told["per_minute"],  # type: ignore[arg-type]  # click read a number
            until=Until(str(until)) if until else None,
        )
        made = protect.make_policy(db, _customer(db, customer), draft, by=house.by, now=house.now())
    say(f"防护策略 {made.policy_id} 已生效：{protect.WORDS[made.action]}，{ENDS[made.until]}解除")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@protections.command("policies")
@click.argument("customer")
@as_json
@frame
def policies(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的防护策略。"""
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        found = store.policies(tx, who.customer_id)
        names = _names(tx, who)
    if json:
        give_json(found)
        return
    if not found:
        say(f"{who.slug} 没有防护策略")
        return
    rows = [
        (
            each.policy_id,
            _whom(each, names),
            protect.WORDS[each.action],
            f"每分钟 {each.per_minute} 次" if each.per_minute else "—",
            ENDS[each.until],
            each.made_by,
        )
        for each in found
    ]
    show_table(f"{who.slug} 的防护策略", ["编号", "范围", "处置", "限速", "解除", "设定人"], rows)


def _names(tx: Tx, customer: Customer) -> dict[str, str]:
    named = {each.project_id: each.name for each in projects(tx, customer.customer_id)}
    return named | {each.key_id: each.name for each in keys(tx, customer.customer_id)}


def _whom(policy: Policy, names: dict[str, str]) -> str:
    if policy.key_id:
        return f"密钥 {names.get(policy.key_id, policy.key_id)}"
    if policy.project_id:
        return f"项目 {names.get(policy.project_id, policy.project_id)}"
    return "整个客户"


@protections.command("unset")
@click.argument("customer")
@click.argument("policy_id")
@frame
def unset_policy(house: Frame, customer: str, policy_id: str) -> None:
    """结束一条防护策略；已经生效的防护仍在，须另行解除。"""
    with house.database() as db:
        who = _customer(db, customer)
        protect.end_policy(db, who, policy_id, by=house.by, now=house.now())
    say(f"防护策略 {policy_id} 已结束")


@protections.command("list")
@click.argument("customer")
@as_json
@frame
def list_protections(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的防护，新的在前。"""
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        found = store.protections(tx, who.customer_id, limit=protect.PAGE)
    if json:
        give_json(found)
        return
    if not found:
        say(f"{who.slug} 没有防护")
        return
    rows = [
        (
            each.protection_id,
            protect.WORDS[each.action],
            STATES[each.state],
            each.finding_id,
            f"{each.acted_at.astimezone(zone_of(who.zone)):%Y-%m-%d %H:%M}",
        )
        for each in found
    ]
    show_table(f"{who.slug} 的防护", ["编号", "处置", "状态", "异常发现", "开始"], rows)


@protections.command("release")
@click.argument("customer")
@click.argument("protection_id")
@click.option("--why", required=True, help="事由，例如：已核实为压测")
@frame
def release(house: Frame, customer: str, protection_id: str, why: str) -> None:
    """解除一个防护（待批准的即批准）：各网关一秒内恢复受理。"""
    with house.database() as db:
        protect.release(
            db, _customer(db, customer), protection_id, why=why, by=house.by, now=house.now()
        )
    say(f"防护 {protection_id} 已解除，各网关一秒内恢复受理")
