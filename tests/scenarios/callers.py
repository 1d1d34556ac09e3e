"""Calls as they end, a second apart, and minutes as they are seen: what a promise is judged by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tests.scenarios.books import Books, Party
from yuejie.contracts.terms import STANDARD, AvailabilityStep, CommercialTerms, Sla
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import BillingMonth, local_hour
from yuejie.usage.event import Outcome
from yuejie.usage.journal import Ended, EndedItem
from yuejie.usage.record import unix_us
from yuejie.usage.refusals.store import add_refusals
from yuejie.usage.store import enter_epoch

TABLE: Final = (AvailabilityStep(999_000, 100_000), AvailabilityStep(990_000, 250_000))
SLA: Final = Sla(availability_ppm=999_000, steps=TABLE, operations_min=1_000)


def promised(sla: Sla = SLA) -> CommercialTerms:
    return replace(STANDARD, sla=sla)


def calls(
    party: Party,
    when: str,
    number: int,
    *,
    outcome: Outcome = Outcome.OK,
    status: int = 200,
    reason: str = "",
    first_byte_ms: int | None = None,
    state: str = "measured",
) -> list[Ended]:
    """Record calls that used nothing and ended one way, a second apart; each is an operation."""
    start = datetime.fromisoformat(when).replace(tzinfo=party.zone).astimezone(UTC)
    model = party.books.ended(party, start, "gpt-4o", "main", "measured", {"input": 1})
    records = []
    for at in range(number):
        started = start + timedelta(seconds=at)
        event = uuid7_at(unix_us(started) // 1000)
        begun = msgspec.structs.replace(
            model.begun,
            event=event,
            operation=event,
            started_us=unix_us(started),
            month=str(BillingMonth.of(started, party.zone)),
            hour_s=int(local_hour(started, party.zone).timestamp()),
            stream=first_byte_ms is not None,
        )
        meter = "requests" if status == 200 else "failed_requests"
        record = msgspec.structs.replace(
            model,
            begun=begun,
            ended_us=begun.started_us + 1000,
            items=(EndedItem("gpt-4o", meter, 1, 0, 0),),
            outcome=outcome,
            http_status=status,
            reason=reason,
            state=state,
            billable=status == 200,
            first_byte_ms=first_byte_ms,
        )
        records.append(record)
    party.books.ingest(records)
    return records


def fails(party: Party, when: str, number: int, status: int = 503) -> list[Ended]:
    """Record calls whose provider failed."""
    return calls(party, when, number, outcome=Outcome.PROVIDER_ERROR, status=status)


def turned_away(party: Party, when: str, reason: str, number: int) -> None:
    """Record calls that a gateway refused in one minute."""
    minute = datetime.fromisoformat(when).replace(tzinfo=party.zone)
    row = (
        int(minute.timestamp()),
        party.customer.customer_id,
        "",
        "",
        "gpt-4o",
        reason,
        503,
        number,
    )
    with party.books.db.begin() as tx:
        add_refusals(tx, [row], epoch=enter_epoch(tx))


def probe(books: Books, when: str, number: int, *, ready: bool) -> None:
    """Note minutes in a row in which the gateway was, or was not, seen to serve."""
    start = datetime.fromisoformat(when).replace(tzinfo=UTC)
    with books.db.begin() as tx:
        for at in range(number):
            tx.run(
                "INSERT INTO gateway_probe (minute, is_ready, status, why, took_ms, node)"
                " VALUES (%(minute)s, %(ready)s, 200, '', 3, 'n1')",
                minute=start + timedelta(minutes=at),
                ready=ready,
            )
