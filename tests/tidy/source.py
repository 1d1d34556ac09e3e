"""What the rules look at: a file of the tree, parsed once, and where a rule says it is broken."""

import ast
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "src/yuejie/"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file: its path from the root of the repository, its text, its tree.

    `nodes` is the tree walked once: every rule looks at all of it.
    """

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @classmethod
    def parse(cls, path: str, text: str) -> "Source":
        """Read a file, or an example of one."""
        tree = ast.parse(text, filename=path)
        return cls(path, text, tree, tuple(ast.walk(tree)))

    @property
    def inside(self) -> str:
        """The path inside the package, or nothing for a file outside it."""
        return self.path.removeprefix(PACKAGE) if self.path.startswith(PACKAGE) else ""

    @property
    def room(self) -> str:
        """The top-level folder it lies in, or nothing."""
        return self.inside.split("/")[0] if "/" in self.inside else ""

    @property
    def is_store(self) -> bool:
        """Whether this is a room's SQL."""
        return self.inside.endswith("/store.py")

    def matches(self, *patterns: str) -> bool:
        """Whether the path inside the package fits one of the patterns; `x/**` is all below x."""
        path = PurePosixPath(self.inside)
        return any(
            self.inside.startswith(p.removesuffix("**")) if p.endswith("/**") else path.match(p)
            for p in patterns
            if self.inside
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a rule does not hold, and what to do about it."""

    path: str
    line: int
    says: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors can jump there."""
        return f"{self.path}:{self.line}: {self.says}"


Rule = Callable[[Source], Iterator[Finding]]


@cache
def product() -> tuple[Source, ...]:
    """Return the files of the package."""
    return _read("src/yuejie")


@cache
def everything() -> tuple[Source, ...]:
    """Return the files of the package, of the tests and of the benchmarks."""
    return product() + _read("tests") + _read("bench")


def _read(folder: str) -> tuple[Source, ...]:
    """Parse a folder, unseen by the collector: millions of nodes that all live to the end."""
    gc.disable()
    try:
        return tuple(
            Source.parse(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
            for file in sorted((ROOT / folder).rglob("*.py"))
        )
    finally:
        gc.freeze()
        gc.enable()


def functions(source: Source) -> Iterator[Function]:
    """Yield every function and method of a file, also those inside others."""
    for node in source.nodes:
        if isinstance(node, Function):
            yield node


def own(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def called(node: ast.AST) -> str:
    """Return the dotted name of what a call calls, such as `datetime.now`, or nothing."""
    return dotted(node.func) if isinstance(node, ast.Call) else ""


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for such an expression; what stands before the names is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def lines(function: Function) -> int:
    """Return how many lines the body takes, docstring excluded."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
