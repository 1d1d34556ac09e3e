import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.bills.documents.sample import (
    CUSTOMER,
    USUAL,
    Use,
    bill_document,
    many_lines,
    strange_names,
    three_lines,
    three_projects,
)
from yuejie.bills.bill import TaxMode
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.exchange import to_json
from yuejie.kernel.money import FX_SCALE, PICO, PPM, Charge, FxRate, Money, exact, plain

SCHEMA = json.loads(files("yuejie.bills.documents").joinpath("schema.json").read_text("utf-8"))
PYTHON: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "null": type(None),
}


def read(document: BillDocument) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(to_json(document))
    return body


def breaches(value: object, schema: dict[str, Any], where: str = "$") -> list[str]:
    """Say where a value departs from the part of JSON Schema that ours uses."""
    if "$ref" in schema:
        return breaches(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema:
        found = [breaches(value, one, where) for one in schema["anyOf"]]
        return [] if [] in found else found[0]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{where}: {value!r}"]
    if not isinstance(value, PYTHON[schema["type"]]) or isinstance(value, bool):
        return [f"{where}: {value!r} is no {schema['type']}"]
    if isinstance(value, str):
        fits = re.search(schema.get("pattern", ""), value) and value in schema.get("enum", [value])
        return [] if fits else [f"{where}: {value!r}"]
    if isinstance(value, list):
        items = [breaches(v, schema["items"], f"{where}[{i}]") for i, v in enumerate(value)]
        return sum(items, [] if len(value) >= schema.get("minItems", 0) else [f"{where}: empty"])
    if isinstance(value, dict):
        wrong = sorted(value.keys() ^ set(schema["required"]))
        parts = schema["properties"]
        inner = [breaches(v, parts[k], f"{where}.{k}") for k, v in value.items() if k in parts]
        return sum(inner, [f"{where}.{key}" for key in wrong])
    return []


@pytest.mark.parametrize(
    "document",
    [
        three_lines(),
        three_projects(),
        strange_names(),
        three_projects(replace(USUAL, issued=False, due_on=None, tax_mode=TaxMode.EXCLUSIVE)),
        bill_document(Use("gpt-4o", "input", 9, "5"), terms=replace(USUAL, currency="USD")),
    ],
)
def test_the_schema_describes_every_document(document: BillDocument) -> None:
    assert breaches(read(document), SCHEMA) == []


def test_the_schema_notices_what_is_wrong() -> None:
    body = read(three_lines())
    body["total"]["amount"] = 1122.25
    body["surprise"] = 1
    assert breaches(body, SCHEMA) == ["$.surprise", "$.total.amount: 1122.25 is no string"]


@pytest.mark.parametrize("document", [three_lines(), three_projects(), many_lines(200)])
def test_the_lines_add_up_to_the_total(document: BillDocument) -> None:
    body = read(document)
    parts = [line[part] for line in body["lines"] for part in ("net", "tax")]
    assert document.bill.gross.fen == sum(Money.parse(part["amount"], "").fen for part in parts)
    assert body["total"] == {"amount": document.bill.gross.amount, "currency": "CNY"}
    for breakdown in ("by_project", "by_model"):
        whole = sum(Money.parse(part["amount"]["amount"], "").fen for part in body[breakdown])
        assert document.charged.fen == whole


def test_the_bill_can_be_computed_again_from_the_file_alone() -> None:
    body = read(three_projects())
    total = Money(0, "CNY")
    for line in body["lines"]:
        rate = exact(line["rate"]["amount"], PICO, "单价") // line["rate"]["per"]
        charge = Charge(line["quantity"] * rate, line["rate"]["currency"])
        settled = charge.settle(FxRate("USD", "CNY", exact(line["fx"], FX_SCALE, "汇率")))
        assert line["charge"]["amount"] == str(charge)
        assert line["amount"] == {"amount": settled.amount, "currency": "CNY"}
        total += settled
    assert total.amount == body["total"]["amount"]
    assert plain(60_000, PPM) == body["tax"]["rate"]


def test_the_days_add_up_to_the_lines() -> None:
    body = read(three_projects())
    days: Counter[tuple[str, ...]] = Counter()
    for day in body["daily"]:
        days[day["day"][:7], day["project_id"], day["model"], day["meter"]] += day["quantity"]
    lines: Counter[tuple[str, ...]] = Counter()
    for line in (line for line in body["lines"] if line["kind"] == "usage"):
        project = line["project"]["project_id"]
        lines[line["service_month"], project, line["model"], line["meter"]] += line["quantity"]
    assert lines == days


def test_the_seal_is_the_hash_of_its_form_and_the_form_names_the_bill() -> None:
    seal = read(three_projects())["seal"]
    assert hashlib.sha256(seal["form"].encode()).hexdigest() == seal["sha256"]
    form = json.loads(seal["form"])
    assert (form["number"], form["previous"]) == ("YJ2026000042", seal["previous"])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_name_comes_back(name: str) -> None:
    document = bill_document(
        Use(name, "input", 1_000_000, "2.5", project=name, department=name),
        terms=replace(USUAL, customer=replace(CUSTOMER, legal_name=name), requests={name: 3}),
    )
    body = read(document)
    line = body["lines"][0]
    assert [name] * 3 == [line["model"], line["project"]["name"], body["customer"]["legal_name"]]
    assert body["by_model"][0]["requests"] == 3


def test_the_same_bill_gives_the_same_bytes() -> None:
    assert to_json(three_projects()) == to_json(three_projects())
