from datetime import UTC, date, datetime

import pytest

from yuejie.contracts.fx import FxRow, month_rate, read_fx_csv
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth

OCTOBER = BillingMonth(2026, 10)


def row(fx_id: int, on_date: str, e8: int = 720_000_000, published: int = 1) -> FxRow:
    at = datetime(2026, 11, published, tzinfo=UTC)
    return FxRow(fx_id, "USD", "CNY", date.fromisoformat(on_date), e8, "人民银行", at)


def chosen(*rows: FxRow) -> int:
    return month_rate(rows, base="USD", quote="CNY", month=OCTOBER).fx_id


def test_the_newest_rate_of_the_month_applies() -> None:
    assert chosen(row(1, "2026-10-01"), row(2, "2026-10-31"), row(3, "2026-11-01")) == 2


def test_a_month_without_its_own_takes_the_nearest_before() -> None:
    assert chosen(row(1, "2026-09-01"), row(2, "2026-08-31")) == 1
    assert chosen(row(2, "2026-08-31")) == 2


def test_a_rate_too_old_is_refused_in_one_sentence() -> None:
    with pytest.raises(NotFound) as refusal:
        chosen(row(1, "2026-08-30"))
    assert "2026-08-31 至 2026-10-31" in refusal.value.sentence
    assert "请先登记汇率" in refusal.value.sentence


def test_of_two_rates_for_a_day_the_one_published_last_counts() -> None:
    assert chosen(row(5, "2026-10-31", published=2), row(6, "2026-10-31", published=1)) == 5


def test_another_pair_is_not_ours() -> None:
    other = FxRow(1, "CNY", "USD", date(2026, 10, 1), 1, "x", datetime(2026, 10, 1, tzinfo=UTC))
    with pytest.raises(NotFound):
        chosen(other)


def test_an_open_month_says_that_its_rate_is_provisional() -> None:
    fx = month_rate([row(1, "2026-10-15")], base="USD", quote="CNY", month=OCTOBER)
    assert fx.provisional(date(2026, 10, 31))
    assert not fx.provisional(date(2026, 11, 1))
    assert fx.sentence(date(2026, 11, 1)) == (
        "2026-10 按 2026-10-15 的汇率 1 USD = 7.20 CNY（人民银行）折算"
    )
    assert fx.sentence(date(2026, 10, 20)).endswith("账期未结束，暂按此估算")


def test_bill_fx_rounds_once() -> None:
    fx = month_rate([row(1, "2026-10-15")], base="USD", quote="CNY", month=OCTOBER)
    assert Charge(5_000 * 10**12, "USD").settle(fx.rate).amount == "36000.00"


def test_a_file_of_rates() -> None:
    text = "base,quote,on_date,rate,source\nUSD,CNY,2026-10-31,7.1,央行中间价\n"
    (line,) = read_fx_csv(text.encode())
    assert (line.rate.e8, line.on_date, line.source) == (
        710_000_000,
        date(2026, 10, 31),
        "央行中间价",
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("USD,EUR,2026-10-31,7.1,x", "第 2 行的币种“EUR”"),
        ("USD,USD,2026-10-31,7.1,x", "两个不同的币种"),
        ("USD,CNY,2026-10-31,7.1,", "汇率来源"),
        ("USD,CNY,31/10/2026,7.1,x", "日期“31/10/2026”"),
        ("USD,CNY,2026-10-31,0,x", "必须大于零"),
        ("USD,CNY,2026-10-31,7.123456789,x", "最多 8 位小数"),
    ],
)
def test_a_bad_line_refuses_the_file(line: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_fx_csv(f"base,quote,on_date,rate,source\n{line}\n".encode())
    assert says in refusal.value.sentence


def test_a_file_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="缺少列"):
        read_fx_csv(b"base,quote\n")
    with pytest.raises(Invalid, match="UTF-8"):
        read_fx_csv("汇率".encode("utf-16"))
