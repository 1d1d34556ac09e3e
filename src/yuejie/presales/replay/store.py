"""The only SQL about past usage that a prospect handed in."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from yuejie.db.session import Tx
from yuejie.presales.replay.usage import Cell, CellKey, Usage

INSERT_USAGE: Final = """
    INSERT INTO prospect_usage (import_id, prospect_id, name, sha256, row_count, rejected, zone,
                                made_by, made_at)
    VALUES (%(import_id)s, %(prospect_id)s, %(name)s, %(sha256)s, %(row_count)s, %(rejected)s,
            %(zone)s, %(made_by)s, %(made_at)s)
"""
COPY_CELLS: Final = """
    COPY prospect_usage_cell (import_id, month, started_us, project, model, service_tier,
                              context_tokens, meter, quantity, first_line, last_line)
    FROM STDIN
"""


def insert_usage(tx: Tx, usage: Usage, cells: Iterable[Cell]) -> int:
    """Write a file's sums down and return how many cells there are."""
    tx.run(
        INSERT_USAGE,
        import_id=usage.import_id,
        prospect_id=usage.prospect_id,
        name=usage.name,
        sha256=usage.sha256,
        row_count=usage.row_count,
        rejected=usage.rejected,
        zone=usage.zone,
        made_by=usage.made_by,
        made_at=usage.made_at,
    )
    rows = (
        (usage.import_id, *cell.key, cell.meter, cell.quantity, cell.first_line, cell.last_line)
        for cell in cells
    )
    return tx.copy(COPY_CELLS, rows)


USAGE: Final = """
    SELECT import_id, prospect_id, name, sha256, row_count, rejected, zone, made_by, made_at
    FROM prospect_usage
    WHERE import_id = %(import_id)s
"""


def usage_by_id(tx: Tx, import_id: str) -> Usage | None:
    """Return what is known of a file that was taken in."""
    return tx.maybe(Usage, USAGE, import_id=import_id)


USAGES_OF: Final = """
    SELECT import_id, prospect_id, name, sha256, row_count, rejected, zone, made_by, made_at
    FROM prospect_usage
    WHERE prospect_id = %(prospect_id)s
    ORDER BY import_id DESC
"""


def usages_of(tx: Tx, prospect_id: str) -> list[Usage]:
    """Return the files of a prospect, the newest first."""
    return tx.rows(Usage, USAGES_OF, prospect_id=prospect_id)


@dataclass(frozen=True, slots=True)
class _CellRow:
    month: str
    started_us: int
    project: str
    model: str
    service_tier: str
    context_tokens: int
    meter: str
    quantity: Decimal
    first_line: int | None
    last_line: int | None


CELLS: Final = """
    SELECT month, started_us, project, model, service_tier, context_tokens, meter, quantity,
           first_line, last_line
    FROM prospect_usage_cell
    WHERE import_id = %(import_id)s
    ORDER BY month, started_us, project, model, service_tier, context_tokens, meter
"""


def cells_of(tx: Tx, import_id: str) -> list[Cell]:
    """Return the sums of a file; their number is bounded when they are written."""
    return [
        Cell(
            CellKey(
                row.month,
                row.started_us,
                row.project,
                row.model,
                row.service_tier,
                row.context_tokens,
            ),
            row.meter,
            int(row.quantity),
            row.first_line,
            row.last_line,
        )
        for row in tx.rows(_CellRow, CELLS, import_id=import_id)
    ]
