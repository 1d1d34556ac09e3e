"""What was used, by anything; the last requests; one request."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from tests.rooms.intake.calls import OCTOBER_MS, begin, end, take_in, whole, write_journal
from tests.rooms.intake.shop import Shop, open_shop
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import Ended, EndedItem
from yuejie.usage.show import (
    By,
    Question,
    UsageLine,
    parse_request_id,
    show_request,
    show_requests,
    show_usage,
)

OCTOBER = BillingMonth(2026, 10)


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database)


@pytest.fixture
def rates(database: Database, shop: Shop) -> dict[tuple[str, str], int]:
    """The ids of gpt-4o's rates by book and meter."""
    assert shop.acme.slug == "acme"
    with database.read() as tx, tx.cursor as cursor:
        cursor.execute("SELECT book_id, meter, rate_id FROM rate WHERE model LIKE '%gpt-4o'")
        return {(str(book), str(meter)): int(rate) for book, meter, rate in cursor.fetchall()}


@pytest.fixture
def used(
    database: Database, tmp_path: Path, shop: Shop, rates: dict[tuple[str, str], int]
) -> list[Ended]:
    """Four calls: two projects, two hours, another customer, one estimate."""

    def call(hours: int, shop_project: str, customer: str, state: str = "measured") -> Ended:
        begun = begin(
            OCTOBER_MS + hours * 3_600_000,
            customer=customer,
            project=shop_project,
            key=shop.key_id,
            deployment="dep-gpt-4o",
            tags="env=prod,team=x" if hours else "",
        )
        items = (
            EndedItem("gpt-4o", "input", 1_000_000, rates["sale", "input"], rates["cost", "input"]),
            EndedItem("gpt-4o", "output", 10, rates["sale", "output"], rates["cost", "output"]),
            EndedItem("gpt-4o", "requests", 1, 0, 0),
        )
        return end(begun, items=items, state=state)

    acme, other = shop.acme.customer_id, shop.other.customer_id
    made = [
        call(0, shop.main.project_id, acme),
        call(1, shop.child.project_id, acme),
        call(1, shop.child.project_id, acme, "estimated"),
        call(0, "prj_unknown", other),
    ]
    write_journal(tmp_path, whole(made))
    take_in(database, tmp_path)
    return made


def ask(db: Database, customer: str | None, *by: By, **filters: object) -> list[UsageLine]:
    question = Question(by=by, first=OCTOBER, last=OCTOBER, **filters)  # type: ignore[arg-type]  # tests pass what they mean
    return show_usage(db, customer, question)


def table(lines: list[UsageLine]) -> list[tuple[str, ...]]:
    """Keys and requests of each line."""
    return [(*line.keys.values(), str(line.quantities["requests"])) for line in lines]


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ((), [("4",)]),
        ((By.CUSTOMER,), [("acme", "3"), ("other", "1")]),
        ((By.PROJECT,), [("child", "2"), ("main", "1"), ("prj_unknown", "1")]),
        ((By.DEPARTMENT,), [("", "1"), ("平台部", "1"), ("研发部", "2")]),
        ((By.ENVIRONMENT,), [("", "1"), ("prod", "3")]),
        ((By.TAG,), [("", "2"), ("env=prod,team=x", "2")]),
        ((By.MODEL, By.PROVIDER), [("gpt-4o", "openai", "4")]),
        ((By.DAY,), [("2026-10-16", "4")]),
        ((By.HOUR,), [("2026-10-16T04:00:00Z", "2"), ("2026-10-16T05:00:00Z", "2")]),
        ((By.STATE,), [("estimated", "1"), ("measured", "3")]),
    ],
)
def test_usage_by_anything(
    database: Database, by: tuple[By, ...], expected: list[tuple[str, ...]]
) -> None:
    assert table(ask(database, None, *by)) == expected


