"""What payments has to tell, as a value; whoever starts a verb says how it reaches the outbox.

A verb that has news takes `tell` and calls it in its own transaction, so that the news is written
if and only if the deed is. A key is told once, ever: telling it again does nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId


@dataclass(frozen=True, slots=True)
class News:
    """One message to a customer's finance people, or (without a customer) to our own."""

    kind: str
    customer_id: CustomerId | None
    facts: Mapping[str, str]
    key: str
    at: datetime


Tell = Callable[[Tx, News], None]


def silence(tx: Tx, news: News) -> None:
    """Tell nobody: for commands and tests that do not ask for messages."""
