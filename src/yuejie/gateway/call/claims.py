"""`Idempotency-Key`: a call is sent once, whichever gateway a repeat reaches.

The key is in PostgreSQL before the provider hears of the call; if it cannot be written, nothing is
called. Contents are never stored, so a repeat is told of the first call and not answered again.
"""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Final
from uuid import UUID

from yuejie.db.errors import CommitUncertain
from yuejie.db.session import Database
from yuejie.gateway import store
from yuejie.gateway.refusal import Code, Refused
from yuejie.kernel.errors import Conflict, Unavailable
from yuejie.kernel.ids import request_id

THREADS: Final = 4
KEY_LENGTH: Final = 255
FREEING_SECONDS: Final = 1.0
"""How long an answer waits for its key to be free."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Claims:
    """The clients' keys, asked of the database on a few threads."""

    def __init__(self, connect: Callable[[], Database]) -> None:
        """`connect` opens the database when the first key comes; most workers never need it."""
        self._connect = connect
        self._db: Database | None = None
        self._opening = Lock()
        """Two keys that come first at once open one database, not two of which one is lost."""
        self._threads = ThreadPoolExecutor(THREADS, "claims")

    async def claim(
        self, customer_id: str, client_key: str, *, asked: bytes, operation: bytes, now_us: int
    ) -> Refused | None:
        """Write a key down as used, or say who used it first."""
        body_hash = hashlib.sha256(asked).digest()
        at = _EPOCH + timedelta(microseconds=now_us)
        mine = (customer_id, client_key, operation)
        given_up = Event()
        claiming = self._threads.submit(self._claim_unless, given_up, *mine, body_hash, at)
        try:
            return await asyncio.wrap_future(claiming)
        except (Unavailable, Conflict):
            return Refused(Code.IDEMPOTENCY_DOWN, retry_after_s=1)
        except CommitUncertain:
            # It may be written down: a retry would be told that this call is under way for ever.
            await self.release(*mine)
            return Refused(Code.IDEMPOTENCY_DOWN, retry_after_s=1)
        except asyncio.CancelledError:
            # The thread goes on. Either it sees this at its end, or it had ended before.
            given_up.set()
            self._threads.submit(self._freed, *mine)
            raise

    async def release(self, customer_id: str, client_key: str, operation: bytes) -> None:
        """Free the key of a call that came to nothing; if that fails, a repeat is refused.

        A client waits for this: not for longer than it takes where nothing is wrong.
        """
        freeing = self._threads.submit(self._freed, customer_id, client_key, operation)
        # Who waits here may be stopped, or give up; the key is freed all the same.
        await asyncio.wait({asyncio.wrap_future(freeing)}, timeout=FREEING_SECONDS)

    def close(self) -> None:
        """Let the threads and connections go."""
        self._threads.shutdown()
        if self._db is not None:
            self._db.close()

    def _claim_unless(
        self,
        given_up: Event,
        customer_id: str,
        client_key: str,
        operation: bytes,
        body_hash: bytes,
        at: datetime,
    ) -> Refused | None:
        """Write a key down, and free it again if nobody waits for it any more."""
        refused = self._claim(customer_id, client_key, body_hash, operation, at)
        if given_up.is_set():
            self._freed(customer_id, client_key, operation)
        return refused

    def _claim(
        self, customer_id: str, client_key: str, body_hash: bytes, operation: bytes, at: datetime
    ) -> Refused | None:
        with self._database().begin() as tx:
            if store.claim(
                tx,
                customer_id,
                client_key,
                body_hash=body_hash,
                operation_id=UUID(bytes=operation),
                at=at,
            ):
                return None
            first = store.first_use(tx, customer_id, client_key)
        if first is None:
            return Refused(Code.IDEMPOTENCY_DOWN, retry_after_s=1)
        named = request_id(first.operation_id.bytes)
        if first.body_hash != body_hash:
            return Refused(Code.KEY_REUSED, {"first": named})
        if first.ended:
            return Refused(Code.REPEATED, {"first": named, "state": "已完成"})
        return Refused(Code.REPEATED, {"first": named, "state": "进行中"}, retry_after_s=1)

    def _freed(self, customer_id: str, client_key: str, operation: bytes) -> None:
        with suppress(Unavailable, Conflict, CommitUncertain), self._database().begin() as tx:
            store.release(tx, customer_id, client_key, operation_id=UUID(bytes=operation))

    def _database(self) -> Database:
        with self._opening:
            if self._db is None:
                self._db = self._connect()
            return self._db
