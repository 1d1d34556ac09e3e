"""What a change leaves, sets and takes away."""

from pathlib import Path

from tests.rooms.budgets.desk import NOW, Desk
from tests.rooms.intake.shop import Shop
from yuejie.budgets.keep import change_allowance
from yuejie.db.session import Database
from yuejie.web.shapes.watch.budgets import BudgetChange


def test_a_longest_output_is_left_changed_and_taken_away_by_nought(
    database: Database, shop: Shop, tmp_path: Path
) -> None:
    desk = Desk(database, shop, tmp_path)
    own = desk.cap("本月", 10**12, output_bound=700)

    def after(**wanted: object) -> int | None:
        change = BudgetChange.model_validate(wanted).change(own.measure)
        return change_allowance(
            database, shop.acme, "本月", change, by="test", now=NOW
        ).output_bound

    assert after(cap="2") == 700
    assert after(output_bound=9) == 9
    assert after(output_bound=0) is None
    assert after(cap="3") is None
