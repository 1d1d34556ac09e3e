"""Before there is a customer: a prospect's form, past usage, quote, proposal; then its contract.

All of it through HTTP, by sales, finance and the head; the house's offer is the house file's.
"""

import csv
import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import BytesIO

from docx import Document

from tests.stories.office import Company, Json, Office, fen
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.kernel.money import exact

M = 1_000_000
TOLD = {"from": "customer", "why": "采购负责人口述"}
WINDOW = 20_000_000
"""So large that a story's call may stand for an hour of calls."""


def opens_shop(office: Office, prices: str, *models: str, fx: str) -> None:
    """Offer graded models at prices, with room for a story's calls, and a rate to the dollar."""
    office.sells(prices, *models)
    for name in models:
        draft = ModelDraft(model_id=name, owner="openai", context_window=WINDOW)
        put_model(office.db, draft, by="house file", now=office.clock.at)
        quality = "basic" if name.endswith("mini") else "advanced"
        office.boss.put(
            f"/model-grades/{name}",
            quality=quality,
            tasks=["support", "writing"],
            source="内部评测 2026-08",
        )
    rates(office, fx, "2026-08-19")


def rates(office: Office, rate: str, day: str) -> None:
    source = "中国外汇交易中心中间价"
    office.finance.post("/fx", base="USD", quote="CNY", rate=rate, on_date=day, source=source)


def asks(office: Office, slug: str, form: Json, past: Sequence[tuple[str, int, int]]) -> str:
    """Take a prospect up, with its form and what it used so far; return the import's id."""
    name = form["company"]["name"]
    office.sales.post("/prospects", slug=slug, name=name)
    office.sales.post(f"/prospects/{slug}/forms", form=form)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["started_at", "model", "input", "output", "requests"])
    rows.writerows((f"{day}T10:00:00+08:00", "gpt-4o", i, o, 1_000) for day, i, o in past)
    content = b64encode(text.getvalue().encode()).decode()
    loaded = office.sales.post(f"/prospects/{slug}/usage", file_name="usage.csv", content=content)
    usage: str = loaded["usage"]["import_id"]
    return usage


def proposed(office: Office, quote: Json) -> tuple[str, str]:
    """Make the proposal of a quote; return its PDF's and its DOCX's text, everything traced."""
    note = office.sales.post(f"/quotes/{quote['quote_id']}/proposals")
    pdf = office.sales.file(f"/proposals/{note['proposal_id']}/files/pdf")
    docx = office.sales.file(f"/proposals/{note['proposal_id']}/files/docx")
    assert pdf.startswith(b"%PDF")
    document = Document(BytesIO(docx))
    _every_note_is_traced(docx)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return _text(pdf), "".join([*(each.text for each in document.paragraphs), *cells])


