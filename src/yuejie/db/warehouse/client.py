"""The warehouse: a ClickHouse that keeps raw events which PostgreSQL has handed over.

One client for both: a server over HTTP (`clickhouse://user:password@host:8123/yuejie`, with
`?secure=true` for TLS) or an engine inside this process (`chdb:///folder`, for tests and trials;
one process at a time). `?cluster=name` says that the tables were made by the cluster's own script.
Neither library is needed, or imported, where no address is set.
"""

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, LiteralString, Self
from urllib.parse import parse_qs, unquote, urlsplit

from yuejie.db.errors import DatabaseUnavailable
from yuejie.kernel.errors import Invalid

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SCHEMES: Final = frozenset({"clickhouse", "clickhouses", "chdb"})
_SETTINGS: Final = {
    # A block is written whole or not at all, and known by its token again.
    "max_insert_block_size": 1_000_000,
    "min_insert_block_size_rows": 1_000_000,
    "min_insert_block_size_bytes": 1_000_000_000,
    "input_format_parallel_parsing": 0,
    # Tables are sharded by customer and every question names one: a join stays on its shard.
    "distributed_product_mode": "local",
}


class WarehouseUnavailable(DatabaseUnavailable):
    """The warehouse is away, or refuses; what it keeps cannot be read now, nothing is lost."""

    code = "warehouse_unavailable"


class Warehouse:
    """A ClickHouse by its address. It is connected to when first asked; threads take turns."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise Invalid("YUEJIE_CLICKHOUSE_URL 请写成 clickhouse://用户:密码@主机:端口/库名")
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self._parts = parts
        self._secure = parts.scheme == "clickhouses" or asked.get("secure") == "true"
        self._where = f"{parts.hostname or parts.path}"
        self._turn = threading.RLock()
        self._opened: Client | None = None
        self.cluster = asked.get("cluster", "")
        """The cluster whose script made the tables; empty for a single server."""

    @property
    def _client(self) -> "Client":
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def _connect(self) -> "Client":
        try:
            from clickhouse_connect import get_client  # noqa: PLC0415 - only where it is used
        except ImportError:
            raise WarehouseUnavailable(
                "设置了 YUEJIE_CLICKHOUSE_URL，但没有安装 clickhouse-connect；"
                "请运行 pip install 'yuejie[warehouse]'"
            ) from None
        parts = self._parts
        if parts.scheme == "chdb":
            client = get_client(interface="chdb", path=parts.path)
        else:
            client = get_client(
                host=parts.hostname,
                port=parts.port or 0,
                username=unquote(parts.username or "default"),
                password=unquote(parts.password or ""),
                database=parts.path.strip("/") or "default",
                secure=self._secure,
                # One client serves many threads in turn; a session would only tie it down.
                autogenerate_session_id=False,
            )
        for name, value in _SETTINGS.items():
            client.set_client_setting(name, value)
        return client

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, sql: LiteralString, /, **params: object) -> list[Sequence[Any]]:
        """Return every row of a query, whose parameters are written `{name:Type}`."""
        with self._turn, _translated(self._where):
            return list(self._client.query(sql, parameters=params).result_rows)

    def stream(self, sql: LiteralString, /, **params: object) -> Iterator[Sequence[Any]]:
        """Yield the rows of a query block by block; others wait until the last is taken."""
        with (
            self._turn,
            _translated(self._where),
            self._client.query_rows_stream(sql, parameters=params) as rows,
        ):
            yield from rows

    def run(self, sql: LiteralString, /, **params: object) -> None:
        """Run a statement that answers nothing."""
        with self._turn, _translated(self._where):
            self._client.command(sql, parameters=params)

    def run_on_cluster(self, sql: LiteralString, /, **params: object) -> None:
        """Run a statement on every server of the cluster; `{cluster}` stands for its name."""
        self.run(sql.replace("{cluster}", self.cluster.replace("'", "")), **params)

    def insert(
        self, table: str, columns: Sequence[str], lines: Iterable[bytes], *, token: str
    ) -> None:
        """Insert lines of tab-separated text as one block; a block of a known token is skipped."""
        settings: Mapping[str, Any] = {
            "insert_deduplication_token": token,
            "insert_deduplicate": 1,
            "distributed_foreground_insert": 1,
        }
        with self._turn, _translated(self._where):
            self._client.raw_insert(
                table, list(columns), _whole(lines), dict(settings), fmt="TabSeparated"
            )


def _whole(lines: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Yield pieces large enough that writing them costs nothing."""
    kept: list[bytes] = []
    size = 0
    for line in lines:
        kept.append(line)
        size += len(line)
        if size > 1 << 20:
            yield b"".join(kept)
            kept, size = [], 0
    yield b"".join(kept)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except _theirs() as error:
        said = " ".join(str(error).split())[:300]
        raise WarehouseUnavailable(
            f"ClickHouse（{where}）没有完成请求，本次未生效：{said}；请确认它正在运行后重试"
        ) from error


@cache
def _theirs() -> tuple[type[Exception], ...]:
    """Return what the client raises: its own errors, and its transport's."""
    try:
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above
    except ImportError:
        return (OSError,)
    return (ClickHouseError, HTTPError, OSError)
