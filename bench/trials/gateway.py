"""Throughput: answers per CPU-second with everything on, beside nginx and LiteLLM.

CPU counts from before the first request until the last event is in the database. The rivals have
the same clients and the same upstream, and take turns with the gateway: A B C, A B C, A B C.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from bench import house, upstream
from bench.figures import ROUNDS, Figure, Result, Skipped, Unfair
from bench.house import House, Pass
from bench.load.order import Order
from bench.rivals import litellm, nginx
from bench.rivals.rival import Rival, Seen
from bench.upstream import EVENTS

CROWD: Final = 128
FEW: Final = 32
SECONDS: Final = 6.0
WARM_SECONDS: Final = 2.0
WHOLE_TARGET: Final = 8_000.0
STREAM_TARGET: Final = 1_200.0
RIVAL_TARGET: Final = 100.0


def measure() -> Result:
    """Measure the gateway alone and in turns with its rivals."""
    figures: list[Figure] = []
    notes: list[str] = [
        "上游是固定应答的本地进程，不是模拟器，免得它先到顶；",
        "流式每次写出 10 个事件（模拟器不限速时也如此），另测逐个写出。",
        "LiteLLM 不接数据库，不记录用量；nginx 只转发字节，什么都不读、不记。",
    ]
    with _cast(burst=10, notes=notes) as (gateway, rivals):
        for stream in (False, True):
            figures += _in_turns(gateway, rivals, stream=stream)
        figures += _alone(gateway, FEW, stream=False)
        gateway.check()
    with _cast(burst=1, notes=None) as (gateway, _):
        figures += _alone(gateway, CROWD, stream=True)
        gateway.check()
    return Result("gateway", figures, notes)


@contextmanager
def _cast(*, burst: int, notes: list[str] | None) -> Iterator[tuple[House, list[Rival]]]:
    """Start everybody; a rival that this machine does not have becomes a note."""
    with (
        upstream.running(burst=burst) as port,
        house.running(port) as gateway,
        ExitStack() as stack,
    ):
        rivals = []
        folder = stack.enter_context(house.temporary_home())
        for start in (nginx.running, litellm.running) if notes is not None else ():
            try:
                rivals.append(stack.enter_context(start(port, folder)))
            except Skipped as why:
                assert notes is not None  # noqa: S101 - the loop above is empty then
                notes.append(str(why))
                print(why, flush=True)
        for stream in (False, True):
            _pass(gateway, CROWD, stream=stream, seconds=WARM_SECONDS)
        yield gateway, rivals


def _in_turns(gateway: House, rivals: list[Rival], *, stream: bool) -> list[Figure]:
    passes: list[Pass] = []
    seen: dict[str, list[Seen]] = {rival.name: [] for rival in rivals}
    for number in range(1, ROUNDS + 1):
        passes.append(_pass(gateway, CROWD, stream=stream))
        _say(number, "yuejie", stream, passes[-1].per_cpu_second, passes[-1].report.per_second)
        for rival in rivals:
            one = rival.load(Order(rival.target(stream=stream), CROWD, SECONDS))
            seen[rival.name].append(one)
            _say(number, rival.name, stream, one.per_cpu_second, one.report.per_second)
    figures = _figures(passes, CROWD, stream=stream, burst=10)
    for name, others in seen.items():
        figures += _beside(name, passes, others, stream=stream)
    return figures


def _alone(gateway: House, connections: int, *, stream: bool) -> list[Figure]:
    passes = [_pass(gateway, connections, stream=stream) for _ in range(ROUNDS)]
    for number, one in enumerate(passes, 1):
        _say(number, "yuejie", stream, one.per_cpu_second, one.report.per_second)
    return _figures(passes, connections, stream=stream, burst=1)


def _pass(house: House, connections: int, *, stream: bool, seconds: float = SECONDS) -> Pass:
    done = house.load(Order(house.target(stream=stream), connections, seconds))
    # Whoever did not ask for usage sees a hundred events and [DONE], and not the forced one.
    if stream and done.report.events != done.report.answers * (EVENTS + 1):
        raise Unfair(f"流式应答的事件数不符：{done.report.events} / {done.report.answers}")
    return done


def _figures(passes: list[Pass], connections: int, *, stream: bool, burst: int) -> list[Figure]:
    kind = f"流式（每次写出 {burst} 个事件）" if stream else "非流式"
    what = f"{kind} {connections} 连接"
    unit = "流" if stream else "次"
    target = STREAM_TARGET if stream and burst > 1 else None
    if not stream and connections == CROWD:
        target = WHOLE_TARGET
    return [
        Figure(
            f"{what}：网关 + 采集",
            f"{unit} / CPU 秒",
            tuple(p.per_cpu_second for p in passes),
            at_least=target,
        ),
        Figure(f"{what}：墙钟", f"{unit} / 秒", tuple(p.report.per_second for p in passes)),
        Figure(f"{what}：p50", "ms", tuple(p.report.p50_ms for p in passes)),
        Figure(f"{what}：p99", "ms", tuple(p.report.p99_ms for p in passes)),
        Figure(
            f"{what}：其中网关",
            f"CPU ms / 千{unit}",
            tuple(p.gateway_cpu * 1e6 / p.report.answers for p in passes),
        ),
        Figure(
            f"{what}：其中采集",
            f"CPU ms / 千{unit}",
            tuple(p.intake_cpu * 1e6 / p.report.answers for p in passes),
        ),
        Figure(
            f"{what}：另有 PostgreSQL",
            f"CPU ms / 千{unit}",
            tuple(p.postgres_share for p in passes),
        ),
        Figure(f"{what}：末次应答到入库", "秒", tuple(p.lag_seconds for p in passes)),
    ]


def _beside(name: str, passes: list[Pass], seen: list[Seen], *, stream: bool) -> list[Figure]:
    kind = "流式" if stream else "非流式"
    pairs = list(zip(passes, seen, strict=True))
    target = RIVAL_TARGET if name == "LiteLLM" else None
    return [
        Figure(f"{kind} {CROWD} 连接 {name}", "/ CPU 秒", tuple(s.per_cpu_second for s in seen)),
        Figure(
            f"{kind} {CROWD} 连接 {name}：墙钟", "/ 秒", tuple(s.report.per_second for s in seen)
        ),
        Figure(f"{kind} {CROWD} 连接 {name}：p99", "ms", tuple(s.report.p99_ms for s in seen)),
        Figure(
            f"{kind} yuejie ÷ {name}，按 CPU 秒",
            "倍",
            tuple(p.per_cpu_second / s.per_cpu_second for p, s in pairs),
            at_least=target,
        ),
        Figure(
            f"{kind} yuejie ÷ {name}，按墙钟",
            "倍",
            tuple(p.report.per_second / s.report.per_second for p, s in pairs),
            at_least=target,
        ),
    ]


def _say(number: int, name: str, stream: bool, per_cpu: float, per_second: float) -> None:  # noqa: FBT001 - a word of the sentence
    kind = "流式" if stream else "非流式"
    print(
        f"  {number}/{ROUNDS} {name} {kind}：{per_cpu:,.0f} / CPU 秒，{per_second:,.0f} / 秒",
        flush=True,
    )
