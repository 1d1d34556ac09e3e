"""`yuejie fapiao titles …`."""

import click

from yuejie.cli.fapiao.commands import fapiao
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.words import TITLES, called
from yuejie.customers.enrol import find_customer
from yuejie.fapiao.store import titles_of_customer
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import TitleKept, alter_title, open_title, retire_title


@fapiao.group("titles")
def titles() -> None:
    """发票抬头：登记、修改、停用。"""


@titles.command("list")
@click.argument("customer")
@as_json
@frame
def list_titles(house: Frame, customer: str, *, json: bool) -> None:
    """列出客户的抬头。"""
    with house.database() as db, db.read() as tx:
        found = titles_of_customer(tx, find_customer(tx, customer).customer_id)
    if json:
        give_json(found)
        return
    rows = [
        (
            each.title_id,
            each.name,
            each.tax_number,
            "默认" if each.is_default else "",
            called(TITLES, each.state),
            "、".join(each.emails),
        )
        for each in found
    ]
    show_table("发票抬头", ["编号", "名称", "税号", "默认", "状态", "收票邮箱"], rows)


def _particulars(command: click.decorators.FC) -> click.decorators.FC:
    """Add the options of a title, the same for a new one and for one that is altered."""
    options = (
        click.option("--name", required=True, help="名称，与营业执照一致"),
        click.option("--tax-number", default="", help="税号"),
        click.option("--person", is_flag=True, help="个人抬头（只能开普通发票）"),
        click.option("--address", default="", help="地址（选填）"),
        click.option("--phone", default="", help="电话（选填）"),
        click.option("--bank", default="", help="开户行（选填）"),
        click.option("--account", default="", help="银行账号（选填）"),
        click.option("--cnaps", default="", help="联行号（选填）"),
        click.option("--email", "emails", multiple=True, help="收票邮箱，可重复"),
        click.option("--mobile", default="", help="收票手机（选填）"),
        click.option("--default", "is_default", is_flag=True, help="设为默认抬头"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@titles.command("add")
@click.argument("customer")
@_particulars
@frame
def add(house: Frame, /, customer: str, **facts: object) -> None:
    """登记抬头。"""
    with house.database() as db:
        _tell(open_title(db, customer, _draft(facts), by=house.by, now=house.now()))


@titles.command("alter")
@click.argument("title_id")
@_particulars
@frame
def alter(house: Frame, /, title_id: str, **facts: object) -> None:
    """修改抬头；已申请和已开具的发票不变。"""
    with house.database() as db:
        _tell(alter_title(db, title_id, _draft(facts), by=house.by, now=house.now()))


@titles.command("retire")
@click.argument("title_id")
@frame
def retire(house: Frame, title_id: str) -> None:
    """停用抬头。"""
    with house.database() as db:
        done = retire_title(db, title_id, by=house.by, now=house.now())
    say(f"已停用抬头 {done.name}")


def _draft(facts: dict[str, object]) -> TitleDraft:
    def text(name: str) -> str:
        return str(facts[name])

    emails = facts["emails"]
    assert isinstance(emails, tuple)
    return TitleDraft(
        name=text("name"),
        tax_number=text("tax_number"),
        natural_person=bool(facts["person"]),
        address=text("address"),
        phone=text("phone"),
        bank_name=text("bank"),
        bank_account=text("account"),
        cnaps=text("cnaps"),
        emails=emails,
        mobile=text("mobile"),
        is_default=bool(facts["is_default"]),
    )


def _tell(kept: TitleKept) -> None:
    say(f"已登记抬头 {kept.title.title_id}  {kept.title.name}  {kept.title.tax_number}")
    for warning in kept.warnings:
        say(f"请留意：{warning}")
