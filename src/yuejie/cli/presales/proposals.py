"""`yuejie presales proposal …` and `yuejie presales certificate …`."""

from datetime import datetime
from pathlib import Path

import click

from yuejie.app import seller
from yuejie.cli.frame import Frame, as_json, frame, give_json, put, say, show_table
from yuejie.cli.presales.commands import presales
from yuejie.kernel.errors import NotFound
from yuejie.presales.proposal import store
from yuejie.presales.proposal.make import (
    Wish,
    file_name,
    find_proposal,
    make_proposal,
    read_file,
    register_certificate,
    withdraw_certificate,
)
from yuejie.presales.proposal.proposal import (
    Certificate,
    Language,
    ProposalFile,
    ProposalNote,
    Template,
)
from yuejie.presales.proposal.traced.show import ProposalTrace, trace_proposal
from yuejie.presales.prospects import find_prospect

TEMPLATES = {
    Template.GENERAL: "通用",
    Template.FINTECH: "金融科技",
    Template.ECOMMERCE: "电子商务",
}
_DAY = click.DateTime(["%Y-%m-%d"])
_TO = click.option("--to", "where", type=click.Path(path_type=Path), default=Path())


@presales.group("proposal")
def proposal() -> None:
    """方案书：由报价写成 PDF 与 DOCX，中英文，每一版都留存。"""


@proposal.command("make")
@click.argument("quote_id")
@click.option(
    "--template",
    type=click.Choice([each.value for each in Template]),
    help="行业模板；不写则按需求表的行业",
)
@click.option(
    "--language",
    type=click.Choice([each.value for each in Language]),
    default=Language.ZH.value,
    show_default=True,
)
@_TO
@frame
def make(house: Frame, quote_id: str, template: str | None, language: str, where: Path) -> None:
    """把报价写成方案书，存为新的一版，并写出 PDF 与 DOCX。"""
    wish = Wish(
        quote_id=quote_id,
        template=Template(template) if template else None,
        language=Language(language),
    )
    with house.database() as db:
        ours = seller(house.settings).legal_name
        note = make_proposal(db, wish, seller=ours, by=house.by, now=house.now())
        for kind in ProposalFile:
            _, body = read_file(db, note.proposal_id, kind)
            say(str(put(body, file_name(note, kind), where)))
    say(f"方案书 {note.proposal_id} 第 {note.version} 版，有效期至 {note.valid_until}")


@proposal.command("list")
@click.argument("prospect")
@as_json
@frame
def list_proposals(house: Frame, prospect: str, *, json: bool) -> None:
    """列出一个潜在客户的每一版方案书。"""
    with house.database() as db, db.read() as tx:
        found = store.proposals_of(tx, find_prospect(tx, prospect).prospect_id)
    if json:
        give_json(found)
        return
    if not found:
        say(f"{prospect} 还没有方案书")
        return
    rows = [_row(each) for each in found]
    heads = ["编号", "版本", "模板", "语言", "依据报价", "有效期至", "出具人", "PDF SHA-256"]
    show_table(f"{prospect} 的方案书", heads, rows)


def _row(note: ProposalNote) -> tuple[object, ...]:
    return (
        note.proposal_id,
        note.version,
        TEMPLATES[Template(note.template)],
        note.language,
        note.quote_id,
        str(note.valid_until),
        note.made_by,
        note.pdf_sha256[:16],
    )


@proposal.command("show")
@click.argument("proposal_id")
@as_json
@frame
def show(house: Frame, proposal_id: str, *, json: bool) -> None:
    """显示一版方案书的依据、有效期与两个文件的 SHA-256。"""
    with house.database() as db, db.read() as tx:
        note = find_proposal(tx, proposal_id)
    if json:
        give_json(note)
        return
    say(
        f"方案书 {note.proposal_id} 第 {note.version} 版 · {TEMPLATES[Template(note.template)]} · "
        f"{note.language} · 依据报价 {note.quote_id} · 有效期至 {note.valid_until}"
    )
    say(f"PDF  {note.pdf_sha256}")
    say(f"DOCX {note.docx_sha256}")


@proposal.command("export")
@click.argument("proposal_id")
@_TO
@frame
def export(house: Frame, proposal_id: str, where: Path) -> None:
    """写出一版方案书的 PDF 与 DOCX，与出具时逐字节相同。"""
    with house.database() as db:
        for kind in ProposalFile:
            note, body = read_file(db, proposal_id, kind)
            say(str(put(body, file_name(note, kind), where)))


