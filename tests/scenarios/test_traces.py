"""Real input: published traces imported, closed, proved, beside a sum over the raw files."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from yuejie.apply import Applying, apply_house
from yuejie.assurance.prove import prove_month
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.store import bill_of_month, bills_of_month
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.demo.house import client_slug, demo_house
from yuejie.demo.samples import AZURE, SERVEGEN, client_model, sample, trace_imports
from yuejie.kernel.period import BillingMonth
from yuejie.usage.rebuild import rebuild

OCTOBER = BillingMonth.parse("2026-10")
NOW = datetime(2026, 11, 3, tzinfo=UTC)
USD_PER_MTOK = {
    "gpt-4o": ("5", "15"),
    "claude-3-haiku": ("0.25", "1.25"),
    "gemini-1.5-pro": ("3.5", "10.5"),
}
"""The prices of product.md B2, typed again by hand."""


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(sample(name), "rt", newline="") as file:
        yield from csv.DictReader(file)


def _expected_fen() -> dict[str, int]:
    """Sum the raw files: tokens × price × 7.2, each line to the fen, half away from zero."""
    tokens: Counter[tuple[str, str, int]] = Counter()
    for row in _rows(AZURE):
        tokens["client-000", "gpt-4o", 0] += int(row["ContextTokens"])
        tokens["client-000", "gpt-4o", 1] += int(row["GeneratedTokens"])
    for row in _rows(SERVEGEN):
        model = client_model(int(row["client"].removeprefix("client-")))
        tokens[row["client"], model, 0] += int(row["input_tokens"])
        tokens[row["client"], model, 1] += int(row["output_tokens"])
    fen: Counter[str] = Counter()
    for (client, model, side), quantity in tokens.items():
        exact = Fraction(quantity, 10**6) * Fraction(USD_PER_MTOK[model][side]) * Fraction("7.2")
        fen[client] += int(exact * 100 + Fraction(1, 2))
    return dict(fen)


def test_two_traces_become_thirty_eight_bills_that_equal_the_raw_files(
    database: Database, tmp_path: Path
) -> None:
    """
    An hour of a production chat service and two weeks of 38 client populations are imported,
    October is closed and proved, and every bill equals a sum over the raw files by other means.
    Importing again changes nothing.
    """
    applying = Applying(
        db=database,
        pepper=bytes(32),
        credential_key=bytes(32),
        by="test",
        now=NOW,
        folder=tmp_path,
        environ={},
    )
    list(apply_house(demo_house("http://127.0.0.1:1", OCTOBER.last_day), applying))
    stored = trace_imports(database, OCTOBER, tmp_path, lambda _done, _of: None)
    again = trace_imports(database, OCTOBER, tmp_path, lambda _done, _of: None)
    assert (stored, again) == (sum(1 for name in (AZURE, SERVEGEN) for _ in _rows(name)), 0)

    closed = close_month(database, OCTOBER, customer=None, commit=True, by="test", now=NOW)
    assert {each.done for each in closed} == {Done.DRAFTED}
    expected = _expected_fen()
    with database.read() as tx:
        assert len(bills_of_month(tx, OCTOBER)) == len(expected) == 38
        for slug, fen in expected.items():
            bill = bill_of_month(tx, find_customer(tx, slug).customer_id, OCTOBER)
            assert bill is not None
            assert bill.gross.fen == fen, slug
    proofs = prove_month(database, OCTOBER)
    assert [proof for proof in proofs if proof.differences] == []
    assert sum(proof.events for proof in proofs) == stored
    assert rebuild(database, OCTOBER, check=True).different == 0
    assert client_slug(0) in expected
