"""Who did what to a fapiao, when, from what to what and why: in the one record of deeds."""

from tests.rooms.fapiao.shop import BOSS, CLERK, SELLING, Shop, nuonuo_at
from tests.told import told as notices
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.request import Pick, Wish, decline_fapiao, request_fapiao
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.web.store import DeedRow, Sought, deeds

LATEST = 1 << 62


def of(shop: Shop, noun: str, name: str) -> list[DeedRow]:
    with shop.db.read() as tx:
        return deeds(tx, Sought(noun=noun, called=[name]), before=LATEST, limit=99)[::-1]


def steps(rows: list[DeedRow]) -> list[tuple[str, str, str, str]]:
    """Return who did what to each, and its states before and after."""
    return [
        (row.by, row.verb, (row.was or {}).get("state", ""), (row.became or {}).get("state", ""))
        for row in rows
    ]


def test_the_whole_life_of_a_fapiao_is_in_the_record_of_deeds(
    shop: Shop, platform: TaxPlatform
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    shop.approve(asked)
    shop.works(nuonuo, platform, seconds=15)
    blue = shop.fapiao(asked.key)
    wish = RedWish(fapiao=asked.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    approve_red(shop.db, red.key, by=BOSS, now=shop.now)
    shop.works(nuonuo, platform, seconds=30)
    told = of(shop, "fapiao", asked.key)
    assert steps(told)[:3] == [
        (CLERK, "request", "", "requested"),
        (BOSS, "approve", "requested", "approved"),
        ("nuonuo", "issue", "approved", "issued"),
    ]
    assert {row.verb for row in told[3:-1]} == {"archive", "deliver"}
    assert steps(told)[-1] == ("nuonuo", "reverse", "issued", "reversed")
    assert told[2].became is not None
    assert (told[2].became["number"], told[2].became["gross"]) == (blue.number, "106.00")
    kept = [row.became["sha256"] for row in told if row.verb == "archive" and row.became]
    assert len(set(kept)) == 3
    (delivered,) = [row for row in told if row.verb == "deliver"]
    assert delivered.became == {"to": "ap@acme.cn", "number": blue.number}
    reds = of(shop, "red_fapiao", red.key)
    assert [row for row in steps(reds) if row[1] != "archive"] == [
        (CLERK, "request", "", "requested"),
        (BOSS, "approve", "requested", "approved"),
        ("nuonuo", "confirm", "approved", "confirmed"),
        ("nuonuo", "issue", "confirmed", "issued"),
    ]
    assert reds[0].why == "抬头有误"


def test_why_a_request_was_declined_is_told(shop: Shop) -> None:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    decline_fapiao(shop.db, asked.key, why="抬头停用", by=BOSS, now=shop.now)
    told = of(shop, "fapiao", asked.key)
    assert steps(told)[-1] == (BOSS, "decline", "requested", "rejected")
    assert told[-1].why == "抬头停用"
    (note,) = notices(shop.db)
    assert note.facts["request"] == asked.key
    assert note.words().startswith(f"{CLERK} 提出的发票申请 {asked.key} 被驳回：抬头停用。")


def test_a_customer_is_told_that_its_request_was_declined(shop: Shop) -> None:
    wish = Wish(picks=(Pick(shop.bill("2026-10", [(10_600, 60_000)])),))
    asked_by = "customer:li"
    (asked,) = request_fapiao(shop.db, shop.customer_id, wish, SELLING, by=asked_by, now=shop.now)
    decline_fapiao(shop.db, asked.key, why="抬头停用", by=BOSS, now=shop.now)
    (note,) = notices(shop.db)
    assert (note.audience, note.facts["asked_by"]) == ("customer", "li")


def test_a_red_fapiao_that_another_takes_back_is_told(shop: Shop, platform: TaxPlatform) -> None:
    """Who takes back what it asked for itself knows that."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    shop.approve(asked)
    shop.works(nuonuo, platform, seconds=15)
    wish = RedWish(fapiao=asked.key, reason=RedReason.MISTAKE, why="抬头有误")
    for by, count in ((CLERK, 0), (BOSS, 1)):
        red = request_red(shop.db, wish, by=CLERK, now=shop.now)
        withdraw_red(shop.db, red.key, why="抬头无误", by=by, now=shop.now)
        assert len(notices(shop.db)) == count
    assert "红冲申请" in notices(shop.db)[0].words()
