"""Rules about the database: where SQL lives, who commits, and whose rows a read may see."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from tests.tidy.source import ROOT, Finding, Function, Source, called, dotted, functions, own

SQL: Final = re.compile(
    r"^\s*(SELECT\s[\s\S]+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|COPY\s+\w+\s*(\(|FROM|TO)|WITH\s[\s\S]+\sAS\s*\()"
)
CREATE: Final = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\n\)", re.DOTALL)
EXEMPT: Final = "OPERATOR_READS"


def one_transaction(source: Source) -> Iterator[Finding]:
    """A deed has one transaction, and one can see where it begins and ends."""
    if not source.inside or source.room == "db":
        return
    for function in functions(source):
        begun = [node for node in own(function) if isinstance(node, ast.With) and _begins(node)]
        if begun and source.is_store:
            yield Finding(source.path, begun[0].lineno, "a store is given `tx`, it begins nothing")
        for node in begun[1:]:
            yield Finding(source.path, node.lineno, f"{function.name} begins a second transaction")


def _begins(node: ast.With) -> bool:
    return any(called(item.context_expr).endswith(".begin") for item in node.items)


def nobody_commits(source: Source) -> Iterator[Finding]:
    """`begin()` commits when its block ends; a commit in the middle splits a deed in two."""
    if not source.inside or source.room == "db":
        return
    for node in source.nodes:
        if called(node).split(".")[-1] in {"commit", "rollback"} and "." in called(node):
            line = getattr(node, "lineno", 1)
            yield Finding(source.path, line, f"{called(node)}() outside db/: the block does it")


def sql_in_stores(source: Source) -> Iterator[Finding]:
    """Whoever asks what touches a table reads the stores, and has read everything."""
    if not source.inside or source.is_store or source.room == "db":
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield Finding(source.path, node.lineno, "SQL lives in store.py")


@cache
def scoped_tables() -> frozenset[str]:
    """Return the tables of which every row belongs to a customer."""
    migrations = sorted((ROOT / "src/yuejie/db/migrations").glob("*.sql"))
    return tables_with_customer(file.read_text("utf-8") for file in migrations)


def tables_with_customer(scripts: Iterable[str]) -> frozenset[str]:
    """Return the tables that are created with a column `customer_id`."""
    return frozenset(
        name
        for script in scripts
        for name, columns in CREATE.findall(script)
        if re.search(r"^\s*customer_id\s", columns, re.MULTILINE)
    )


def customer_scope(source: Source, tables: frozenset[str] | None = None) -> Iterator[Finding]:
    """Two customers never see each other's rows, so a read takes `customer_id` right after `tx`.

    Reads that serve the operator, or that find out who the customer is, are named with their
    reason in the store's own `OPERATOR_READS`, where a reviewer meets them first.
    """
    if not source.is_store:
        return
    scoped = _scoped_queries(source, scoped_tables() if tables is None else tables)
    exempt = _exemptions(source)
    public = {f.name: f for f in _top_functions(source)}
    for name, function in public.items():
        if _uses(function, scoped) and name not in exempt and not _takes_customer(function):
            says = (
                f"{name} reads customers' rows: take customer_id after tx, or name it in {EXEMPT}"
            )
            yield Finding(source.path, function.lineno, says)
    for name, reason in exempt.items():
        if name not in public or not reason.strip() or _takes_customer(public[name]):
            yield Finding(source.path, 1, f"{EXEMPT} names {name} without need or reason")


def _top_functions(source: Source) -> Iterator[Function]:
    yield from (
        f for f in source.tree.body if isinstance(f, Function) and not f.name.startswith("_")
    )


def _scoped_queries(source: Source, tables: frozenset[str]) -> frozenset[str]:
    """Name the module constants whose SQL reads one of the tables."""
    if not tables:
        return frozenset()
    reads = re.compile(rf"\b(?:FROM|JOIN|USING)\s+(?:ONLY\s+)?({'|'.join(sorted(tables))})\b")
    return frozenset(
        name
        for name, value in _constants(source)
        if any(
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and reads.search(re.sub(r"DELETE\s+FROM", "DELETE", part.value))
            for part in ast.walk(value)
        )
    )


def _exemptions(source: Source) -> dict[str, str]:
    for name, value in _constants(source):
        if name == EXEMPT:
            return dict(ast.literal_eval(value))
    return {}


def _constants(source: Source) -> Iterator[tuple[str, ast.expr]]:
    for node in source.tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield dotted(node.target), node.value
        elif isinstance(node, ast.Assign):
            yield dotted(node.targets[0]), node.value


def _uses(function: Function, names: frozenset[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(function))


def _takes_customer(function: Function) -> bool:
    given = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return given[:2] == ["tx", "customer_id"]
