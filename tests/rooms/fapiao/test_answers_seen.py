"""Who approves an answer to the buyer approves the one that was seen."""

from datetime import timedelta

import pytest

from tests.rooms.cli.desk import run
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop
from tests.rooms.fapiao.test_by_hand import approved, upload, xml
from tests.rooms.fapiao.test_red_odds import seen
from yuejie.cli.fapiao.entrance import fapiao
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import note_buyers_form
from yuejie.kernel.errors import Conflict


def test_an_answer_that_was_changed_behind_the_approvers_back_is_refused(
    shop: Shop, database_url: str
) -> None:
    """One proposes to agree; the other reads it; meanwhile it became a denial."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    red = note_buyers_form(shop.db, seen(shop, blue), by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=False, why="服务已验收", by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="已改"):
        approve_answer(shop.db, red.key, agree=True, by=BOSS, now=shop.now)
    with pytest.raises(Conflict, match="已改"):
        run(fapiao, database_url, shop.now, "approve-answer", red.key, "--agree", by=BOSS)
    assert shop.red(red.key).approved_by is None
    said = run(fapiao, database_url, shop.now, "approve-answer", red.key, "--deny", by=BOSS)
    assert "已批准拒绝" in said
