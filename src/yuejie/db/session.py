"""Databases and transactions: one connection pool, one visible transaction per deed.

    with db.begin() as tx:          # commits at the end, rolls back when anything raises
    with db.read() as tx:           # read only; `consistent=True` sees one moment throughout

Nothing is retried in secret. A deed that may lose against another transaction says so with
`retrying`, which repeats the whole function and nothing less.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from yuejie.db.adapt import Json, teach
from yuejie.db.errors import (
    CommitUncertain,
    DatabaseBusy,
    DatabaseUnavailable,
    SerializationConflict,
    brief,
    translate,
)
from yuejie.db.tx import Tx
from yuejie.db.warehouse.client import Warehouse

__all__ = ["Database", "Json", "Tx", "retrying"]

T = TypeVar("T")

OLDEST: Final = 160_000
"""PostgreSQL 16, as `server_version` counts: the oldest that this SQL is written for."""
CONNECT_SECONDS: Final = 5
WAIT_SECONDS: Final = 5
"""How long a deed waits for a connection before it says that the database is busy or gone."""
RECONNECT_SECONDS: Final = 5
"""A pool that gives up soon starts afresh with the next deed; one that backs off for minutes
would still be waiting when the database has long been back."""
STATEMENT_SECONDS: Final = 120
"""Longest statement; a month of a large customer sums in seconds."""
LOCK_SECONDS: Final = 30
"""Longest wait for a lock: closing waits for one ingest batch, ingest for one closing."""
IDLE_SECONDS: Final = 300
"""A transaction that does nothing for so long has lost its owner, and its locks with it."""
RETRIES: Final = 5
_LINE: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server behind a cut wire says nothing for ever; after ten seconds it is taken for gone."""

_SET_UP: Final = """
    SELECT pg_postmaster_start_time(),
           set_config('TimeZone', 'UTC', %(local)s),
           set_config('statement_timeout', %(statement_ms)s, %(local)s),
           set_config('lock_timeout', %(lock_ms)s, %(local)s),
           set_config('idle_in_transaction_session_timeout', %(idle_ms)s, %(local)s)
"""
_WHO: Final = "SELECT pg_backend_pid()"
Pacing = Callable[[], AbstractContextManager[None]]
"""Measures a transaction from its first statement to its end."""


