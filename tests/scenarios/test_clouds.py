"""Cloud bills: what AWS and Azure ask of us, on our customers' bills, told as finance would.

Acme's two AWS accounts are billed at cost + 8 %; a restatement of the cloud moves no issued bill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.recorded import recorded
from tests.rooms.clouds.written import focus_row, write_csv
from tests.scenarios.bank import YUAN
from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import BillState, LineKind
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.clouds.deliver import Delivered, deliver
from yuejie.clouds.keep import add_rule, add_source
from yuejie.clouds.remap import remap
from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, ServiceMarkup
from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    HeadShare,
    Split,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth

M = 1_000_000
AWS = CloudTerms(source="aws-main", markup_ppm=80_000)
PASSED_ON = replace(STANDARD, clouds=(AWS,))


class Clouds:
    """An AWS payer account of ours, and what it delivers."""

    def __init__(self, books: Books, folder: Path) -> None:
        self.books = books
        self.folder = folder
        books.prices(YUAN, currency="CNY")
        add_source(
            books.db,
            "aws-main",
            name="AWS",
            billing_account="999900001111",
            tag_keys=["team"],
            by=CLERK,
            now=books.tick(),
        )

    def belongs(
        self, match: str, party: Party | None, project: str | None = None, since: str = "2026-01"
    ) -> None:
        add_rule(
            self.books.db,
            "aws-main",
            match,
            customer=party.customer.slug if party else None,
            project=project,
            since=BillingMonth.parse(since),
            by=CLERK,
            now=self.books.tick(),
        )

    def delivers(self, rows: Sequence[Mapping[str, str]], *, commit: bool = True) -> Delivered:
        path = write_csv(self.folder / f"{len(list(self.folder.iterdir()))}.csv", rows)
        return deliver(
            self.books.db, "aws-main", [path], commit=commit, by=CLERK, now=self.books.tick()
        )


@pytest.fixture
def clouds(books: Books, tmp_path: Path) -> Clouds:
    return Clouds(books, tmp_path)


def cost(
    account: str, amount: str, service: str = "Amazon Bedrock", month: str = "2026-08", **more: str
) -> dict[str, str]:
    """Return a row of a cloud's bill in CNY."""
    return focus_row(
        SubAccountId=account,
        BilledCost=amount,
        ServiceName=service,
        BillingPeriodStart=f"{month}-01T00:00:00Z",
        **more,
    )


def test_a_cloud_bill_is_passed_on_at_cost_and_eight_percent(clouds: Clouds) -> None:
    """
    Account 1 is Acme's search team, account 2 is shared by all of Acme, account 3 is our own.
    August: search costs 1,000.00 and 2 credits of 50.00, shared support 100.005. The model calls
    are billed beside it, and the tier discount takes nothing off what the cloud asks for.
    """
    books = clouds.books
    tier = TierDiscount((TierStep(0, 100_000),))
    acme = books.customer(
        "acme", projects=("main", "search"), commercial=replace(PASSED_ON, tier_discount=tier)
    )
    clouds.belongs("account=1", acme, "search")
    clouds.belongs("account=2", acme)
    clouds.belongs("account=3", None)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M)
    clouds.delivers(
        [
            cost("1", "600.00"),
            cost("1", "400.00"),
            cost("1", "-50.00", ChargeCategory="Credit"),
            cost("1", "-50.00", ChargeCategory="Credit"),
            cost("2", "100.005", "AWS Support"),
            cost("3", "77.00"),
        ]
    )
    books.close("2026-08")
    assert acme.lines("2026-08") == [
        "main  gpt-4o  input  1,000,000 = 10.00",
        "阶梯折扣 = -1.00",
        "AWS AWS Support（原价 CNY 100.005，加价 8%） = 108.01",
        "AWS Amazon Bedrock 抵扣（原价 CNY -100.00，加价 8%） = -108.00",
        "AWS Amazon Bedrock（原价 CNY 1000.00，加价 8%） = 1,080.00",
    ]
    bill = acme.bill("2026-08")
    assert bill.gross == cny("1089.01")
    assert [line.project_name for line in bill.lines if line.kind is LineKind.CLOUD] == [
        "",
        "search",
        "search",
    ]


