"""Rules about files that are not code: the lock, the project's description, addresses."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tests.tidy.source import Finding

# Written in pieces, so that this file keeps its own rule.
REGISTRIES: Final = tuple(
    "".join(parts)
    for parts in (
        ("py", "pi.org"),
        ("pythonho", "sted.org"),
        ("registry.", "npmjs"),
        ("crates", ".io"),
        ("proxy.", "golang"),
        ("/py", "pi/"),
        ("repo.", "maven"),
    )
)
MACHINE: Final = re.compile(
    r"(?<![\w.~-])/(?:" + "work" + r"/|opt/" + r"wheels|ro" + r"ot/|tmp/|home/\w)|\.lib" + r"rary\b"
)
LOCKED: Final = re.compile(
    r"[a-z0-9._-]+==[\w.!+]+ \\"
    r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
    r"|    # via [\w.,() -]+"
)
NO_BILLS: Final = frozenset({"bills", "fapiao", "payments", "ledger"})


def addresses(path: str, text: str) -> Iterator[Finding]:
    """A clone must build anywhere: no path of one machine, no address of one registry."""
    for number, line in enumerate(text.splitlines(), start=1):
        if MACHINE.search(line):
            yield Finding(path, number, "names a path of one machine")
        if any(registry in line for registry in REGISTRIES):
            yield Finding(path, number, "names a package registry; pip's configuration does")


def lock_lines(path: str, text: str) -> Iterator[Finding]:
    """The lock says what, never from where."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not LOCKED.fullmatch(line):
            yield Finding(path, number, f"neither a version nor a hash: {line}")


def unlocked(project: dict[str, Any], lock: str) -> Iterator[str]:
    """Yield the dependencies that the lock does not pin."""
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    described = project["project"]
    wanted = list(described["dependencies"])
    wanted += [w for extra in described["optional-dependencies"].values() for w in extra]
    wanted += project["build-system"]["requires"]
    for requirement in wanted:
        name = re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")
        if name not in pinned:
            yield requirement


def unreasoned(text: str) -> Iterator[str]:
    """Yield the dependencies that nobody has justified, alone or as a list under one reason."""
    block = re.search(r"^\[project\].*?(?=^\[project\.scripts\])", text, re.DOTALL | re.MULTILINE)
    lines = (block[0] if block else "").splitlines()
    shared = False
    for before, line in zip(["", *lines], lines, strict=False):
        if re.fullmatch(r"\w+ = \[", line):
            shared = before.startswith("# ")
        if re.match(r'    "', line) and not shared and not re.search(r'",\s+# \w', line):
            yield line.strip()


def rooms_open_to_the_gateway(project: dict[str, Any], rooms: Iterable[str]) -> Iterator[str]:
    """Yield the money rooms that exist and that no contract forbids to the gateway."""
    forbidden = {
        module.removeprefix("yuejie.")
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "forbidden" and "yuejie.gateway" in contract["source_modules"]
        for module in contract["forbidden_modules"]
    }
    yield from sorted(NO_BILLS & set(rooms) - forbidden)