@pytest.mark.usefixtures("used")
def test_by_key_and_meter(database: Database, shop: Shop) -> None:
    lines = ask(database, shop.acme.customer_id, By.KEY, By.METER)
    assert [(line.keys[By.KEY], line.keys[By.METER]) for line in lines] == [
        (shop.key_id, "input"),
        (shop.key_id, "output"),
        (shop.key_id, "requests"),
    ]


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("filters", "requests"),
    [
        ({"project": "main"}, 3),
        ({"project": "child"}, 2),
        ({"department": "研发部"}, 2),
        ({"environment": "prod"}, 3),
        ({"tag": "team=x"}, 2),
        ({"model": "gpt-4o"}, 3),
        ({"provider": "openai"}, 3),
        ({"state": "measured"}, 2),
        ({"meter": "requests"}, 3),
        ({"since": datetime(2026, 10, 16, 5, tzinfo=UTC)}, 2),
        ({"until": datetime(2026, 10, 16, 5, tzinfo=UTC)}, 1),
    ],
)
def test_filters_narrow_a_customers_usage(
    database: Database, shop: Shop, filters: dict[str, object], requests: int
) -> None:
    (line,) = ask(database, shop.acme.customer_id, **filters)
    assert line.quantities["requests"] == requests


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    "filters", [{"project": "nothing"}, {"key": "k"}, {"provider": "x"}, {"model": "x"}]
)
def test_a_filter_that_fits_nothing_gives_nothing(
    database: Database, filters: dict[str, object]
) -> None:
    assert ask(database, None, **filters) == []


@pytest.mark.usefixtures("used")
def test_one_tag_by_its_name(database: Database) -> None:
    lines = ask(database, None, By.TAG, tag_name="team")
    assert table(lines) == [("", "2"), ("x", "2")]


@pytest.mark.usefixtures("used")
def test_only_what_is_billed_is_worth_something(database: Database, shop: Shop) -> None:
    (line,) = ask(database, shop.acme.customer_id)
    assert line.quantities == {"input": 3_000_000, "output": 30, "requests": 3}
    assert line.charges == {"USD": Charge(2 * (5 * 10**12 + 10 * 15 * 10**6), "USD")}
    assert line.costs == {"USD": Charge(2 * (25 * 10**11 + 10 * 10 * 10**6), "USD")}


def test_the_last_requests_newest_first_in_pages(
    database: Database, shop: Shop, used: list[Ended]
) -> None:
    acme = shop.acme.customer_id
    first = show_requests(database, acme, limit=2)
    assert len(first.attempts) == 2
    assert first.before is not None
    second = show_requests(database, acme, before=first.before, limit=2)
    assert [a.event.event_id for a in (*first.attempts, *second.attempts)] == sorted(
        (UUID(bytes=one.begun.event) for one in used[:3]), reverse=True
    )
    assert second.before is None
    oldest = second.attempts[0]
    assert oldest.latency_ms == 1_250
    assert oldest.event.http_status == 200
    assert oldest.items[0].sale is not None
    assert oldest.items[2].sale is None
    with pytest.raises(Invalid, match="每页条数"):
        show_requests(database, acme, limit=1_001)


def test_one_request_with_all_its_attempts(
    database: Database, shop: Shop, tmp_path: Path, used: list[Ended]
) -> None:
    first = used[0]
    retry = end(
        begin(
            OCTOBER_MS + 5,
            operation=first.begun.operation,
            attempt=2,
            customer=shop.acme.customer_id,
        )
    )
    write_journal(tmp_path, whole([retry]))
    take_in(database, tmp_path)
    operation = parse_request_id(f"req_{first.begun.operation.hex()}")
    attempts = show_request(database, shop.acme.customer_id, operation)
    assert [attempt.event.attempt for attempt in attempts] == [1, 2]
    assert attempts[0].charge == Charge(5 * 10**12 + 10 * 15 * 10**6, "USD")
    assert show_request(database, None, operation) == attempts


@pytest.mark.usefixtures("used")
def test_nobody_sees_another_customers_request(
    database: Database, shop: Shop, used: list[Ended]
) -> None:
    operation = UUID(bytes=used[0].begun.operation)
    with pytest.raises(NotFound, match="两秒后再查"):
        show_request(database, shop.other.customer_id, operation)
    with pytest.raises(Invalid, match="请求编号“x”格式不对"):
        parse_request_id("x")
    assert len(show_requests(database, shop.other.customer_id).attempts) == 1


def test_a_month_without_usage_is_empty(database: Database) -> None:
    question = Question(by=(By.MODEL,), first=OCTOBER, last=OCTOBER)
    assert show_usage(database, None, question) == []