class Database:
    """A pool of connections to one PostgreSQL, opened with `Database.open`."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        where: str,
        losses: "_Losses",
        *,
        settings: Mapping[str, str] | None = None,
        pacing: Pacing = nullcontext,
    ) -> None:
        """Keep a pool; `settings` are sent with each transaction where no session keeps them."""
        self._pool = pool
        self._where = where
        self._losses = losses
        self._settings = settings
        self._pacing = pacing
        self.warehouse: Warehouse | None = None
        """Where moved events lie; whoever opens both says so, and each transaction knows it."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        size: int = 4,
        name: str = "yuejie",
        statement_seconds: int = STATEMENT_SECONDS,
        idle_seconds: int = IDLE_SECONDS,
        pacing: Pacing = nullcontext,
    ) -> Self:
        """Connect, check that the server is new enough, and keep up to `size` connections.

        The address may name several hosts: after a promotion the pool finds the one that writes,
        and lets go of those that no longer do.
        Behind a pooler that hands out servers by transaction (PgBouncer), nothing is kept in a
        session: settings go with each transaction, and no statement is prepared.
        """
        where = place(url)
        url = routed(url)
        losses = _Losses()
        whole = _check_writes if writes_only(url) else ConnectionPool.check_connection
        settings = {
            "statement_ms": str(statement_seconds * 1000),
            "lock_ms": str(LOCK_SECONDS * 1000),
            "idle_ms": str(idle_seconds * 1000),
        }
        with connected(url, name=name) as probe:
            _check_version(probe, where)
            pooled = is_pooled(probe)
        line: dict[str, Any] = {"application_name": name, **_LINE}
        if pooled:
            line["prepare_threshold"] = None

        def configure(connection: Connection[Any]) -> None:
            teach(connection)
            if not pooled:
                losses.met(_configure(connection, settings))

        def check(connection: Connection[Any]) -> None:
            try:
                whole(connection)
            except Exception:
                losses.count += 1
                raise

        pool = ConnectionPool(
            url,
            kwargs=line,
            min_size=1,
            max_size=size,
            configure=configure,
            check=check,
            timeout=WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            name=name,
            open=True,
        )
        settings_of = settings if pooled else None
        return cls(pool, where, losses, settings=settings_of, pacing=pacing)

    @property
    def renewed(self) -> int:
        """How often a connection was lost, or another server met.

        When it moves, who answers may know less than who answered before: whoever remembers what
        is stored forgets it then.
        """
        return self._losses.count

    def close(self) -> None:
        """Close every connection; deeds that still run lose theirs when they end."""
        self._pool.close()
        if self.warehouse is not None:
            self.warehouse.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Run one transaction: commit when the block ends, leave nothing when it raises."""
        with self._borrowed() as connection:
            self._prepare(connection)
            yield Tx(connection, self.warehouse)

    @contextmanager
    def read(self, *, consistent: bool = False) -> Iterator[Tx]:
        """Run one read-only transaction; `consistent` shows the data of a single moment."""
        with self._borrowed(writes=False) as connection:
            connection.read_only = True
            connection.isolation_level = IsolationLevel.REPEATABLE_READ if consistent else None
            try:
                self._prepare(connection)
                yield Tx(connection, self.warehouse)
            finally:
                # The settings may change only between transactions, and the next borrower must not
                # inherit them.
                if not connection.closed:
                    self._end_reading(connection)
                    connection.read_only = None
                    connection.isolation_level = None

    def _end_reading(self, connection: Connection[Any]) -> None:
        """End a transaction that has nothing to commit.

        Behind a ROLLBACK psycopg forgets what it had prepared, so every read is planned for its own
        values: a plan for any customer and any month reads the forecast of a large one 5 times as
        long.
        """
        connection.rollback()

    def _prepare(self, connection: Connection[Any]) -> None:
        """Send the settings with the transaction where no session keeps them."""
        if self._settings is not None:
            found = connection.execute(_SET_UP, {**self._settings, "local": True}).fetchone()
            self._losses.met(found[0] if found else None)

    @contextmanager
    def _borrowed(self, *, writes: bool = True) -> Iterator[Connection[Any]]:
        connection = self._checkout()
        try:
            try:
                with self._pacing():
                    yield connection
            except psycopg.errors.ReadOnlySqlTransaction as error:
                if not writes:  # our own mistake: a deed that only reads has written
                    _undo(connection)
                    raise
                connection.close()
                self._losses.count += 1
                raise DatabaseUnavailable(
                    f"数据库（{self._where}）已降为只读副本，本次未生效；请稍后重试"
                ) from error
            except psycopg.Error as error:
                _undo(connection)
                self._losses.count += connection.closed
                better = translate(error)
                if better is error:
                    raise
                raise better from error
            except BaseException:
                _undo(connection)
                raise
            _commit(connection)
        except CommitUncertain:
            self._losses.count += 1
            raise
        finally:
            self._pool.putconn(connection)

    def _checkout(self) -> Connection[Any]:
        try:
            return self._pool.getconn()
        except PoolTimeout as error:
            raise self._why_none() from error
        except PoolClosed as error:
            raise DatabaseUnavailable(f"与数据库（{self._where}）的连接已关闭") from error

    def _why_none(self) -> DatabaseUnavailable | DatabaseBusy:
        """Tell a server that is gone from a pool whose every connection is at work."""
        if self._pool.get_stats().get("pool_size", 0) < self._pool.max_size:
            return DatabaseUnavailable(
                f"连不上数据库（{self._where}），本次未生效；请确认 PostgreSQL 正在运行后重试"
            )
        return DatabaseBusy("数据库连接都在使用中，本次未生效；请稍后重试")


class _Losses:
    """How often one of a pool's connections was lost, or led to another server than the last."""

    def __init__(self) -> None:
        self.count = 0
        self._started: object = None

    def met(self, started: object) -> None:
        """Note since when the server runs that a new connection leads to."""
        self.count += self._started not in {None, started}
        self._started = started


