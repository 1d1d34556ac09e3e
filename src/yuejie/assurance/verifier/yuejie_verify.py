"""核验月结导出的封印文件：python3 yuejie_verify.py 文件 [--seal 最近一张账单或发票的封印].

Checks, offline and with Python's standard library alone (3.10 or newer), that nothing in a file of
sealed bills and fapiao was altered: every hash, the chains of seals, the arithmetic from quantity
× rate to the totals, and that fapiao stay within bills and red ones within what they take back.
What was altered is named: customer, number, field. Nothing of yuejie is needed.

The file is UTF-8, one JSON record per line: a head, bills, credit notes, then fapiao and red
fapiao, each in the order of their seals, then an end. A sealed record carries the
canonical form as text (`form`), its SHA-256 (`seal`), and one short hash per leaf of the form
(`marks`), which tell what was altered. The end has a hash per line, and of chunks, to tell where.
Whoever rewrites a whole file can also rewrite every hash in it; compare the last seal with the one
printed on the newest bill, or known of the newest credit note or fapiao (`--seal`, up to thrice).
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import Any

FORMAT = 1
CHUNK, SHORT = 64, 4
"""Bytes of a line per short hash in the end record; hex digits of one. Seals tell whether."""
GENESIS = "0" * 64
SHARED = 2
"""Fen by which a part's tax may differ from its own rounding: the month was rounded once."""
SEALED = {"bill": "账单", "credit": "冲减单", "fapiao": "发票", "red_fapiao": "红字发票"}
CHAINS = (("bill",), ("fapiao", "red_fapiao"), ("credit",))
"""Kinds of records that are chained to each other; first credit notes, of form 1, are not."""
LINE = (
    *("position", "kind", "service_month", "project_id", "model", "meter", "sale_rate"),
    *("quantity", "rate_pico", "rate_currency", "fx_e8", "amount_fen", "net_fen", "tax_fen"),
    *("item", "refers_to", "tax_line"),
)
TAX_LINE = ("position", "item", "project_id", "model", "tax_ppm", "net_fen", "tax_fen")
CREDITED = ("line_id", "net_fen", "tax_fen")
TOTALS = ("net_fen", "tax_fen", "gross_fen")
FAPIAO_LINE = (
    *("position", "nature", "bill_id", "tax_position", "code", "item", "spec", "unit"),
    *("quantity", "price", "tax_ppm", *TOTALS),
)
RED_LINE = ("position", "blue_position", *TOTALS)
PARTY = ("name", "tax_number", "natural_person", "address", "phone", "bank_name", "bank_account")
DISCOUNT, DISCOUNTED = 1, 2
"""Natures of a fapiao line: a discount stands right behind the line that it is taken off."""
NAMES = {"bill": LINE, "credit": CREDITED, "fapiao": FAPIAO_LINE, "red_fapiao": RED_LINE}
ROWS = {"lines": "明细", "tax_lines": "计税"}
FLAT: dict[str, tuple[str, ...]] = {
    "totals_fen": TOTALS,
    "tax": ("tax_mode", "tax_ppm"),
    "part": ("part", "part_name"),
    "contract": ("contract_id", "contract_version"),
    "days": ("billed_on", "review_until", "fapiao_by"),
    "bill": ("bill_id", "bill_number", "bill_seal"),
    "by": ("requested_by", "decided_by"),
    **dict.fromkeys(("buyer", "seller"), PARTY),
}
METERED = ("usage", "late", "cloud")
MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)
DEEPEST = 20  # levels of a record; a sealed one has five
Record = dict[str, Any]
Said = tuple[str, str]
Pairs = Mapping[str, tuple[Record, Record]]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: whose, in which record, in which field, and what."""

    customer: str
    name: str
    field: str
    said: str

    def __str__(self) -> str:
        return f"客户 {self.customer} · {self.name} · {self.field}：{self.said}"


# ── how a file is made; the exporter calls these ────────────────────────────────────────────────


def encode(record: Mapping[str, Any]) -> bytes:
    """Write a record as its line, without the line's end."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def short(data: bytes) -> str:
    """Return the short hash that tells where."""
    return hashlib.sha256(data).hexdigest()[:SHORT]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield path and text of every leaf of a form, in the order of their marks."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from leaves(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}.{number}")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def marks_of(form: str) -> str:
    """Return the short hashes of a form's leaves, one after the other."""
    return "".join(short(f"{path}={text}".encode()) for path, text in leaves(json.loads(form)))


