"""`python -m bench.rehearsal --calls 1000000 --namespaces`: play it, print the verdict."""

import argparse
import signal
import sys
import time

from bench.machine import describe
from bench.rehearsal.story import Plan, rehearse
from bench.rehearsal.verdict import WORDS, Verdict
from bench.report import Page, write
from yuejie.kernel.clock import SystemClock


def main() -> None:
    """Play a rehearsal; exit 1 when a promise was not kept."""
    parser = argparse.ArgumentParser("bench.rehearsal", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--namespaces", action="store_true", help="three network namespaces (root)")
    parser.add_argument("--cut-seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--record", action="store_true", help="write it to bench/results/")
    told = parser.parse_args()
    machine = describe()
    # Whoever ends it wants its namespaces and processes gone as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began:7.1f}s  {sentence}", flush=True)

    verdict = rehearse(
        Plan(
            told.calls,
            told.clients,
            told.workers,
            namespaces=told.namespaces,
            cut_seconds=told.cut_seconds,
            rate=told.rate,
        ),
        say,
    )
    report(verdict)
    if told.record:
        at, took = SystemClock().now(), time.monotonic() - began
        print(write(Page(at, took, machine, verdict.result())))
    sys.exit(1 if verdict.faults() else 0)


def report(verdict: Verdict) -> None:
    """Print what it came to."""
    seen, before, after = verdict.seen, verdict.before, verdict.after
    rate = seen.done / seen.seconds
    print(f"请求 {seen.done:,}，{seen.seconds:.0f} 秒，每秒 {rate:,.0f}")
    print(
        f"应答 {seen.answered:,}，预算用完 {seen.spent:,}，重试 {seen.retried:,}，"
        f"失败 {seen.failed}"
    )
    print(f"供应商服务 {len(before.served):,}，入库 {len(before.stored):,}")
    print(f"丢失 {len(before.lost):,}，丢失磁盘上的尾段 {len(verdict.tail):,}")
    print(f"收养之后缺 {len(after.lost)}，重复 {after.doubled}，汇总 {after.rolled_up:,}")
    print(f"硬上限 {verdict.cap:,}，记为已用 {before.spent:,} → {after.spent:,}")
    print("主库两次被杀，各节点报到于 " + "、".join(f"{s:.1f} 秒" for s in verdict.promoted))
    for name, fact in verdict.facts.items():
        print(f"{WORDS.get(name, name)}：{fact}")
    for why, count in sorted(seen.why.items()):
        print(f"重试 {why}: {count:,}")
    for fault in verdict.faults():
        print(f"没有守住：{fault}")
    print("没有守住" if verdict.faults() else "全部守住")


if __name__ == "__main__":
    main()
