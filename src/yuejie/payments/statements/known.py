"""Which lines of a file are there already, where several may share one serial of the bank's. Pure.

Some banks give a transfer and its fee, or a payment and its return, the same serial: amount, side
and balance tell such lines apart, in a file and from those that were kept before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from yuejie.payments.statements.line import StatementLine, name_beside, prints_alike

Known = tuple[str, StatementLine]
"""A line that was kept, by its name."""


def recognise(
    lines: Sequence[StatementLine], named: Sequence[str], kept: Iterable[Known]
) -> list[str]:
    """Return the names of a file's lines, those of lines that were kept where they are the same.

    `named` are their names within the file. A line that shares a kept one's serial, and is none of
    those kept, is a line of its own where the file has those as well, or where their balances
    follow from each other; else it bears the name of one that it contradicts.
    """
    shared: dict[str, list[Known]] = defaultdict(list)
    for name, line in kept:
        shared[line.serial].append((name, line))
    by_name = dict(zip(named, lines, strict=True))
    groups: dict[str, dict[str, StatementLine]] = defaultdict(dict)
    for name, line in by_name.items():
        if line.sure and line.serial in shared:
            groups[line.serial][name] = line
    became: dict[str, str] = {}
    for serial, group in groups.items():
        became |= _resolve(group, shared[serial])
    return [became.get(name, name) for name in named]


def _resolve(group: Mapping[str, StatementLine], kept: Sequence[Known]) -> dict[str, str]:
    """Return the name of each of a serial's lines in a file, by its name within the file."""
    left, found = list(kept), {}
    for name, line in group.items():
        same = [known for known in left if prints_alike(known[1], line)]
        if same:
            # Of two of one amount the one of the same balance is meant, where both say it.
            same.sort(key=lambda known: known[1].balance_fen != line.balance_fen)
            found[name] = same[0][0]
            left.remove(same[0])
    for name, line in group.items():
        if name in found:
            continue
        beside = not left or any(_follow(known, line) for _, known in kept)
        found[name] = name_beside(line) if beside else left[0][0]
    return found


def _follow(one: StatementLine, other: StatementLine) -> bool:
    """Say whether the balance of one line follows from the other's, in either order."""
    if one.balance_fen is None or other.balance_fen is None:
        return False
    moved = other.balance_fen - one.balance_fen
    return moved in {other.signed_fen, -one.signed_fen}
