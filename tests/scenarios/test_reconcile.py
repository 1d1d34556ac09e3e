"""The operator reconciles October with its provider, by the command line and the API."""

import io
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run, run_json
from tests.rooms.web.conftest import OPERATOR, desk_at
from tests.scenarios.books import FOUNDED, Books, Party, cny
from yuejie.assurance.margin import Margin, MarginBy, show_margins
from yuejie.assurance.reconcile.difference import Cause
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month
from yuejie.assurance.reconcile.sheets import parse_sheet
from yuejie.assurance.reconcile.store import latest_runs, reports
from yuejie.cli.books.reconcile import margin, reconcile
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.web.app import make_app
from yuejie.web.auth import API

NOW = datetime(2026, 11, 5, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
OCTOBER = BillingMonth(2026, 10)
DAYS = (1, 5, 12, 13, 23, 30)
PRICES = """
currency = "USD"
[models."gpt-4o"]
input = "5"
output = "15"
"""
COST = 5, 15
"""What the provider charges, in dollars per million tokens: as much as we do."""


class World:
    """A house with one provider account, two customers and what the provider counted."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.books = Books(db)
        self.books.prices(PRICES)
        self.books.fx("7.2", "2026-10-30")
        account = AccountDraft(
            account_id="openai-main",
            provider="openai",
            platform="openai",
            base_url="http://127.0.0.1:1",
            region="us",
            credential=b"sealed",
        )
        put_account(db, account, by="op", now=FOUNDED)
        put_model(db, ModelDraft(model_id="gpt-4o", owner="openai"), by="op", now=FOUNDED)
        place = DeploymentDraft(
            model_id="gpt-4o",
            account_id="openai-main",
            upstream_model="gpt-4o",
            cost_model="openai/gpt-4o",
            name="sim",
        )
        put_deployment(db, place, by="op", now=FOUNDED)
        self.acme = self.books.customer("acme", fx_policy="bill")
        self.zeta = self.books.customer("zeta", fx_policy="bill")
        self.counted: dict[int, list[int]] = {}

    def call(self, party: Party, day: int, *, tokens: tuple[int, int]) -> None:
        """Let a customer call at noon UTC; the provider counts it as we do."""
        at = f"2026-10-{day:02d} 20:00:00"
        party.uses(at, "gpt-4o", requests=1, input=tokens[0], output=tokens[1])
        self.count(day, tokens)

    def count(self, day: int, tokens: tuple[int, int]) -> None:
        counted = self.counted.setdefault(day, [0, 0, 0])
        for place, amount in enumerate((1, *tokens)):
            counted[place] += amount

    def usage(self) -> bytes:
        """Return OpenAI's usage of the month, a bucket a day."""
        buckets = [
            {
                "start_time": int(datetime(2026, 10, day, tzinfo=UTC).timestamp()),
                "results": [
                    {
                        "model": "gpt-4o-2024-08-06",
                        "num_model_requests": calls,
                        "input_tokens": read,
                        "output_tokens": written,
                    }
                ],
            }
            for day, (calls, read, written) in sorted(self.counted.items())
        ]
        return json.dumps({"data": buckets}).encode()

    def costs(self, *, output: int = COST[1]) -> bytes:
        """Return OpenAI's costs of the month, in dollars."""
        buckets = [
            {
                "start_time": int(datetime(2026, 10, day, tzinfo=UTC).timestamp()),
                "results": [
                    {
                        "amount": {"value": tokens * rate / 1_000_000, "currency": "usd"},
                        "line_item": f"gpt-4o-2024-08-06, {name}",
                    }
                    for name, tokens, rate in (
                        ("input", read, COST[0]),
                        ("output", written, output),
                    )
                ],
            }
            for day, (_, read, written) in sorted(self.counted.items())
        ]
        return json.dumps({"data": buckets}).encode()

    def sent(self, source: Source, body: bytes) -> Sent:
        return Sent("openai-main", OCTOBER, source, f"{source}.json", body, NOW)


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    for day in DAYS:
        world.call(world.acme, day, tokens=(9_000_000 + day, 1_300_000))
        world.call(world.zeta, day, tokens=(4_000_000, 700_000 + day))
    return world


def test_a_month_that_agrees_passes_and_the_same_file_is_on_file_once(
    world: World, database: Database
) -> None:
    for source, body in (
        (Source.OPENAI_USAGE, world.usage()),
        (Source.OPENAI_COSTS, world.costs()),
    ):
        for _ in range(2):
            import_report(database, world.sent(source, body), by="op", now=NOW)
    with database.read() as tx:
        assert len(reports(tx, "openai-main", "2026-10")) == 2
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    assert found.reconciled.differences == ()
    assert found.reconciled.passes
    assert found.reconciled.ours_pico == found.reconciled.theirs_pico > 0


def test_a_lost_call_and_a_dearer_rate_are_found_by_name(world: World, database: Database) -> None:
    """The provider counted one call that we never saw, and charges 16 for output, not 15."""
    world.count(12, (50_000, 4_000))
    for source, body in (
        (Source.OPENAI_USAGE, world.usage()),
        (Source.OPENAI_COSTS, world.costs(output=16)),
    ):
        import_report(database, world.sent(source, body), by="op", now=NOW)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    got = found.reconciled
    assert {d.cause for d in got.differences} == {Cause.MISSING_HERE, Cause.PRICE}
    assert sum(d.quantity for d in got.differences if d.meter == "input") == 50_000
    assert sum(d.pico for d in got.differences) == got.theirs_pico - got.ours_pico
    assert got.passes
    with database.read() as tx:
        (row,) = latest_runs(tx, "openai-main", "2026-10")
    assert row.reconciliation_id == found.reconciliation_id
    assert (row.ours_pico, row.theirs_pico) == (got.ours_pico, got.theirs_pico)


def test_a_refund_of_the_provider_is_a_credit(world: World, database: Database) -> None:
    costs = json.loads(world.costs())
    refund = {"amount": {"value": -3.25, "currency": "usd"}, "line_item": "Refund"}
    costs["data"][0]["results"].append(refund)
    import_report(
        database, world.sent(Source.OPENAI_COSTS, json.dumps(costs).encode()), by="op", now=NOW
    )
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    (credit,) = found.reconciled.differences
    assert (credit.cause, credit.model, credit.pico) == (Cause.CREDIT, "refund", -325 * 10**10)


def test_a_call_on_the_worklist_explains_itself(world: World, database: Database) -> None:
    world.acme.uses("2026-10-12 20:00:00", "gpt-4o", state="unmeasured")
    world.count(12, (50_000, 4_000))
    sent = world.sent(Source.OPENAI_USAGE, world.usage())
    import_report(database, sent, by="op", now=NOW)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    assert {d.cause for d in found.reconciled.differences} == {Cause.WORKLIST}


def test_mistakes_are_one_sentence_and_leave_nothing(world: World, database: Database) -> None:
    sent = world.sent(Source.OPENAI_USAGE, world.usage())
    with pytest.raises(NotFound, match="没有 2026-10 的供应商报告"):
        reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    elsewhere = Sent("nobody", OCTOBER, sent.source, sent.file_name, sent.body, NOW)
    with pytest.raises(NotFound, match="供应商账号 nobody 不存在"):
        import_report(database, elsewhere, by="op", now=NOW)
    other = Sent("openai-main", OCTOBER.next, sent.source, sent.file_name, sent.body, NOW)
    with pytest.raises(Invalid, match="不在 2026-11 内，共 18 行"):
        import_report(database, other, by="op", now=NOW)
    empty = Sent("openai-main", OCTOBER, sent.source, sent.file_name, b'{"data": []}', NOW)
    with pytest.raises(Invalid, match="没有一行数据"):
        import_report(database, empty, by="op", now=NOW)
    odd = Sent("openai-main", OCTOBER, sent.source, sent.file_name, NUL, NOW)
    with pytest.raises(Invalid, match="空字符"):
        import_report(database, odd, by="op", now=NOW)
    with pytest.raises(Invalid, match="在将来"):
        import_report(database, sent, by="op", now=datetime(2026, 11, 1, tzinfo=UTC))
    with database.read() as tx:
        assert reports(tx, None, None) == []


NUL = json.dumps(
    {"data": [{"start_time": 1_792_022_400, "results": [{"model": "gpt-\0", "input_tokens": 1}]}]}
).encode()
IN_YUAN = """
currency = "CNY"
[columns]
day = "date"
model = "model"
input = "input"
output = "output"
cost = "cost"
"""


def table(world: World) -> Sent:
    """Return the month as a table that names no currency, and that no mapping has been read by."""
    rows = ["date,model,input,output,cost"]
    for day, (_, read, written) in sorted(world.counted.items()):
        dollars = (read * COST[0] + written * COST[1]) / 1_000_000
        rows.append(f"2026-10-{day:02d},gpt-4o,{read},{written},{dollars:.6f}")
    return replace(world.sent(Source.CSV, "\n".join(rows).encode()), file_name="oct.csv")


def test_a_file_that_was_read_by_a_wrong_mapping_is_read_anew(
    world: World, database: Database
) -> None:
    """
    The mapping said yuan, the file means dollars. The month fails and says why: it said that we had
    no usage at all, and passed. The same file by the right mapping then takes the place of that; it
    was known already, so nothing could ever put it right.
    """
    sent = table(world)
    wrong = replace(sent, sheet=parse_sheet(IN_YUAN))
    import_report(database, wrong, by="op", now=NOW)
    (failed,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    assert not failed.reconciled.passes
    assert {(d.cause, d.why) for d in failed.reconciled.differences} == {
        (Cause.UNKNOWN, "报告以 CNY 计，我方这个账号的成本以 USD 计，无法比较")
    }
    right = replace(sent, sheet=parse_sheet(IN_YUAN.replace("CNY", "USD")))
    filed = [import_report(database, right, by="op", now=NOW + HOUR) for _ in range(2)]
    assert filed[0].report_id == filed[1].report_id
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW + HOUR)
    assert (found.reconciled.currency, found.reconciled.passes) == ("USD", True)
    assert found.reconciled.differences == ()


def test_a_file_of_quantities_and_one_of_amounts_belong_together(
    world: World, database: Database
) -> None:
    """Two tables of one provider, as some give them: the second took the place of the first."""
    words = IN_YUAN.replace('"CNY"', '"USD"')
    quantities = words.replace('cost = "cost"', "") + "\n"
    amounts = words.replace('input = "input"\noutput = "output"\n', "")
    sent = table(world)
    for says, text, mark in (("usage", quantities, b""), ("cost", amounts, b"\n")):
        sheet = parse_sheet(f'says = "{says}"\n{text}')
        file = replace(sent, body=sent.body + mark, sheet=sheet)
        import_report(database, file, by="op", now=NOW)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    assert len(found.reports) == 2
    assert found.reconciled.differences == ()
    assert found.reconciled.cells > len(DAYS)


def test_quantities_and_amounts_by_other_days_are_compared_apart(
    world: World, database: Database
) -> None:
    """
    Tokens by days of Greenwich, the bill by days of Shanghai: each by its own. It was refused with
    the advice to compare them apart, for which there was no way.
    """
    import_report(database, world.sent(Source.OPENAI_USAGE, world.usage()), by="op", now=NOW)
    words = IN_YUAN.replace('currency = "CNY"', 'currency = "USD"\nsays = "cost"')
    words = words.replace('input = "input"\noutput = "output"\n', "")
    sheet = parse_sheet(f'zone = "Asia/Shanghai"\n{words}')
    import_report(database, replace(table(world), sheet=sheet), by="op", now=NOW)
    tokens, money = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    for found, source in ((tokens, "openai_usage"), (money, "csv")):
        assert [row.source for row in found.reports] == [source]
        assert (found.reconciled.differences, found.reconciled.passes) == ((), True)
    with database.read() as tx:
        (shown,) = latest_runs(tx, "openai-main", "2026-10")
    assert shown.reconciliation_id == money.reconciliation_id


def test_a_reconciliation_names_the_reports_that_it_compared(
    world: World, database: Database
) -> None:
    """Of two that tell the same quantities, the newer alone."""
    import_report(database, world.sent(Source.OPENAI_USAGE, world.usage()), by="op", now=NOW)
    words = 'says = "usage"\n[columns]\nday = "day"\nmodel = "model"\ninput = "input"\n'
    rows = [f"2026-10-{day:02d},gpt-4o,{n}" for day, (_, n, _) in world.counted.items()]
    table = world.sent(Source.CSV, "\n".join(["day,model,input", *rows]).encode())
    table = replace(table, sheet=parse_sheet(words), as_of=NOW + HOUR)
    import_report(database, table, by="op", now=NOW + HOUR)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW + HOUR)
    assert [report.source for report in found.reports] == [Source.CSV]
    assert found.reconciled.passes


