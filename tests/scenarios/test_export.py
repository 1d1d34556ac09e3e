"""What a customer takes home: one file that proves itself, and what happens to a forger."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.rooms.fapiao.shop import SELLING
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
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    SettlementOrder,
    Split,
    TaxGrouping,
    TierDiscount,
    TierStep,
)
from yuejie.fapiao.issuing.chain import check_chain
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.request import Pick, Wish, approve_fapiao, request_fapiao
from yuejie.fapiao.reversing.form import RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red
from yuejie.fapiao.store import fapiao_by_name
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.errors import Conflict

PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
ALL = "6 张账单、2 张冲减单、3 张发票、3 张红字发票"
TIERS = TierDiscount((TierStep(0, 0), TierStep(50_00, 100_000)))


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer with issued bills, split ones, a credit note, a void, fapiao and red fapiao."""
    books.prices(PRICES, currency="CNY")
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        management_fee_fen=3_333,
        tax_grouping=TaxGrouping.MODEL,
        split=Split.PROJECT,
        settlement_order=SettlementOrder.FAPIAO_FIRST,
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
    title = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T")
    open_title(books.db, "acme", title, by="a", now=books.clock.at)
    last, head = (str(bill.number) for bill in acme.bills("2026-11")[:2])
    whole = fapiao(books, acme, Pick(last))
    red(books, whole, RedPick(1, 333))
    red(books, whole, RedPick(1))
    one = fapiao(books, acme, Pick(head))
    red(books, one)
    fapiao(books, acme, Pick(head), Pick(last, 1, 300))
    return acme


def fapiao(books: Books, acme: Party, *picks: Pick) -> str:
    """Have bills on a fapiao that a person issues at the tax office's site; return its number."""
    wish, now = Wish(picks=picks), books.tick(seconds=60)
    customer_id = acme.customer.customer_id
    (asked,) = request_fapiao(books.db, customer_id, wish, SELLING, by="a", now=now)
    approve_fapiao(books.db, asked.key, provider="manual", by="b", now=now)
    upload = paper(books)
    upload_fapiao(books.db, asked.key, upload, by="a", now=now)
    return upload.number


def red(books: Books, number: str, *picks: RedPick) -> None:
    now = books.tick(seconds=60)
    wish = RedWish(fapiao=number, reason=RedReason.TERMINATION, why="更正", picks=picks)
    asked = request_red(books.db, wish, by="a", now=now)
    approve_red(books.db, asked.key, by="b", now=now)
    upload_red(books.db, asked.key, paper(books), by="a", now=now)


def paper(books: Books) -> Upload:
    """Number by number, issued on Chinese time as the site prints it."""
    now = books.clock.at.astimezone(timezone(timedelta(hours=8)))
    return Upload({"pdf": b"%PDF-1.7"}, f"2633200{int(now.timestamp()):013d}", now)


def forged(
    data: bytes, number: int, alter: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], bytes]:
    """Alter what a record seals, and repair its seal and every hash of the file."""
    lines = data.splitlines()
    record = json.loads(lines[number])
    form = json.loads(record["form"])
    alter(form)
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    more = {name: record[name] for name in ("positions",) if name in record}
    lines[number] = encode(sealed_record(record["kind"], record["name"], text, **more))
    named = [(json.loads(line).get("name", "x"), line) for line in lines[:-1]]
    return form, b"".join(line + b"\n" for line in [*lines[:-1], encode(end_record(named))])


def chained(data: bytes) -> bytes:
    """Repair the chain of fapiao as well, as somebody who rewrites the whole file can."""
    before = "0" * 64
    for number, line in enumerate(data.splitlines()):
        record = json.loads(line)
        if record["kind"] in {"fapiao", "red_fapiao"}:
            _, data = forged(data, number, lambda form, seal=before: form.update(previous=seal))  # type: ignore[misc] # why: mypy knows no defaults
            before = json.loads(data.splitlines()[number])["seal"]
    return data


def place(data: bytes, kind: str, nth: int = 0) -> int:
    kinds = [json.loads(line)["kind"] for line in data.splitlines()]
    return [at for at, each in enumerate(kinds) if each == kind][nth]


def take(books: Books, bill_id: str, amounts: dict[int, int] | None) -> None:
    now = books.tick(seconds=60)
    asked = request_credit(books.db, bill_id, amounts=amounts, why="更正", by="a", now=now)
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=now)


