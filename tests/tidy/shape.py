"""Rules about the shape of the house: names of files, sizes, rooms, colours, edges."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from tests.tidy.source import Finding, Source, dotted, functions, lines, own

FUNCTION_WALL: Final = 70
FILE_WALL: Final = 600
ROOM_WALL: Final = 12

NO_FILE_NAMES: Final = frozenset(
    {"service", "util", "helper", "manager", "common", "base", "misc", "core"}
)

ASYNC_ROOMS: Final = ("gateway/**", "web/**", "demo/**")

BROAD_HANDLERS: Final[dict[str, str]] = {
    "db/process.py::keep": "carries the error over to the thread that asked, which raises it",
    "jobs/worker.py::_do": "logs the bug and ends the job, which says so; the next job is begun",
    "web/envelope.py::__call__": "answers 500 with the request id and logs the bug",
}
"""The process edges, as `file::function`, each with what it does with an unforeseen error."""

ROOM_SAYS: Final = ("Owns:", "Does not own:", "Invariants:")


def file_names(source: Source) -> Iterator[Finding]:
    """A file called `utils` is a drawer: a file is a noun, a verb or a store."""
    stem = source.path.rsplit("/", 1)[-1].removesuffix(".py")
    for word in stem.split("_"):
        if word in NO_FILE_NAMES or word.removesuffix("s") in NO_FILE_NAMES:
            yield Finding(source.path, 1, f"“{word}” says nothing: name the noun or the deed")


def function_size(source: Source) -> Iterator[Finding]:
    """A function that does not fit on a screen cannot be seen to be right."""
    for function in functions(source):
        if lines(function) > FUNCTION_WALL:
            yield Finding(
                source.path,
                function.lineno,
                f"{function.name} has {lines(function)} lines, the wall is {FUNCTION_WALL}",
            )


def file_size(source: Source) -> Iterator[Finding]:
    """A file of this size is two things; say which two."""
    count = source.text.count("\n")
    if count > FILE_WALL:
        yield Finding(source.path, count, f"{count} lines, the wall is {FILE_WALL}")


def async_places(source: Source) -> Iterator[Finding]:
    """Money is plain functions on a plain connection: two colours would mean two of everything."""
    if not source.inside or source.matches(*ASYNC_ROOMS):
        return
    for node in source.nodes:
        if isinstance(node, ast.AsyncFunctionDef):
            yield Finding(source.path, node.lineno, f"{node.name} is async outside gateway and web")


def broad_handlers(source: Source) -> Iterator[Finding]:
    """A handler of everything hides bugs; only a process edge, named above, may have one."""
    swallowing = _swallowing(source)
    named = Counter(key for key, _ in swallowing)
    for key, line in swallowing:
        if key not in BROAD_HANDLERS or named[key] > 1:
            yield Finding(source.path, line, f"{key} swallows every error: name the errors meant")


def stale_edges(sources: Iterable[Source], edges: dict[str, str]) -> Iterator[str]:
    """Yield the process edges that no longer swallow anything, or that give no reason."""
    used = {key for source in sources for key, _ in _swallowing(source)}
    for key, reason in edges.items():
        if key not in used or not reason.strip():
            yield key


def _swallowing(source: Source) -> list[tuple[str, int]]:
    """Find handlers of everything that do not end by raising again what they caught."""
    if not source.inside:
        return []
    return [
        (f"{source.inside}::{function.name}", node.lineno)
        for function in functions(source)
        for node in own(function)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
        if not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(k is None or dotted(k) in {"Exception", "BaseException"} for k in kinds)


def room_docstring(source: Source) -> Iterator[Finding]:
    """A room's `__init__.py` is its README, and what it does *not* own is half of it."""
    if not re.fullmatch(r"\w+/__init__\.py", source.inside):
        return
    docstring = ast.get_docstring(source.tree) or ""
    for heading in ROOM_SAYS:
        if heading not in docstring:
            yield Finding(source.path, 1, f"the room's docstring lacks “{heading}”")
    if len(source.tree.body) > 1:
        yield Finding(source.path, source.tree.body[1].lineno, "a room's __init__ holds no code")


def rooms_without_readme(paths: Iterable[str]) -> Iterator[str]:
    """Yield the rooms that hold code and no `__init__.py`; grimp and setuptools overlook them."""
    inside = {p.removeprefix("src/yuejie/") for p in paths if p.startswith("src/yuejie/")}
    rooms = {p.split("/")[0] for p in inside if "/" in p}
    yield from sorted(room for room in rooms if f"{room}/__init__.py" not in inside)


def crowded_folders(paths: Iterable[str]) -> Iterator[str]:
    """Yield the folders with more files than a person can hold in mind."""
    counts = Counter(
        p.rsplit("/", 1)[0]
        for p in paths
        if p.startswith("src/yuejie/") and not p.endswith("__init__.py")
    )
    yield from sorted(folder for folder, count in counts.items() if count > ROOM_WALL)


def reasoned_ignores(source: Source) -> Iterator[Finding]:
    """A `type: ignore` without a reason cannot be removed, because nobody knows when."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        found = re.search(r"#\s*type:\s*ignore(\[[\w, -]+\])?(.*)", line)
        if found and not (found[1] and re.search(r"#\s*\w+", found[2])):
            yield Finding(
                source.path, number, "write the code and the reason of `type" + ": ignore`"
            )


def own_code_patched(source: Source) -> Iterator[Finding]:
    """A test that patches our code tests the patch; give the thing as an argument instead."""
    ours = {
        alias.asname or alias.name.split(".")[0]
        for node in source.nodes
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("yuejie"))
        or (isinstance(node, ast.Import) and node.names[0].name.startswith("yuejie"))
        for alias in node.names
    }
    for node in source.nodes:
        if not (isinstance(node, ast.Call) and node.args):
            continue
        verb, target = dotted(node.func), node.args[0]
        if not re.search(r"(^|\.)(patch(\.\w+)?|setattr)$", verb):
            continue
        quoted = isinstance(target, ast.Constant)
        words = str(target.value) if isinstance(target, ast.Constant) else dotted(target)
        root = words.split(".")[0]
        if root == "yuejie" or (not quoted and root in ours):
            yield Finding(source.path, node.lineno, f"{verb} replaces our own {words}")
