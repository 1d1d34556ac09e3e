"""What a FinOps team reads in FOCUS is what finance pays, to the fen, whatever is on the bills."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.scenarios.books import Books, Party
from tests.scenarios.test_terms import TIERS, YUAN, M, grant
from yuejie.bills.bill import Bill, LineKind
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.show import export_bill
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    Commitment,
    HeadShare,
    Split,
    TaxGrouping,
)
from yuejie.kernel.period import BillingMonth

SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")
Rows = list[dict[str, str]]
START = datetime(2026, 9, 30, 16, tzinfo=UTC)


def exported(books: Books, bill: Bill, folder: Path) -> dict[str, Rows]:
    """Return a bill's datasets as a FinOps tool reads them; `1.2` is the one file of 1.2."""
    kinds = (DocumentKind.FOCUS, DocumentKind.FOCUS_1_4)
    (name, flat), (_, archive) = export_bill(books.db, bill.bill_id, SELLER, kinds)
    (folder / name).write_bytes(flat)
    found = {"1.2": flat}
    with ZipFile(io.BytesIO(archive)) as zipped:
        found |= {name: zipped.read(name) for name in zipped.namelist()}
    return {
        name: list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        for name, body in found.items()
    }


def billed(rows: Rows) -> int:
    return int(sum(Decimal(row["BilledCost"]) for row in rows) * 100)


def adjusted(books: Books, party: Party, fen: int) -> None:
    wanted = Wanted(
        customer_id=party.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=fen,
        currency=party.customer.currency,
        item="故障赔付",
        why="十月五日故障",
    )
    proposed = propose_adjustment(books.db, wanted, by="sales", now=books.clock.now())
    decide_adjustment(
        books.db, proposed.adjustment_id, Decision.APPROVE, by="finance", now=books.clock.now()
    )


@pytest.fixture(params=["CNY", "USD"])
def everything(request: pytest.FixtureRequest, books: Books) -> tuple[Books, Party]:
    """A customer whose contract has every term, billed per project, in yuan or in dollars."""
    currency: str = request.param
    books.prices(YUAN, currency=currency)
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        commitment=Commitment(2_000_00),
        management_fee_fen=3_333,
        head_share=HeadShare.HEAD,
        tax_grouping=TaxGrouping.MODEL,
        split=Split.PROJECT,
        ends_on=date(2027, 10, 1),
        purchase_order="PO-2026-0042",
    )
    party = books.customer(
        "acme",
        currency=currency,
        tax_mode="inclusive" if currency == "CNY" else "exclusive",
        projects=("main", "search"),
        commercial=terms,
        starts=START,
    )
    grant(books, party, GrantKind.PACKAGE, "500.00", paid_fen=400_00, currency=currency)
    grant(books, party, GrantKind.VOUCHER, "25.00", currency=currency)
    return books, party


def test_every_kind_of_line_over_all_parts_adds_up_in_both_profiles(
    everything: tuple[Books, Party], tmp_path: Path
) -> None:
    """
    October: two projects, a discount by steps, a package bought and drawn, a voucher, a fee, an
    adjustment, a minimum made up. November: late calls of October, and what they change of it.
    """
    books, acme = everything
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=33_333_333, output=7)
    acme.uses("2026-10-06 10:00:00", "gpt-3.5-turbo", project="search", output=77_777_777)
    adjusted(books, acme, -12_34)
    books.close("2026-10")
    for bill in acme.bills("2026-10"):
        books.issue(bill)
    acme.uses("2026-10-31 23:00:00", "gpt-4o", input=160 * M)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    bills = [*acme.bills("2026-10"), *acme.bills("2026-11")]
    kinds = {line.kind for bill in bills for line in bill.lines}
    assert kinds >= {
        LineKind.USAGE,
        LineKind.LATE,
        LineKind.TIER_DISCOUNT,
        LineKind.PACKAGE,
        LineKind.PACKAGE_PURCHASE,
        LineKind.TRUE_UP,
        LineKind.MANAGEMENT_FEE,
        LineKind.VOUCHER,
        LineKind.ADJUSTMENT,
    }
    found = [exported(books, bill, tmp_path) for bill in bills]
    for bill, datasets in zip(bills, found, strict=True):
        for name in ("1.2", "CostAndUsage.csv", "InvoiceDetail.csv"):
            assert billed(datasets[name]) == bill.gross.fen
    whole = sum(bill.gross.fen for bill in bills)
    assert sum(billed(datasets["1.2"]) for datasets in found) == whole


def test_the_datasets_of_one_bill_know_each_other(
    everything: tuple[Books, Party], tmp_path: Path
) -> None:
    """The head bill names minimum and package; a month is closed once all its parts are issued."""
    books, acme = everything
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=33_333_333)
    books.close("2026-10")
    head, part = acme.bills("2026-10")
    books.issue(head)
    open_month = exported(books, head, tmp_path)
    books.issue(part)
    datasets = exported(books, head, tmp_path)
    assert open_month["BillingPeriod.csv"][0]["BillingPeriodStatus"] == "Open"
    assert datasets["BillingPeriod.csv"][0]["BillingPeriodStatus"] == "Closed"
    promised = {row["ContractCommitmentId"]: row for row in datasets["ContractCommitment.csv"]}
    minimum = next(row for name, row in promised.items() if name.endswith("minimum/2026-10"))
    assert minimum["ContractCommitmentCost"] == "2000.00"
    assert minimum["ContractPeriodEnd"] == "2027-09-30T16:00:00Z"
    assert minimum["BillingCurrency"] == acme.customer.currency
    named = {
        json.loads(row["ContractApplied"])["Elements"][0]["ContractCommitmentId"]
        for row in datasets["CostAndUsage.csv"]
        if row["ContractApplied"]
    }
    assert named <= promised.keys()
    assert {row["PaymentTerms"] for row in datasets["InvoiceDetail.csv"]} == {"Net 7"}
    assert {row["PurchaseOrderNumber"] for row in datasets["InvoiceDetail.csv"]} == {"PO-2026-0042"}


def test_a_month_below_zero_and_the_next_add_up_too(books: Books, tmp_path: Path) -> None:
    """October is carried: zero in both profiles; November pays less, and each row says why."""
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    adjusted(books, acme, -150_00)
    books.close("2026-10")
    books.issue(acme.bill("2026-10"))
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    books.issue(acme.bill("2026-11"))
    october, november = (
        exported(books, acme.bill(month), tmp_path) for month in ("2026-10", "2026-11")
    )
    for name in ("1.2", "InvoiceDetail.csv"):
        assert (billed(october[name]), billed(november[name])) == (0, 50_00)
    carried = [row for row in november["1.2"] if row["x_LineKind"] == "carried"]
    assert [row["ChargeDescription"] for row in carried] == ["Carried"]
    assert [row["x_ChargeDescription"] for row in carried] == ["上期结转"]
