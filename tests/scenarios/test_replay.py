"""A replayed quote for a past month equals that month's bill (STYLE 22)."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from tests.scenarios.books import CLERK, FOUNDED, Books
from yuejie.contracts.formats.agreed import words_of
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.terms import (
    CommercialTerms,
    Commitment,
    TaxGrouping,
    TierDiscount,
    TierStep,
)
from yuejie.intake.imports.mapping import Mapping
from yuejie.kernel.period import BillingMonth
from yuejie.presales.ask import ask_of
from yuejie.presales.form import form_of
from yuejie.presales.prospects import enrol_prospect, hand_in_form
from yuejie.presales.replay.again import Again, replay_usage
from yuejie.presales.replay.load import load_usage
from yuejie.presales.trace import check_trace

PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "2.50"
cache_read = "1.25"
output = "10.00"

[models."gpt-4o-mini"]
input = "0.153"
output = "0.617"
"""
DEARER = PRICES.replace('"2.50"', '"3.33"').replace('"0.617"', '"0.7"')
STEPS = TierDiscount((TierStep(0, 10_000), TierStep(100_00, 33_333)))
COLUMNS = ("started_at", "project", "model", "input", "cache_read", "output", "requests")
TERMS: Sequence[tuple[str, CommercialTerms]] = [
    ("inclusive", CommercialTerms()),
    ("exclusive", CommercialTerms(tier_discount=STEPS, management_fee_fen=1420_00)),
    ("inclusive", CommercialTerms(commitment=Commitment(500_000_00), tier_discount=STEPS)),
    ("inclusive", CommercialTerms(tax_grouping=TaxGrouping.MODEL, management_fee_fen=99_99)),
    ("exclusive", CommercialTerms(tax_grouping=TaxGrouping.PROJECT)),
]


def calls_of(seed: int) -> list[tuple[str, str, str, dict[str, int]]]:
    """Three months of calls at odd times and sizes, on both sides of a rise of prices."""
    dice = Random(seed)
    calls = []
    for month in ("08", "09", "10"):
        for _ in range(20):
            day, hour, minute = dice.randint(1, 30), dice.randrange(24), dice.randrange(60)
            model = dice.choice(["gpt-4o", "gpt-4o-mini"])
            meters = {
                "input": dice.randint(1, 3_000_000),
                "output": dice.randint(1, 900_000),
                "requests": dice.randint(1, 40),
            }
            if model == "gpt-4o":
                meters["cache_read"] = dice.randint(0, 2_000_000)
            when = f"2026-{month}-{day:02} {hour:02}:{minute:02}:17"
            calls.append((when, dice.choice(["main", "客服"]), model, meters))
    return sorted(calls, key=lambda call: call[0])


def written(path: Path, calls: Sequence[tuple[str, str, str, dict[str, int]]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for when, project, model, meters in calls:
            cells = [meters.get(name, "") for name in COLUMNS[3:]]
            out.writerow([f"{when}+08:00", project, model, *cells])
    return path


def reprice(books: Books) -> None:
    """Publish the dearer list in the middle of a quarter of an hour of September."""
    wanted = PriceImport(
        book_id="list",
        name="dearer.toml",
        body=DEARER.encode(),
        starts_at=datetime(2026, 9, 12, 3, 7, 41, tzinfo=UTC),
        approve=True,
    )
    report = import_prices(books.db, wanted, by=CLERK, now=FOUNDED)
    assert not report.refused, report.lines()


def replayed(books: Books, path: Path, tax_mode: str, terms: CommercialTerms) -> Again:
    """Hand the calls in for a prospect and replay them at the prices of their time."""
    now = books.clock.now()
    enrol_prospect(books.db, "acme-again", "acme", by=CLERK, now=now)
    form = {
        "company": {"name": "acme"},
        "task": "support",
        "first_month": "2026-12",
        "volume": {"items_per_day": 1},
        "tokens": {"input": 1, "output": 1},
    }
    hand_in_form(books.db, "acme-again", form_of(form), by=CLERK, now=now)
    loaded = load_usage(
        books.db, "acme-again", path, Mapping(), zone="Asia/Shanghai", by=CLERK, now=now
    )
    assert loaded.usage.rejected == 0
    said = {k: v for k, v in words_of(terms).items() if k not in {"type", "credit_class"}}
    ask = {
        "book": "list",
        "tax_mode": tax_mode,
        "plan": [{"name": "照旧", "terms": said}],
        "usage": {"import": loaded.usage.import_id, "basis": "then"},
    }
    return replay_usage(books.db, "acme-again", ask_of(ask), now=now)


@pytest.mark.parametrize("case", range(len(TERMS)))
def test_a_replayed_month_is_that_months_bill(books: Books, tmp_path: Path, case: int) -> None:
    """
    A customer's three months are closed. The same calls, handed in as a file by a prospect and
    replayed under the same book, terms and taxes, come to the same three bills, to the fen: with
    an exchange rate of each month, a rise of prices in September, two projects, tier discount,
    minimum and fee.
    """
    tax_mode, terms = TERMS[case]
    books.prices(PRICES)
    reprice(books)
    for day, rate in (("2026-08-31", "7.1234"), ("2026-09-30", "7.0987"), ("2026-10-31", "7.2")):
        books.fx(rate, day)
    party = books.customer(
        "acme",
        fx_policy="bill",
        tax_mode=tax_mode,
        projects=("main", "客服"),
        commercial=terms,
        starts=datetime(2026, 7, 31, 16, tzinfo=UTC),
    )
    calls = calls_of(seed=case)
    began = [datetime.fromisoformat(f"{when}+08:00").astimezone(UTC) for when, *_ in calls]
    books.ingest(
        [
            books.ended(party, started, model, project, "measured", meters)
            for started, (_, project, model, meters) in zip(began, calls, strict=True)
        ]
    )
    months = ("2026-08", "2026-09", "2026-10")
    for month in months:
        books.close(month)
    found = replayed(books, written(tmp_path / "past.csv", calls), tax_mode, terms)
    (column,) = found.columns
    assert not column.unpriced
    assert check_trace(found.trace) > len(calls)
    for month in months:
        bill, own = party.bill(month), column.bills[BillingMonth.parse(month)]
        assert own.gross_fen == bill.gross.fen, month
        assert (own.taxed.net_fen, own.taxed.tax_fen) == (bill.net.fen, bill.tax.fen)
        assert sorted(line.amount_fen for line in own.lines) == sorted(
            line.amount_fen for line in bill.lines
        )