def test_quantities_alone_have_no_currency(world: World, database: Database) -> None:
    """A table of tokens that names no currency is no table in dollars, whatever we pay in."""
    words = IN_YUAN.replace('currency = "CNY"', 'currency = "CNY"\nsays = "usage"')
    sheet = parse_sheet(words.replace('cost = "cost"', ""))
    import_report(database, replace(table(world), sheet=sheet), by="op", now=NOW)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)
    assert (found.reconciled.currency, found.reconciled.passes) == ("USD", True)


def test_a_file_is_said_to_be_drawn_earlier_than_it_was_first(
    world: World, database: Database
) -> None:
    """Imported without saying when it was drawn, the hours that were open look left out."""
    world.call(world.acme, 31, tokens=(5_000_000, 100_000))
    world.counted.pop(31)
    sent = world.sent(Source.OPENAI_USAGE, world.usage())
    drawn = datetime(2026, 11, 1, 1, tzinfo=UTC)
    said = ((NOW, Cause.NOT_REPORTED), (drawn, Cause.LATE), (NOW, Cause.LATE))
    for hours, (as_of, cause) in enumerate(said):
        now = NOW + hours * HOUR
        import_report(database, replace(sent, as_of=as_of), by="op", now=now)
        (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=now)
        assert {each.cause for each in found.reconciled.differences} == {cause}


