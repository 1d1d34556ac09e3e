"""What allowances cost: the same calls with none, one and four caps, in turns, CPU per answer.

One: a hard cap of the month in money. Four: that, one of the project's day, a rate in requests and
one in tokens per minute. All are leased, reserved, journalled and counted by the ingest.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from bench import house, upstream
from bench.figures import Figure, Result
from bench.house import House, Pass
from bench.load.order import Order
from yuejie.budgets.allowance import Measure, Period
from yuejie.budgets.check import check_budgets
from yuejie.budgets.keep import AllowanceDraft, add_allowance, end_allowance
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.money import PICO

CROWD: Final = 128
SECONDS: Final = 4.0
PAIRS: Final = 7
"""Short and many: what the machine does beside falls on both of a pair, and the median counts."""
NOTICED_SECONDS: Final = 2
TARGET: Final = 1.10
_CAPS: Final[dict[str, dict[str, Any]]] = {
    "本月": {"measure": Measure.MONEY, "currency": "USD", "cap": 10**9 * PICO},
    "本日": {
        "measure": Measure.MONEY,
        "currency": "USD",
        "cap": 10**9 * PICO,
        "period": Period.DAY,
        "project": "客服-生产",
    },
    "每分钟请求": {"measure": Measure.REQUESTS, "cap": 10**8, "period": Period.MINUTE},
    "每分钟词": {"measure": Measure.TOKENS, "cap": 10**12, "period": Period.MINUTE},
}


def measure() -> Result:
    """Measure requests with and without allowances, in turns."""
    bare: list[Pass] = []
    one_cap: list[Pass] = []
    capped: list[Pass] = []
    with upstream.running() as port, house.running(port) as gateway:
        with gateway.db.read() as tx:
            customer = find_customer(tx, "fintech")
        _pass(gateway)
        for number in range(1, PAIRS + 1):
            bare.append(_pass(gateway))
            for names, passes in ((("本月",), one_cap), (tuple(_CAPS), capped)):
                _cap(gateway, customer, names)
                passes.append(_pass(gateway))
                _lift(gateway, customer, names)
            print(
                f"  {number}/{PAIRS} 每 CPU 秒：无额度 {bare[-1].per_cpu_second:,.0f}，"
                f"一个 {one_cap[-1].per_cpu_second:,.0f}，四个 {capped[-1].per_cpu_second:,.0f}",
                flush=True,
            )
        gateway.check()
        differences = check_budgets(gateway.db, [customer])
    figures = [
        Figure("无额度", "次 / CPU 秒", tuple(each.per_cpu_second for each in bare)),
        Figure("一个硬额度", "次 / CPU 秒", tuple(each.per_cpu_second for each in one_cap)),
        Figure("四个额度", "次 / CPU 秒", tuple(each.per_cpu_second for each in capped)),
        Figure("每次请求的 CPU，一个额度 ÷ 无", "倍", _ratios(bare, one_cap), at_most=TARGET),
        Figure("每次请求的 CPU，四个额度 ÷ 无", "倍", _ratios(bare, capped), at_most=TARGET),
        *_split("无额度", bare),
        *_split("一个硬额度", one_cap),
        *_split("四个额度", capped),
        Figure("无额度 p99", "ms", tuple(each.report.p99_ms for each in bare)),
        Figure("四个额度 p99", "ms", tuple(each.report.p99_ms for each in capped)),
        Figure(
            "四个额度：另有 PostgreSQL",
            "CPU ms / 千次",
            tuple(each.postgres_share for each in capped),
        ),
    ]
    notes = [
        f"{CROWD} 个连接，一个网关进程；测完重算各额度的已用与预占，{len(differences)} 处不符。",
    ]
    return Result("budgets", figures, notes)


def _split(what: str, passes: list[Pass]) -> list[Figure]:
    """Tell whose CPU it is: the gateway's, or that of the ingest behind it."""
    unit = "CPU ms / 千次"
    return [
        Figure(
            f"{what}：网关",
            unit,
            tuple(each.gateway_cpu * 1_000_000 / each.report.answers for each in passes),
        ),
        Figure(
            f"{what}：采集",
            unit,
            tuple(each.intake_cpu * 1_000_000 / each.report.answers for each in passes),
        ),
    ]


def _pass(gateway: House) -> Pass:
    return gateway.load(Order(gateway.target(), CROWD, SECONDS))


def _ratios(bare: list[Pass], capped: list[Pass]) -> tuple[float, ...]:
    return tuple(
        one.per_cpu_second / two.per_cpu_second for one, two in zip(bare, capped, strict=True)
    )


def _cap(gateway: House, customer: Customer, names: Sequence[str]) -> None:
    for name in names:
        facts = _CAPS[name]
        draft = AllowanceDraft(name=name, thresholds=(), forecasts=(), **facts)
        add_allowance(gateway.db, customer, draft, by="bench", now=SystemClock().now())
    time.sleep(NOTICED_SECONDS)


def _lift(gateway: House, customer: Customer, names: Sequence[str]) -> None:
    for name in names:
        end_allowance(gateway.db, customer, name, by="bench", now=SystemClock().now())
    time.sleep(NOTICED_SECONDS)
