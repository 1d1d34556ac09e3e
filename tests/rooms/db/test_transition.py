from datetime import UTC, datetime
from enum import StrEnum

from yuejie.db.transition import Transition

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


class Word(StrEnum):
    ISSUE = "issue"
    DRAFT = "draft"
    ISSUED = "issued"


def test_a_transition_is_written_in_plain_words() -> None:
    step = Transition(NOW, Word.ISSUE, Word.DRAFT, Word.ISSUED, "operator:lin")
    assert step.row() == {
        "at": NOW,
        "event": "issue",
        "was": "draft",
        "became": "issued",
        "by": "operator:lin",
        "why": "",
    }
    assert {type(step.row()[name]) for name in ("event", "was", "became")} == {str}
