"""What an installation says of itself in its environment."""

from pathlib import Path

import pytest

from yuejie.kernel.errors import Invalid
from yuejie.settings import Settings


def test_what_may_be_a_banks_fee_is_said_by_currency(tmp_path: Path) -> None:
    home = {"YUEJIE_HOME": str(tmp_path)}
    assert Settings.load(home).short_pay_fen == {"CNY": 50_00, "USD": 7_00}
    told = Settings.load(home | {"YUEJIE_SHORT_PAY": "USD=25.50"})
    assert told.short_pay_fen == {"CNY": 50_00, "USD": 25_50}
    none = Settings.load(home | {"YUEJIE_SHORT_PAY": "CNY=0, USD=0"})
    assert none.short_pay_fen == {"CNY": 0, "USD": 0}


@pytest.mark.parametrize("wrong", ["50", "EUR=5", "USD=", "USD=-1", "USD=1.234", "USD=many"])
def test_what_is_no_amount_of_a_currency_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(Invalid, match=r"YUEJIE_SHORT_PAY 中的.*请写作 CNY=50,USD=7"):
        Settings.load({"YUEJIE_HOME": str(tmp_path), "YUEJIE_SHORT_PAY": wrong})
