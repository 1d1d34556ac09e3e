"""What a scanner would try: headers, scripts in fields, formulas, hostile files, inner addresses.

Who sees whose rows is in test_access and test_pages, forms from elsewhere in test_pages, the guard
of addresses in tests/rooms/notices/test_guard.
"""

import csv
import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import product
from typing import Any, Final

import openpyxl
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, OPERATOR, House, Museum, bearer
from tests.rooms.web.examples import asked_of_zeta
from tests.rooms.web.test_pages import ABOUT_ONE, HTML, enter, examples, token_in
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.ledger.handover.codes import Auxiliary
from yuejie.ledger.handover.layouts import Layout, System, write_vouchers
from yuejie.ledger.handover.voucher import Voucher, VoucherLine
from yuejie.notices.channels.guard import Guarded, place_of
from yuejie.payments.banks.keep import open_account
from yuejie.web.auth import API
from yuejie.web.envelope import BODY_BYTES
from yuejie.web.pages.frame.cookies import LANGUAGE, SAID, SESSION, THEME

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}


def hardened(answer: Response) -> bool:
    headers = answer.headers
    policy = headers.get("content-security-policy", "")
    return (
        all(headers.get(name) == value for name, value in ALWAYS.items())
        and "default-src 'none'" in policy
        and "frame-ancestors 'none'" in policy
        and headers.get("referrer-policy") in {"no-referrer", "same-origin"}
        and ("no-store" in headers["cache-control"] or "immutable" in headers["cache-control"])
        and "server" not in headers
        and "access-control-allow-origin" not in headers
    )


def test_every_answer_carries_the_headers_whatever_it_is(museum: Museum) -> None:
    client = museum.client
    for (method, _), url, body in asked_of_zeta(museum.house):
        for who in ({}, bearer(museum.house.acme_key.secret)):
            answer = client.request(method, url, json=body, headers=who)
            assert hardened(answer), (url, answer.status_code, dict(answer.headers))
    odd = [
        client.get("/nowhere"),
        client.get("/nowhere", headers=HTML),
        client.get("/login", headers=HTML, follow_redirects=False),
        client.get("/sso/callback?state=x&code=y", headers=HTML),
        client.request("TRACE", "/"),
        client.options("/api/v1/bills", headers={"origin": "https://evil.example"}),
        client.get("/healthz"),
        client.post("/api/v1/fx", content=b"{", headers=OPERATOR),
        client.post("/api/v1/fx", content=b"x" * (BODY_BYTES + 1), headers=OPERATOR),
    ]
    for answer in odd:
        assert hardened(answer), (answer.request.url, dict(answer.headers))
    assert odd[-1].status_code == 413


# ── scripts ─────────────────────────────────────────────────────────────────────────────────────

EVIL: Final = "\"'><xss-1 onload=alert(1)>{{7*7}}"
_ALIVE: Final = "<xss-1"
_NOT_SENT: Final = ("/logout", "/look", "/account", "/login", "/revoke", "/end", "/sso")