def test_the_file_is_whole_and_the_same_every_time(books: Books, acme: Party) -> None:
    data = export_seals(books.db, "acme")
    assert verify(data) == []
    assert data == export_seals(books.db, "acme")
    kinds = [json.loads(line)["kind"] for line in data.splitlines()]
    blue, back = "fapiao", "red_fapiao"
    chain = [blue, back, back, blue, back, blue]
    assert kinds == ["head", *["bill"] * 6, *["credit"] * 2, *chain, "end"]


def test_a_discount_taken_back_may_stand_on_a_fapiao(books: Books) -> None:
    """1,000 less 10 % are billed; the discount is taken back, and 1,000 are on a fapiao."""
    books.prices(PRICES, currency="CNY")
    terms = replace(
        STANDARD,
        tier_discount=TierDiscount((TierStep(0, 100_000),)),
        settlement_order=SettlementOrder.FAPIAO_FIRST,
    )
    acme = books.customer("acme", commercial=terms)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    take(books, bill.bill_id, {2: -100_00})
    title = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T")
    open_title(books.db, "acme", title, by="a", now=books.clock.at)
    fapiao(books, acme, Pick(str(bill.number)))
    data = export_seals(books.db, "acme")
    records = [json.loads(line) for line in data.splitlines()]
    (form,) = (json.loads(each["form"]) for each in records if each["kind"] == "fapiao")
    assert (bill.gross.fen, form["totals_fen"][2]) == (900_00, 1000_00)
    assert verify(data) == []
    without = b"".join(
        line for line in data.splitlines(keepends=True) if b'"kind":"credit"' not in line
    )
    assert without != data
    assert any("共开 100000" in found.said for found in verify(without))


def test_a_credit_beyond_a_tax_line_is_a_discount_of_another(books: Books) -> None:
    """
    A voucher pays 1,000 of one model whole, 500 of another are left. 100 of the first are credited:
    the fapiao shows 500 and a discount of 100.
    """
    books.prices(PRICES + '[models."gpt-4o-mini"]\ninput = "5"\noutput = "6"\n', currency="CNY")
    terms = replace(
        STANDARD,
        tax_grouping=TaxGrouping.MODEL,
        settlement_order=SettlementOrder.FAPIAO_FIRST,
    )
    acme = books.customer("acme", commercial=terms)
    draft = GrantDraft(
        customer_id=acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=1000_00,
        starts_on=date(2026, 10, 1),
        ends_on=date(2026, 11, 1),
        models=("gpt-4o",),
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="a", now=books.tick())
    approve_grant(books.db, asked.grant_id, by="b", now=books.tick())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=100 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o-mini", input=100 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    assert [line.net_fen + line.tax_fen for line in bill.tax_lines] == [0, 500_00]
    take(books, bill.bill_id, {1: 100_00})
    title = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T")
    open_title(books.db, "acme", title, by="a", now=books.clock.at)
    fapiao(books, acme, Pick(str(bill.number)))
    data = export_seals(books.db, "acme")
    form = json.loads(json.loads(data.splitlines()[place(data, "fapiao")])["form"])
    assert [row[13] for row in form["lines"]] == [500_00, -100_00]
    assert verify(data) == []
    without = b"".join(
        line for line in data.splitlines(keepends=True) if b'"kind":"credit"' not in line
    )
    assert any("共开 -10000" in found.said for found in verify(without))


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


def test_a_byte_put_in_is_found_where_no_other_changes(sealed: bytes) -> None:
    """No line's hash covers the last line, which a space does not make say anything else."""
    *lines, last, _ = sealed.split(b"\n")
    for other in (b" " + last, last + b" ", last + b"\r", last.replace(b",", b", ", 1)):
        assert next(f.field for f in verify(b"\n".join([*lines, other, b""]))) == "文件尾"
    twice = last.replace(b'{"hash"', b'{"hash":"0","hash"', 1)
    assert verify(b"\n".join([*lines, twice, b""]))


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":["bill"]}',
        b'{"kind":{}}',
        b"[" * 100_000,
        b'{"kind":"bill","name":"\\ud800","form":"{}","seal":"","marks":""}',
        b'{"kind":"bill","name":"1","form":"{\\"x\\":\\"\\\\ud800\\"}","seal":"","marks":""}',
        b'{"kind":"end","lines":[[1]],"hash":""}',
    ],
)
def test_what_is_no_record_at_all_is_named_by_its_place(sealed: bytes, line: bytes) -> None:
    """Whatever stands there instead, the verifier says which line it is, and no traceback."""
    lines = sealed.split(b"\n")
    lines[2] = line
    assert any("第 3 行" in f.said or "第 3 行" in f.name for f in verify(b"\n".join(lines)))
    assert verify(b"\n".join([*lines[:-2], line, b""]))


