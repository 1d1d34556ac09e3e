"""The root of every error that a person may meet.

    DomainError                  one sentence: what, where, what to do
    ├── Invalid                  the input breaks a rule; nothing was done
    ├── NotFound                 the thing named does not exist (or is another customer's)
    ├── Conflict                 it exists already, differently, or the state forbids it
    ├── Forbidden                the caller may not do this
    └── Unavailable              a part we depend on is down; try again

Errors carry facts as attributes and know no status code; `web/errors.py` and `gateway/refusal.py`
hold the tables from error to status and dialect.
Rooms derive their own from these.
"""

from typing import ClassVar, Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)
"""What reading JSON or TOML raises: of what is none, of numbers of thousands of digits, and of
brackets within brackets by the thousand."""
SENTENCE: Final = 2_000
"""Characters of the longest sentence: what somebody wrote is quoted in it, however long it is."""


class DomainError(Exception):
    """One sentence for the person who meets it, and a stable code for the program that does."""

    code: ClassVar[str] = "error"

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = _bounded(sentence)
        self.facts = facts


def _bounded(sentence: str) -> str:
    """Leave out the middle of what is too long to be read: both ends say what was wrong."""
    if len(sentence) <= SENTENCE:
        return sentence
    return f"{sentence[: SENTENCE // 2]} …… {sentence[-SENTENCE // 4 :]}"


class Invalid(DomainError):
    """The input breaks a rule; nothing was done."""

    code: ClassVar[str] = "invalid"


class NotFound(DomainError):
    """The thing named does not exist, or belongs to somebody else."""

    code: ClassVar[str] = "not_found"


class Conflict(DomainError):
    """It exists already with other contents, or its state forbids the deed."""

    code: ClassVar[str] = "conflict"


class Forbidden(DomainError):
    """The caller may not do this."""

    code: ClassVar[str] = "forbidden"


class Unavailable(DomainError):
    """Something we depend on does not answer; nothing was done, try again."""

    code: ClassVar[str] = "unavailable"
