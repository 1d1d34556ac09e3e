"""`yuejie bills …` and `yuejie prove`."""

from pathlib import Path

import click

from yuejie.app import app_url, seller
from yuejie.assurance.export import VERIFIER, export_seals, verifier_source
from yuejie.assurance.prove import Proof, prove_month
from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.closing.close import Closed, Done, close_month
from yuejie.bills.documents.document import DocumentKind
from yuejie.bills.find import find_bill
from yuejie.bills.issue import issue_bill
from yuejie.bills.life import SAID
from yuejie.bills.press import Order, press
from yuejie.bills.review.ready import to_issue
from yuejie.bills.store import bills_of_month
from yuejie.cli.frame import Frame, as_json, as_stamped, frame, give_json, progress, say, show_table
from yuejie.cli.months import Month, last_month, month_argument
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.money import MTOK, PICO, Money, plain
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import UNIT_METERS

_SAID = {
    Done.WOULD_DRAFT: "将生成草稿",
    Done.DRAFTED: "已生成草稿",
    Done.REDRAFTED: "草稿已重算",
    Done.UNCHANGED: "无变化",
    Done.ALREADY_ISSUED: "已提交或已出账，未改动",
    Done.NO_USAGE: "无用量数据",
    Done.FAILED: "未能关账",
}
_STATE = SAID


@click.group()
def bills() -> None:
    """账单：关账、查看、出账、导出。"""


@bills.command("close")
@month_argument
@click.option("--customer", help="只关这个客户（简称或编号）")
@click.option("--commit", is_flag=True, help="真正写入；不加则只试算")
@as_json
@frame
def close(
    house: Frame, month: BillingMonth | None, customer: str | None, *, commit: bool, json: bool
) -> None:
    """关账：把一个月的用量变成账单草稿（默认上个月，默认只试算）。"""
    month = last_month(month, house)
    with house.database() as db, progress(f"关账 {month}") as move:
        closed = close_month(
            db,
            month,
            customer=customer,
            commit=commit,
            by=house.by,
            now=house.now(),
            progress=move,
        )
    if json:
        give_json([_closed(each) for each in closed])
    else:
        _tell_closed(month, closed, commit=commit)
    if any(each.done is Done.FAILED for each in closed):
        raise SystemExit(1)


def _closed(each: Closed) -> dict[str, object]:
    """Say what closing did; `gross` is of the first bill, which is the only one of most."""
    total = each.bill.gross if each.bill else None
    bills = [
        {"part": bill.part, "lines": len(bill.lines), "gross": bill.gross} for bill in each.bills
    ]
    said = {"customer": each.customer, "done": each.done, "gross": total, "why": each.why}
    return said | {"bills": bills}


def _tell_closed(month: BillingMonth, closed: list[Closed], *, commit: bool) -> None:
    if not closed or all(each.done is Done.NO_USAGE for each in closed):
        say(f"{month} 无用量数据")
        return
    rows = [
        (
            each.customer,
            _SAID[each.done],
            bill.part_name if bill else "",
            len(bill.lines) if bill else None,
            bill.currency if bill else "",
            bill.gross if bill else None,
            each.why,
        )
        for each in closed
        for bill in each.bills or (None,)
    ]
    show_table(
        f"关账 {month}（{'已写入' if commit else '试算，未写入；加 --commit 写入'}）",
        ["客户", "结果", "部分", "行数", "币种", "价税合计", "说明"],
        rows,
    )


@bills.command("list")
@month_argument
@as_json
@frame
def list_bills(house: Frame, month: BillingMonth | None, *, json: bool) -> None:
    """列出账单（不写年月则列出全部）。"""
    with house.database() as db, db.read() as tx:
        found = [(bill, find_customer(tx, bill.customer_id)) for bill in bills_of_month(tx, month)]
    if json:
        give_json([_heading(bill) | {"customer": who.slug} for bill, who in found])
        return
    rows = [
        (
            who.slug,
            str(bill.month),
            bill.number or bill.bill_id,
            _STATE[bill.state],
            bill.currency,
            bill.net,
            bill.tax,
            bill.gross,
        )
        for bill, who in found
    ]
    columns = ["客户", "账期", "账单号", "状态", "币种", "不含税", "税额", "价税合计"]
    show_table(f"账单 {month or '全部'}", columns, rows)


def _heading(bill: Bill) -> dict[str, object]:
    return {
        "bill_id": bill.bill_id,
        "number": bill.number,
        "month": bill.month,
        "state": bill.state,
        "net": bill.net,
        "tax": bill.tax,
        "gross": bill.gross,
        "epoch": bill.epoch,
        "seal": bill.seal,
    }


@bills.command("show")
@click.argument("name")
@as_json
@frame
def show(house: Frame, name: str, *, json: bool) -> None:
    """查看一张账单的每一行（账单号或编号）。"""
    with house.database() as db, db.read() as tx:
        bill, who = _bill_and_customer(tx, name)
    if json:
        give_json(bill)
        return
    converted = bill.currency != "USD"
    rows = [
        (
            line.position,
            "" if line.service_month == bill.month else f"{line.service_month} 补计",
            line.project_name,
            line.model if line.metered else line.item,
            line.meter,
            line.quantity if line.metered else None,
            _rate(line.meter, line.rate_pico, line.rate_currency) if line.metered else "",
            *((_in_dollars(line),) if converted else ()),
            Money(line.amount_fen, bill.currency),
        )
        for line in bill.lines
    ]
    columns = ["行", "补计月份", "项目", "模型", "计量项", "数量", "单价"]
    columns += [*(("USD",) if converted else ()), bill.currency]
    show_table(f"{who} {bill.month} 账单 {bill.number or '（草稿）'}", columns, rows)
    say(f"不含税 {bill.net}  税额 {bill.tax}  价税合计 {bill.gross} {bill.currency}")


