"""Rules about words: one concept has one name, and every name is in the glossary."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from tests.tidy.source import Finding, Source

REFUSED: Final = {
    "invoice": "bill or fapiao; it means both",
    "tax_receipt": "fapiao",
    "org": "customer",
    "organization": "customer",
    "organisation": "customer",
    "quota": "credit limit, budget or allowance",
    "finalize": "close (a month) or issue (a bill)",
    "settle_month": "close; only a charge is settled",
    "settle_bill": "issue; only a charge is settled",
    "allocation": "apportionment",
    "allocate": "apportion",
    "cached_read": "cache_read",
    "rate_micro": "rate_pico",
}
"""STYLE 5, as far as a program can see it: the word we refuse, and the one we use."""

FOREIGN: Final = ("demo/simulators/**", "usage/dialects/**")
"""Where providers are spoken to in their own words, `insufficient_quota` among them."""


def refused_words(source: Source) -> Iterator[Finding]:
    """Two words for one thing make readers look for the difference."""
    if not source.inside or source.matches(*FOREIGN):
        return
    for name, line in _coined(source):
        spelt = f"_{_snake(name)}_"
        for refused, better in REFUSED.items():
            if re.search(rf"_{refused}s?_", spelt):
                yield Finding(source.path, line, f"{name}: not “{refused}” but {better}")


CODES: Final = frozenset({"state", "event", "decision", "answer"})
"""Names under which a life's codes go; their words stand in a table, beside the life."""

_HAN: Final = re.compile("[\u4e00-\u9fff]")


def codes_in_refusals(source: Source) -> Iterator[Finding]:
    """“处于 requested 状态，不能 wait” says nothing to finance; what was typed stands in “”."""
    if not source.inside:
        return
    for raised in source.nodes:
        if not isinstance(raised, ast.Raise):
            continue
        for said in ast.walk(raised):
            if isinstance(said, ast.JoinedStr) and _HAN.search(_written(said)):
                yield from (
                    Finding(source.path, said.lineno, f"{{{name}}} is a code: say it in words")
                    for name in _bare(said)
                )


def _written(said: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in said.values if isinstance(part, ast.Constant))


def _bare(said: ast.JoinedStr) -> Iterator[str]:
    """Yield the codes that a sentence puts raw; a subscript has been looked up in a table."""
    before = ""
    for part in said.values:
        match part:
            case ast.Constant(value=str(text)):
                before = text
            case ast.FormattedValue(value=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in CODES and not before.endswith("“"):
                    yield name


def _coined(source: Source) -> Iterator[tuple[str, int]]:
    """Yield the names that the file itself gives; other people's attributes are theirs."""
    for node in source.nodes:
        match node:
            case ast.FunctionDef(name=n) | ast.AsyncFunctionDef(name=n) | ast.ClassDef(name=n):
                yield n, node.lineno
            case ast.arg(arg=n) | ast.Name(id=n, ctx=ast.Store()):
                yield n, node.lineno
            case ast.Attribute(attr=n, ctx=ast.Store()):
                yield n, node.lineno
            case ast.alias(asname=str(n)):
                yield n, node.lineno


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def words_of_the_house(sources: Iterable[Source]) -> Iterator[tuple[str, str]]:
    """Yield every meter and every state, with the file that defines it."""
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.ClassDef) and re.search(r"(Meter|State)$", node.name):
                yield from ((word, source.path) for word in _members(node))


def _members(enum: ast.ClassDef) -> Iterator[str]:
    for node in enum.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def missing_from(glossary: str, words: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the words that the glossary does not write as `word`."""
    known = set(re.findall(r"`([^`\n]+)`", glossary))
    yield from sorted(f"{word} ({path})" for word, path in set(words) if word not in known)
