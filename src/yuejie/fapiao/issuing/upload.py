"""Issue by hand: what a person issued on the tax office's site is uploaded and checked here.

The XML says number, time and amounts itself; they must be what was requested. Without XML a person
types number and time in, and PDF or OFD are kept with their hashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.fapiao import store
from yuejie.fapiao.amounts import Amounts
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, find_fapiao, find_red
from yuejie.fapiao.issuing import store as kept
from yuejie.fapiao.issuing.answer import contradiction, note_issued, received
from yuejie.fapiao.issuing.steps import keep_file, wrong_number
from yuejie.fapiao.issuing.stop import take_over
from yuejie.fapiao.issuing.store import NewFile
from yuejie.fapiao.life import RED_SAID, SAID, FapiaoState, RedEvent, RedState
from yuejie.fapiao.providers.papers import Paper, check_layout, read_xml
from yuejie.fapiao.providers.port import Issued
from yuejie.fapiao.reversing import store as reds
from yuejie.fapiao.reversing.answer import move, note_red_issued
from yuejie.fapiao.reversing.by_hand import note_end
from yuejie.fapiao.reversing.form import FormEnd
from yuejie.fapiao.tell import tell_files_kept
from yuejie.fapiao.title import same_name
from yuejie.kernel.errors import Conflict, Invalid

_AHEAD: Final = timedelta(hours=1)
"""How far a clock of the tax office may be ahead of ours."""
_PRINTED_AHEAD: Final = timedelta(days=1)
"""How far what its XML says may be: it is signed, and our clock may be the wrong one."""
_BY_HAND: Final = "已登记手工开具的发票"
_AT_THE_OFFICE: Final = frozenset({RedState.APPROVED, RedState.WAITING, RedState.CONFIRMED})
"""States in which a red fapiao may have been issued; whichever way, it is what was uploaded."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files by format, and what is typed in where there is no XML."""

    files: Mapping[str, bytes]
    number: str = ""
    issued_at: datetime | None = None


def upload_fapiao(db: Database, name: str, upload: Upload, *, by: str, now: datetime) -> Fapiao:
    """Note what was issued by hand for an approved fapiao, or add files to an issued one.

    Refused when number, amounts or buyer differ from the request, naming both.
    """
    paper = _read(upload)
    with db.begin() as tx:
        named = find_fapiao(store.fapiao_by_name(tx, name), name)
        fapiao = store.lock_fapiao(tx, named.customer_id, named.fapiao_id)
        issued = _issued(upload, paper, fapiao.amounts, now)
        if paper is None:
            _refuse_before(issued.issued_at, fapiao.approved_at, "批准")
        wrong = contradiction(tx, fapiao, issued) or _other_parties(fapiao, paper)
        if wrong:
            raise Invalid(f"上传的文件与发票申请 {fapiao.key} 不符：{wrong}；请核对后重新上传")
        if fapiao.state is FapiaoState.APPROVED:
            take_over(tx, fapiao.fapiao_id, fapiao.key, why=_BY_HAND)
            fapiao = note_issued(tx, fapiao, issued, by=by, now=now)
            received(tx, fapiao, by=by, now=now)
        elif fapiao.number is None:
            raise Conflict(f"发票申请 {fapiao.key} 处于“{SAID[fapiao.state]}”状态，不能登记号码")
        elif fapiao.number != issued.number:
            raise Conflict(f"发票 {fapiao.key} 的号码是 {fapiao.number}，不能改为 {issued.number}")
        _keep(tx, fapiao, fapiao.fapiao_id, upload, by=by, now=now)
        tell_files_kept(tx, fapiao, upload.files, now=now)
        return fapiao


