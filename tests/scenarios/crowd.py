"""People who act in one moment, each on a connection of its own."""

import threading
from collections.abc import Callable

from yuejie.kernel.errors import DomainError


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Let all act at the same time; return what was refused, in sentences."""
    refused: list[str] = []
    start = threading.Barrier(len(deeds))

    def act(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            deed()
        except DomainError as error:
            refused.append(error.sentence)

    crowd = [threading.Thread(target=act, args=(deed,)) for deed in deeds]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return refused