def sealed_record(kind: str, name: str, form: str, **more: Any) -> Record:  # noqa: ANN401 - JSON
    """Return the record of something sealed."""
    seal = hashlib.sha256(form.encode()).hexdigest()
    return {"kind": kind, "name": name, "form": form, "seal": seal, "marks": marks_of(form), **more}


def end_record(lines: Sequence[tuple[str, bytes]]) -> Record:
    """Return the end of a file, given each line with what people call it."""
    rows = [[name, hashlib.sha256(line).hexdigest(), _chunks(line)] for name, line in lines]
    return {"kind": "end", "lines": rows, "hash": _hash_of_rows(rows)}


def _chunks(line: bytes) -> str:
    return "".join(short(line[at : at + CHUNK]) for at in range(0, len(line), CHUNK))


def _hash_of_rows(rows: Any) -> str:  # noqa: ANN401 - JSON
    return hashlib.sha256(encode({"lines": rows})).hexdigest()


# ── how a file is checked ───────────────────────────────────────────────────────────────────────


def verify(data: bytes, *last_seals: str) -> list[Finding]:
    """Return everything that is wrong with an exported file; nothing means: as it was sealed."""
    return list(_Reader(data).findings(last_seals))


class _Reader:
    """A file taken apart, as far as it lets itself be taken apart."""

    def __init__(self, data: bytes) -> None:
        *self.lines, self.rest = data.split(b"\n")
        self.records = [_parsed(line) for line in self.lines]
        self.credited: dict[tuple[str, Any], int] = {}
        heads = [r for r in self.records if r and r.get("kind") == "head"]
        self.head = heads[0] if heads else {}
        self.customer = str(self.head.get("customer", "?"))

    def findings(self, last_seals: Sequence[str]) -> Iterator[Finding]:
        """Yield what is wrong: lines, then each sealed record, then the chain."""
        end = self.records[-1] if self.records else None
        sound = end is not None and _sound_end(end, self.lines[-1])
        if not sound:
            yield self._find("文件", "文件尾", "校验行被改动、缺失，或文件不完整")
        if self.rest:
            yield self._find("文件", "文件尾", "校验行之后还有内容，或最后的换行被改动")
        rows: list[Any] = end["lines"] if end is not None and sound else []
        if rows:
            yield from self._lines(rows)
        for number, record in enumerate(self.records, 1):
            if said := self._out_of_place(number, record):
                yield self._find(f"第 {number} 行", "结构", said)
        sealed = [r for r in self.records if r is not None and _complete(r)]
        for record in sealed:
            yield from self._record(record)
        forms = [(r, form) for r in sealed if (form := _form(r)) is not None]
        chains = [[pair for pair in forms if pair[0]["kind"] in kinds] for kinds in CHAINS]
        for chain in chains:
            yield from self._chain(chain)
        ends = {str(chain[-1][0].get("seal")) for chain in chains if chain}
        for seal in last_seals:
            if seal.lower() not in ends:
                yield self._find("文件", "最后的封印", f"给定的 {seal} 不是任何一条链的最后一个")
        yield from self._credits(forms)
        yield from self._fapiao(forms)

    def _find(self, name: str, field: str, said: str) -> Finding:
        return Finding(self.customer, name, field, said)

    def _found(self, name: str, check: Iterator[Said]) -> Iterator[Finding]:
        """Yield what a check says of a record; one that has no such shape is said to have none."""
        try:
            for field, said in check:
                yield self._find(name, field, said)
        except MISSHAPEN as error:
            yield self._find(name, "结构", f"缺少字段或类型不对（{error!r}）")

    def _out_of_place(self, number: int, record: Record | None) -> str:
        """Say what is wrong with the kind of a line: first a head, then what is sealed, an end."""
        if record is None:
            return "已不是一条 JSON 记录"
        if number == 1:
            right = record.get("kind") == "head" and "customer_id" in record
            known = right and record.get("format") == FORMAT
            return "" if known else f"文件头缺失，或不是第 {FORMAT} 种格式"
        if (kind := str(record.get("kind"))) in SEALED:
            return "" if _complete(record) else "缺少 name、form、seal 或 marks"
        last = kind == "end" and number == len(self.records)
        return "" if last else "不是账单、冲减单或发票"

    def _lines(self, rows: Sequence[Any]) -> Iterator[Finding]:
        """Compare every line with the end record: tells where, also where JSON is broken."""
        for number, (row, line) in enumerate(zip_longest(rows, self.lines[:-1]), 1):
            if row is None or line is None:
                name = str(row[0]) if row else f"第 {number} 行"
                yield self._find(name, "整条记录", "缺失" if row else "是多出来的")
            elif hashlib.sha256(line).hexdigest() != row[1]:
                at = _first_difference(_chunks(line), row[2])
                places = self._altered(number, line, at)
                for field in places:
                    yield self._find(str(row[0]), field, f"第 {number} 行第 {at + 1} 字节起被改动")

    def _altered(self, number: int, line: bytes, at: int) -> list[str]:
        """Name the fields of a line that were altered: by marks, else by what stands there."""
        record = self.records[number - 1]
        if record is not None and _complete(record):
            form = _form(record)
            fields = _by_marks(record, form) if form is not None else []
            if len(fields) == 1:
                return fields
        return [_near(line, at)]

    def _record(self, record: Record) -> Iterator[Finding]:
        """Check the seal of a record, and the arithmetic of what it seals."""
        name = f"{SEALED[record['kind']]} {record.get('name')}"
        form = _form(record)
        text = str(record.get("form"))
        seal = hashlib.sha256(text.encode()).hexdigest()
        if seal != record.get("seal"):
            fields = _by_marks(record, form) if form is not None else []
            for field in fields or ["seal"]:
                yield self._find(name, field, "封印不符：内容与封印不是同一份")
        if form is None:
            yield self._find(name, "form", "封印内容已不是 JSON")
            return
        if form.get("number") != record.get("name"):
            yield self._find(name, "number", f"封印内容写的是 {form.get('number')}")
        check = {
            "bill": lambda bill: _bill_arithmetic(bill, self.head.get("split_months", [])),
            "credit": _credit_arithmetic,
            "fapiao": _fapiao_arithmetic,
            "red_fapiao": _fapiao_arithmetic,
        }[record["kind"]]
        yield from self._found(name, check(form))

    def _chain(self, links: Sequence[tuple[Record, Record]]) -> Iterator[Finding]:
        """Check that every previous seal is the seal before it, and that all are one customer's."""
        before, owner, loose = GENESIS, self.head.get("customer_id"), True
        for record, form in links:
            name = f"{SEALED[record['kind']]} {record.get('name')}"
            loose = loose and (record["kind"], form.get("form")) == ("credit", 1)
            if form.get("previous") != before and not loose:
                yield self._find(name, "previous", f"上一封印应为 {before[:16]}…，链断开")
            owner = owner or form.get("customer_id")
            if form.get("customer_id") != owner:
                yield self._find(name, "customer_id", f"不是 {owner} 的")
            before = str(record.get("seal"))

    def _fapiao(self, forms: Sequence[tuple[Record, Record]]) -> Iterator[Finding]:
        bills = {str(form.get("bill_id")): form for r, form in forms if r["kind"] == "bill"}
        taken = _Taken(bills, self.credited)
        for record, form in (pair for pair in forms if pair[0]["kind"] in CHAINS[1]):
            name = f"{SEALED[record['kind']]} {record.get('name')}"
            yield from self._found(name, taken.add(form, str(record["kind"])))

    def _credits(self, forms: Sequence[tuple[Record, Record]]) -> Iterator[Finding]:
        bills = {str(form.get("bill_id")): (r, form) for r, form in forms if r["kind"] == "bill"}
        for record, form in (pair for pair in forms if pair[0]["kind"] == "credit"):
            yield from self._found(f"冲减单 {record.get('name')}", self._taken(record, form, bills))

    def _taken(self, record: Record, form: Record, bills: Pairs) -> Iterator[Said]:
        bill_id, of, seal = form["bill"]
        sealed, bill = bills.get(bill_id, ({}, {}))
        if (bill.get("number"), sealed.get("seal")) != (of, seal):
            yield "bill", "所冲减的账单不在文件中，或不是这张"
            return
        taken = self.credited
        gross = {row[0]: row[12] + row[13] for row in bill["lines"]}
        for number, row in enumerate(form["lines"], 1):
            position = record["positions"].get(row[0])
            if position not in gross:
                yield f"第 {number} 条冲减 line_id", "不是该账单的行"
                continue
            key = (bill["bill_id"], position)
            taken[key] = taken.get(key, 0) + row[1] + row[2]
            if not 0 <= taken[key] * (1 if gross[position] > 0 else -1) <= abs(gross[position]):
                yield f"第 {number} 条冲减", f"超过账单第 {position} 行的金额"


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line.decode())
        encode(record)  # what nobody could have written so: half a character, or nested too deep
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _shallow(record, DEEPEST) else None


