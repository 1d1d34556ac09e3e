"""`yuejie presales …` as sales uses it: from an example to a quote, and the ground of a figure."""

from pathlib import Path

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.prospecting import TODAY, Offered, Sales
from yuejie.cli.presales.entrance import presales
from yuejie.db.session import Database

SALE = '[models."gpt-4o"]\ninput = "2.50"\ncache_read = "1.25"\noutput = "10.00"\n'
COST = '[models."openai/gpt-4o"]\ninput = "1.20"\noutput = "5.00"\n'


def test_from_an_example_to_a_quote(database: Database, database_url: str, tmp_path: Path) -> None:
    sales = Sales(database)
    sales.account("openai-main", "openai", "us")
    sales.offers(Offered("gpt-4o", quality=None))
    sales.prices("sale", "sale", SALE)
    sales.prices("cost", "cost", COST)

    def say(*words: str, by: str = "sales", code: int = 0) -> str:
        return run(presales, database_url, TODAY, *words, by=by, code=code)

    form = tmp_path / "form.toml"
    form.write_text(say("example", "fintech"), "utf-8")
    say("enrol", "jinke", "--name", "示例金融科技有限公司")
    assert "第 1 版" in say("form", "jinke", str(form))
    assert "1,343,664" in say("form", "jinke")
    said = say("grade", "gpt-4o", "--quality", "advanced", "--task", "support", "--source", "评测")
    assert said == "gpt-4o 评级为高阶，适合客服问答\n"
    assert "评测" in say("grades")
    shown = say("quote", "jinke", "--book", "sale")
    # 31 days: 1,074.9312 million × 2.50 + 134.3664 million × 10.00.
    for part in ("可报出", "2026-12-20", "4,030.99", "客户希望签一年期合同", "毛利底线"):
        assert (part in shown) is (part != "毛利底线"), shown
    (note,) = run_json(presales, database_url, TODAY, "quotes", "jinke")
    told = run_json(presales, database_url, TODAY, "show", note["quote_id"])
    option = told["body"]["options"][0]
    assert option["expected"]["gross_fen"] == 4_030_99
    tree = say("trace", note["quote_id"], option["expected"]["figure"], "--depth", "9")
    assert "出处 form:volume.qps" in tree
    assert "出处 rate:" in tree
    assert "四舍五入" in tree
    assert "advice.cache.saving" in say("trace", note["quote_id"])
    assert "没有等待批准的报价" in say("quotes")
    say("withdraw", note["quote_id"], "--why", "客户改期")
    assert "客户改期" in say("life", note["quote_id"])
    assert "毛利底线 8%" in say("floor", "--set", "8%")


def test_past_usage_is_told_line_by_line(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    sales = Sales(database)
    sales.account("openai-main", "openai", "us")
    sales.offers(Offered("gpt-4o"))
    sales.prices("sale", "sale", SALE)
    sales.prices("cost", "cost", COST)
    form = tmp_path / "form.toml"
    form.write_text(run(presales, database_url, TODAY, "example", "fintech"), "utf-8")
    run(presales, database_url, TODAY, "enrol", "jinke", "--name", "示例")
    run(presales, database_url, TODAY, "form", "jinke", str(form))
    usage = tmp_path / "usage.csv"
    usage.write_text(
        "when,model,input,output\n2026-09-10T10:00:00,gpt-4o,1000000,1000000\n2026-09-11,gpt-4o,x,1"
    )
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        '[columns]\nstarted_at = "when"\nmodel = "model"\ninput = "input"\noutput = "output"\n'
    )
    words = ("usage", "jinke", str(usage), "--mapping", str(mapping))
    said = run(presales, database_url, TODAY, *words)
    assert "有 1 行未采用" in said
    assert "第 3 行：input 的数量“x”" in said
    (known,) = run_json(presales, database_url, TODAY, "usage", "jinke")
    ask = tmp_path / "ask.toml"
    ask.write_text(f'book = "sale"\n[usage]\nimport = "{known["import_id"]}"\n')
    shown = run(presales, database_url, TODAY, "replay", "jinke", "--ask", str(ask))
    assert "12.50" in shown
    found = run_json(presales, database_url, TODAY, "replay", "jinke", "--ask", str(ask))
    assert [c["total"]["amount"] for c in found["columns"]] == ["12.50"] * 3
