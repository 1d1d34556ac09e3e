"""Rules about numbers and moments: no float near money, one rounding, one clock, pure nouns."""

import ast
from collections.abc import Iterator
from typing import Final

from tests.tidy.source import Finding, Source, called, functions

MONEY: Final = (
    "kernel/money.py",
    "rating/**",
    "bills/bill.py",
    "bills/statement*.py",
    "contracts/rate*.py",
    "ledger/posting.py",
    "ledger/statement.py",
    "ledger/handover/voucher.py",
    "assurance/reconcile/report.py",
    "assurance/reconcile/difference.py",
    "assurance/reconcile/sides.py",
    "assurance/reconcile/residue.py",
    "assurance/reconcile/compare.py",
    "assurance/reconcile/amounts.py",
    "assurance/providers/owed.py",
    "assurance/providers/standing.py",
)
"""Files in which every number may end up on a bill."""

PURE: Final = (
    *MONEY,
    "kernel/period.py",
    "kernel/ids.py",
    "kernel/uscc.py",
    "usage/meters.py",
    "usage/event.py",
    "usage/dialects/**",
    "contracts/catalog.py",
    "contracts/pricebook.py",
    "contracts/contract.py",
    "customers/customer.py",
    "customers/project.py",
    "customers/key.py",
)
"""Nouns: files that cannot wait, fail or forget."""

IMPURE: Final = (
    "asyncio",
    "http",
    "pathlib",
    "psycopg",
    "psycopg_pool",
    "pyreqwest",
    "socket",
    "sqlite3",
    "structlog",
    "subprocess",
    "threading",
    "urllib.request",
    "yuejie.db",
)

SETTLERS: Final = {
    "kernel/money.py": "the one road from a charge to money",
    "assurance/oracle.py": "the oracle may not share the code that it checks",
}

THE_CLOCK: Final = "kernel/clock.py"
EDGES: Final = (
    "app.py",
    "clerk.py",
    "node.py",
    "cli.py",
    "cli/**",
    "supervisor.py",
    "gateway/**",
    "intake/**",
    "jobs/work.py",
    "jobs/worker.py",
    "recovery/**",
    "web/**",
    "demo/**",
)
"""Where a deed begins, and may therefore ask its clock what time it is."""

MACHINE_TIME: Final = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "date.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
    }
)


def no_float(source: Source) -> Iterator[Finding]:
    """A float holds 0.1 only nearly, and a bill is checked to the fen."""
    if not source.matches(*MONEY):
        return
    for node in source.nodes:
        match node:
            case ast.Name(id="float"):
                yield Finding(source.path, node.lineno, "float has no place near money")
            case ast.Constant(value=float(value)):
                yield Finding(source.path, node.lineno, f"{value} is a float")
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield Finding(source.path, node.lineno, "`/` makes a float: divmod or apportion()")
            case ast.Call(func=ast.Name(id="round")):
                yield Finding(source.path, node.lineno, "round() rounds half to even: settle()")


def one_settle(source: Source) -> Iterator[Finding]:
    """There is one road from a charge to money; a second one would round differently."""
    for function in functions(source):
        if source.inside and function.name == "settle" and source.inside not in SETTLERS:
            yield Finding(source.path, function.lineno, "only kernel/money.py defines settle()")


def now_is_an_argument(source: Source) -> Iterator[Finding]:
    """A deed that asks for the time cannot be replayed; `now` comes from outside."""
    if not source.inside or source.inside == THE_CLOCK:
        return
    for node in source.nodes:
        name = called(node)
        if name in MACHINE_TIME:
            yield Finding(source.path, _line(node), f"{name}() asks the machine; take `now`")
        elif name.split(".")[-1] in {"now", "utcnow"} and not source.matches(*EDGES):
            yield Finding(source.path, _line(node), f"{name}() inside a room; take `now`")


def nouns_are_pure(source: Source) -> Iterator[Finding]:
    """Rules that import no I/O can be tested without fixtures and read without fear."""
    if not source.matches(*PURE):
        return
    for node in source.nodes:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.endswith(".store") or any(f"{name}.".startswith(f"{i}.") for i in IMPURE):
                yield Finding(source.path, _line(node), f"a noun may not import {name}")


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)
