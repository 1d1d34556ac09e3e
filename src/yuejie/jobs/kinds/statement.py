"""Take a large bank statement in, whole or not at all, and match what came in."""

from collections.abc import Mapping
from typing import Final

from yuejie.db.session import Database
from yuejie.jobs.job import Became, JobKind, Order, Piece, Upload
from yuejie.jobs.start import AT_ONCE_BYTES, digest, named
from yuejie.jobs.work import Work
from yuejie.payments.banks.keep import find_account
from yuejie.payments.receipts.load import Imported, import_statement
from yuejie.payments.receipts.match import Matched, match_open
from yuejie.payments.statements.read import read_statement

AT_ONCE_LINES: Final = 200
"""A statement of so many lines is taken in while its sender waits: each is booked and matched."""
IMPORT: Final = "导入流水"
MATCH: Final = "自动匹配"


def is_short(body: bytes, name: str) -> bool:
    """Tell whether a statement is taken in at once; raises StatementRefused for a broken one."""
    return len(body) <= AT_ONCE_BYTES and len(read_statement(body, name).lines) <= AT_ONCE_LINES


def order_statement(db: Database, account: str, file: Upload) -> Order:
    """Ask for a statement to be taken in; raises NotFound for an account that is not ours."""
    with db.read() as tx:
        ours = find_account(tx, account)
    asked = {"account": ours.number, "files": named((file,))}
    subject = digest(ours.number, file.body)
    return Order(JobKind.STATEMENT, subject, f"{ours.number} {file.name}", asked, (file,))


def run(work: Work) -> Mapping[str, str]:
    """Import, then match. A file that is refused ends the job with its sentence."""
    if not work.is_planned:
        work.plan([(IMPORT, ""), (MATCH, "")], {"steps": 2})
    for piece in work.waiting():
        work.go_on()
        work.note(piece, _step(work, piece))
    return {"said": "", "path": "/bank"}


def _step(work: Work, piece: Piece) -> Became:
    if piece.name == MATCH:
        return Became(matched_said(match_open(work.db, now=work.instant())), path="/bank")
    asked = work.job.asked
    with work.files() as (path,):
        done = import_statement(
            work.db,
            asked["account"],
            path.read_bytes(),
            asked["files"][0]["name"],
            by=work.job.made_by,
            now=work.instant(),
        )
    return Became(_imported_said(done), path="/bank")


def _imported_said(done: Imported) -> str:
    if done.again:
        return f"这份文件已导入，共 {done.repeated} 笔流水，没有重复记账"
    said = f"新流水 {done.lines} 笔，其中到账 {done.receipts} 笔；重复 {done.repeated} 笔"
    return f"{said}；{done.gap}" if done.gap else said


def matched_said(matched: Matched) -> str:
    """Say what became of receipts that waited."""
    done, asked, held = matched.apportioned, matched.proposed, matched.held
    left, failed = matched.suspended, matched.failed
    if failed:
        return (
            f"已匹配：自动认款 {done} 笔，待确认 {asked} 笔，代付待核 {held} 笔，待认领 {left} 笔，"
            f"失败 {failed} 笔（见日志）"
        )
    return f"已匹配：自动认款 {done} 笔，待确认 {asked} 笔，代付待核 {held} 笔，待认领 {left} 笔"
