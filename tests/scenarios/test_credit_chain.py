"""Credit notes are chained as bills are: what is left out or put in another's place is named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.scenarios.books import Books, Party
from tests.scenarios.test_export import forged, place, take
from yuejie.assurance.export import export_seals
from yuejie.assurance.verifier.yuejie_verify import encode, end_record, sealed_record, verify
from yuejie.bills.correct.store import credits_of
from yuejie.bills.correct.take_back import decide_credit, request_credit

M = 1_000_000
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer with two bills of 100, of each of which twice 10 were taken back in turns."""
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    for month in ("2026-10", "2026-11"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=10 * M)
        books.close(month)
        books.issue(acme.bill(month))
    for month in ("2026-11", "2026-10", "2026-10", "2026-11"):
        take(books, acme.bill(month).bill_id, {1: 1_000})
    return acme


def whole(lines: list[bytes]) -> bytes:
    """Write the end of a file anew, as somebody who rewrites every hash can."""
    named = [(json.loads(line).get("name", "x"), line) for line in lines]
    return b"".join(line + b"\n" for line in [*lines, encode(end_record(named))])


def found_in(data: bytes) -> set[tuple[str, str]]:
    return {(finding.name, finding.field) for finding in verify(data)}


def test_notes_are_exported_in_the_order_of_their_seals(books: Books, acme: Party) -> None:
    data = export_seals(books.db, "acme")
    records = [json.loads(line) for line in data.splitlines()]
    notes = [record for record in records if record["kind"] == "credit"]
    assert [note["name"] for note in notes] == [f"YJC2026{n:06d}" for n in (1, 2, 3, 4)]
    before = ["0" * 64, *(note["seal"] for note in notes)]
    assert [json.loads(note["form"])["previous"] for note in notes] == before[:-1]
    assert verify(data, notes[-1]["seal"]) == []


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_note_that_is_left_out_is_named_by_the_next_one(
    books: Books, acme: Party, nth: int
) -> None:
    """Every hash of the file is repaired; only the chain can tell."""
    lines = export_seals(books.db, "acme").splitlines()
    gone = place(export_seals(books.db, "acme"), "credit", nth)
    data = whole([*lines[:gone], *lines[gone + 1 : -1]])
    assert found_in(data) == {(f"冲减单 YJC2026{nth + 2:06d}", "previous")}


def test_the_last_note_is_missed_by_who_knows_its_seal(books: Books, acme: Party) -> None:
    lines = export_seals(books.db, "acme").splitlines()
    seal = json.loads(lines[-2])["seal"]
    data = whole(lines[:-2])
    assert verify(data) == []
    assert [finding.field for finding in verify(data, seal)] == ["最后的封印"]


def test_two_notes_that_change_places_are_named(books: Books, acme: Party) -> None:
    lines = export_seals(books.db, "acme").splitlines()
    at = place(export_seals(books.db, "acme"), "credit", 1)
    data = whole([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 : -1]])
    assert ("冲减单 YJC2026000003", "previous") in found_in(data)


def _first_form(form: dict[str, Any]) -> None:
    """Let a note say that it is of the form that names no seal before it."""
    form["form"] = 1
    del form["previous"]


ALTERATIONS: list[Callable[[dict[str, Any]], None]] = [
    lambda form: form.update(why="另外"),
    lambda form: form.update(previous="1" * 64),
    _first_form,
]


@pytest.mark.parametrize("alter", ALTERATIONS)
def test_a_note_in_the_place_of_another_is_named(
    books: Books, acme: Party, alter: Callable[[dict[str, Any]], None]
) -> None:
    """Also one that says it is of the first form, which names no seal before it."""
    data = export_seals(books.db, "acme")
    _, altered = forged(data, place(data, "credit", 1), alter)
    assert ("冲减单 YJC2026000003", "previous") in found_in(altered)