def _shallow(value: Any, levels: int) -> bool:  # noqa: ANN401 - JSON
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(each, levels - 1) for each in inner)


def _complete(record: Record) -> bool:
    return str(record.get("kind")) in SEALED and set(record) >= {"name", "form", "seal", "marks"}


def _sound_end(end: Record, line: bytes) -> bool:
    """Tell whether the end record is as it was written, to the byte: nothing else has its hash."""
    rows = end.get("lines")
    shaped = isinstance(rows, list) and all(
        isinstance(row, list) and [type(cell) for cell in row] == [str] * 3 for row in rows
    )
    return shaped and line == encode({"kind": "end", "lines": rows, "hash": _hash_of_rows(rows)})


def _form(record: Record) -> Record | None:
    form = _parsed(str(record.get("form")).encode())
    return form if record.get("form") is not None else None


def _by_marks(record: Record, form: Record) -> list[str]:
    """Name the leaves whose mark is another; where seals agree, the mark itself was altered."""
    marks = str(record["marks"])
    now = list(leaves(form))
    if len(marks) != SHORT * len(now):
        return []
    intact = hashlib.sha256(str(record["form"]).encode()).hexdigest() == record["seal"]
    word = "marks：" if intact else ""
    return [
        word + field_name(str(record["kind"]), path, form)
        for number, (path, text) in enumerate(now)
        if short(f"{path}={text}".encode()) != marks[SHORT * number : SHORT * (number + 1)]
    ]


