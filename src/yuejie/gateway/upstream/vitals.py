"""How deployments do lately, as this worker sees it: failures, and time to the first byte.

Auto models choose by it. Each worker measures for itself, as breakers do: what is shared would
change the snapshot with every breath, and a worker knows after a few calls. What is kept is two
minutes of counts for each deployment that a policy names, and a mean for each key and task, so
memory is bounded; where no policy exists nothing is kept and nothing is paid.
Pure: the time is an argument, in microseconds.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

SPAN_US: Final = 60_000_000
"""What is told of a deployment is this span and the one before: it is forgiven after two."""
CALLS: Final = 20
"""Fewer calls say nothing about how often it fails."""
TIMED: Final = 5
"""Fewer answers say nothing about how quick it is."""
MEANS: Final = 10_000
"""Keys and tasks whose answers' length is remembered; then the oldest goes."""
EXPECTED_OUT: Final = 512
"""Tokens expected of an answer of which nothing is known yet."""
_PPM: Final = 1_000_000


@dataclass(slots=True)
class Vital:
    """Counts of one deployment: [calls, failures, answers timed, their milliseconds], twice."""

    span: int = 0
    now: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    before: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def _roll(self, now_us: int) -> None:
        span = now_us // SPAN_US
        if span != self.span:
            self.before = self.now if span == self.span + 1 else [0, 0, 0, 0]
            self.now = [0, 0, 0, 0]
            self.span = span

    def note(self, now_us: int, *, failed: bool, first_byte_ms: int | None) -> None:
        """Count an attempt."""
        self._roll(now_us)
        now = self.now
        now[0] += 1
        if failed:
            now[1] += 1
        elif first_byte_ms is not None:
            now[2] += 1
            now[3] += first_byte_ms

    def told(self, now_us: int) -> tuple[int, int, int, int]:
        """Return calls, failures, answers timed and their milliseconds of two spans."""
        self._roll(now_us)
        a, b, c, d = self.now
        e, f, g, h = self.before
        return a + e, b + f, c + g, d + h


@dataclass(slots=True)
class Vitals:
    """What this worker measured of the deployments that policies name."""

    watched: frozenset[str] = frozenset()
    by_deployment: dict[str, Vital] = field(default_factory=dict)
    means: dict[tuple[str, str], int] = field(default_factory=dict)

    def watch(self, deployments: Collection[str]) -> None:
        """Measure these from now on, and forget all others."""
        self.watched = frozenset(deployments)
        self.by_deployment = {
            name: self.by_deployment.get(name) or Vital() for name in sorted(self.watched)
        }
        if not self.watched:
            self.means.clear()

    def note(
        self, deployment: str, now_us: int, *, failed: bool, first_byte_ms: int | None = None
    ) -> None:
        """Count an attempt, if anybody asks about its deployment."""
        vital = self.by_deployment.get(deployment)
        if vital is not None:
            vital.note(now_us, failed=failed, first_byte_ms=first_byte_ms)

    def of(self, deployments: Collection[str], now_us: int) -> tuple[int | None, int | None]:
        """Return failures in ppm and milliseconds to the first byte; None: too few to say."""
        calls = failures = timed = ms = 0
        for name in deployments:
            vital = self.by_deployment.get(name)
            if vital is not None:
                a, b, c, d = vital.told(now_us)
                calls, failures, timed, ms = calls + a, failures + b, timed + c, ms + d
        return (
            failures * _PPM // calls if calls >= CALLS else None,
            ms // timed if timed >= TIMED else None,
        )

    def answered(self, key_id: str, task: str, tokens_out: int) -> None:
        """Remember how long an answer was."""
        means, name = self.means, (key_id, task)
        mean = means.get(name)
        if mean is None and len(means) >= MEANS:
            del means[next(iter(means))]
        means[name] = tokens_out if mean is None else (7 * mean + tokens_out) // 8

    def expected(self, key_id: str, task: str, longest: int) -> int:
        """Return how long an answer is expected to be: the recent mean, within what is allowed."""
        mean = self.means.get((key_id, task))
        if mean is None:
            return longest or EXPECTED_OUT
        return min(mean, longest) if longest else mean