def test_the_command_line_and_the_tables(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    world.count(12, (50_000, 4_000))
    file = tmp_path / "usage.json"
    file.write_bytes(world.usage())
    where = ("--account", "openai-main", "--month", "2026-10", "--source", "openai_usage")
    assert "18 行已存档" in run(reconcile, database_url, NOW, "import", str(file), *where)
    said = run(reconcile, database_url, NOW, "run", "openai-main", "2026-10")
    assert "我方缺失" in said
    assert said.rstrip().endswith("通过")
    listed = run_json(reconcile, database_url, NOW, "list")
    (made,) = listed["reconciliations"]
    for kind in ("csv", "xlsx"):
        out = tmp_path / f"table.{kind}"
        run(reconcile, database_url, NOW, "export", made["reconciliation_id"], "--out", str(out))
    table = (tmp_path / "table.csv").read_text("utf-8-sig").splitlines()
    assert table[1].startswith("2026-10-12,gpt-4o,input,我方缺失,50000,0.25,USD")
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "table.xlsx").read_bytes()))
    assert book.sheetnames == ["汇总", "差异"]
    assert [cell.value for cell in book["差异"][2]][1:6] == [
        *("gpt-4o", "input", "我方缺失", 50_000, 0.25),
    ]
    assert "扩展名" in run(reconcile, database_url, NOW, "export", "x", "--out", "x.pdf", code=2)


