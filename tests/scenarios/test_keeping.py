"""How long records are kept, what is preserved, who is forgotten, everything of one customer."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.test_warehouse import DAY, MARCH, PRICES, acme, closed, house, other, pages
from yuejie.assurance.export import export_seals
from yuejie.assurance.moving import Mover, move_due
from yuejie.assurance.prove import prove_month
from yuejie.bills.documents.document import Seller
from yuejie.customers.members.enrol import enrol_member
from yuejie.customers.members.member import Role
from yuejie.jobs.job import JobKind, Order
from yuejie.jobs.start import cancel_job, start_job
from yuejie.jobs.store import jobs
from yuejie.keeping import store
from yuejie.keeping.apply import Due, apply_terms
from yuejie.keeping.forget import forget
from yuejie.keeping.kinds import Kind
from yuejie.keeping.preserve import lift, preserve
from yuejie.keeping.scope import HOUSE, PATHS, columns_of, path_of
from yuejie.keeping.terms import set_term, show_deletions, show_terms
from yuejie.keeping.whole import MANIFEST, export_whole
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import RefusedOne
from yuejie.usage.refusals.store import add_refused_calls, refused_call
from yuejie.usage.warehouse.batch import EventsElsewhere
from yuejie.usage.warehouse.check import show_partitions

__all__ = ["acme", "house", "other"]

SOON = datetime(2026, 8, 1, tzinfo=UTC)
LATE = datetime(2036, 5, 1, tzinfo=UTC)
SELLER = Seller(legal_name="月结", uscc="91350100M000100Y43", bank_name="行", bank_account="1")


def events(due: list[Due]) -> list[tuple[str | None, int, str]]:
    return [(each.customer_id, each.rows, each.stays) for each in due if each.kind == Kind.EVENT]


def test_old_partitions_move_by_themselves_once_everything_is_proved(
    house: Books, acme: Party, other: Party
) -> None:
    warehouse = house.db.warehouse
    assert warehouse is not None
    moved, waiting = move_due(house.db, warehouse, now=SOON)
    assert moved == []
    assert [str(each.month) for each in waiting] == ["2026-03", "2026-04"]
    assert all("未关账" in why for each in waiting for why in each.why)
    closed(house)
    mover = Mover()
    assert mover(house.db, SOON) == 2
    assert mover(house.db, SOON) == 0, "once a day is enough"
    assert [p.place for p in show_partitions(house.db) if p.rows] == ["moved", "moved"]
    assert len(pages(house.db, acme, 50)) == 30
    assert house.unproved() == []


def test_a_month_the_oracle_doubts_stays(house: Books, acme: Party, owner_url: str) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("UPDATE usage_rollup SET quantity = quantity + 1 WHERE month = '2026-03'")
        _, waiting = move_due(house.db, warehouse, now=SOON)
        assert "不一致" in waiting[0].why[0]
        owner.execute("UPDATE usage_rollup SET quantity = quantity - 1 WHERE month = '2026-03'")
    moved, _ = move_due(house.db, warehouse, now=SOON)
    assert [str(each.month) for each in moved] == ["2026-03"], "April went before: nobody doubts it"
    assert acme.has_bill("2026-03")


def test_each_customers_events_go_by_its_own_term_and_never_while_preserved(
    house: Books, acme: Party, other: Party
) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    move_due(house.db, warehouse, now=SOON, only=MARCH)
    mine, theirs = acme.customer.customer_id, other.customer.customer_id
    now = datetime(2027, 6, 1, tzinfo=UTC)
    assert apply_terms(house.db, now=now, dry_run=True) == []
    with pytest.raises(Invalid, match="至少保留 6 个月"):
        set_term(house.db, "event", 5, customer="acme", why="合同", by=CLERK, now=SOON)
    with pytest.raises(Invalid, match="不分客户"):
        set_term(house.db, "fapiao", 400, customer="acme", why="合同", by=CLERK, now=SOON)
    set_term(house.db, "event", 12, customer="acme", why="合同第 9 条", by=CLERK, now=SOON)
    made = preserve(house.db, "acme", MARCH, MARCH, why="(2027)沪01民初1号", by=CLERK, now=SOON)

    assert events(apply_terms(house.db, now=now, dry_run=False)) == [(mine, 29, "保全中")]
    assert len(pages(house.db, acme, 50)) == 30
    lift(house.db, made.preservation_id, why="结案", by=CLERK, now=now)
    dry = apply_terms(house.db, now=now, dry_run=True)
    assert events(dry) == [(mine, 29, "")]
    assert len(pages(house.db, acme, 50)) == 30, "a dry run touches nothing"

    assert apply_terms(house.db, now=now, dry_run=False) == dry

    assert warehouse.rows("SELECT customer_id, count() FROM usage_event GROUP BY customer_id") == [
        (theirs, 1)
    ]
    assert len(pages(house.db, acme, 50)) == 1
    assert len(pages(house.db, other, 50)) == 1
    with pytest.raises(EventsElsewhere, match="按保留期限删除"):
        prove_month(house.db, MARCH, customer="acme")
    assert not prove_month(house.db, MARCH, customer="other")[0].differences
    [gone] = show_deletions(house.db, limit=10)
    assert (gone.customer_id, gone.rows, gone.by) == (mine, 29, "clerk")
    # What is left of the partition goes as a whole, ten years on.
    later = apply_terms(house.db, now=LATE, dry_run=False)
    assert events(later)[0] == (theirs, 1, "")
    assert warehouse.rows("SELECT count() FROM usage_event") == [(0,)]
    house.unproved = list  # type: ignore[method-assign]  # why: its raw events are past their term


def test_single_refused_calls_go_after_thirty_days_and_never_while_preserved(
    books: Books,
) -> None:
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme").customer.customer_id
    old, young, kept = (UUID(bytes=uuid7_at(each)) for each in range(3))
    now_us = int(SOON.timestamp()) * 1_000_000
    day_us = 86_400_000_000

    def one(request: UUID, days: int, customer: str) -> RefusedOne:
        at_us = now_us - days * day_us
        return RefusedOne(request.bytes, at_us, customer, "", "", "", "key_unknown", 401)

    with books.db.begin() as tx:
        add_refused_calls(tx, [one(old, 31, ""), one(young, 29, ""), one(kept, 31, acme)])
    preserve(books.db, "acme", MARCH, MARCH, why="(2027)沪01民初1号", by=CLERK, now=SOON)
    dry = apply_terms(books.db, now=SOON, dry_run=True)
    assert [(row.what, row.rows) for row in dry] == [("gateway_refused_call", 1)]
    assert apply_terms(books.db, now=SOON, dry_run=False) == dry
    with books.db.read() as tx:
        assert refused_call(tx, None, old) is None
        assert refused_call(tx, None, young)
        assert refused_call(tx, acme, kept)


def test_what_preserved_customers_asked_of_clerks_is_not_counted_as_what_goes(
    books: Books,
) -> None:
    """A dry run says what the round does: jobs of whoever is preserved stay."""
    books.prices(PRICES, currency="CNY")
    for slug in ("acme", "other"):
        party = books.customer(slug).customer
        asked = {"customer": party.customer_id, "month": "2026-03", "words": {}, "files": []}
        order = Order(JobKind.WHAT_IF, slug, "2026-03", asked, customer_id=party.customer_id)
        started = start_job(books.db, order, by="customer:x", now=SOON)
        cancel_job(books.db, started.job_id, by="customer:x", now=SOON)
    preserve(books.db, "acme", MARCH, None, why="案号", by=CLERK, now=SOON)
    dry = apply_terms(books.db, now=LATE, dry_run=True)
    assert [(each.what, each.rows) for each in dry if each.what == "job"] == [("job", 1)]
    assert apply_terms(books.db, now=LATE, dry_run=False) == dry
    with books.db.read() as tx:
        assert [each.about for each in jobs(tx, limit=9)] == ["2026-03"]


def test_what_is_sealed_stays_byte_equal_when_its_people_are_forgotten(
    books: Books, database_url: str
) -> None:
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-03-02T10:00", "gpt-4o", input=1_000_000)
    member = enrol_member(
        books.db, "王小明", Role.FINANCE, customer="acme", pepper=b"p" * 32, by=CLERK, now=SOON
    )
    books.close("2026-03")
    books.issue(acme.bill("2026-03"))
    sealed = export_seals(books.db, "acme")
    with pytest.raises(Conflict, match="合同仍有效"):
        forget(books.db, "acme", why="", by=CLERK, now=books.clock.now())

    done = forget(
        books.db, "acme", member=member.member.member_id, why="", by=CLERK, now=books.clock.now()
    )

    assert {row.what for row in done.rows} == {"member"}
    assert export_seals(books.db, "acme") == sealed
    again = forget(
        books.db, "acme", member=member.member.member_id, why="", by=CLERK, now=books.clock.now()
    )
    assert again.rows == ()
    sink = io.BytesIO()
    export_whole(
        books.db, "acme", sink, SELLER, court=True, why="案", by=CLERK, now=books.clock.now()
    )
    with zipfile.ZipFile(sink) as archive:
        everything = b"".join(archive.read(n) for n in archive.namelist() if n.startswith("tables"))
    assert "王小明".encode() not in everything
    assert done.rows[0].gone == 1


def test_everything_of_one_customer_and_nothing_of_another(
    house: Books, acme: Party, other: Party
) -> None:
    closed(house)
    house.issue(acme.bill("2026-03"))
    house.issue(other.bill("2026-03"))
    warehouse = house.db.warehouse
    assert warehouse is not None

    def export() -> tuple[zipfile.ZipFile, dict[str, list[dict[str, object]]]]:
        sink = io.BytesIO()
        given = export_whole(
            house.db, "acme", sink, SELLER, court=False, why="客户索取", by=CLERK, now=SOON
        )
        archive = zipfile.ZipFile(sink)
        manifest = json.loads(archive.read(MANIFEST))
        assert hashlib.sha256(archive.read(MANIFEST)).hexdigest() == given.sha256_of_manifest
        names = {entry["name"] for entry in manifest["files"]}
        assert names == set(archive.namelist()) - {MANIFEST}
        for entry in manifest["files"]:
            body = archive.read(entry["name"])
            assert hashlib.sha256(body).hexdigest() == entry["sha256"]
            assert entry.get("rows", 0) == (body.count(b"\n") if "rows" in entry else 0)
        tables = {
            name.removeprefix("tables/").removesuffix(".jsonl"): [
                json.loads(line) for line in archive.read(name).splitlines()
            ]
            for name in names
            if name.startswith("tables/")
        }
        return archive, tables

    archive, here = export()
    move_due(house.db, warehouse, now=SOON)
    _, moved = export()

    key = lambda row: (row["event_id"], row["version"])  # noqa: E731
    assert len(here["usage_event"]) == 30
    drop = {"recorded_at", "started_at", "used_at", "hour"}  # written in UTC by another hand
    assert [
        {k: v for k, v in row.items() if k not in drop}
        for row in sorted(moved["usage_event"], key=key)
    ] == [
        {k: v for k, v in row.items() if k not in drop}
        for row in sorted(here["usage_event"], key=key)
    ]
    assert [datetime.fromisoformat(str(r["used_at"])) for r in moved["usage_event"]] == [
        datetime.fromisoformat(str(r["used_at"])) for r in sorted(here["usage_event"], key=key)
    ]
    assert len(here["bill_line"]) == 4
    assert here["usage_rollup"]
    text = b"".join(archive.read(name) for name in archive.namelist())
    assert acme.customer.customer_id.encode() in text
    assert other.customer.customer_id.encode() not in text
    assert b"cost_rate" not in b"".join(
        archive.read(n) for n in archive.namelist() if n.startswith("tables/")
    )
    assert any(name.endswith(".pdf") for name in archive.namelist())


def test_every_table_is_somebodys(books: Books) -> None:
    """Whoever makes a table says whose its rows are, or this fails."""
    with books.db.read() as tx:
        known: dict[str, list[str]] = {}
        for column in store.columns(tx):
            known.setdefault(column.table_name, []).append(column.column_name)
    unknown = [
        table
        for table, names in known.items()
        if "customer_id" not in names and table not in PATHS and table not in HOUSE
    ]
    assert unknown == [], "say in keeping/scope.py whose rows these are"
    assert sorted((PATHS.keys() | HOUSE.keys()) - known.keys()) == [], "no longer there"
    telling = ("digest", "sealed", "password", "secret", "seed", "salt", "credential", "claim_hash")
    for table, names in known.items():
        if path_of(table, names, court=True) is not None:
            given = columns_of(table, names, court=True)
            assert [name for name in given if name in telling] == [], table


def test_every_path_leads_to_the_customer(books: Books) -> None:
    """Each path is a query that the database understands, and finds nothing of a stranger's."""
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    with books.db.read() as tx:
        known: dict[str, list[str]] = {}
        for column in store.columns(tx):
            known.setdefault(column.table_name, []).append(column.column_name)
        for table, names in known.items():
            path = path_of(table, names, court=True)
            if path is not None:
                columns = columns_of(table, names, court=True)
                who = acme.customer.customer_id
                list(store.rows_as_json(tx, who, table, columns, path))
                stranger = type(who)("cus_nobody")
                assert list(store.rows_as_json(tx, stranger, table, columns, path)) == [], table


def test_terms_are_never_below_the_law(books: Books) -> None:
    shown = {each.kind: each for each in show_terms(books.db, now=SOON)}
    assert (shown["fapiao"].months, shown["voucher"].months, shown["bill"].months) == (
        360,
        360,
        120,
    )
    assert shown["log"].floor == 6
    assert not shown["fapiao"].automatic
    assert shown["log"].automatic
    with pytest.raises(Invalid, match="至少保留 360 个月"):
        set_term(books.db, "voucher", 120, customer=None, why="省空间", by=CLERK, now=SOON)
    with pytest.raises(Invalid, match="--why"):
        set_term(books.db, "log", 24, customer=None, why=" ", by=CLERK, now=SOON)
    set_term(books.db, "log", 24, customer=None, why="决议 3", by=CLERK, now=SOON)
    assert {e.kind: e.months for e in show_terms(books.db, now=SOON)}["log"] == 24
    assert DAY.year == 2026
