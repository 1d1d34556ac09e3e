"""Files that clouds wrote: imported by the command's own verb, every cell used, kept or named."""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.rooms.clouds.written import focus_row, write_csv
from yuejie.clouds.charge import CellWrong, CloudRow, Metric, month_of
from yuejie.clouds.deliver import Delivered, deliver
from yuejie.clouds.formats.reading import FileWrong, dialect_of, metric_of, read_bill, rows_of
from yuejie.clouds.keep import add_source
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PICO

FILES = Path(__file__).parent / "files"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
SAMPLES = {
    "aws-cur-1.csv": ("123412340534", "lineItem/UnblendedCost", None),
    "azure-ea-actual.csv": ("8611537", "Cost", Metric.ACTUAL),
    "azure-ea-amortized.csv": ("8611537", "Cost", Metric.AMORTIZED),
    "azure-ea-anonymous.csv": ("12345678", "CostInBillingCurrency", Metric.ACTUAL),
}


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def payable(name: str, folder: Path) -> Path:
    """Return a sample in a currency that bills can be drawn in."""
    rows = [
        {key: "USD" if text == "CAD" else text for key, text in row.items()}
        for row in written(FILES / name)
    ]
    return write_csv(folder / name, rows)


def rows(path: Path, account: str, metric: Metric | None = None) -> list[CloudRow]:
    dialect = dialect_of(path)
    return list(read_bill(path, dialect, metric_of(dialect, metric, path), account))


def amount(row: CloudRow) -> int:
    (part,) = row.parts
    stated = part.effective_pico if part.billed_pico is None else part.billed_pico
    assert stated is not None
    return stated


@pytest.mark.parametrize("name", SAMPLES)
def test_no_cell_of_a_sample_is_unread_and_every_amount_is_what_it_says(
    name: str, tmp_path: Path
) -> None:
    account, cost, metric = SAMPLES[name]
    path = payable(name, tmp_path)
    dialect = dialect_of(path)
    found = rows(path, account, metric)
    for row, cells in zip(found, written(path), strict=True):
        for column, text in cells.items():
            called = dialect.called(column)
            if text:
                assert row.kept.get(called) == text.strip() or called in dialect.dropped, column
        assert abs(Decimal(amount(row)) - Decimal(cells[cost]) * PICO) <= Decimal("0.5")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_tried_delivered_and_the_same_again(
    name: str, tmp_path: Path, database: Database
) -> None:
    account, cost, metric = SAMPLES[name]
    path = payable(name, tmp_path)
    add_source(
        database, "cloud", name="Cloud", billing_account=account, tag_keys=["env"], by="", now=NOW
    )

    def delivers(*, commit: bool) -> Delivered:
        return deliver(database, "cloud", [path], metric=metric, commit=commit, by="", now=NOW)

    tried, told, again = delivers(commit=False), delivers(commit=True), delivers(commit=True)
    assert tried.changes == told.changes
    assert [change.unchanged for change in again.changes] == [True]
    (change,) = told.changes
    assert change.rows == len(written(path))
    (total,) = change.after.values()
    stated = total.effective_pico if metric is Metric.AMORTIZED else total.billed_pico
    exact = sum((Decimal(cells[cost]) for cells in written(path)), Decimal(0)) * PICO
    assert stated is not None
    assert abs(stated - exact) <= Decimal("0.5") * change.rows


def test_a_report_before_2_0_says_what_2_0_says() -> None:
    """Scientific notation to the pico, the day, the service; what nothing reads keeps its name."""
    found = rows(FILES / "aws-cur-1.csv", "123412340534")
    assert [amount(row) for row in found] == [
        *(10_000_000_000, 70_000_000_000, 0, 18_100, 5_000_000, 30_812_700, 0)
    ]
    assert [row.parts[0].category for row in found] == ["tax"] * 2 + ["usage"] * 5
    assert (found[3].service, found[3].used_on, str(found[3].period)) == (
        *("Amazon Simple Storage Service", "2023-11-04", "2023-11"),
    )
    assert found[4].description == "$0.005 per 1,000 PUT, COPY, POST, or LIST requests"
    assert found[3].kept["product/toRegionCode"] == "eu-central-1"
    assert "line_item_blended_cost" not in found[3].kept