def field_name(kind: str, path: str, form: Record) -> str:
    """Say a path in words: `lines.2.11` is “明细第 3 行 amount_fen”."""
    root, *inner = path.split(".")
    if root in ROWS and len(inner) > 1 and all(part.isdecimal() for part in inner):
        row, column = int(inner[0]), int(inner[1])
        names = TAX_LINE if root == "tax_lines" else NAMES[kind]
        called = names[column] if column < len(names) else f"第 {column + 1} 列"
        return f"{'冲减' if kind == 'credit' else ROWS[root]}第 {row + 1} 行 {called}"
    if root in FLAT and isinstance(form.get(root), list) and inner and inner[0].isdecimal():
        names, column = FLAT[root], int(inner[0])
        return f"{root} {names[column] if column < len(names) else column}"
    return path


def _first_difference(now: str, was: str) -> int:
    pairs = zip_longest(*(_shorts(text) for text in (now, was)))
    at = next((number for number, (one, other) in enumerate(pairs) if one != other), 0)
    return at * CHUNK


def _shorts(text: str) -> list[str]:
    return [text[at : at + SHORT] for at in range(0, len(text), SHORT)]


def _near(line: bytes, at: int) -> str:
    text = line[: at + CHUNK].decode("utf-8", "replace")
    found = re.findall(r'\\?"([a-z_]+)\\?":', text)
    return str(found[-1]) if found else "结构"