def unchained(owner_url: str, number: str, form: dict[str, Any]) -> None:
    """Make a note one of those that were sealed before there was a chain."""
    form = {name: value for name, value in form.items() if name != "previous"} | {"form": 1}
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    seal = bytes.fromhex(sealed_record("credit", number, text)["seal"])
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE credit_note DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE credit_note SET seal = %s, previous_seal = NULL, seal_form = 1"
            " WHERE number = %s",
            (seal, number),
        )
        owner.execute("ALTER TABLE credit_note ENABLE TRIGGER USER")


def test_notes_from_before_the_chain_still_verify_and_the_chain_begins_behind_them(
    books: Books, acme: Party, owner_url: str
) -> None:
    """
    Four notes were sealed one by one; a fifth is chained to the last of them. A file that was
    written then, each note behind its bill, verifies as it did.
    """
    for line in export_seals(books.db, "acme").splitlines():
        record = json.loads(line)
        if record["kind"] == "credit":
            unchained(owner_url, record["name"], json.loads(record["form"]))
    lines = export_seals(books.db, "acme").splitlines()
    notes = [line for line in lines if json.loads(line)["kind"] == "credit"]
    assert [json.loads(json.loads(note)["form"])["form"] for note in notes] == [1] * 4
    head, first, second = lines[:3]
    assert verify(whole([head, first, notes[1], notes[2], second, notes[0], notes[3]])) == []
    take(books, acme.bill("2026-10").bill_id, {1: 500})
    data = export_seals(books.db, "acme")
    assert verify(data) == []
    last = place(data, "credit", 3)
    lines = data.splitlines()
    assert found_in(whole([*lines[:last], *lines[last + 1 : -1]])) == {
        ("冲减单 YJC2026000005", "previous")
    }
    take(books, acme.bill("2026-10").bill_id, {1: 500})
    form = json.loads(json.loads(export_seals(books.db, "acme").splitlines()[last + 2])["form"])
    unchained(owner_url, "YJC2026000006", form)
    assert verify(export_seals(books.db, "acme")) == [], "an older program went on for a while"


def test_a_gap_in_the_chain_is_found_where_bills_are_proved(
    books: Books, acme: Party, owner_url: str
) -> None:
    assert books.unproved() == []
    with books.db.read() as tx:
        third = credits_of(tx, acme.customer.customer_id)[2]
    set_previous(owner_url, str(third.number), b"\x01" * 32)
    assert any(f"{third.number} 上一封印" in each for each in books.unproved())
    set_previous(owner_url, str(third.number), third.previous_seal)


def set_previous(owner_url: str, number: str, seal: bytes | None) -> None:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE credit_note DISABLE TRIGGER USER")
        owner.execute("UPDATE credit_note SET previous_seal = %s WHERE number = %s", (seal, number))
        owner.execute("ALTER TABLE credit_note ENABLE TRIGGER USER")


def test_an_older_program_cannot_loosen_the_chain(books: Books, acme: Party) -> None:
    """
    While a house is upgraded, the program before the chain approves a note of a customer whose
    chain begins with its first note: the database refuses, and the new program approves it.
    """
    bill = acme.bill("2026-10")
    now = datetime(2026, 12, 20, tzinfo=UTC)
    note = request_credit(books.db, bill.bill_id, amounts={1: 500}, why="x", by="a", now=now)
    with pytest.raises(psycopg.errors.RaiseException, match="are chained"), books.db.begin() as tx:
        tx.run(OLDER_APPROVAL, name=note.credit_note_id, at=now, seal=b"\x01" * 32)
    decide_credit(books.db, note.credit_note_id, approve=True, by="b", now=now)
    assert verify(export_seals(books.db, "acme")) == []
    assert books.unproved() == []


OLDER_APPROVAL = """
    UPDATE credit_note
    SET state = 'approved', number = 'YJC2026000005', decided_by = 'b', decided_at = %(at)s,
        seal = %(seal)s
    WHERE credit_note_id = %(name)s AND state = 'requested'
"""
"""What the program before the chain said."""