def test_margins_by_customer_model_and_contract(world: World, database_url: str) -> None:
    """Sold and bought at the same dollars; 6 % of what acme pays is the tax office's."""
    (acme, zeta) = show_margins(world.db, OCTOBER, MarginBy.CUSTOMER)
    assert (acme.name, zeta.name, acme.calls) == ("acme", "zeta", 6)
    read, written = sum(9_000_000 + day for day in DAYS), 6 * 1_300_000
    cost = (read * 5_000_000 + written * 15_000_000) * 72 // 10
    assert acme.cost_pico == cost
    assert acme.revenue_pico == (2 * cost * 100 + 106) // (2 * 106)
    assert acme.margin_ppm == -60_000
    (model,) = show_margins(world.db, OCTOBER, MarginBy.MODEL)
    assert model.margin_pico == acme.margin_pico + zeta.margin_pico
    assert len(show_margins(world.db, OCTOBER, MarginBy.CONTRACT)) == 2
    assert "-6.00 %" in run(margin, database_url, NOW, "2026-10")


@pytest.mark.parametrize(
    ("zone", "starts", "revenue"),
    [
        ("Asia/Tokyo", "2026-11-01 00:00", "36.00"),
        ("America/New_York", "2026-10-31 12:00", "38.16"),
    ],
)
def test_a_margin_is_of_the_contract_at_the_end_of_the_customers_own_month(
    world: World, database: Database, zone: str, starts: str, revenue: str
) -> None:
    """
    From an instant on a contract is without tax. In Tokyo that is when November begins, an hour
    before ours does; in New York the last noon of October, when it is November here.
    """
    party = world.books.customer("ito", zone=zone, fx_policy="bill")
    party.uses("2026-10-20 12:00:00", "gpt-4o", requests=1, input=1_060_000)
    changes = datetime.fromisoformat(starts).replace(tzinfo=ZoneInfo(zone))
    with database.read() as tx:
        held = contract_at(tx, party.customer.customer_id, changes)
        assert held is not None
        changed = replace(terms_of(tx, held), starts_at=changes, tax_mode="exclusive")
    sign_contract(database, changed, by="op", now=NOW, contract_id=held.contract_id)
    (month,) = (m for m in show_margins(database, OCTOBER, MarginBy.CUSTOMER) if m.name == "ito")
    assert month.revenue_pico == cny(revenue).fen * 10**10


