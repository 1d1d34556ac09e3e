from datetime import UTC, datetime, timedelta

import pytest

from yuejie.contracts import store
from yuejie.contracts.import_prices import ImportReport, PriceImport, import_prices
from yuejie.contracts.publish import open_book
from yuejie.contracts.seed import COST_PRICES, SALE_PRICES, seed
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound

NOW = datetime(2026, 10, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def cost(database: Database) -> Database:
    open_book(database, "cost", kind="cost", currency="USD", by="op", now=NOW)
    return database


def bring(db: Database, name: str, body: bytes, *, dry_run: bool = False) -> ImportReport:
    wanted = PriceImport(name=name, body=body, book_id="cost", starts_at=LATER)
    return import_prices(db, wanted, by="op", now=NOW, dry_run=dry_run)


def revisions(db: Database) -> int:
    with db.read() as tx:
        return len(store.revisions(tx, "cost"))


@pytest.mark.parametrize(("name", "models"), [(COST_PRICES, 275), (SALE_PRICES, 23)])
def test_the_seeds_are_imported_whole(cost: Database, name: str, models: int) -> None:
    report = bring(cost, name, seed(name))
    assert not report.refused
    assert report.outcome == f"已发布价目 cost 第 1 版，{models} 个模型。"
    assert bring(cost, name, seed(name)).outcome == "价目 cost 没有变化。"
    assert revisions(cost) == 1


def test_one_bad_line_leaves_the_book_untouched(cost: Database) -> None:
    body = (
        "model,mode,meter,price\n"
        "good,chat,input,1\ngood,chat,output,2\n"
        "bad,chat,input,-1\nbad,chat,output,0.1234567\nbad,chat,smell,1\n"
    )
    report = bring(cost, "p.csv", body.encode())
    assert report.refused
    assert revisions(cost) == 0
    assert [line for line in report.lines() if line.startswith("[错误]")] == [
        "[错误] 第 4 行：bad 的 input：单价“-1”不能为负，请改正后重试",
        "[错误] 第 5 行：bad 的 output：单价“0.1234567”不是最多 6 位小数的数字，请改正后重试",
        next(line for line in report.lines() if "smell" in line),
    ]
    assert report.lines()[-1] == "未导入任何价目：请按以上各条改正或批准后重新导入。"


def test_an_outlier_waits_for_approval(cost: Database) -> None:
    body = b'[models."p/m"]\ninput = "0.25"\noutput = "1"\ncache_write_1h = "6"\n'
    refused = bring(cost, "p.toml", body)
    assert refused.refused
    assert refused.lines()[0].startswith("[待批准] models.p/m：")
    wanted = PriceImport(name="p.toml", body=body, book_id="cost", starts_at=LATER, approve=True)
    assert not import_prices(cost, wanted, by="op", now=NOW).refused
    assert revisions(cost) == 1


def test_a_dry_run_says_what_it_would_do(cost: Database) -> None:
    report = bring(cost, "p.toml", b'[models.m]\ninput = "1"\noutput = "2"', dry_run=True)
    assert report.outcome == "试算通过：将更新价目 cost 的 1 个模型。"
    assert revisions(cost) == 0


def test_platforms_far_apart_are_a_warning(cost: Database) -> None:
    body = '[models."a/m"]\ninput = "1"\noutput = "1"\n[models."b/m"]\ninput = "1.31"\noutput = "1"'
    report = bring(cost, "p.toml", body.encode())
    assert not report.refused
    assert any("b/m 的 input 单价比 a/m 高出 30% 以上" in line for line in report.lines())


def test_an_unknown_book_is_said(database: Database) -> None:
    with pytest.raises(NotFound, match="价目 cost 不存在"):
        bring(database, "p.toml", b"")
