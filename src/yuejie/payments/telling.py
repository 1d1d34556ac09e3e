"""What payments has to tell: one line per occasion, written in the deed's own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue


@dataclass(frozen=True, slots=True)
class News:
    """A message to a customer's finance people, or (without a customer) to our own."""

    kind: Kind
    customer_id: CustomerId | None
    facts: Mapping[str, str]
    key: str
    at: datetime


def tell(tx: Tx, news: News) -> bool:
    """Put news into the outbox, once per key, ever; say whether it was new."""
    audience = Audience.OPERATOR if news.customer_id is None else Audience.CUSTOMER
    notice = Notice(news.kind, audience, dict(news.facts), news.key, news.customer_id)
    return enqueue(tx, notice, at=news.at)