def test_a_restatement_is_a_difference_on_the_next_open_month(clouds: Clouds) -> None:
    """
    August is issued when AWS delivers it again: one cost is now 20 less, another service is new.
    August's bill does not move; September says what was corrected. Delivering the same once more,
    in another order, changes nothing.
    """
    books = clouds.books
    acme = books.customer("acme", commercial=PASSED_ON)
    clouds.belongs("*", acme)
    clouds.delivers([cost("1", "100.00"), cost("1", "50.00", "Amazon S3")])
    books.close("2026-08")
    august = books.issue(acme.bill("2026-08"))
    again = [cost("1", "80.00"), cost("1", "50.00", "Amazon S3"), cost("1", "9.99", "AWS Lambda")]
    seen = clouds.delivers(again, commit=False)
    assert [(c.revision, c.unchanged) for c in seen.changes] == [(2, False)]
    clouds.delivers(again)
    same = clouds.delivers(again[::-1])
    assert [(c.revision, c.unchanged) for c in same.changes] == [(2, True)]
    clouds.delivers([cost("1", "30.00", month="2026-09")])
    books.close("2026-09")
    assert acme.lines("2026-09") == [
        "2026-08 late  AWS AWS Lambda（原价 CNY 9.99，加价 8%） = 10.79",
        "2026-08 late  AWS Amazon Bedrock（云厂商更正，原价 CNY -20.00，加价 8%） = -21.60",
        "AWS Amazon Bedrock（原价 CNY 30.00，加价 8%） = 32.40",
    ]
    assert acme.bill("2026-08").lines == august.lines


def test_dollars_are_billed_at_the_rate_of_the_month_and_never_again(clouds: Clouds) -> None:
    """A later rate of August does not touch what was billed; the correction takes the new one."""
    books = clouds.books
    acme = books.customer("acme", commercial=PASSED_ON)
    clouds.belongs("*", acme)
    books.fx("7.2", "2026-08-20")
    clouds.delivers([cost("1", "10.00", BillingCurrency="USD")])
    books.close("2026-08")
    (line,) = acme.bill("2026-08").lines
    assert (line.amount_fen, line.usd_fen) == (77_76, 10_80)
    books.fx("7.0", "2026-08-31")
    clouds.delivers([cost("1", "11.00", BillingCurrency="USD")])
    books.close("2026-09")
    assert [each.amount_fen for each in acme.bill("2026-09").lines] == [756]


def test_each_service_has_its_mark_up_and_what_is_left_out_is_not_billed(clouds: Clouds) -> None:
    """Bedrock at 15 %, the rest at 8 %; the cloud's tax is ours to get back."""
    books = clouds.books
    terms = replace(
        AWS,
        services=(ServiceMarkup("Amazon Bedrock", 150_000),),
        leave_out=(CloudCategory.TAX,),
    )
    acme = books.customer("acme", commercial=replace(STANDARD, clouds=(terms,)))
    clouds.belongs("*", acme)
    clouds.delivers(
        [
            cost("1", "100.00"),
            cost("1", "10.00", "Amazon S3"),
            cost("1", "6.60", ChargeCategory="Tax"),
        ]
    )
    books.close("2026-08")
    assert [line.amount_fen for line in acme.bill("2026-08").lines] == [115_00, 10_80]


def test_amortised_costs_where_that_was_agreed(clouds: Clouds) -> None:
    """A savings plan is bought in August by nobody and used by Acme: 40 effective, 0 billed."""
    books = clouds.books
    terms = replace(AWS, basis=CloudBasis.EFFECTIVE, markup_ppm=0)
    acme = books.customer("acme", commercial=replace(STANDARD, clouds=(terms,)))
    clouds.belongs("account=1", acme)
    clouds.belongs("*", None)
    clouds.delivers(
        [
            cost("1", "0", EffectiveCost="40.00"),
            cost("9", "100.00", EffectiveCost="0", ChargeCategory="Purchase"),
        ]
    )
    books.close("2026-08")
    assert [line.amount_fen for line in acme.bill("2026-08").lines] == [40_00]


def test_what_nobody_agreed_about_waits_and_is_billed_when_it_is(clouds: Clouds) -> None:
    """Without a word in the contract nothing is billed; a version signed later bills its months."""
    books = clouds.books
    acme = books.customer("acme")
    clouds.belongs("*", acme)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M)
    clouds.delivers([cost("1", "100.00")])
    books.close("2026-08")
    assert [line.kind for line in acme.bill("2026-08").lines] == [LineKind.USAGE]
    books.tick()
    books.amend(acme, PASSED_ON, starts=datetime(2026, 8, 31, tzinfo=UTC))
    acme.uses("2026-09-05 10:00:00", "gpt-4o", input=M)
    books.close("2026-09")
    assert acme.lines("2026-09")[-1] == (
        "2026-08 late  AWS Amazon Bedrock（原价 CNY 100.00，加价 8%） = 108.00"
    )


