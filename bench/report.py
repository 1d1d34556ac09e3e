"""Write down what was found: one JSON file per benchmark and day, one table over the newest."""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Result, plain

RESULTS: Final = Path(__file__).parent / "results"
ORDER: Final = (
    "gateway",
    "latency",
    "memory",
    "budgets",
    "ingest",
    "close",
    "documents",
    "anomaly",
    "trend",
    "forecast",
    "pages",
    "rehearsal",
    "warehouse",
)
TITLES: Final = {
    "gateway": "吞吐",
    "latency": "增加的时延",
    "memory": "内存",
    "budgets": "额度",
    "ingest": "采集入库",
    "close": "关账",
    "documents": "出账与文件",
    "anomaly": "异常检测",
    "trend": "趋势",
    "forecast": "预测",
    "pages": "页面",
    "rehearsal": "三个节点的演练",
    "warehouse": "用量仓库",
}
COMMANDS: Final = {
    "rehearsal": "python -m bench.rehearsal --namespaces",
    "warehouse": "python -m bench.warehouse --folder 目录",
}
"""How those are run that `make bench` does not run."""
HEAD: Final = """# 基准测试结果

由括号中的命令写出，请勿手改；怎样测、为什么这样测见 [../README.md](../README.md)。
每个数字是若干次测量的中位数，括号内是最小与最大。
"""


class Page(msgspec.Struct, frozen=True):
    """A result with where and when it was found."""

    at: datetime
    seconds: float
    machine: dict[str, str]
    result: Result


def write(page: Page) -> Path:
    """Write a benchmark's page and the table, and return where the page is."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{page.at:%Y-%m-%d}-{page.result.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(page), indent=2) + b"\n")
    (RESULTS / "README.md").write_text(_table(_newest()))
    return path


def newest(name: str) -> Page:
    """Return the newest page of a benchmark."""
    return {page.result.name: page for page in _newest()}[name]


def _newest() -> list[Page]:
    """Return the newest page of each benchmark."""
    pages = [msgspec.json.decode(p.read_bytes(), type=Page) for p in RESULTS.glob("*.json")]
    found = {page.result.name: page for page in sorted(pages, key=lambda page: page.at)}
    return [found[name] for name in ORDER if name in found]


def _table(pages: list[Page]) -> str:
    return "\n".join([HEAD, *(_section(page) for page in pages)])


def _section(page: Page) -> str:
    name = page.result.name
    lines = [
        f"## {TITLES[name]}（`{COMMANDS.get(name, f'make bench ARGS={name}')}`）",
        "",
        f"{page.at:%Y-%m-%d %H:%M} UTC，历时 {page.seconds:.0f} 秒。"
        + "；".join(f"{name} {value}" for name, value in page.machine.items())
        + "。",
        "",
        "| 项目 | 中位数 | 范围 | 单位 | 目标 | 结论 |",
        "|---|--:|--:|---|--:|---|",
    ]
    for figure in page.result.figures:
        spread = f"{plain(min(figure.values))} … {plain(max(figure.values))}"
        lines.append(
            f"| {figure.what} | {plain(figure.middle)} | {spread} | {figure.unit} "
            f"| {figure.target} | {figure.verdict} |"
        )
    notes = [f"- {note}" for note in page.result.notes]
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])
