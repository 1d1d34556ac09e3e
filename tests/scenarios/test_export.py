"""What a customer takes home: one file that proves itself, and what happens to a forger."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.scenarios.books import Books, Party
from yuejie.assurance.export import VERIFIER, export_seals, verifier_source
from yuejie.assurance.verifier.yuejie_verify import (
    LINE,
    encode,
    end_record,
    field_name,
    leaves,
    sealed_record,
    verify,
)
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.terms import STANDARD, Split, TaxGrouping, TierDiscount, TierStep

PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
TIERS = TierDiscount((TierStep(0, 0), TierStep(50_00, 100_000)))


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer with three issued bills, one of them split, a credit note and a void."""
    books.prices(PRICES, currency="CNY")
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        management_fee_fen=3_333,
        tax_grouping=TaxGrouping.MODEL,
        split=Split.PROJECT,
    )
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    acme = books.customer("acme", projects=("main", "search"), commercial=terms, starts=start)
    for month in ("2026-10", "2026-11"):
        for project in ("main", "search"):
            acme.uses(f"{month}-05 10:00:00", "gpt-4o", project=project, input=7_654_321, output=M)
        books.close(month)
        for bill in acme.bills(month):
            # The clock of whoever issues may stand or go back; the chain is no matter of clocks.
            books.clock.at -= timedelta(seconds=1)
            books.issue(bill)
    first, second, _ = acme.bills("2026-10")
    take(books, second.bill_id, {1: 1_000})
    take(books, first.bill_id, None)
    return acme


def take(books: Books, bill_id: str, amounts: dict[int, int] | None) -> None:
    now = books.tick(seconds=60)
    asked = request_credit(books.db, bill_id, amounts=amounts, why="更正", by="a", now=now)
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=now)


def test_the_file_is_whole_and_the_same_every_time(books: Books, acme: Party) -> None:
    data = export_seals(books.db, "acme")
    assert verify(data) == []
    assert data == export_seals(books.db, "acme")
    kinds = [json.loads(line)["kind"] for line in data.splitlines()]
    assert kinds == ["head", "bill", "credit", "bill", "credit", *["bill"] * 4, "end"]


def test_any_altered_byte_is_found_and_its_record_named(books: Books, acme: Party) -> None:
    """One bit at a time, over head, bills, credit notes and end, and every kind of character."""
    data = export_seals(books.db, "acme")
    lines, random = data.split(b"\n"), Random(7)
    start = 0
    for number, line in enumerate(lines[:-1]):
        name = json.loads(line).get("name", "")
        for offset in sorted(random.sample(range(len(line) + 1), 40)):
            at = start + offset
            altered = data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
            found = verify(altered)
            assert found, (number, offset)
            assert any(name in f.name for f in found), (number, offset, found)
        start += len(line) + 1


def test_the_field_of_a_forged_figure_is_named(books: Books, acme: Party) -> None:
    """Somebody makes a line cheaper and even repairs the seal: the sums and the chain tell."""
    data = export_seals(books.db, "acme")
    record = json.loads(data.splitlines()[3])
    form = json.loads(record["form"])
    form["lines"][0][LINE.index("amount_fen")] -= 1
    forged = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    plain = data.replace(encode(record), encode(record | {"form": forged}))
    assert {f.field for f in verify(plain)} >= {"明细第 1 行 amount_fen"}
    lines = data.splitlines()
    lines[3] = encode(sealed_record("bill", record["name"], forged))
    named = [(json.loads(line).get("name", "x"), line) for line in lines[:-1]]
    resealed = b"".join(line + b"\n" for line in [*lines[:-1], encode(end_record(named))])
    fields = {f.field for f in verify(resealed)}
    assert {"明细第 1 行 amount_fen", "明细第 1 行 net_fen", "previous", "bill"} <= fields


def test_a_missing_bill_and_a_wrong_last_seal_are_found(books: Books, acme: Party) -> None:
    data = export_seals(books.db, "acme")
    lines = data.splitlines(keepends=True)
    assert any(f.field == "整条记录" for f in verify(b"".join([*lines[:5], *lines[6:]])))
    last = json.loads(lines[-2])["seal"]
    assert verify(data, last) == []
    assert [f.field for f in verify(data, "0" * 64)] == ["最后的封印"]


def test_every_leaf_of_a_form_has_a_name(books: Books, acme: Party) -> None:
    for line in export_seals(books.db, "acme").splitlines()[1:-1]:
        record = json.loads(line)
        form = json.loads(record["form"])
        for path, _ in leaves(form):
            called = field_name(record["kind"], path, form)
            assert path.startswith("offsets") or not any(c == "." for c in called), path


def test_the_verifier_needs_nothing_but_python(books: Books, acme: Party, tmp_path: Path) -> None:
    """It runs alone, isolated from every installed package, and speaks one sentence each."""
    data = export_seals(books.db, "acme")
    (tmp_path / VERIFIER).write_bytes(verifier_source())
    (tmp_path / "acme.seals").write_bytes(data)
    (tmp_path / "bad.seals").write_bytes(data.replace(b"gpt-4o", b"gpt-4p", 1))

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", VERIFIER, *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    assert run("acme.seals") == (0, "6 张账单、2 张冲减单：全部相符\n")
    code, said = run("bad.seals")
    assert code == 1
    assert "客户 acme · 账单 YJ2026000002 · 明细第 1 行 model" in said
    assert run("nothing.seals")[0] == 2
    assert run()[0] == 2