def test_an_account_that_moves_is_taken_back_and_billed_anew(clouds: Clouds) -> None:
    """
    August's account 1 was billed to Acme; it was Beta's. Said anew, Acme gets it back in
    September, Beta pays it in September, and both August bills stand.
    """
    books = clouds.books
    acme = books.customer("acme", commercial=PASSED_ON)
    beta = books.customer("beta", commercial=PASSED_ON)
    clouds.belongs("*", acme)
    clouds.delivers([cost("1", "100.00"), cost("2", "30.00")])
    books.close("2026-08")
    books.issue(acme.bill("2026-08"))
    clouds.belongs("account=1", beta)
    now = books.tick()
    assert [c.revision for c in remap(books.db, "aws-main", None, by=CLERK, now=now)] == [2]
    assert remap(books.db, "aws-main", None, by=CLERK, now=books.tick()) == []
    (anew,) = recorded(books.db, "cloud_statement", "remap")
    assert ((anew.was or {})["revision"], (anew.became or {})["revision"]) == (1, 2)
    clouds.belongs("account=1", acme)
    was, became = recorded(books.db, "cloud_rule")[1:]
    assert (was.was, became.was) == (None, was.became)
    clouds.belongs("account=1", beta)
    clouds.delivers([cost("2", "500.00", month="2026-09")])
    books.close("2026-09")
    assert acme.bill("2026-09").gross == cny("432.00")
    assert beta.lines("2026-09") == [
        "2026-08 late  AWS Amazon Bedrock（原价 CNY 100.00，加价 8%） = 108.00"
    ]


def test_a_voided_bill_is_billed_again_with_its_clouds(clouds: Clouds) -> None:
    books = clouds.books
    acme = books.customer("acme", commercial=PASSED_ON)
    clouds.belongs("*", acme)
    clouds.delivers([cost("1", "100.00")])
    books.close("2026-08")
    number = str(books.issue(acme.bill("2026-08")).number)
    note = request_credit(books.db, number, amounts=None, why="重开", by="a", now=books.tick())
    decide_credit(books.db, note.credit_note_id, approve=True, by="b", now=books.tick())
    books.close("2026-08")
    assert acme.bill("2026-08").state is BillState.DRAFT
    assert acme.bill("2026-08").gross == cny("108.00")


def test_clouds_stand_on_the_bill_of_their_project(clouds: Clouds) -> None:
    """Split by project, search's cloud is on search's bill, the shared account on the head bill."""
    books = clouds.books
    split = CommercialTerms(split=Split.PROJECT, head_share=HeadShare.APPORTIONED, clouds=(AWS,))
    acme = books.customer("acme", projects=("main", "search"), commercial=split)
    clouds.belongs("account=1", acme, "search")
    clouds.belongs("tag=team=search", acme, "search")
    clouds.belongs("account=2", acme)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M, project="search")
    clouds.delivers(
        [
            cost("1", "100.00"),
            cost("2", "10.00"),
            cost("2", "5.00", "Amazon S3", Tags='{"team": "search"}'),
        ]
    )
    books.close("2026-08")
    parts = {bill.part_name or "head": bill.gross.fen for bill in acme.bills("2026-08")}
    assert parts == {"head": 10_80, "search": 10_00 + 108_00 + 5_40}


def test_a_file_without_the_agreed_amount_refuses_the_closing_with_a_sentence(
    clouds: Clouds, tmp_path: Path
) -> None:
    """Azure's actual cost cannot be billed as amortised: the month fails, saying what to do."""
    books = clouds.books
    acme = books.customer(
        "acme",
        commercial=replace(STANDARD, clouds=(replace(AWS, basis=CloudBasis.EFFECTIVE),)),
    )
    clouds.belongs("*", acme)
    row = {
        "BillingAccountId": "999900001111",
        "BillingPeriodStartDate": "08/01/2026",
        "ChargeType": "Usage",
        "MeterCategory": "Storage",
        "CostInBillingCurrency": "3.25",
        "BillingCurrency": "CNY",
        "SubscriptionId": "s-1",
    }
    clouds.delivers([row])
    (closed,) = books.close("2026-08")
    assert "摊销" in closed.why
    with pytest.raises(Invalid, match="第 2 行列 ChargeType"):
        clouds.delivers([row | {"ChargeType": "UnusedReservation"}])


def test_the_oracle_goes_back_to_the_rows(clouds: Clouds, owner_url: str) -> None:
    """A row that the database's owner changes behind our backs no longer proves the bill."""
    books = clouds.books
    acme = books.customer("acme", commercial=PASSED_ON)
    clouds.belongs("account=1", acme)
    clouds.delivers([cost("1", "100.00"), cost("2", "50.00")])
    books.close("2026-08")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("UPDATE cloud_row SET billed_pico = billed_pico + 1 WHERE row_number = 1")
        (proof,) = prove_month(books.db, BillingMonth.parse("2026-08"))
        assert [each.what.split()[0] for each in proof.differences] == ["云费用"]
        owner.execute("UPDATE cloud_row SET billed_pico = billed_pico - 1 WHERE row_number = 1")