def test_tags_and_commitments_of_a_report_before_2_0(tmp_path: Path) -> None:
    """A tag is a column of its own; capitals of ARN are one word each, as Athena has them."""
    one, _, two, *_ = written(FILES / "aws-cur-1.csv")
    more = {"reservation/ReservationARN": "", "resourceTags/user:Team": ""}
    bought = (
        one
        | more
        | {
            "lineItem/LineItemType": "Fee",
            "reservation/ReservationARN": "arn:ri",
            "resourceTags/user:Team": "search",
        }
    )
    covered = (
        two
        | more
        | {
            "lineItem/LineItemType": "SavingsPlanCoveredUsage",
            "lineItem/UnblendedCost": "8",
            "savingsPlan/SavingsPlanEffectiveCost": "6.0E0",
        }
    )
    fee, used = rows(write_csv(tmp_path / "cur.csv", [bought, covered]), "123412340534")
    assert fee.tags == {"user:Team": "search"}
    assert fee.parts[0].effective_pico == 0
    assert used.parts[0].effective_pico == 6 * PICO


def test_a_currency_no_bill_is_drawn_in_is_refused_row_by_row() -> None:
    with pytest.raises(FileWrong) as refused:
        rows(FILES / "azure-ea-anonymous.csv", "12345678")
    assert [why.split("，")[0] for why in refused.value.whys] == [
        f"第 {number} 行列 BillingCurrencyCode：币种“CAD”不支持" for number in range(2, 7)
    ]


@pytest.mark.parametrize(
    ("name", "column", "text"),
    [
        ("aws-cur-1.csv", "lineItem/UnblendedCost", "0,07"),
        ("aws-cur-1.csv", "lineItem/LineItemType", "Taxes"),
        ("aws-cur-1.csv", "bill/BillingPeriodStartDate", "11/2023"),
        ("aws-cur-1.csv", "lineItem/CurrencyCode", ""),
        ("azure-ea-actual.csv", "Cost", "1.234,56"),
        ("azure-ea-actual.csv", "BillingPeriodStartDate", "1/9/2023"),
        ("azure-ea-actual.csv", "Tags", '"env": prod'),
    ],
)
def test_a_wrong_cell_of_a_sample_is_named_as_its_file_names_it(
    name: str, column: str, text: str, tmp_path: Path
) -> None:
    sound = written(FILES / name)
    wrong = [*sound[:3], sound[3] | {column: text}, *sound[4:]]
    with pytest.raises(FileWrong, match=f"第 5 行列 {column}：") as refused:
        rows(write_csv(tmp_path / "x.csv", wrong), SAMPLES[name][0])
    assert len(refused.value.whys) == 1


@pytest.mark.parametrize(
    "text",
    ["9/1/2023", "09/01/2023", "9/1/2023 0:00", "09/01/2023 00:00:00", "2023-09-01 00:00:00"],
)
def test_a_month_is_read_as_clouds_and_spreadsheets_write_it(text: str) -> None:
    assert str(month_of(text, "")) == "2023-09"


@pytest.mark.parametrize("text", ["1/9/2023", "13/1/2023", "9/1/23", "9/1/2023x", "//", "9-1-2023"])
def test_a_date_that_may_mean_another_month_is_refused(text: str) -> None:
    with pytest.raises(CellWrong):
        month_of(text, "")


def test_a_column_written_twice_in_two_ways_is_refused(tmp_path: Path) -> None:
    """Neither is taken silently."""
    (one, *_) = written(FILES / "azure-ea-actual.csv")
    path = write_csv(tmp_path / "x.csv", [one | {"COST": "1"}])
    with pytest.raises(FileWrong, match="列 Cost、COST 是同一列"):
        rows(path, "8611537")