def _in_dollars(line: BillLine) -> Money | None:
    return None if line.usd_fen is None else Money(line.usd_fen, "USD")


def _bill_and_customer(tx: Tx, name: str) -> tuple[Bill, str]:
    bill = find_bill(tx, name)
    return bill, find_customer(tx, bill.customer_id).legal_name


def _rate(meter: str, pico: int, currency: str) -> str:
    if meter in UNIT_METERS:
        return f"{plain(pico, PICO)} {currency}/个"
    return f"{plain(pico, PICO // MTOK)} {currency}/百万"


@bills.command("issue")
@click.argument("names", nargs=-1)
@click.option("--month", type=Month(), help="该月可以出账的全部账单")
@click.option("--commit", is_flag=True, help="真正出账；不加则只列出将要出账的")
@as_json
@frame
def issue(
    house: Frame, names: tuple[str, ...], month: BillingMonth | None, *, commit: bool, json: bool
) -> None:
    """出账：冻结草稿、编号、封印。出账后永不更改。"""
    with house.database() as db:
        with db.read() as tx:
            drafts = [_bill_and_customer(tx, name)[0] for name in names]
            if month is not None:
                drafts += to_issue(tx, bills_of_month(tx, month))
        if not commit:
            verb, done = "将出账", drafts
        else:
            verb = "已出账"
            done = [issue_bill(db, bill.bill_id, by=house.by, now=house.now()) for bill in drafts]
    if json:
        give_json([_heading(bill) for bill in done])
        return
    if not done:
        say("没有可出账的草稿")
    for bill in done:
        say(f"{verb} {bill.number or bill.bill_id}  {bill.month}  {bill.gross} {bill.currency}")


@bills.command("export")
@click.argument("names", nargs=-1)
@click.option("--month", type=Month(), help="该月全部账单")
@click.option(
    "--format", "kinds", multiple=True, type=click.Choice([k.value for k in DocumentKind])
)
@click.option("--to", "folder", type=click.Path(path_type=Path), default=Path("bills"))
@click.option("--jobs", type=click.IntRange(1), help="同时用几个进程；不写为全部处理器")
@as_stamped
@frame
def export(
    house: Frame,
    names: tuple[str, ...],
    month: BillingMonth | None,
    kinds: tuple[str, ...],
    folder: Path,
    jobs: int | None,
    *,
    stamped: bool,
) -> None:
    """导出账单为 PDF、XLSX、CSV、JSON、TXT、FOCUS 1.2 与 1.4（默认全部格式）。"""
    chosen = tuple(DocumentKind(kind) for kind in kinds) or tuple(DocumentKind)
    with house.database() as db:
        asked = house.stamping(wanted=stamped)
        order = Order(seller(house.settings), chosen, folder, asked)
        wanted = list(names)
        if month is not None:
            with db.read() as tx:
                wanted += [
                    b.bill_id for b in bills_of_month(tx, month) if b.gross.fen or b.is_final
                ]
        with progress("导出账单") as move:
            press(db, app_url(house.settings), wanted, order, jobs=jobs, progress=move)
    say(f"已导出 {len(wanted)} 张账单到 {folder.absolute()}")


@bills.command("seal-export")
@click.argument("customer")
@click.option("--to", "path", type=click.Path(path_type=Path), required=True, help="写到哪个文件")
@frame
def seal_export(house: Frame, customer: str, path: Path) -> None:
    """导出一个客户的全部封印记录（账单、冲减单、发票），旁边附上可离线核验的 yuejie_verify.py。"""
    with house.database() as db:
        body = export_seals(db, customer)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    beside = path.parent / VERIFIER
    beside.write_bytes(verifier_source())
    say(f"已导出 {path.absolute()}；核验：python3 {VERIFIER} {path.name}")


@click.command()
@month_argument
@click.option("--customer", help="只验证这个客户")
@as_json
@frame
def prove(house: Frame, month: BillingMonth | None, customer: str | None, *, json: bool) -> None:
    """验证：用独立的慢路径从原始事件重算整月，与账单比对到分。"""
    month = last_month(month, house)
    with house.database() as db, progress(f"验证 {month}") as move:
        proofs = prove_month(db, month, customer=customer, progress=move)
    if json:
        give_json([_proof(proof) for proof in proofs])
    else:
        _tell_proofs(month, proofs)
    if any(proof.differences for proof in proofs):
        raise SystemExit(1)


def _proof(proof: Proof) -> dict[str, object]:
    return {
        "customer": proof.customer,
        "bill": proof.bill.number or proof.bill.bill_id,
        "gross": proof.bill.gross,
        "events": proof.events,
        "differences": proof.differences,
    }


def _tell_proofs(month: BillingMonth, proofs: list[Proof]) -> None:
    for proof in proofs:
        for difference in proof.differences:
            say(
                f"不符 {proof.customer} {difference.what}："
                f"账单 {difference.billed}，重算 {difference.proved}"
            )
    events = sum(proof.events for proof in proofs)
    wrong = sum(1 for proof in proofs if proof.differences)
    verdict = "全部相符，一分不差" if not wrong else f"{wrong} 张不符"
    say(f"{month}：{len(proofs)} 张账单，{events:,} 个原始事件，{verdict}")
