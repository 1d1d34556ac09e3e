"""The circuit breaker: a deployment that keeps failing is left alone for a while.

Closed: calls pass. After `FAILURES` in a row it opens; after a pause one probe may pass, which
closes it again or doubles the pause. Pure: the time is an argument, in microseconds.
"""

from dataclasses import dataclass, field
from typing import Final

FAILURES: Final = 5
"""So many failures in a row are no accident."""
PAUSE_US: Final = 1_000_000
PAUSE_US_MAX: Final = 60_000_000
PROBE_US_MAX: Final = 30_000_000
"""A probe that has not come back by then no longer keeps others from probing."""


@dataclass(slots=True)
class Breaker:
    """The health of one deployment, as this worker sees it."""

    failures: int = 0
    pause_us: int = PAUSE_US
    open_until_us: int = 0
    probing_until_us: int = 0

    @property
    def is_open(self) -> bool:
        """It has failed so often in a row that it is left alone."""
        return self.failures >= FAILURES

    def may_pass(self, now_us: int) -> bool:
        """Say whether a call may go this way."""
        if self.failures < FAILURES:
            return True
        return self.open_until_us <= now_us and self.probing_until_us <= now_us

    def goes(self, now_us: int) -> None:
        """A call goes this way; on an open breaker it is the probe."""
        if self.failures >= FAILURES:
            self.probing_until_us = now_us + PROBE_US_MAX

    def worked(self) -> None:
        """The deployment answered."""
        if self.failures:
            self.failures = 0
            self.pause_us = PAUSE_US
            self.probing_until_us = 0

    def failed(self, now_us: int) -> None:
        """The deployment did not answer, or said that it cannot."""
        self.failures += 1
        self.probing_until_us = 0
        if self.failures > FAILURES:
            self.pause_us = min(2 * self.pause_us, PAUSE_US_MAX)
        if self.failures >= FAILURES:
            self.open_until_us = now_us + self.pause_us


@dataclass(slots=True)
class Breakers:
    """One breaker per deployment, made when first asked for."""

    by_deployment: dict[str, Breaker] = field(default_factory=dict)

    def of(self, deployment_id: str) -> Breaker:
        """Return a deployment's breaker."""
        breaker = self.by_deployment.get(deployment_id)
        if breaker is None:
            breaker = self.by_deployment[deployment_id] = Breaker()
        return breaker
