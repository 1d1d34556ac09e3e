"""`yuejie contracts esign …`: signatures on a platform, asked for, watched, gone on with."""

import click

from yuejie.app import ask_to_sign, seller
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.esign.ask import SigningForm
from yuejie.contracts.esign.choose import reachable
from yuejie.contracts.esign.errand import found_signing, resume_signing, work_off
from yuejie.contracts.esign.life import SAID
from yuejie.contracts.esign.port import SigningState
from yuejie.contracts.esign.store import Signing, signings_of, steps_of_signing
from yuejie.contracts.numbers.number import called, draft_named
from yuejie.contracts.numbers.store import numbers_of
from yuejie.customers.enrol import find_customer


@click.group("esign")
def esign() -> None:
    """电子签：请客户在 e签宝 或 法大大 上签署审核过的草案。"""


@esign.command("ask")
@click.argument("draft")
@click.option("--person", required=True, help="客户经办人姓名")
@click.option("--mobile", required=True, help="经办人手机号")
@click.option("--platform", default="", help="esign 或 fadada；只启用了一个时可不写")
@click.option("--checked", default="", help="上次结果不明时，在平台上核对到了什么")
@frame
def ask(house: Frame, draft: str, person: str, mobile: str, platform: str, checked: str) -> None:
    """发起电子签：文书进程随后把草案的 PDF 交给平台。"""
    chosen = reachable(house.settings.signing).named(platform)
    with house.database() as db:
        with db.read() as tx:
            draft = draft_named(tx, draft)
        form = SigningForm(person=person, mobile=mobile, platform=chosen, checked=checked)
        asked = ask_to_sign(db, seller(house.settings), draft, form, by=house.by, now=house.now())
    say(f"已请求签署 {asked.signing_id}，平台 {asked.platform}，经办人 {person}")


@esign.command("list")
@click.option("--customer", required=True, help="客户简称或编号")
@as_json
@frame
def list_signings(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的电子签请求。"""
    with house.database() as db, db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
        rows, numbers = signings_of(tx, customer_id), numbers_of(tx, customer_id)
    if json:
        give_json(rows)
        return
    shown = [
        (
            row.signing_id,
            numbers.get(row.draft_id, row.draft_id),
            row.platform,
            _said(row),
            row.who.person,
            row.task,
            row.note,
        )
        for row in rows
    ]
    columns = ["编号", "草案", "平台", "状态", "经办人", "任务号", "说明"]
    show_table(f"{customer} 的电子签", columns, shown)


@esign.command("show")
@click.argument("signing")
@as_json
@frame
def show(house: Frame, signing: str, *, json: bool) -> None:
    """显示一次电子签请求与它的经历。"""
    with house.database() as db, db.read() as tx:
        row, steps = found_signing(tx, signing), steps_of_signing(tx, signing)
        name = called(tx, row.customer_id, row.draft_id)
    if json:
        give_json({"signing": row, "steps": steps})
        return
    say(f"{row.signing_id}  {_said(row)}  {row.platform}  草案 {name}")
    say(f"签署方 {row.who.legal_name}（{row.who.uscc}），经办人 {row.who.person} {row.who.mobile}")
    if row.task:
        say(f"任务 {row.task}  签署地址 {row.url}")
    if row.note:
        say(f"说明 {row.note}")
    for step in steps:
        say(f"{step.at:%Y-%m-%d %H:%M} UTC  {step.by}  {step.event} → {step.became}  {step.why}")


@esign.command("resume")
@click.argument("signing")
@click.option("--why", required=True, help="在平台上核对到了什么")
@frame
def resume(house: Frame, signing: str, why: str) -> None:
    """平台上确有该任务时，继续查询一次失败的请求；绝不重新发起。"""
    with house.database() as db:
        row = resume_signing(db, signing, why=why, by=house.by, now=house.now())
    say(f"签署请求 {row.signing_id}：{_said(row)}，继续查询")


@esign.command("work")
@frame
def work(house: Frame) -> None:
    """现在就办理到期的电子签请求（文书进程平时会自动办理）。"""
    signing = reachable(house.settings.signing)
    count = 0
    with house.database() as db:
        while moved := work_off(db, signing.platforms, signing.send, now=house.now()):
            count += moved
    say(f"办理了 {count} 次")


def _said(signing: Signing) -> str:
    return SAID[SigningState(signing.state)]