@proposal.command("trace")
@click.argument("proposal_id")
@click.argument("figure", required=False)
@as_json
@frame
def trace(house: Frame, proposal_id: str, figure: str | None, *, json: bool) -> None:
    """每个数字从哪里来：怎样印的、算法、最终依据的输入；写名称则只看一个数。"""
    with house.database() as db:
        found = trace_proposal(db, proposal_id, language=Language.ZH)
    rows = [each for each in found.rows if figure in {None, each.name}]
    if figure is not None and not rows:
        raise NotFound(f"方案书 {proposal_id} 里没有“{figure}”这个数，不写名称可列出全部")
    if json:
        give_json({"proposal_id": proposal_id, "rows": rows, "loose": found.loose})
        return
    if not found.kept:
        say(f"方案书 {proposal_id} 出具时还没有逐数留存来历，请重新出具；或看报价的推算表：")
        say(f"yuejie presales trace {found.note.quote_id}")
        return
    if figure is None:
        _all(found)
        return
    (one,) = rows
    say(f"{one.label}：{'、'.join(one.printed)}（{'、'.join(one.places)}）")
    say(f"{one.how} = {one.value}" if one.figure else one.how)
    heads = ["依据", "值", "出处"]
    show_table("最终依据的输入", heads, [(r.label, r.value, r.stands) for r in one.rests])


def _all(found: ProposalTrace) -> None:
    rows = [
        (
            each.note or "",
            each.label,
            "、".join(each.printed),
            each.how,
            "；".join(dict.fromkeys(rest.stands for rest in each.rests)),
            each.name,
        )
        for each in found.rows
    ]
    heads = ["号", "数字", "印作", "算法", "出处", "名称"]
    show_table(f"方案书 {found.note.proposal_id} 的每个数字从哪里来", heads, rows)
    for each in found.loose:
        say(f"没有来历：{each}")
    say(f"共 {len(found.rows)} 个数，{len(found.loose)} 处没有来历；一个数的全部依据：后面写名称")


@presales.group("certificate")
def certificate() -> None:
    """资质证书：登记编号与有效期的，才会印在方案书上。"""


@certificate.command("add")
@click.option("--name", required=True, help="名称，如 ISO/IEC 27001:2022")
@click.option("--number", required=True, help="证书编号")
@click.option("--issuer", required=True, help="发证机构")
@click.option("--holder", required=True, help="持证单位")
@click.option("--issued", type=_DAY, required=True, help="发证日")
@click.option("--expires", type=_DAY, required=True, help="有效期至，含当日")
@frame
def add(house: Frame, /, **told: str | datetime) -> None:
    """登记一张证书。"""
    issued, expires = told.pop("issued"), told.pop("expires")
    assert isinstance(issued, datetime), "click has read a day"
    assert isinstance(expires, datetime), "click has read a day"
    wanted = Certificate(
        certificate_id="",
        name=str(told["name"]),
        number=str(told["number"]),
        issuer=str(told["issuer"]),
        holder=str(told["holder"]),
        issued_on=issued.date(),
        expires_on=expires.date(),
        made_by="",
        made_at=house.now(),
    )
    with house.database() as db:
        made = register_certificate(db, wanted, by=house.by, now=house.now())
    say(f"证书 {made.certificate_id} 已登记：{made.name} {made.number}，有效期至 {made.expires_on}")


@certificate.command("list")
@as_json
@frame
def list_certificates(house: Frame, *, json: bool) -> None:
    """列出登记的证书。"""
    with house.database() as db, db.read() as tx:
        found = store.certificates(tx)
    if json:
        give_json(found)
        return
    if not found:
        say("没有登记证书，方案书不印资质一节")
        return
    today = house.now().date()
    rows = [
        (
            each.certificate_id,
            each.name,
            each.number,
            each.issuer,
            str(each.expires_on),
            "有效" if each.holds(today, today) else "已失效",
        )
        for each in found
    ]
    show_table("资质证书", ["登记编号", "证书", "编号", "发证机构", "有效期至", "状态"], rows)


@certificate.command("withdraw")
@click.argument("certificate_id")
@click.option("--why", required=True, help="原因")
@frame
def withdraw(house: Frame, certificate_id: str, why: str) -> None:
    """撤下一张证书，此后不再印；已出具的方案书不变。"""
    with house.database() as db:
        withdraw_certificate(db, certificate_id, why=why, by=house.by, now=house.now())
    say(f"证书 {certificate_id} 已撤下")
