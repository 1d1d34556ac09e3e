"""Write the documents of many bills into a folder, on as many cores as there are.

Setting a bill is work for a processor, so each process has a database connection and a Typst
compiler of its own. Bills are handed out a few at a time: memory does not grow with their number.
What is there already is written again to the same bytes, so an interrupted run is simply repeated.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.documents.stamp.note import Stamping
from yuejie.bills.show import export_bill
from yuejie.db.migrate import marked
from yuejie.db.session import Database

_AHEAD: Final = 4
"""Bills that wait per process: enough that none idles, few enough to stop soon."""
_FEW: Final = 8
"""So few bills are written here; starting processes would take longer."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to write of each bill, for whom, and where."""

    seller: Seller
    kinds: tuple[DocumentKind, ...]
    folder: Path
    stamping: Stamping | None = None


def press(
    db: Database,
    url: str,
    names: Sequence[str],
    order: Order,
    *,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> int:
    """Write every document of those bills and return how many files there are.

    `url` is the address that `db` is connected to. Raises what a bill refuses; the files before it
    are there, whole.
    """
    order.folder.mkdir(parents=True, exist_ok=True)
    jobs = jobs or len(os.sched_getaffinity(0))
    written = 0
    few = jobs == 1 or len(names) < _FEW
    counted = _here(db, names, order) if few else _there(url, names, order, jobs)
    for number, files in enumerate(counted, 1):
        written += files
        progress(number, len(names))
    return written


def _here(db: Database, names: Sequence[str], order: Order) -> Iterator[int]:
    for name in names:
        yield _write(db, name, order)


def _there(url: str, names: Sequence[str], order: Order, jobs: int) -> Iterator[int]:
    """Hand bills out to processes, a few ahead of what is done."""
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(url, order)
    ) as pool:
        waiting: set[Future[int]] = set()
        for name in names:
            if len(waiting) >= jobs * _AHEAD:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
            waiting.add(pool.submit(_press_one, name))
        for each in waiting:
            yield each.result()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What one process works with, for its whole life."""

    db: Database
    order: Order


_benches: list[_Bench] = []


def _start(url: str, order: Order) -> None:
    _benches.append(_Bench(Database.open(url, size=1, name=marked("press")), order))


def _press_one(name: str) -> int:
    bench = _benches[0]
    return _write(bench.db, name, bench.order)


def _write(db: Database, name: str, order: Order) -> int:
    """Write a bill's documents; each appears whole or not at all."""
    count = 0
    for file_name, body in export_bill(
        db, name, order.seller, order.kinds, stamping=order.stamping
    ):
        scratch = order.folder / f".{file_name}.{os.getpid()}"
        scratch.write_bytes(body)
        scratch.replace(order.folder / file_name)
        count += 1
    return count
