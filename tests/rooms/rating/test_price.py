from typing import Any

from tests.rooms.contracts.shelf import book_of, us
from yuejie.contracts.prices import Book
from yuejie.rating.price import Rated, rate_items
from yuejie.usage.event import NO_RATE, Item
from yuejie.usage.meters import Meter

START = "2026-10-01"
SALE = book_of(
    (
        START,
        """
[models.gpt-4o]
input = "5"
output = "15"
[models.opus]
input = "6"
output = "30"
""",
    )
)
COST = book_of(
    (
        START,
        """
[models."openai/gpt-4o"]
input = "2.5"
output = "10"
[models."openai/gpt-4o-2024-08-06"]
input = "2.6"
output = "10.4"
[models."openai/opus"]
input = "5"
output = "25"
""",
    ),
    kind="cost",
)


def rated(*items: Item, **change: Any) -> Rated:
    facts: dict[str, Any] = {
        "sale": SALE,
        "cost": COST,
        "sale_model": "gpt-4o",
        "cost_prefix": "openai/",
        "sale_revision": 1,
        "cost_revision": 1,
        "started_us": us("2026-10-15"),
        "service_tier": "default",
        "context_tokens": 10,
        "billable": True,
    }
    return rate_items(items, **{**facts, **change})


def prices(found: Rated) -> list[tuple[str, str, str, str]]:
    return [
        (item.model, str(item.meter), price(SALE, item.sale_rate), price(COST, item.cost_rate))
        for item in found.items
    ]


def price(book: Book, rate_id: int) -> str:
    by_id = {row.rate_id: row for row in book.rows.rates}
    return f"{by_id[rate_id].model} {by_id[rate_id].pico}" if rate_id != NO_RATE else "-"


def test_a_snapshot_is_sold_by_the_public_name_and_bought_by_its_own() -> None:
    found = rated(Item("gpt-4o-2024-08-06", Meter.INPUT, 7))
    assert prices(found) == [
        ("gpt-4o", "input", "gpt-4o 5000000", "openai/gpt-4o-2024-08-06 2600000")
    ]
    assert found.items[0].quantity == 7


def test_a_snapshot_the_cost_book_does_not_know_costs_what_the_deployment_costs() -> None:
    found = rated(Item("gpt-4o-2025-01-01", Meter.INPUT, 7), cost_model="openai/gpt-4o")
    assert prices(found)[0][3] == "openai/gpt-4o 2500000"
    assert found.unpriced == ()


def test_other_components_are_sold_and_bought_by_their_own_name() -> None:
    found = rated(Item("gpt-4o", Meter.INPUT, 7), Item("opus", Meter.OUTPUT, 3))
    assert prices(found) == [
        ("gpt-4o", "input", "gpt-4o 5000000", "openai/gpt-4o 2500000"),
        ("opus", "output", "opus 30000000", "openai/opus 25000000"),
    ]


def test_a_component_we_do_not_sell_is_a_gap_not_a_gift() -> None:
    found = rated(Item("gpt-4o", Meter.INPUT, 7), Item("gpt-image-9", Meter.IMAGE_OUT, 3))
    assert found.items[1].sale_rate == NO_RATE
    assert found.unpriced == (
        "销售价缺 gpt-image-9 image_out（default）",
        "成本价缺 openai/gpt-image-9 image_out（default）",
    )


def test_the_main_names_can_be_given() -> None:
    found = rated(Item("opus", Meter.INPUT, 7), Item("gpt-4o-x", Meter.INPUT, 1), main={"gpt-4o-x"})
    assert [item.model for item in found.items] == ["opus", "gpt-4o"]


def test_an_attempt_that_is_not_billable_has_costs_only() -> None:
    found = rated(Item("gpt-4o", Meter.INPUT, 7), billable=False)
    assert prices(found)[0][2:] == ("-", "openai/gpt-4o 2500000")
    assert found.unpriced == ()


def test_without_a_book_there_is_nothing_to_find() -> None:
    found = rated(Item("gpt-4o", Meter.INPUT, 7), sale=None, cost=None)
    assert prices(found)[0][2:] == ("-", "-")
    assert found.unpriced == ()


def test_counts_and_zeros_need_no_rate() -> None:
    found = rated(
        Item("gpt-4o", Meter.REQUESTS, 1),
        Item("gpt-4o", Meter.FAILED_REQUESTS, 1),
        Item("gpt-4o", Meter.SECONDS, 0),
    )
    assert found.unpriced == ()
    assert {item.sale_rate for item in found.items} == {NO_RATE}


def test_a_tier_without_a_price_is_unpriced_never_default() -> None:
    found = rated(Item("gpt-4o", Meter.INPUT, 7), service_tier="priority")
    assert found.sale_gaps == ("gpt-4o input（priority）",)
    assert found.cost_gaps == ("openai/gpt-4o input（priority）",)


def test_no_items_no_rates() -> None:
    assert rated() == Rated(())
