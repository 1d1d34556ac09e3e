"""Look a request up by its id, whether it was called or turned away."""

from dataclasses import dataclass
from uuid import UUID

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.limits import REFUSED_DAYS, REFUSED_OF_REASON
from yuejie.usage.refusals import store
from yuejie.usage.refusals.reason import FACTS, Reason, reason_of
from yuejie.usage.refusals.store import RefusedCall
from yuejie.usage.show import Attempt, show_request


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A call that was turned away, with what is known of the reason."""

    call: RefusedCall
    reason: Reason

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return what is kept of the facts, as they are called, in the order of reading."""
        return [(FACTS[name], self.call.about[name]) for name in FACTS if name in self.call.about]


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a request: attempts, or why there are none."""

    attempts: tuple[Attempt, ...]
    refused: TurnedAway | None = None


def look_up(db: Database, customer_id: str | None, request_id: UUID) -> Looked:
    """Return what became of a request; None for the customer is the operator's question.

    Of what is turned away the first of each minute are kept; that an id is not found says so.
    """
    try:
        return Looked(show_request(db, customer_id, request_id))
    except NotFound:
        with db.read() as tx:
            refused = turned_away(tx, customer_id, request_id)
        if refused is None:
            raise NotFound(
                f"请求 req_{request_id.hex} 不存在，或尚未入库，请十秒后再查；被拒绝的请求保留 "
                f"{REFUSED_DAYS} 天，同一密钥同一原因每分钟只有前 {REFUSED_OF_REASON} 次可逐条查，"
                "其余只计次数，请到“被拒绝的调用”看原因"
            ) from None
        return Looked((), refused)


def turned_away(tx: Tx, customer_id: str | None, request_id: UUID) -> TurnedAway | None:
    """Return the call that was turned away under an id, if it is kept."""
    found = store.refused_call(tx, customer_id, request_id)
    return TurnedAway(found, reason_of(found.reason)) if found else None
