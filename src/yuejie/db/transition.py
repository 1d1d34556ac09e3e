"""A step in a life: every change of a state leaves one behind, which is never touched again."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened to a thing, from which state to which, who did it, when, and why."""

    at: datetime
    event: str
    was: str
    became: str
    by: str
    why: str = ""

    def row(self) -> dict[str, object]:
        """Return the columns that every table of transitions has, beside the thing's own id."""
        return {
            "at": self.at,
            "event": str(self.event),
            "was": str(self.was),
            "became": str(self.became),
            "by": self.by,
            "why": self.why,
        }
