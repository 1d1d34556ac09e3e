"""Issuing ten thousand bills and writing each as PDF and XLSX, in Chinese, on every core."""

import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.calls import callers, spread
from bench.figures import Figure, Result, Unfair
from bench.offices import CHINA, Office, office
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.issue import issue_bill
from yuejie.bills.press import Order, press
from yuejie.budgets.lending.count import Spending
from yuejie.kernel.period import BillingMonth
from yuejie.usage.record import GATEWAY, Recorder
from yuejie.usage.store import defer_flush, enter_epoch

BILLS: Final = int(os.environ.get("YUEJIE_BENCH_BILLS", "10000"))
MONTH: Final = BillingMonth.parse("2026-09")
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
TARGET_SECONDS: Final = 600.0
SELLER: Final = Seller("月结基准测试科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")
_BY: Final = "bench"
_CALLS: Final = 4
"""Calls of each customer: a line for each model and meter, and daily usage behind them."""
_TOLD: Final = 1_000


def measure() -> Result:
    """Measure issuing and writing ten thousand bills, once: it takes minutes."""
    with office(BILLS) as house, TemporaryDirectory() as folder:
        names = _drafted(house)
        began = time.perf_counter()
        for name in names:
            issue_bill(house.db, name, by=_BY, now=NOW)
        issued = time.perf_counter() - began
        print(f"  已出账 {len(names):,} 张，{issued:.0f} 秒", flush=True)
        order = Order(SELLER, (DocumentKind.PDF, DocumentKind.XLSX), Path(folder))
        began = time.perf_counter()
        files = press(house.db, house.postgres.url("app"), names, order, progress=_say)
        pressed = time.perf_counter() - began
        found = [path.stat().st_size for path in Path(folder).iterdir()]
    if files != 2 * BILLS or len(found) != files or min(found) < 1_000:
        raise Unfair(f"写出 {files} 个文件，在盘 {len(found)} 个，应为 {2 * BILLS}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    figures = [
        Figure(
            f"出账并写出 {BILLS:,} 张账单的 PDF 与 XLSX",
            "秒",
            (issued + pressed,),
            at_most=TARGET_SECONDS,
        ),
        Figure("其中出账（编号、封印、入账）", "秒", (issued,)),
        Figure("其中写出文件", "秒", (pressed,)),
        Figure("最大进程的内存峰值", "MB", (peak / 1000,)),
        Figure("文件平均大小", "KB", (sum(found) / files / 1000,)),
    ]
    notes = [f"每张账单约 {_CALLS * 2} 行，中文，各含每日用量；每个处理器一个进程。"]
    return Result("documents", figures, notes)


def _drafted(house: Office) -> list[str]:
    """Have every customer call, and its month drafted; return the drafts' ids."""
    known = callers(house.db, house.slugs, datetime(2026, 8, 1, tzinfo=UTC))
    recorder, spending = Recorder(), Spending()
    for hour in spread(known, MONTH, CHINA, BILLS * _CALLS):
        entries = recorder.prepare(house.db, hour)
        with house.db.begin() as tx:
            defer_flush(tx)
            recorder.append(
                tx, entries, epoch=enter_epoch(tx), source=GATEWAY, count=spending.count
            )
    closed = close_month(house.db, MONTH, customer=None, commit=True, by=_BY, now=NOW)
    odd = [each for each in closed if each.done is not Done.DRAFTED]
    if odd or len(closed) != BILLS:
        raise Unfair(f"关账得到 {len(closed)} 家，不符者如 {odd[:1]}")
    return [bill.bill_id for each in closed for bill in each.bills]


def _say(done: int, of: int) -> None:
    if done % _TOLD == 0:
        print(f"  已写出 {done:,} / {of:,}", flush=True)