@dataclass
class Form:
    """A form of a page: where it goes, what it sends as it stands, and what a person may type."""

    action: str
    sent: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """Reads the forms of a page that change something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(told.get("action", "")) if told.get("method") == "post" else None
            if self._form is not None:
                self.found.append(self._form)
        form, name = self._form, told.get("name", "")
        if form is None:
            return
        if tag == "textarea" or (tag == "input" and told.get("type", "text") in _TYPED):
            form.typed.append(name)
        elif tag == "input" and told.get("type") == "file":
            form.files.append(name)
        elif tag == "input" and told.get("type") in {"hidden", "number", "date", "checkbox"}:
            form.sent.setdefault(name, told.get("value") or _SAMPLES.get(told["type"], ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and (told.get("value") and self._select not in form.sent):
            form.sent[self._select] = told["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


_TYPED: Final = {"text", "search", "email", "url", "password", "tel"}
_SAMPLES: Final = {"number": "1", "date": "2026-12-01", "checkbox": "1"}


def pages(browser: TestClient, house: House) -> Iterator[Response]:
    for method, path, _ in examples(house):
        if method == "GET" and "export" not in path:
            for url in (path, *([f"{path}?customer=acme"] if path in ABOUT_ONE else [])):
                yield browser.get(url)


def test_no_text_that_a_person_writes_is_ever_a_script(
    client: TestClient, database: Database, house: House
) -> None:
    """Every form of every page is sent with markup in every text field; then all is looked at."""
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(database, client, "boss", "admin", None)
    sent = kept = 0
    for page in list(pages(client, house)):
        reader = Forms()
        reader.feed(page.text)
        for form in reader.found:
            if not form.typed or any(part in form.action for part in _NOT_SENT):
                continue
            for typed in (dict.fromkeys(form.typed, EVIL), one_by_one(form)):
                files = {name: (EVIL, EVIL.encode()) for name in form.files}
                answer = client.post(form.action, data=form.sent | typed, files=files or None)
                assert _ALIVE not in answer.text, form.action
                assert answer.status_code != 500, (form.action, answer.text)
                sent, kept = sent + 1, kept + (answer.status_code < 400)
    for page in pages(client, house):
        assert _ALIVE not in page.text, page.request.url
        assert "{{7" not in page.text or "49" not in page.text.split("&lt;xss-1", 1)[-1][:80]
    assert "&lt;xss-1" in client.get("/deeds").text, "some of it was kept, and is shown as text"
    assert sent > 40
    assert kept > 5


def one_by_one(form: Form) -> dict[str, str]:
    """Amounts, numbers and dates as they should be, so that names and reasons are kept."""
    samples = {"amount": "1.00", "cap": "10.00", "rate": "7", "email": "a@b.cn", "since": "2026-12"}
    return {name: samples.get(name, EVIL) for name in form.typed}


# ── formulas ────────────────────────────────────────────────────────────────────────────────────

COMPUTED: Final = ("=", "+", "@", "\t", "\r", "＝", "＋", "＠")
_OURS: Final = re.compile(r"=((SUBTOTAL|SUM)\([\w!:,]+\)|[A-Z]+\d+(\+[A-Z]+\d+)*)\Z")
_NUMBER: Final = re.compile(r"-?[\d.,]+%?\Z")


def computed_cells(name: str, body: bytes) -> list[str]:
    """Return the cells of an export that a spreadsheet would compute."""
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(body))
        return [
            str(cell.value)
            for sheet in book
            for row in sheet
            for cell in row
            # Totals of ours are formulas over columns; nothing of a person's is one.
            if cell.data_type == "f" and not _OURS.match(str(cell.value))
        ]
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            found = [(each, parts.read(each)) for each in parts.namelist()]
        return [cell for each in found for cell in computed_cells(*each)]
    if not name.endswith(".csv"):
        return []
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    return [
        cell
        for row in rows
        for cell in row
        if cell.startswith(COMPUTED) or (cell.startswith("-") and not _NUMBER.match(cell))
    ]


def test_no_export_computes_what_a_person_wrote(
    operator: TestClient, database: Database, house: House
) -> None:
    """A customer, a project, a report, a token and a member that are formulas, in every export."""
    evil = '=HYPERLINK("http://evil.example","x")'
    party = Particulars(slug="acme", legal_name=evil)
    enrol_customer(database, party, by="@boss", now=NOW)
    for name in ("+cmd|' /C calc'!A0", "@SUM(1)", "-2+3", "\tx"):
        operator.post(f"{API}/customers/acme/projects", json={"name": name})
    for name in (evil, "@SUM(1)"):
        made = operator.post(f"{API}/reports", json={"customer": "acme", "name": name}).json()
        assert "report_id" in made, made
    operator.post(f"{API}/reports/{made['report_id']}/run", json={})
    runs = operator.get(f"{API}/reports/{made['report_id']}/runs").json()["items"]
    bill = house.acme_bill.number
    exports = {
        "bill.csv": f"{API}/bills/{bill}/documents/csv",
        "bill.xlsx": f"{API}/bills/{bill}/documents/xlsx",
        "focus.csv": f"{API}/bills/{bill}/documents/focus",
        "focus.zip": f"{API}/bills/{bill}/documents/focus-1.4",
        "pack.zip": f"{API}/customers/acme/packs/2026-10",
        "report.xlsx": f"{API}/report-runs/{runs[0]['run_id']}/xlsx",
    }
    whole = b""
    for name, url in exports.items():
        answer = operator.get(url)
        assert answer.status_code == 200, (url, answer.text)
        assert computed_cells(name, answer.content) == [], name
        whole += answer.content if name.endswith(".csv") else b""
    assert "'=HYPERLINK" in whole.decode("utf-8", "ignore"), "and it is there, as text"


def test_no_voucher_file_computes_a_partys_name() -> None:
    line = VoucherLine(
        "@SUM(1)", "1122", "应收", Auxiliary.CUSTOMER, "+1", "=cmd", 100, 0, "CNY", 100, 10**8
    )
    found = [Voucher(NOW.date(), "记", 1, "-王", (line,))]
    for layout in (Layout.CSV, Layout.XLSX):
        body = write_vouchers(System.KINGDEE, layout, found, heading="", at=NOW)
        assert computed_cells(f"x.{layout}", body) == []


# ── files ───────────────────────────────────────────────────────────────────────────────────────


def workbook(*, parts: dict[str, bytes] | None = None, columns: int = 4) -> bytes:
    """Return a bank's statement as xlsx, with some parts replaced."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["交易日期", "交易流水号", "贷方发生额", "对方户名"])
    sheet.append(["2026-11-03", "Z9", "3.00", "zeta"])
    if columns > 4:
        sheet.cell(row=2, column=columns, value="x")
    plain, hostile = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as was, zipfile.ZipFile(hostile, "w", zipfile.ZIP_DEFLATED) as out:
        for name in was.namelist():
            out.writestr(name, (parts or {}).get(name, was.read(name)))
        for name, body in (parts or {}).items():
            if name not in was.namelist():
                out.writestr(name, body)
    return hostile.getvalue()