# ── the arithmetic, by fractions ────────────────────────────────────────────────────────────────


def round_half_away(value: Fraction) -> int:
    """Round to a whole number, halves away from zero."""
    whole = abs(value) + Fraction(1, 2)
    size = whole.numerator // whole.denominator
    return size if value >= 0 else -size


def worth_fen(quantity: int, rate_pico: int, fx_e8: int | None) -> int:
    """Return the fen of a line: quantity × rate (10⁻¹² a unit) × exchange rate (10⁻⁸), rounded."""
    exact = Fraction(quantity * rate_pico, 10**10)
    return round_half_away(exact if fx_e8 is None else exact * Fraction(fx_e8, 10**8))


def _bill_arithmetic(form: Record, split_months: Sequence[str]) -> Iterator[Said]:
    """Check a bill; the parts of a split month share the rounding of their tax."""
    mode, ppm = form["tax"]
    if not _whole(ppm):
        yield "tax tax_ppm", "税率须为整数"
        return
    rows: list[list[Any]] = form["lines"]
    for number, row in enumerate(rows, 1):
        for field, said in _line_arithmetic(number, row, mode):
            yield f"明细第 {number} 行 {field}", said
    net, tax = sum(row[12] for row in rows), sum(row[13] for row in rows)
    yield from _totals(form, net, tax)
    if form["form"] == 1:
        exact = _tax(sum(row[11] for row in rows), mode, ppm)
        if tax != round_half_away(exact):
            yield "totals_fen tax_fen", f"写着 {tax}，按税率应为 {round_half_away(exact)}"
    else:
        slack = SHARED if form["month"] in split_months else 0
        for each in form["tax_lines"]:
            yield from _tax_arithmetic(each, form, slack)
        yield from _untaxed(form)


def _line_arithmetic(number: int, row: Sequence[Any], mode: str) -> Iterator[Said]:
    kind, quantity, pico, fx, amount, net, tax = row[1], row[7], row[8], row[10], *row[11:14]
    if not _whole(row[0], quantity, pico, amount, net, tax, 0 if fx is None else fx):
        yield "结构", "金额与数量须为整数"
        return
    if row[0] != number:
        yield "position", f"写着 {row[0]}"
    once = worth_fen(quantity, 1 if kind == "cloud" else pico, fx)
    due = round_half_away(once * Fraction(pico, 10**6)) if kind == "cloud" else once
    if kind in METERED and amount != due:
        yield "amount_fen", f"写着 {amount}，数量×单价为 {due}"
    if net + (tax if mode == "inclusive" else 0) != amount:
        yield "net_fen", f"不含税 {net} 与税 {tax} 合不成 {amount}"


def _whole(*values: Any) -> bool:  # noqa: ANN401 - JSON
    return all(type(each) is int for each in values)  # a text times a number has no end


def _tax(amount: int, mode: str, ppm: int) -> Fraction:
    base = 10**6 + ppm if mode == "inclusive" else 10**6
    return Fraction(amount * ppm, base)


def _tax_arithmetic(line: Sequence[Any], form: Record, slack: int) -> Iterator[Said]:
    """Check a tax line: the sum of its lines, its tax within the sharing of one rounding."""
    position, ppm, net, tax = line[0], line[4], line[5], line[6]
    own = [row for row in form["lines"] if row[16] == position]
    sums = sum(row[12] for row in own), sum(row[13] for row in own)
    if not _whole(ppm, net, tax) or (net, tax) != sums:
        yield f"计税第 {position} 行", f"写着 {net}+{tax}，其下各行为 {sums[0]}+{sums[1]}"
    if ppm != form["tax"][1]:
        yield f"计税第 {position} 行 tax_ppm", f"写着 {ppm}，账单为 {form['tax'][1]}"
    exact = _tax(sum(row[11] for row in own), *form["tax"])
    due = round_half_away(exact)
    if abs(tax - due) > slack:
        yield f"计税第 {position} 行 tax_fen", f"写着 {tax}，按税率应为 {due}"