def _text(pdf: bytes) -> str:
    from pypdf import PdfReader  # noqa: PLC0415 - slow to import, and only a proposal is read

    pages = (page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return re.sub(r"[\s\u200b]", "", "".join(pages))


def _every_note_is_traced(docx: bytes) -> None:
    """The numbers beside figures are the rows of appendix A, and each rests on rows of B."""
    with zipfile.ZipFile(BytesIO(docx)) as archive:
        xml = archive.read("word/document.xml").decode()
    beside = set(re.findall(r'<w:vertAlign w:val="superscript"/>.*?<w:t>(\d+)</w:t>', xml))
    tables = [t for t in Document(BytesIO(docx)).tables if t.rows[0].cells[0].text == "号"]
    (figures,) = [table for table in tables if len(table.columns) == 5]
    (inputs,) = [table for table in tables if len(table.columns) == 4]
    rests = {row.cells[0].text: row.cells[4].text for row in figures.rows[1:]}
    assert beside == rests.keys()
    assert all(rests.values())
    known = {row.cells[0].text for row in inputs.rows[1:]}
    assert {each for text in rests.values() for each in re.findall(r"E\d+", text)} <= known


def signed_from(office: Office, quote: Json, uscc: str, *projects: str) -> Company:
    """Offer and have a quote accepted, sign what it says, and be a customer from then on."""
    path = f"/quotes/{quote['quote_id']}"
    assert "已报出" in office.sales.is_refused(f"{path}/draft") or quote["state"] != "offered"
    office.sales.post(f"{path}/offer", why="邮件")
    office.sales.post(f"{path}/accept", why="对方回函")
    draft = office.sales.post(f"{path}/draft")
    assert draft["number"] in office.sales.is_refused(f"{path}/draft")
    name = draft["draft_id"]
    office.sales.post(f"/contract-drafts/{name}/submit")
    review = {"grade": "A", "credit_limit": "150000.00"}
    reviewed = office.finance.post(f"/contract-drafts/{name}/review", **review)
    signed = office.boss.post(f"/contract-drafts/{name}/sign", digest=reviewed["digest"])
    (head,) = [plan for plan in quote["plans"] if plan["name"] == quote["proposal"]["plan"]]
    for term in ("type", "ends_on", "management_fee", "tier_discount", "commitment"):
        assert signed["terms"][term] == head["terms"][term], term
    customers = office.sales.all("/customers")
    (who,) = [each for each in customers if each["customer_id"] == signed["customer_id"]]
    return Company(office, who["slug"], who["legal_name"], uscc, *projects)


def agrees(company: Company, live: Json, month: str) -> Json:
    """
    Return a month's closed bill, when everything that tells its figures tells the same ones: the
    live bill of its last hour, the month supposed again with nothing else, its FOCUS rows, the
    exact charges of the trend, and the proof from raw events.
    """
    finance, slug = company.finance, company.slug
    bill = company.bill(month)
    assert live["month"] == month
    assert [live[each]["amount"] for each in ("net", "tax", "gross")] == [
        bill[each]["amount"] for each in ("net", "tax", "gross")
    ]
    supposed = finance.post(f"/customers/{slug}/what-if/{month}")
    assert fen(supposed["before"]["gross"]) == fen(supposed["after"]["gross"]) == fen(bill["gross"])
    number = bill["number"] or bill["bill_id"]
    focus = company.office.finance.file(f"/bills/{number}/documents/focus").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(focus)))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(bill["gross"]["amount"])
    usage = sum(fen(line["amount"]) for line in bill["lines"] if line["kind"] == "usage")
    assert _near(_trend(company, month), usage, len(bill["lines"]))
    proof = company.office.finance.get(f"/proofs/{month}?customer={slug}")
    assert proof["proved"], proof
    return bill


def _trend(company: Company, month: str) -> Decimal:
    """Return a month's charges in fen of the bill's currency, exact, as the trend has them."""
    told = company.finance.get(f"/customers/{company.slug}/trend?grain=month")
    amounts = dict(
        zip((each["label"] for each in told["buckets"]), told["billed"]["amounts"], strict=True)
    )
    return Decimal(amounts[month]) * 100


def _near(exact_fen: Decimal, settled_fen: int, lines: int) -> bool:
    """Tell whether settled lines may come of an exact sum: half a fen on each, at most."""
    return abs(exact_fen - settled_fen) <= Decimal(lines) / 2


def pushes(company: Company, key: str, model: str, calls: Iterable[Json]) -> None:
    """Report calls of a key: each names its instant, meters, and perhaps its tier."""
    events = [
        {
            "id": f"{key}-{call['started_at']}-{number}",
            "customer": company.slug,
            "project": "main",
            "key": key,
            "model": model,
            **call,
        }
        for number, call in enumerate(calls)
    ]
    told = company.office.operator.post("/usage/events", source="pipeline", events=events)
    assert told["stored"] == len(events)


def issues(company: Company, name: str, **facts: Json) -> str:
    """Have a key issued that declares what its work is like."""
    path = f"/customers/{company.slug}/keys"
    told = company.office.sales.post(path, project="main", name=name, **facts)
    key: str = told["key"]["key_id"]
    return key


def advised(company: Company, kind: str) -> Json:
    """Return the one advice of a kind, whole, its lines adding up to the saving they print."""
    (found,) = [each for each in company.finance.all("/advice") if each["kind"] == kind]
    return company.finance.get(f"/advice/{found['advice_id']}")


def rerated(advice: Json) -> int:
    """Rate an advice's calls again, both ways, from its lines; in micros of the currency."""
    micros = {
        side: sum(exact(line["rate"], M, "单价") * line["quantity"] for line in advice[side])
        for side in ("before", "after")
    }
    return int(micros["before"] - micros["after"]) // M