LAUGH: Final = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
SECRETS: Final = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
SHEET: Final = "xl/worksheets/sheet1.xml"
CAMT: Final = b"<Document><BkToCstmrStmt><Stmt><Id>&a;</Id></Stmt></BkToCstmrStmt></Document>"


def hostile_statements() -> dict[str, bytes]:
    zeros = b"\0" * (70 * 1024 * 1024)
    whole = workbook()
    return {
        "bomb.xlsx": workbook(parts={"xl/sharedStrings.xml": zeros}),
        "dtd.xlsx": workbook(parts={SHEET: LAUGH + b"<worksheet>&b;</worksheet>"}),
        "dtd-utf16.xlsx": workbook(parts={SHEET: LAUGH.decode().encode("utf-16")}),
        "cut.xlsx": whole[: len(whole) // 2],
        "zip-of-nothing.xlsx": b"PK\x03\x04" + b"\0" * 100,
        "laugh.xml": LAUGH + CAMT,
        "secrets.xml": SECRETS + CAMT,
        "encoding.xml": b'<?xml version="1.0" encoding="x-nobody"?>' + CAMT,
        "program.csv": b"\x7fELF" + bytes(range(256)) * 20,
        "page.xls": b"<html><script>alert(1)</script></html>",
        "biff.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2_000,
        "empty.csv": b" ",
        "../../../etc/cron.d/x.csv": b"x",
    }


def test_no_hostile_statement_is_taken_in_or_breaks_anything(
    operator: TestClient, database: Database
) -> None:
    opened = {"number": "110900000001", "holder": "月结", "bank": "招商银行", "currency": "CNY"}
    open_account(database, **opened, by="x", now=NOW)
    url = f"{API}/bank/accounts/110900000001/statements"
    for name, body in hostile_statements().items():
        content = b64encode(body).decode()
        answer = operator.post(url, json={"name": name, "content": content})
        assert answer.status_code in {413, 422}, (name, answer.status_code, answer.text[:300])
        assert "root:" not in answer.text
    wide = operator.post(
        url, json={"name": "w.xlsx", "content": b64encode(workbook(columns=16_384)).decode()}
    )
    assert wide.status_code in {200, 201, 422}, "one far cell is no harm"
    fine = {"name": "../../b.xlsx", "content": b64encode(workbook()).decode()}
    assert operator.post(url, json=fine).status_code in {200, 201, 409}


def test_a_hostile_upload_on_a_page_is_a_sentence(
    client: TestClient, database: Database, house: House
) -> None:
    """The same by form, and a paper whose name climbs out of every folder."""
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(database, client, "boss", "admin", None)
    paths = [path for method, path, _ in examples(house) if path.endswith("/papers")]
    form = {"form_token": token_in(client.get("/bank")), "account": "110900000001"}
    for name in ("dtd.xlsx", "laugh.xml", "cut.xlsx"):
        file = (name, hostile_statements()[name], "application/octet-stream")
        answer = client.post("/bank/statements", data=form, files={"file": file})
        assert answer.status_code == 422, (name, answer.text)
    for path in paths:
        for body in (b"<script>alert(1)</script>", b"%PDF-1.7 x"):
            file = ("../../..\\evil\r\nset-cookie: x.html", body, "text/html")
            answer = client.post(path, data=form | {"kind": "attachment"}, files={"file": file})
            assert answer.status_code in {303, 422}, answer.text
            assert "evil" not in answer.headers.get("set-cookie", "").replace("%", "")[:12]
    huge = client.post("/bank/statements", data=form, files={"file": b"x" * (BODY_BYTES + 1)})
    assert huge.status_code == 413


def test_no_fapiao_file_reads_ours(operator: TestClient, house: House) -> None:
    url = f"{API}/fapiao/fapiao_of_zeta/upload"
    for body in (SECRETS + b"<EInvoice>&a;</EInvoice>", LAUGH + b"<EInvoice>&b;</EInvoice>"):
        answer = operator.post(url, json={"xml": b64encode(body).decode()})
        assert answer.status_code in {409, 422}, answer.text
        assert "root:" not in answer.text
    for form in ("ofd", "pdf"):
        wrong = {form: b64encode(b"<script>").decode(), "number": "26332000000123456789"}
        answer = operator.post(url, json=wrong | {"issued_at": "2026-11-05T00:00:00Z"})
        assert answer.status_code in {409, 422}, answer.text


# ── addresses ───────────────────────────────────────────────────────────────────────────────────

INNER: Final = (
    "http://127.0.0.1:5432/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://[::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://user@hooks.example.com/",
    "https://hooks.example.com:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
)


def test_no_channel_leads_inside(operator: TestClient, database: Database) -> None:
    """Refused when written down, or, where only a look-up can tell, when it is sent."""
    contact = operator.post(f"{API}/notices/contacts", json={"name": "值班"}).json()["contact_id"]
    url = f"{API}/notices/contacts/{contact}/channels"
    for kind, address in product(("webhook", "wecom", "dingtalk", "feishu"), INNER):
        answer = operator.post(url, json={"kind": kind, "address": address})
        if answer.status_code == 201:
            assert address.startswith("https://"), address
            assert refused_at_delivery(address), address
        else:
            assert answer.status_code in {403, 422}, (address, answer.text)


def refused_at_delivery(address: str) -> bool:
    try:
        place_of(address, frozenset())
    except (Guarded, OSError):
        return True
    return False


# ── ways out, and sessions ──────────────────────────────────────────────────────────────────────

OUTSIDE: Final = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "///evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "\\\\evil.example",
)


