"""Processes: how much CPU they have used and how much memory they hold, as the kernel counts."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time of these processes, all threads, user and kernel."""
    return sum(sum(_times(pid)[:2]) for pid in pids) / TICKS


def family_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, of its descendants, and of those that have ended."""
    return sum(sum(_times(each)) for each in family(pid)) / TICKS


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, _read(task).split())
    return found


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds."""
    return int(_read(Path(f"/proc/{pid}/statm")).split()[1]) * PAGE


def _times(pid: int) -> list[int]:
    """Return the ticks of a process in user and kernel mode, then those of its ended children."""
    # The name stands in brackets and may itself hold blanks and brackets.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def _read(path: Path) -> str:
    """Read a file of the kernel's; a process that has just ended has none."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "0 (gone) " + "0 " * 60 if path.name in {"stat", "statm"} else ""