def _untaxed(form: Record) -> Iterator[Said]:
    known = {line[0] for line in form["tax_lines"]} | {None}
    for number, row in enumerate(form["lines"], 1):
        if row[16] not in known:
            yield f"明细第 {number} 行 tax_line", f"没有第 {row[16]} 条计税行"
        elif row[16] is None and row[13] != 0:
            yield f"明细第 {number} 行 tax_fen", "不开发票的行不含税额"


def _credit_arithmetic(form: Record) -> Iterator[Said]:
    yield from _totals(form, *(sum(row[at] for row in form["lines"]) for at in (1, 2)))


def _totals(form: Record, net: int, tax: int) -> Iterator[Said]:
    for field, is_, due in zip(TOTALS, form["totals_fen"], (net, tax, net + tax), strict=True):
        if not _whole(is_, due) or is_ != due:
            yield f"totals_fen {field}", f"写着 {is_}，各行之和为 {due}"


# ── fapiao: what each says, what they take of bills, what red ones take back ────────────────────


def _fapiao_arithmetic(form: Record) -> Iterator[Said]:
    """Check the lines of a fapiao, blue or red: whole fen, sums, the tax of blue ones to 0.01."""
    blue, before = form["what"] == "fapiao", None
    for number, row in enumerate(form["lines"], 1):
        where, (net, tax, gross) = f"明细第 {number} 行", row[-3:]
        if not _whole(row[0], net, tax, gross, row[10] if blue else 0):
            yield where, "金额须为整数"
            continue
        if row[0] != number:
            yield f"{where} position", f"写着 {row[0]}"
        if net + tax != gross:
            yield f"{where} gross_fen", f"不含税 {net} 与税 {tax} 合不成 {gross}"
        if blue and abs(tax - round_half_away(Fraction(net * row[10], 10**6))) > 1:
            yield f"{where} tax_fen", f"写着 {tax}，与金额乘税率相差超过 0.01 元"
        if blue and (row[1] == DISCOUNT) != (gross < 0):
            yield f"{where} nature", "负数行须为折扣行，折扣行须为负数"
        if blue and row[1] == DISCOUNT and before != DISCOUNTED:
            yield f"{where} nature", "折扣行须紧跟被折扣行"
        before = row[1]
    yield from _totals(form, *(sum(row[at] for row in form["lines"]) for at in (-3, -2)))