def test_no_way_leads_out(client: TestClient, database: Database) -> None:
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(database, client, "boss", "admin", None)
    token = token_in(client.get("/account"))
    for way in OUTSIDE:
        data: dict[str, Any] = {"form_token": token, "language": "zh", "next": way}
        assert client.post("/look", data=data).headers["location"] == "/"
        assert client.get("/login", params={"next": way}).headers["location"] == "/"
        htmx = client.post("/look", data=data, headers={"hx-request": "true"})
        assert htmx.headers["hx-redirect"] == "/"


def test_cookies_are_what_they_should_be(client: TestClient, database: Database) -> None:
    """Read by no script, sent by no other site; what one brings along is never a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(database, client, "boss", "admin", None)
    token = token_in(client.get("/account"))
    answers = [
        client.post("/look", data={"form_token": token, "language": "en", "theme": "dark"}),
        client.post("/account/sessions/end", data={"form_token": token}),
    ]
    given = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in given} == {LANGUAGE, THEME, SAID}
    assert all("HttpOnly" in line and "samesite=lax" in line.lower() for line in given)
    client.cookies.clear()
    client.cookies.set(SESSION, "chosen-by-an-attacker")
    assert client.get("/bills").status_code == 303
    client.cookies.set(SAID, "%3Cscript%3E")
    page = client.get("/login")
    assert "<script>alert" not in page.text
    assert '<script>"' not in page.text
