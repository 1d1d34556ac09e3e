from datetime import UTC, datetime
from pathlib import Path

import pytest

from yuejie.apply import Applying, apply_house
from yuejie.budgets.allowance import Measure, amount_text
from yuejie.budgets.store import of_customer
from yuejie.contracts.store import contracts_of, deployments, models
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import keys
from yuejie.db.session import Database
from yuejie.house_file import read_house_file
from yuejie.kernel.errors import DomainError, Invalid, NotFound

NOW = datetime(2026, 10, 1, tzinfo=UTC)
HOUSE = """
[[fx]]
base = "USD"
quote = "CNY"
on_date = 2026-09-30
rate = "7.2"
source = "中国外汇交易中心中间价"

[[account]]
id = "openai-main"
provider = "openai"
platform = "openai"
base_url = "https://api.example.com"
credential_env = "OPENAI_API_KEY"

[[model]]
id = "gpt-4o"

[[deployment]]
model = "gpt-4o"
account = "openai-main"

[[book]]
id = "sale"
kind = "sale"
currency = "USD"
prices = ["sale.toml"]
starts_at = "2026-01-01T00:00:00+08:00"
approve = true

[[customer]]
slug = "acme"
legal_name = "示例有限公司"

  [customer.contract]
  book = "sale"
  starts_at = "2026-01-01T00:00:00+08:00"
  fx_policy = "bill"

  [[customer.project]]
  name = "main"

  [[customer.key]]
  project = "main"
  name = "app"
"""
PRICES = 'currency = "USD"\n[models."gpt-4o"]\nmode = "chat"\ninput = "5"\noutput = "15"\n'


@pytest.fixture
def applying(database: Database, tmp_path: Path) -> Applying:
    (tmp_path / "sale.toml").write_text(PRICES)
    return Applying(
        db=database,
        pepper=bytes(32),
        credential_key=bytes(32),
        by="t",
        now=NOW,
        folder=tmp_path,
        environ={"OPENAI_API_KEY": "sk-upstream"},
    )


def test_applying_says_what_it_changed_and_again_changes_nothing(applying: Applying) -> None:
    house = read_house_file(HOUSE, "house.toml")
    first = [change.sentence for change in apply_house(house, applying)]
    again = [change.sentence for change in apply_house(house, applying)]
    assert [sentence.split()[0].split("（")[0] for sentence in first] == [
        "汇率",
        "供应商账号",
        "模型",
        "部署",
        "价目",
        "已发布价目",
        "客户",
        "客户",
        "客户",
        "客户",
    ]
    assert again == []
    with applying.db.read() as tx:
        assert [model.model_id for model in models(tx)] == ["gpt-4o"]
        assert [each.cost_model for each in deployments(tx)] == ["openai/gpt-4o"]
        assert len(keys(tx, find_customer(tx, "acme").customer_id)) == 1


def test_what_a_contract_agrees_stands_in_the_file(applying: Applying) -> None:
    agreed = """  fx_policy = "bill"

    [customer.contract.terms]
    type = "one_year"
    ends_on = 2027-01-01
    deposit = "200.00"
    late_fee_cap = "10%"
    tier_discount = { steps = [{ above = "1000.00", discount = "5%" }] }

    [[customer.contract.discount]]
    models = "gpt-*"
    discount = "10%"
"""
    house = read_house_file(HOUSE.replace('  fx_policy = "bill"\n', agreed), "house.toml")
    list(apply_house(house, applying))
    assert list(apply_house(house, applying)) == []
    with applying.db.read() as tx:
        (contract,) = contracts_of(tx, find_customer(tx, "acme").customer_id)
    assert (contract.terms.deposit_fen, contract.terms.late_fee_cap_ppm) == (200_00, 100_000)
    assert contract.sale_book == f"sale#{contract.contract_id}.1"


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ('slug = "acme"', 'slog = "acme"', "不符合格式"),
        ('name = "app"', 'name = "app', "不是有效的 TOML"),
        ('credential_env = "OPENAI_API_KEY"', 'credential_env = "NO_SUCH"', "没有凭证"),
        ('prices = ["sale.toml"]', 'prices = ["none.toml"]', "不存在"),
        ('project = "main"\n  name = "app"', 'project = "x"\n  name = "app"', "未写明的项目"),
    ],
)
def test_what_can_be_seen_to_be_wrong_changes_nothing(
    applying: Applying, was: str, becomes: str, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        list(apply_house(read_house_file(HOUSE.replace(was, becomes), "house.toml"), applying))
    with applying.db.read() as tx:
        assert models(tx) == []
        with pytest.raises(NotFound):
            find_customer(tx, "acme")


def test_a_part_that_fails_names_itself(applying: Applying) -> None:
    (applying.folder / "sale.toml").write_text(PRICES.replace('"15"', '"-15"'))
    with pytest.raises(Invalid, match="book sale") as raised:
        list(apply_house(read_house_file(HOUSE, "house.toml"), applying))
    assert "不能为负" in raised.value.sentence


BUDGETS = """
  [[customer.budget]]
  name = "本月"
  cap = "5000.00"
  alert = [50, 90]

  [[customer.budget]]
  name = "app 每分钟"
  cap = 600
  measure = "requests"
  per = "minute"
  key = "app"
"""


def test_budgets_stand_in_the_file_and_are_changed_there(applying: Applying) -> None:
    """Two budgets are added; one is raised; what cannot change is refused, and nothing else is."""
    house = HOUSE + BUDGETS
    said = [change.sentence for change in apply_house(read_house_file(house, "h"), applying)]
    assert said[-2:] == ["客户 acme 的额度 本月", "客户 acme 的额度 app 每分钟"]
    assert list(apply_house(read_house_file(house, "h"), applying)) == []
    raised = house.replace('cap = "5000.00"', 'cap = "8000.00"')
    assert [c.sentence for c in apply_house(read_house_file(raised, "h"), applying)] == [
        "客户 acme 的额度 本月"
    ]
    with applying.db.read() as tx:
        acme = find_customer(tx, "acme")
        kept = {each.name: each for each in of_customer(tx, acme.customer_id)}
    assert amount_text(kept["本月"].cap, Measure.MONEY, "CNY") == "8000.00 CNY"
    assert kept["本月"].thresholds == (50, 90)
    assert kept["app 每分钟"].cap == 600
    bound = raised.replace("cap = 600", "cap = 600\n  output_bound = 9")
    for text in (bound, raised):
        said = [c.sentence for c in apply_house(read_house_file(text, "h"), applying)]
        assert said == ["客户 acme 的额度 app 每分钟"]
    assert list(apply_house(read_house_file(raised, "h"), applying)) == []
    with pytest.raises(DomainError, match="不能更改"):
        list(apply_house(read_house_file(raised.replace('"minute"', '"day"'), "h"), applying))
    with pytest.raises(Invalid, match="不符合格式"):
        read_house_file(house.replace('"requests"', '"gold"'), "h")