def upload_red(db: Database, name: str, upload: Upload, *, by: str, now: datetime) -> RedFapiao:
    """Note a red fapiao that was issued by hand for an approved request, or a buyer's form.

    Raises Conflict for a buyer's form that two people have yet to agree to.
    """
    paper = _read(upload)
    with db.begin() as tx:
        named = find_red(reds.red_by_name(tx, name), name)
        red = reds.lock_red(tx, named.customer_id, named.red_id)
        issued = _issued(upload, paper, red.amounts, now)
        if paper is None:
            _refuse_before(issued.issued_at, red.applied_at or red.approved_at, "红字确认单提交")
        blue = find_fapiao(store.fapiao_by_name(tx, red.fapiao_id), red.fapiao_id)
        wrong = wrong_number(tx, red.red_id, issued.number, issued.issued_at)
        wrong = wrong or _other_parties(blue, paper)
        if wrong or issued.amounts != red.amounts:
            raise Invalid(
                f"上传的文件与红冲申请 {red.key} 不符：{wrong or '金额不同'}；请核对后重新上传"
            )
        if red.state in _AT_THE_OFFICE:
            take_over(tx, red.red_id, red.key, why=_BY_HAND)
            if red.state is RedState.WAITING:
                red = note_end(tx, red, FormEnd.CONFIRMED, why="", by=by, now=now)
            elif red.state is RedState.APPROVED:
                red = move(tx, red, red, RedEvent.CONFIRM, by=by, now=now)
            red = note_red_issued(tx, red, issued, by=by, now=now)
        elif red.number != issued.number:
            raise Conflict(
                f"红字发票 {red.key} 处于“{RED_SAID[red.state]}”状态，不能登记号码 {issued.number}"
            )
        _keep(tx, red, red.red_id, upload, by=by, now=now)
        tell_files_kept(tx, red, upload.files, now=now)
        return red


def _read(upload: Upload) -> Paper | None:
    if not upload.files:
        raise Invalid("没有文件：请上传 XML、OFD 或 PDF 中至少一个")
    for form, body in upload.files.items():
        if form not in {"xml", "ofd", "pdf"}:
            raise Invalid(f"不支持 {form} 文件，请上传 XML、OFD 或 PDF")
        if form != "xml":
            check_layout(form, body)
    return read_xml(upload.files["xml"]) if "xml" in upload.files else None


def _issued(upload: Upload, paper: Paper | None, amounts: Amounts, now: datetime) -> Issued:
    """Return what was issued: as the XML says, else as typed in, with the amounts requested."""
    if paper is not None:
        if upload.number and upload.number != paper.issued.number:
            raise Invalid(
                f"填写的号码 {upload.number} 与 XML 中的 {paper.issued.number} 不同，请核对"
            )
        if paper.issued.issued_at > now + _PRINTED_AHEAD:
            raise Invalid("XML 中的开票时间晚于现在，请核对")
        return paper.issued
    if not upload.number or upload.issued_at is None:
        raise Invalid("没有 XML 文件时须填写发票号码和开票时间")
    if upload.issued_at > now + _AHEAD:
        raise Invalid("填写的开票时间晚于现在，请核对")
    return Issued(upload.number, upload.issued_at, amounts)


def _refuse_before(issued_at: datetime, earliest: datetime | None, what: str) -> None:
    """Refuse a typed time that would put a fapiao into a period before it could be issued.

    People type whole minutes. A file says its own time, and is believed.
    """
    if earliest is not None and issued_at < earliest.replace(second=0, microsecond=0):
        raise Invalid(f"填写的开票时间早于{what}的时间，请核对")


def _other_parties(fapiao: Fapiao, paper: Paper | None) -> str:
    if paper is None:
        return ""
    said = (
        ("购买方", paper.buyer_tax_number, fapiao.buyer),
        ("销售方", paper.seller_tax_number, fapiao.seller),
    )
    for who, number, party in said:
        if number and number != party.tax_number:
            return f"{who}税号 {number} 不是 {party.tax_number}（{party.name}）"
    name = paper.buyer_name
    if name and not paper.buyer_tax_number and not same_name(name, fapiao.buyer.name):
        return f"购买方名称“{name}”不是“{fapiao.buyer.name}”"
    return ""


def _keep(
    tx: Tx,
    subject: Fapiao | RedFapiao,
    subject_id: str,
    upload: Upload,
    *,
    by: str,
    now: datetime,
) -> None:
    for form, body in upload.files.items():
        known = kept.file_of(tx, subject_id, form)
        if known is not None and known != body:
            raise Conflict(f"{form.upper()} 文件已归档且内容不同，归档不可替换；请核对")
        keep_file(tx, subject, NewFile(form, body, "upload"), by=by, now=now)
