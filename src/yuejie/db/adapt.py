"""What a value is on either side of the wire.

- NUMERIC without a fraction is int: a charge in picos outgrows 64 bits and must stay whole;
- NUMERIC with a scale is Decimal;
- TIMESTAMPTZ is a datetime in UTC; a naive datetime is refused on its way in;
- JSONB is what msgspec makes of it, fractions as Decimal; a dict goes in as it is, a list needs
  `Json(...)`, else it is an SQL array;
- UUID is uuid.UUID.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection
from psycopg.abc import Buffer, PyFormat
from psycopg.adapt import Loader
from psycopg.types.datetime import DatetimeDumper, TimestamptzLoader
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads

Json = Jsonb
"""Wraps a value, a list above all, that goes into a JSONB column."""

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class WholeNumericLoader(Loader):
    """Reads a NUMERIC as int when it is written without a fraction, as Decimal otherwise."""

    def load(self, data: Buffer) -> int | Decimal:
        """Return the number as the database wrote it; scale 0 has no point, ever."""
        text = str(data, "ascii")
        try:
            return int(text)
        except ValueError:
            return Decimal(text)


class UtcLoader(TimestamptzLoader):
    """Reads a TIMESTAMPTZ as an instant in `datetime.UTC`, whatever zone the session has."""

    def load(self, data: Buffer) -> datetime:
        """Return the instant, aware and in UTC."""
        return super().load(data).astimezone(UTC)


class AwareDumper(DatetimeDumper):
    """Writes instants; a datetime that does not say its zone is a bug of the caller."""

    def upgrade(self, obj: datetime, format: PyFormat) -> "AwareDumper":  # noqa: A002, ARG002 (psycopg's names)
        """Refuse a naive datetime, which the server would silently read as UTC."""
        assert obj.tzinfo is not None, f"a naive datetime is no instant: {obj!r}"
        return self


def teach(connection: Connection[object]) -> None:
    """Make one connection read and write values the way the table above says."""
    adapters = connection.adapters
    adapters.register_loader("numeric", WholeNumericLoader)
    adapters.register_loader("timestamptz", UtcLoader)
    adapters.register_dumper(datetime, AwareDumper)
    set_json_dumps(msgspec.json.encode, connection)
    set_json_loads(_decode, connection)
    for form in (PyFormat.BINARY, PyFormat.TEXT):  # the later one is used where either will do
        adapters.register_dumper(dict, adapters.get_dumper(Jsonb, form))