SELLERS: Mapping[tuple[str, str], str] = {
    ("Microsoft Azure", "Microsoft"): "usage",
    ("Google Cloud", "Google"): "usage",
    ("AWS", "Amazon Web Services, Inc."): "usage",
    ("AWS", "Amazon.com"): "usage",
    ("Oracle", "OCI"): "usage",
    ("Alibaba Cloud", "Aliyun"): "usage",
    ("AWS", "Anthropic"): "marketplace",
    ("Microsoft Azure", "Oracle America"): "marketplace",
    ("Google Cloud", ","): "marketplace",
    ("somebody", "somebody else"): "marketplace",
    ("Acme", "Acme"): "usage",
}


@pytest.mark.parametrize(("provider", "publisher"), SELLERS)
def test_a_cloud_under_two_names_is_no_marketplace(
    provider: str, publisher: str, tmp_path: Path
) -> None:
    """FOCUS of Microsoft and Google names the company in one column, the cloud in the other."""
    row = focus_row(ProviderName=provider, PublisherName=publisher, BilledCost="227.28753400000005")
    (found,) = rows(write_csv(tmp_path / "x.csv", [row]), "999900001111")
    assert found.parts[0].category == SELLERS[provider, publisher]
    assert found.parts[0].billed_pico == 227_287_534_000_000


def test_focus_with_bare_nulls_and_nested_columns(tmp_path: Path) -> None:
    """As published by the FinOps Foundation's sample repositories: NULL unquoted, JSON in cells."""
    head = "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory"
    body = (
        f"{head},ChargeClass,ContractApplied,EffectiveCost,PricingCurrency,ServiceName,Tags\n"
        '0.0864,"1","USD","2026-05-01T00:00:00Z","Usage",NULL,'
        '"{""Elements"":[{""AppliedCost"":0.08640000000000}]}",0.0864,EUR,"EC2",NULL\n'
    )
    path = tmp_path / "focus.csv"
    path.write_text(body)
    (row,) = rows(path, "1")
    assert (row.sub_account, row.tags, row.currency) == ("1", {}, "USD")
    assert "ChargeClass" not in row.kept
    assert row.kept["ContractApplied"] == '{"Elements":[{"AppliedCost":0.08640000000000}]}'
    assert len(list(rows_of(path))) == 1


def test_a_file_of_several_accounts_is_delivered_to_each(
    tmp_path: Path, database: Database
) -> None:
    """Every row is somebody's: each source takes its own and counts what it leaves to whom."""
    costs = {"1": ["1.5", "2"], "2": ["4"]}
    mixed = [
        focus_row(BillingAccountId=account, BilledCost=cost)
        for account, given in costs.items()
        for cost in given
    ]
    path = write_csv(tmp_path / "focus.csv", mixed)

    def registers(name: str, account: str) -> None:
        add_source(database, name, name=name, billing_account=account, tag_keys=[], by="", now=NOW)

    def delivers(name: str, files: list[Path]) -> Delivered:
        return deliver(database, name, files, commit=True, by="", now=NOW)

    registers("one", "1")
    with pytest.raises(FileWrong, match="第 4 行列 账单账号：“2”不是来源登记的 1"):
        delivers("one", [path])
    registers("two", "2")
    registers("three", "3")
    told = {name: delivers(name, [path]) for name in ("one", "two")}
    assert {name: each.left for name, each in told.items()} == {
        "one": {"two": 1},
        "two": {"one": 2},
    }
    sums = {
        name: [total.billed_pico for change in each.changes for total in change.after.values()]
        for name, each in told.items()
    }
    assert sums == {"one": [7 * PICO // 2], "two": [4 * PICO]}
    assert delivers("one", [path]).changes[0].unchanged
    with pytest.raises(Invalid, match="没有账单账号 3 的行"):
        delivers("three", [path])
