"""Names that a seed draws, so that what was lived through happens again to the last tie."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random

import pytest


class Names:
    """The operating system's dice, from which ids and the order numbers of fapiao are drawn.

    Threads that race take turns at each customer, in an order that no seed knows: what is drawn
    for a customer then comes from dice of its own, which both of them throw. Other threads, such
    as those of the simulated tax platform, draw as ever.
    """

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seed = seed
        self._races = 0
        self._dice: ContextVar[Random | None] = ContextVar("dice", default=None)
        self._dice.set(Random(f"{seed}/ids"))
        self._unseeded = os.urandom
        for name in ("os.urandom", "random._urandom"):
            monkeypatch.setattr(name, self._urandom)

    def _urandom(self, size: int) -> bytes:
        dice = self._dice.get()
        return dice.randbytes(size) if dice else self._unseeded(size)

    def race(self, customers: Iterable[str]) -> dict[str, Random]:
        """Return dice for each customer in one race."""
        self._races += 1
        return {slug: Random(f"{self._seed}/ids/{self._races}/{slug}") for slug in customers}

    @contextmanager
    def drawn_from(self, dice: Random) -> Iterator[None]:
        """Draw what this thread names from some dice."""
        token = self._dice.set(dice)
        try:
            yield
        finally:
            self._dice.reset(token)
