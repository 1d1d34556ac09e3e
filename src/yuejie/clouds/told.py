"""What the trial of a delivery came to, kept until somebody has read it. Pure."""

from typing import Any

import msgspec

from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Change, Delivered
from yuejie.clouds.source import Owner
from yuejie.clouds.statement import Sum
from yuejie.kernel.period import BillingMonth


def encode_delivered(told: Delivered) -> bytes:
    """Write what was told."""
    return msgspec.json.encode(
        {
            "source": told.source,
            "dialect": told.dialect,
            "metric": told.metric,
            "files": told.files,
            "changes": [_change(each) for each in told.changes],
            "kept": told.kept,
            "dropped": told.dropped,
            "left": told.left,
            "committed": told.committed,
        }
    )


def decode_delivered(body: bytes) -> Delivered:
    """Read what was told."""
    kept = msgspec.json.decode(body)
    return Delivered(
        source=kept["source"],
        dialect=kept["dialect"],
        metric=Metric(kept["metric"]),
        files=tuple(kept["files"]),
        changes=tuple(_change_of(each) for each in kept["changes"]),
        kept=tuple(kept["kept"]),
        dropped=kept["dropped"],
        left=kept["left"],
        committed=kept["committed"],
    )


def _change(change: Change) -> dict[str, Any]:
    return {
        "period": str(change.period),
        "revision": change.revision,
        "unchanged": change.unchanged,
        "rows": change.rows,
        "before": _sums(change.before),
        "after": _sums(change.after),
    }


def _change_of(kept: dict[str, Any]) -> Change:
    return Change(
        period=BillingMonth.parse(kept["period"]),
        revision=kept["revision"],
        unchanged=kept["unchanged"],
        rows=kept["rows"],
        before=_sums_of(kept["before"]),
        after=_sums_of(kept["after"]),
    )


def _sums(sums: dict[tuple[Owner, str], Sum]) -> list[list[Any]]:
    """Write sums by owner and currency; picos as text, for they may be more than 64 bits hold."""
    return [
        [
            *(owner.customer_id, owner.project_id, owner.ours, unit, found.rows),
            *(None if pico is None else str(pico) for pico in _picos(found)),
        ]
        for (owner, unit), found in sums.items()
    ]


def _picos(found: Sum) -> tuple[int | None, int | None]:
    return found.billed_pico, found.effective_pico


def _sums_of(kept: list[list[Any]]) -> dict[tuple[Owner, str], Sum]:
    return {
        (Owner(customer, project, ours), unit): Sum(
            rows,
            None if billed is None else int(billed),
            None if effective is None else int(effective),
        )
        for customer, project, ours, unit, rows, billed, effective in kept
    }
