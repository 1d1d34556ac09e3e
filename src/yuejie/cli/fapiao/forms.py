"""`yuejie fapiao`: red forms that people follow by hand, and those that buyers start."""

from datetime import datetime

import click

from yuejie.cli.fapiao.commands import fapiao
from yuejie.cli.frame import Frame, frame, say
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import Filed, Seen, end_form, file_form, note_buyers_form
from yuejie.fapiao.reversing.form import ANSWERS, FORM_STATES, FormEnd, RedReason, read_pick
from yuejie.kernel.period import zone_of

_CHINA = zone_of("Asia/Shanghai")


@fapiao.command("file-form")
@click.argument("name")
@click.option("--number", required=True, help="税局的确认单编号")
@click.option("--at", type=click.DateTime(), required=True, help="提交时间，北京时间")
@click.option("--needs-nobody", is_flag=True, help="税局显示“无需确认”")
@frame
def file(house: Frame, name: str, number: str, at: datetime, *, needs_nobody: bool) -> None:
    """登记已在电子税务局手工提交的确认单，72 小时由此起算；再登记一次即更正。"""
    filed = Filed(number=number, filed_at=at.replace(tzinfo=_CHINA), needs_nobody=needs_nobody)
    with house.database() as db:
        red = file_form(db, name, filed, by=house.by, now=house.now())
    words = FORM_STATES[red.form_code][0]
    until = f"，{_local(red.expires_at)} 到期" if red.expires_at and not needs_nobody else ""
    say(f"已登记 {red.key}  确认单 {red.form_number}  {words}{until}")


@fapiao.command("end-form")
@click.argument("name")
@click.option("--ended", type=click.Choice([e.value for e in FormEnd]), required=True)
@click.option("--why", default="", help="说明；与批准的答复相反时必填")
@frame
def end(house: Frame, name: str, ended: str, why: str) -> None:
    """登记手工确认单的结果：已确认、对方否认、逾期作废、已撤销。"""
    with house.database() as db:
        red = end_form(db, name, FormEnd(ended), why=why, by=house.by, now=house.now())
    say(f"已登记 {red.key}  {FORM_STATES[red.form_code][0]}")


@fapiao.command("buyers-form")
@click.argument("name")
@click.option("--number", required=True, help="税局的确认单编号")
@click.option("--at", type=click.DateTime(), required=True, help="购方提交的时间，北京时间")
@click.option("--reason", type=click.Choice([r.value for r in RedReason]), required=True)
@click.option(
    "--line", "lines", multiple=True, help="部分红冲：行号=含税金额/不含税金额，可重复；不写为全额"
)
@frame
def note(
    house: Frame, name: str, number: str, at: datetime, reason: str, lines: tuple[str, ...]
) -> None:
    """登记在电子税务局看到的、购方对一张发票发起的确认单；服务商办理的自动查到。"""
    seen = Seen(
        fapiao=name,
        number=number,
        filed_at=at.replace(tzinfo=_CHINA),
        reason=RedReason(reason),
        picks=tuple(read_pick(text) for text in lines),
    )
    with house.database() as db:
        red = note_buyers_form(db, seen, by=house.by, now=house.now())
    say(f"已登记 {red.key}  确认单 {red.form_number}，请由两人确认或拒绝")


@fapiao.command("answer-form")
@click.argument("name")
@click.option("--agree/--deny", required=True, help="确认，或拒绝")
@click.option("--why", default="", help="说明；拒绝时必填")
@frame
def propose(house: Frame, name: str, why: str, *, agree: bool) -> None:
    """拟定对购方确认单的答复；须另一人批准后才提交税局。"""
    with house.database() as db:
        red = propose_answer(db, name, agree=agree, why=why, by=house.by, now=house.now())
    say(f"已拟定{ANSWERS[red.answer]} {red.key}，须由另一人批准")


@fapiao.command("approve-answer")
@click.argument("name")
@click.option("--agree/--deny", default=None, help="所批准的答复；已被改成另一种时不批准")
@frame
def let(house: Frame, name: str, *, agree: bool | None) -> None:
    """批准对购方确认单的答复，提交税局（不能批准自己拟定的）。"""
    with house.database() as db:
        red = approve_answer(db, name, agree=agree, by=house.by, now=house.now())
    say(f"已批准{ANSWERS[red.answer]} {red.key}  蓝票 {red.blue_number}")


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(_CHINA):%Y-%m-%d %H:%M}"