class _Taken:
    """What fapiao, less red fapiao, have taken of bills so far, and what is left of each."""

    def __init__(self, bills: Mapping[str, Record], credited: dict[tuple[str, Any], int]) -> None:
        self.bills = bills
        self.credited = credited
        self.of_line: dict[tuple[str, int], int] = {}
        self.blues: dict[str, Record] = {}
        self.left: dict[tuple[str, int], tuple[int, int]] = {}
        self.numbers: set[str] = set()

    def add(self, form: Record, kind: str) -> Iterator[Said]:
        """Add a fapiao behind the others, and yield what it may not do."""
        if form["what"] != kind:
            yield "what", f"封印内容写的是 {form['what']}"
            return
        if form["number"] in self.numbers:
            yield "number", "另一张发票已用这个号码"
        self.numbers.add(form["number"])
        yield from self._blue(form) if form["what"] == "fapiao" else self._red(form)

    def _blue(self, form: Record) -> Iterator[Said]:
        self.blues[form["number"]] = form
        for number, row in enumerate(form["lines"], 1):
            yield from self._take(number, row, row[13])
            net, gross = self.left.get(key := (form["number"], _pair(row)), (0, 0))
            self.left[key] = (net + row[11], gross + row[13])
        yield from self._bills({str(row[2]) for row in form["lines"]})

    def _red(self, form: Record) -> Iterator[Said]:
        blue = self.blues.get(form["blue_number"])
        if blue is None or blue["fapiao_id"] != form["fapiao_id"]:
            yield "blue_number", f"所冲的蓝字发票 {form['blue_number']} 不在其前，或不是这张"
            return
        lines = {row[0]: row for row in blue["lines"]}
        for number, row in enumerate(form["lines"], 1):
            line = lines.get(row[1])
            if line is None:
                yield f"明细第 {number} 行 blue_position", f"蓝字发票没有第 {row[1]} 行"
                continue
            net, gross = self.left[key := (blue["number"], _pair(line))]
            self.left[key] = (net + row[2], gross + row[4])
            yield from self._take(number, line, row[4])
        for (of, position), (net, gross) in self.left.items():
            whole = sum(row[13] for row in blue["lines"] if _pair(row) == position)
            if of == blue["number"] and (not 0 <= gross <= whole or (gross == 0 and net != 0)):
                yield "明细", f"累计红冲超过蓝字发票第 {position} 行，或与它不符"

    def _take(self, number: int, row: Sequence[Any], gross: int) -> Iterator[Said]:
        """Take of a bill's tax line, no more than it is; less than nothing discounts others."""
        bill, position = self.bills.get(row[2], {}), row[3]
        line = next((t for t in bill.get("tax_lines", []) if t[0] == position), None)
        if line is None:
            yield f"明细第 {number} 行 bill_id", f"文件中没有账单 {row[2]} 的计税第 {position} 行"
            return
        if line[4] != row[10]:
            yield f"明细第 {number} 行 tax_ppm", f"写着 {row[10]}，账单计税行为 {line[4]}"
        due, key = line[5] + line[6], (row[2], position)
        less, more = self._credits(bill, position)
        now = self.of_line[key] = self.of_line.get(key, 0) + gross
        if not min(0, due - less) <= now <= max(0, due + more):
            said = f"账单 {bill['number']} 计税第 {position} 行共开 {now}，该行为 {due}"
            yield f"明细第 {number} 行 gross_fen", said

    def _bills(self, touched: set[str]) -> Iterator[Said]:
        for bill_id in sorted(touched & self.bills.keys()):
            bill = self.bills[bill_id]
            due = sum(t[5] + t[6] + self._credits(bill, t[0])[1] for t in bill["tax_lines"])
            now = sum(fen for (of, _), fen in self.of_line.items() if of == bill_id)
            if now > due:
                yield "totals_fen gross_fen", f"账单 {bill['number']} 共开 {now}，计税合计 {due}"

    def _credits(self, bill: Record, position: int) -> tuple[int, int]:
        """Return what was credited of a tax line, and what was taken back of its discounts."""
        own = [row[0] for row in bill["lines"] if row[16] == position]
        fens = [self.credited.get((bill["bill_id"], row), 0) for row in own]
        return sum(max(0, fen) for fen in fens), -sum(min(0, fen) for fen in fens)


def _pair(row: Sequence[Any]) -> int:
    return int(row[0]) - (1 if row[1] == DISCOUNT else 0)


def main(words: Sequence[str]) -> int:
    """Check the file that is named and say what is wrong; 0 when nothing is, else 1."""
    path, *more = words or [""]
    flags, seals = more[::2], more[1::2]
    if not path or len(flags) != len(seals) or set(flags) - {"--seal"}:
        sys.stderr.write(__doc__.splitlines()[0] + "\n")
        return 2
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - short, and works everywhere
            data = file.read()
    except OSError as error:
        sys.stderr.write(f"读不到文件 {path}：{error.strerror}\n")
        return 2
    found = verify(data, *seals)
    for each in found:
        sys.stdout.write(f"不符 {each}\n")
    kinds = [record.get("kind") for record in map(_parsed, data.split(b"\n")) if record]
    count = "、".join(f"{kinds.count(k)} 张{w}" for k, w in SEALED.items() if kinds.count(k))
    sys.stdout.write(f"{count or '没有记录'}：{f'{len(found)} 处不符' if found else '全部相符'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