def test_the_api_reconciles_as_well(world: World, database: Database) -> None:

    world.books.clock.at = NOW
    body = {
        "account": "openai-main",
        "month": "2026-10",
        "source": "openai_usage",
        "file_name": "usage.json",
        "content": b64encode(world.usage()).decode(),
    }
    with TestClient(make_app(desk_at(database, world.books.clock)), headers=OPERATOR) as operator:
        assert operator.post(f"{API}/reconciliations/reports", json=body).status_code == 201
        listed = operator.get(f"{API}/reconciliations/reports").json()["items"]
        assert [each["lines"] for each in listed] == [18]
        asked = {"account": "openai-main", "month": "2026-10"}
        (made,) = operator.post(f"{API}/reconciliations", json=asked).json()
        assert made["reconciliation"]["passes"] is True
        number = made["reconciliation"]["reconciliation_id"]
        assert operator.get(f"{API}/reconciliations/{number}").json() == made
        assert len(operator.get(f"{API}/reconciliations").json()["items"]) == 1
        table = operator.get(f"{API}/reconciliations/{number}/tables/csv")
        assert "金额差" in table.content.decode("utf-8-sig")
        margins = operator.get(f"{API}/margins/2026-10?by=model").json()
        assert margins[0]["name"] == "gpt-4o"
        bad = operator.post(f"{API}/reconciliations/reports", json=body | {"content": "%"})
        assert bad.status_code == 422


def test_unbilled_usage_is_accrued_until_it_is_billed(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """On the first of November nothing is billed; the draft, once there is one, says it better."""
    from yuejie.assurance.unbilled import unbilled  # noqa: PLC0415
    from yuejie.cli.books.ledger import ledger  # noqa: PLC0415

    first = datetime(2026, 11, 1, 1, tzinfo=UTC)
    with database.read() as tx:
        by_usage = {each.party: each.fen for each in unbilled(tx, OCTOBER)}
    world.books.close("2026-10")
    with database.read() as tx:
        by_draft = {each.party: each.fen for each in unbilled(tx, OCTOBER)}
    acme = world.acme.customer.customer_id
    assert by_draft[acme] == world.acme.bill("2026-10").net.fen
    assert abs(by_usage[acme] - by_draft[acme]) <= 2  # lines round one by one
    assert "试算" in run(ledger, database_url, first, "accrue", "2026-10")
    assert "已入账" in run(ledger, database_url, first, "accrue", "2026-10", "--commit")
    balances = run_json(ledger, database_url, first, "show", "--account", "unbilled")
    assert balances == []  # the mirror on the first is written at once
    trial = run_json(ledger, database_url, first, "trial", "2026-10")
    closing = {line["account"]: line["debit_fen"] for line in trial["lines"]}
    assert closing["unbilled"] == sum(by_draft.values())

    codes = tmp_path / "codes.toml"
    codes.write_text('[accounts.unbilled]\ncode = "1"\n[accounts.revenue]\ncode = "2"\n')
    words = ("handover", "2026-10", "--system", "yonyou", "--codes", str(codes))
    assert "2 张凭证" in run(ledger, database_url, first, *words)
    said = run(ledger, database_url, first, *words, "--commit", "--out", str(tmp_path))
    assert "已写入" in said
    assert "没有尚未移交的分录" in run(ledger, database_url, first, *words, "--commit")
    (batch,) = run_json(ledger, database_url, first, "handovers")
    (file,) = tmp_path.glob("vouchers-2026-10-*.txt")
    before = file.read_bytes()
    run(ledger, database_url, first, "batch", batch["batch_id"], "--out", str(tmp_path))
    assert file.read_bytes() == before


def test_a_margin_is_written_as_the_difference_of_what_stands_beside_it() -> None:
    """1.005 less 1.004 is next to nothing; 1.01 and 1.00 stand a cent apart."""
    margin = Margin("acme", 1, 1_005 * 10**9, 1_004 * 10**9)
    assert [each.amount for each in margin.amounts] == ["1.01", "1.00", "0.01"]
    assert margin.margin_pico == 10**9
    loss = Margin("acme", 1, 1_004 * 10**9, 1_009 * 10**9)
    assert [each.amount for each in loss.amounts] == ["1.00", "1.01", "-0.01"]