def test_the_field_of_a_forged_figure_is_named(books: Books, acme: Party) -> None:
    """Somebody makes a line cheaper and even repairs the seal: the sums and the chain tell."""
    data = export_seals(books.db, "acme")
    number = place(data, "bill", 1)
    record = json.loads(data.splitlines()[number])
    form = json.loads(record["form"])
    form["lines"][0][LINE.index("amount_fen")] -= 1
    altered = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    plain = data.replace(encode(record), encode(record | {"form": altered}))
    assert {f.field for f in verify(plain)} >= {"明细第 1 行 amount_fen"}
    lines = json.loads(altered)["lines"]
    _, resealed = forged(data, number, lambda form: form.update(lines=lines))
    fields = {f.field for f in verify(resealed)}
    assert {"明细第 1 行 amount_fen", "明细第 1 行 net_fen", "previous", "bill"} <= fields


def test_a_missing_bill_and_a_wrong_last_seal_are_found(books: Books, acme: Party) -> None:
    data = export_seals(books.db, "acme")
    lines = data.splitlines(keepends=True)
    assert any(f.field == "整条记录" for f in verify(b"".join([*lines[:5], *lines[6:]])))
    bill = json.loads(lines[place(data, "bill", -1)])["seal"]
    fapiao = json.loads(lines[-2])["seal"]
    assert verify(data, bill, fapiao) == []
    assert [f.field for f in verify(data, bill, "0" * 64)] == ["最后的封印"]
    red = place(data, "red_fapiao")
    missing = {f.field for f in verify(b"".join([*lines[:red], *lines[red + 1 :]]))}
    assert {"整条记录", "previous"} <= missing


