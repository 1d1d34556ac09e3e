"""Files of clouds: every published column is used, kept or dropped for a reason; amounts exact."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.clouds.published import COLUMNS
from tests.rooms.clouds.written import focus_row, write_csv
from yuejie.clouds.charge import CloudRow, Metric, month_of, pico_of
from yuejie.clouds.formats.reading import (
    DIALECTS,
    WRONG_MAX,
    FileWrong,
    dialect_of,
    metric_of,
    read_bill,
    rows_of,
)
from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.kernel.money import PICO

FILES = Path(__file__).parent / "files"
SOUND = {
    "focus": focus_row(BilledCost="1.5"),
    "aws-cur-2.0": {
        "bill_billing_period_start_date": "2026-08-01T00:00:00.000Z",
        "bill_payer_account_id": "999900001111",
        "line_item_currency_code": "USD",
        "line_item_line_item_type": "Usage",
        "line_item_product_code": "AmazonBedrock",
        "line_item_unblended_cost": "1.5",
        "line_item_usage_account_id": "1",
        "product": '{"product_name": "Amazon Bedrock"}',
        "resource_tags": '{"user_team": "search"}',
        "tags": "{}",
    },
    "azure-cost": {
        "BillingAccountId": "999900001111",
        "BillingPeriodStartDate": "08/01/2026",
        "BillingCurrency": "USD",
        "ChargeType": "Usage",
        "CostInBillingCurrency": "1.5",
        "MeterCategory": "Storage",
        "Tags": '"team": "search"',
    },
    "gcp-billing": {
        "billing_account_id": "999900001111",
        "cost": "1.5",
        "cost_type": "regular",
        "credits": "[]",
        "currency": "USD",
        "invoice.month": "202608",
        "labels": '[{"key": "team", "value": "search"}]',
        "project.labels": "[]",
        "service.description": "Vertex AI",
        "tags": "[]",
    },
}
NUMBERS = {
    "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
}


def rows(path: Path, metric: Metric | None = None, account: str = "999900001111") -> list[CloudRow]:
    dialect = dialect_of(path)
    return list(read_bill(path, dialect, metric_of(dialect, metric, path), account))


OF = {"focus": "focus", "cur": "aws-cur-2.0", "azure": "azure-cost", "gcp": "gcp-billing"}


@pytest.mark.parametrize("schema", COLUMNS)
def test_no_published_column_is_unread(schema: str, tmp_path: Path) -> None:
    """Each is computed from, kept with its row as it stood, or dropped for a written reason."""
    name, columns = OF[schema.split("-", maxsplit=1)[0]], COLUMNS[schema]
    folded = {key.lower(): text for key, text in SOUND[name].items()}
    sound = {c: folded[c.lower()] for c in columns if c.lower() in folded}
    filled = {c: "0" if c in NUMBERS else f"«{c}»" for c in columns} | sound
    (row,) = rows(write_csv(tmp_path / "all.csv", [filled]))
    (dialect,) = [each for each in DIALECTS if each.name == name]
    for column, text in filled.items():
        called = dialect.called(column)
        kept = row.kept.get(called) == text
        assert kept or called in dialect.dropped, column
    assert all(len(why) > 1 for why in dialect.dropped.values())
    assert row.parts[0].billed_pico == 3 * PICO // 2
    assert row.period == month_of("2026-08-01", "")


def test_microsofts_own_sample_is_read_to_the_last_digit() -> None:
    """Real rows: tags without braces, a reservation bought, a cost with sixteen decimals."""
    found = rows(FILES / "azure-ea-actual.csv", account="8611537")
    assert [str(row.period) for row in found] == ["2023-09"] * 5
    assert [row.parts[0].category for row in found][:2] == ["purchase", "usage"]
    assert sum(row.parts[0].billed_pico or 0 for row in found) == (
        3_250_000_000_000 + 40_000_000 + 2_640_000_000_000 + 212_683_680_000 + 483_870_967_742
    )
    assert found[1].tags["application"] == "databricks"
    assert found[3].tags["org"] == ""
    assert "accountownerid" not in found[0].kept
    assert found[0].kept["reservationname"] == "VM_RI_06-21-2023_18-56"
    with pytest.raises(FileWrong, match="第 2 行列 PricingModel"):
        rows(FILES / "azure-ea-actual.csv", Metric.AMORTIZED, account="8611537")


def cur(kind: str, cost: str, **more: str) -> Mapping[str, str]:
    facts = dict.fromkeys((*NUMBERS, "reservation_reservation_a_r_n"), "")
    facts |= {"bill_billing_entity": "AWS"} | SOUND["aws-cur-2.0"]
    return facts | {"line_item_line_item_type": kind, "line_item_unblended_cost": cost} | more


def test_aws_commitments_are_billed_when_bought_and_effective_where_used(tmp_path: Path) -> None:
    """
    A savings plan of 10: 6 used by covered usage worth 8 on demand, 4 unused; a reservation whose
    use costs 3 and of which 1 was not used. Both columns sum to what AWS asks for: 10 + 5.
    """
    path = write_csv(
        tmp_path / "cur.csv",
        [
            cur("SavingsPlanCoveredUsage", "8", savings_plan_savings_plan_effective_cost="6"),
            cur("SavingsPlanNegation", "-8"),
            cur(
                "SavingsPlanRecurringFee",
                "10",
                savings_plan_total_commitment_to_date="10",
                savings_plan_used_commitment="6",
            ),
            cur("DiscountedUsage", "0", reservation_effective_cost="3"),
            cur(
                "RIFee",
                "4",
                reservation_unused_recurring_fee="1",
                reservation_unused_amortized_upfront_fee_for_billing_period="0",
            ),
            cur("Fee", "0", reservation_reservation_a_r_n="arn:ri"),
            cur("Usage", "2", bill_billing_entity="AWS Marketplace"),
            cur("Tax", "1"),
            cur("Credit", "-1"),
            cur("Refund", "-2"),
        ],
    )
    parts = [row.parts[0] for row in rows(path)]
    assert [part.effective_pico for part in parts] == [
        PICO * each for each in (6, 0, 4, 3, 1, 0, 2, 1, -1, -2)
    ]
    assert sum(part.billed_pico or 0 for part in parts) == sum(
        part.effective_pico or 0 for part in parts
    )
    assert [part.category for part in parts][6:] == [
        CloudCategory.MARKETPLACE,
        CloudCategory.TAX,
        CloudCategory.CREDIT,
        CloudCategory.REFUND,
    ]


def test_a_parquet_file_with_maps_says_what_the_csv_says(tmp_path: Path) -> None:
    table = pa.table(
        {
            "bill_billing_period_start_date": pa.array([datetime(2026, 8, 1, tzinfo=UTC)]),
            "bill_payer_account_id": ["999900001111"],
            "line_item_currency_code": ["USD"],
            "line_item_line_item_type": ["Usage"],
            "line_item_product_code": ["AmazonBedrock"],
            "line_item_unblended_cost": pa.array([0.1 + 0.2]),
            "line_item_usage_account_id": ["1"],
            "product": pa.array(
                [[("product_name", "Amazon Bedrock")]], pa.map_(pa.string(), pa.string())
            ),
            "resource_tags": pa.array(
                [[("user_team", "search")]], pa.map_(pa.string(), pa.string())
            ),
            "reservation_start_time": pa.array([None], pa.string()),
        }
    )
    pq.write_table(table, tmp_path / "cur.parquet")
    (row,) = rows(tmp_path / "cur.parquet")
    assert (row.service, row.tags, str(row.period)) == (
        "Amazon Bedrock",
        {"user_team": "search"},
        "2026-08",
    )
    assert row.parts[0].billed_pico == 300_000_000_000


def gcp(**more: object) -> dict[str, object]:
    return {
        "billing_account_id": "999900001111",
        "service": {"id": "C7E2", "description": "Vertex AI"},
        "sku": {"id": "1", "description": "Gemini tokens"},
        "project": {"id": "proj-search", "labels": [{"key": "team", "value": "search"}]},
        "cost": 12.345678901234567,
        "currency": "USD",
        "cost_type": "regular",
        "credits": [],
        "invoice": {"month": "202608"},
    } | more


@pytest.mark.parametrize("form", ["lines", "list", "packed"])
def test_google_json_keeps_every_digit_and_tells_promotions_apart(
    form: str, tmp_path: Path
) -> None:
    """Lines, a list over many lines, and gz say the same; discounts belong to their usage."""
    found = [
        gcp(
            credits=[
                {"amount": -2.3, "type": "COMMITTED_USAGE_DISCOUNT"},
                {"amount": "-0.5", "type": "PROMOTION"},
            ]
        ),
        gcp(cost_type="rounding_error", cost="-0.000001", service={"description": ""}),
        gcp(cost_type="tax", cost=1, invoice={"month": "202608", "publisher_type": "GOOGLE"}),
    ]
    path = tmp_path / "gcp.json"
    if form == "list":
        path.write_text(json.dumps(found, indent=1))
    else:
        body = "\n".join(json.dumps(each) for each in found).encode()
        path.write_bytes(gzip.compress(body) if form == "packed" else body)
    one, rounding, tax = rows(path)
    assert [(part.category, part.billed_pico) for part in one.parts] == [
        (CloudCategory.USAGE, 10_045_678_901_235),
        (CloudCategory.CREDIT, -500_000_000_000),
    ]
    assert (one.sub_account, one.tags) == ("proj-search", {"team": "search"})
    assert rounding.parts[0].billed_pico == -1_000_000
    assert tax.parts[0].category is CloudCategory.TAX


def test_what_is_wrong_is_named_by_row_and_column(tmp_path: Path) -> None:
    wrong = [
        focus_row(BilledCost="1,000.00"),
        focus_row(ChargeCategory="Usages"),
        focus_row(BillingCurrency="EUR"),
        focus_row(BillingAccountId="somebody"),
        focus_row(BillingPeriodStart="soon"),
        focus_row(Tags="{team"),
        focus_row(EffectiveCost=""),
        focus_row(ServiceName="NULL"),
        focus_row(BilledCost="NaN"),
    ]
    path = write_csv(tmp_path / "wrong.csv", [focus_row(), *wrong])
    with pytest.raises(FileWrong) as refused:
        rows(path)
    columns = [
        *("BilledCost", "ChargeCategory", "BillingCurrency", "账单账号", "BillingPeriodStart"),
        *("Tags", "EffectiveCost", "ServiceName", "BilledCost"),
    ]
    assert [why.split("：")[0] for why in refused.value.whys] == [
        f"第 {number} 行列 {column}" for number, column in enumerate(columns, 3)
    ]


def whole(path: Path) -> list[CloudRow]:
    list(rows_of(path))
    return rows(path)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("a,b\n1,2\n", "最接近"),
        ("", "没有任何数据行"),
        ("BilledCost,BilledCost\n1,2\n", "出现了两次"),
        ("a,b\n1\n", "有 1 列"),
        ('{"a": 1}\n{"a": ', "不是 JSON 对象"),
        ("[1, 2]", "不是 JSON 对象"),
        ('a,b\n"x', "unexpected end"),
    ],
)
def test_what_is_no_cloud_bill_is_refused_in_a_sentence(
    body: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(body)
    with pytest.raises(FileWrong, match=why):
        whole(path)


def test_of_very_many_wrong_cells_the_first_are_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x.csv", [focus_row(BilledCost="x")] * (WRONG_MAX + 5))
    with pytest.raises(FileWrong) as refused:
        rows(path)
    assert len(refused.value.whys) == WRONG_MAX


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_an_amount_is_read_exactly_or_rounded_once(digits: int, places: int) -> None:
    """Up to twelve decimals are exact; beyond, half away from zero and symmetric."""
    text = f"{digits}e-{places}"
    if abs(digits) > 10 ** (places + 12):
        return
    pico = pico_of(text, "")
    exact = digits * 10**12
    assert abs(pico * 10**places - exact) * 2 <= 10**places
    assert pico_of(f"{-digits}e-{places}", "") == -pico