@contextmanager
def connected(url: str, *, name: str) -> Iterator[Connection[Any]]:
    """Open one plain autocommit connection outside any pool, or say in one sentence why not."""
    try:
        connection = psycopg.connect(
            routed(url), autocommit=True, application_name=name, prepare_threshold=None, **_LINE
        )
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"连不上数据库（{place(url)}）：{brief(error)}；"
            "请确认 PostgreSQL 正在运行、地址与密码正确"
        ) from error
    with connection:
        yield connection


def retrying(db: Database, deed: Callable[[Tx], T], *, attempts: int = RETRIES) -> T:
    """Run a deed in a transaction of its own, again when another transaction was first.

    Only `SerializationConflict` is repeated: then nothing was done, by the database's own word.
    """
    for _ in range(attempts - 1):
        try:
            with db.begin() as tx:
                return deed(tx)
        except SerializationConflict:
            continue
    with db.begin() as tx:
        return deed(tx)


def place(url: str) -> str:
    """Say which database an address means, without its password."""
    parts = _parts(url)
    host, port = parts.get("host") or "localhost", parts.get("port")
    return f"{parts.get('dbname') or parts.get('user') or '?'} @ {host}{f':{port}' if port else ''}"


def writes_only(url: str) -> bool:
    """Tell whether an address asks for a server that writes."""
    return _parts(url).get("target_session_attrs") in {"read-write", "primary"}


def _check_writes(connection: Connection[Any]) -> None:
    """Refuse a connection to a server that has become a standby meanwhile."""
    ConnectionPool.check_connection(connection)
    autocommit = connection.autocommit
    connection.autocommit = True
    try:
        found = connection.execute("SHOW transaction_read_only").fetchone()
    finally:
        connection.autocommit = autocommit
    if found is None or found[0] != "off":
        raise psycopg.OperationalError("this server does not write any more")


def _parts(url: str) -> Mapping[str, Any]:
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise DatabaseUnavailable(
            "数据库地址格式不对，请写成 postgresql://用户:密码@主机:端口/库名"
        ) from error


def routed(url: str) -> str:
    """Return an address of several servers such that the one that may be written to is found.

    `postgresql://user@one,two/yuejie` means a primary and its standbys, whichever is which today.
    """
    parts: dict[str, Any] = dict(_parts(url))
    if "," not in str(parts.get("host", "")) or "target_session_attrs" in parts:
        return url
    return make_conninfo("", **parts, target_session_attrs="read-write")


def is_pooled(connection: Connection[Any]) -> bool:
    """Tell whether a pooler stands between: it names itself where the server would name its own."""
    found = connection.execute(_WHO).fetchone()
    assert found is not None
    return bool(found[0] != connection.info.backend_pid)


def _configure(connection: Connection[Any], settings: Mapping[str, str]) -> object:
    """Set a new connection up; return since when its server runs."""
    connection.autocommit = True
    found = connection.execute(_SET_UP, {**settings, "local": False}).fetchone()
    connection.autocommit = False
    return found[0] if found else None


def _check_version(connection: Connection[Any], where: str) -> None:
    if connection.info.server_version < OLDEST:
        shown = connection.info.parameter_status("server_version")
        raise DatabaseUnavailable(
            f"数据库（{where}）的版本是 {shown}，需要 PostgreSQL 16 或更高；请升级"
        )


def _undo(connection: Connection[Any]) -> None:
    """Roll back; on a connection that is gone, the server has done so already."""
    try:
        connection.rollback()
    except psycopg.OperationalError:
        connection.close()


def _commit(connection: Connection[Any]) -> None:
    """Commit; a refusal by the server is a rollback, silence is uncertainty."""
    try:
        connection.commit()
    except psycopg.Error as error:
        ended = isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout)
        if connection.closed and not ended:  # a deed that the server ended was rolled back
            raise CommitUncertain from error
        better = translate(error)
        if better is error:
            raise
        raise better from error