FAPIAO_FORGERIES: list[tuple[str, int, Callable[[dict[str, Any]], None], set[str]]] = [
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(11, 1), {"明细第 1 行 gross_fen"}),
    ("fapiao", 0, lambda f: f["totals_fen"].__setitem__(2, 1), {"totals_fen gross_fen"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(0, 7), {"明细第 1 行 position"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(3, 99), {"明细第 1 行 bill_id"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(2, "x"), {"明细第 1 行 bill_id"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(10, 130_000), {"明细第 1 行 tax_ppm"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(1, 1), {"明细第 1 行 nature"}),
    ("fapiao", 0, lambda f: f["lines"][0].__setitem__(13, 1.5), {"明细第 1 行"}),
    ("fapiao", 0, lambda f: f.pop("lines"), {"结构"}),
    ("fapiao", 0, lambda f: f.update(what="red_fapiao"), {"what"}),
    ("fapiao", 0, lambda f: f.update(number="1"), {"number", "blue_number"}),
    ("fapiao", 1, lambda f: f.update(customer_id="cust_x"), {"customer_id"}),
    ("fapiao", 2, lambda f: _more(f, 11, 13), {"明细第 1 行 gross_fen", "totals_fen gross_fen"}),
    ("red_fapiao", 0, lambda f: f.update(blue_number="1"), {"blue_number"}),
    ("red_fapiao", 0, lambda f: f.update(fapiao_id="x"), {"blue_number"}),
    ("red_fapiao", 0, lambda f: f["lines"][0].__setitem__(1, 99), {"明细第 1 行 blue_position"}),
    ("red_fapiao", 1, lambda f: _more(f, 2, 4, -100), {"明细"}),
    ("red_fapiao", 2, lambda f: _more(f, 2, 4, -1), {"明细", "明细第 1 行 gross_fen"}),
]
"""Which record, which of them, what somebody alters, and the fields that must be named."""


def _more(form: dict[str, Any], net: int, gross: int, fen: int = 1) -> None:
    """Make a line and its total larger, and leave every sum right."""
    for at in (net, gross):
        form["lines"][0][at] += fen
    form["totals_fen"][0] += fen
    form["totals_fen"][2] += fen


@pytest.fixture
def sealed(books: Books, acme: Party) -> bytes:
    return export_seals(books.db, "acme")


def test_a_forged_fapiao_is_named_though_every_hash_and_the_chain_are_repaired(
    sealed: bytes,
) -> None:
    """What no hash tells any more is told by sums, by bills, and by what red ones take back."""
    assert verify(chained(sealed)) == []
    for kind, nth, alter, named in FAPIAO_FORGERIES:
        number = place(sealed, kind, nth)
        _, altered = forged(sealed, number, alter)
        found = verify(chained(altered))
        assert named <= {f.field for f in found}, (kind, nth, named, found)


def test_each_field_of_a_fapiao_is_named_when_it_alone_is_altered(sealed: bytes) -> None:
    """Every leaf of a blue and of a red fapiao: the finding says which."""
    for kind in ("fapiao", "red_fapiao"):
        record = json.loads(sealed.splitlines()[place(sealed, kind)])
        form = json.loads(record["form"])
        for path, text in leaves(form):
            called = field_name(kind, path, form)
            other = set_leaf(json.loads(record["form"]), path, _other(json.loads(text)))
            said = json.dumps(other, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            found = verify(sealed.replace(encode(record), encode(record | {"form": said})))
            assert any(f.field == called and record["name"] in f.name for f in found), called


def set_leaf(form: Any, path: str, value: Any) -> Any:
    *above, last = path.split(".")
    place = form
    for step in above:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return form


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def test_a_fapiao_that_no_longer_is_what_was_sealed_is_not_exported(
    books: Books, acme: Party, owner_url: str
) -> None:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE fapiao DISABLE TRIGGER USER")
        owner.execute("UPDATE fapiao SET remark = '另外'")
    with pytest.raises(Conflict, match="与封印内容不符"):
        export_seals(books.db, "acme")
    found = check_chain(books.db, acme.customer.customer_id)
    assert len(found) == 3, "the check that the export asks for names every one"
    assert all("的记录与封印内容不符" in each for each in found)


def test_what_is_wrong_with_the_archive_and_the_end_of_a_chain_is_named(
    books: Books, acme: Party, owner_url: str
) -> None:
    """The last link is gone, one can be read no more, a file was altered on the disk."""
    customer_id = acme.customer.customer_id
    assert check_chain(books.db, customer_id) == []
    with psycopg.connect(owner_url, autocommit=True) as disk:
        for table in ("fapiao_seal", "fapiao_file"):
            disk.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
        gone = disk.execute(
            "DELETE FROM fapiao_seal WHERE position = 6 RETURNING subject_id"
        ).fetchone()
        assert gone is not None
        disk.execute("UPDATE fapiao_seal SET canonical = canonical || 'x' WHERE position = 5")
        disk.execute("UPDATE fapiao_file SET body = body || 'x' WHERE subject_id = %s", [gone[0]])
    with books.db.read() as tx:
        last = fapiao_by_name(tx, gone[0])
    assert last is not None
    assert check_chain(books.db, customer_id)[1:] == [
        *[e for e in check_chain(books.db, customer_id) if "的记录与封印内容不符" in e],
        f"发票 {last.number} 没有封印",
        f"发票 {last.number} 的 pdf 归档文件与哈希不符",
    ]
    with pytest.raises(Conflict, match="未导出"):
        export_seals(books.db, "acme")


def test_of_several_customers_only_one_is_in_its_export(books: Books, acme: Party) -> None:
    """Beta's bill and fapiao come between: neither file has a word of the other's."""
    terms = replace(STANDARD, settlement_order=SettlementOrder.FAPIAO_FIRST)
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    beta = books.customer("beta", commercial=terms, starts=start)
    beta.uses("2026-12-05 10:00:00", "gpt-4o", input=7_654_321, output=M)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=7_654_321, output=M)
    books.close("2026-12")
    title = TitleDraft(name="beta 有限公司", tax_number="91350100M000100Y43")
    open_title(books.db, "beta", title, by="a", now=books.clock.at)
    numbers = {}
    for party in (beta, acme):
        bill = party.bills("2026-12")[0]
        books.issue(bill)
        number = fapiao(books, party, Pick(str(party.bills("2026-12")[0].number)))
        red(books, number)
        numbers[party.customer.slug] = number
    for one, other in (("acme", "beta"), ("beta", "acme")):
        data = export_seals(books.db, one)
        assert verify(data) == []
        party = {"acme": acme, "beta": beta}[other]
        theirs = {numbers[other], other, party.customer.customer_id}
        for month in ("2026-10", "2026-11", "2026-12"):
            theirs |= {str(bill.bill_id) for bill in party.bills(month)}
        assert [word for word in theirs if word.encode() in data] == []
        assert numbers[one].encode() in data


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

    assert run("acme.seals") == (0, f"{ALL}：全部相符\n")
    code, said = run("bad.seals")
    assert code == 1
    assert "客户 acme · 账单 YJ2026000002 · 明细第 1 行 model" in said
    last = json.loads(data.splitlines()[-2])["seal"]
    assert run("acme.seals", "--seal", last)[0] == 0
    assert run("acme.seals", "--seal", last, "--seal", "0" * 64)[0] == 1
    assert run("acme.seals", "--seal")[0] == 2
    assert run("nothing.seals")[0] == 2
    assert run()[0] == 2
