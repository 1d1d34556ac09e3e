"""Files that people hand in: whatever their bytes are, they are read or refused in one sentence.

Statements of banks have tests of their own (`tests/rooms/payments`), calls' bodies too (`wire`).
"""

import gzip
import json
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yuejie.presales
from tests.rooms.cli.test_apply import HOUSE
from tests.rooms.fapiao.test_by_hand import xml
from tests.rooms.ledger.test_handover import CODES
from yuejie.assurance.reconcile.pages import read_pages
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet, read_sheet
from yuejie.clouds.formats.reading import dialect_of, metric_of, read_bill
from yuejie.contracts.auto.words import read_policy
from yuejie.contracts.formats.agreed import read_draft
from yuejie.contracts.fx import read_fx_csv
from yuejie.contracts.import_prices import read_price_file
from yuejie.fapiao.providers.papers import read_xml
from yuejie.house_file import read_house_file
from yuejie.insights.whatif.words import read_suppose
from yuejie.intake.elsewhere.tables import rows_of_table
from yuejie.intake.imports.drafts import reader_of
from yuejie.intake.imports.load import read_report
from yuejie.intake.imports.mapping import parse_mapping
from yuejie.intake.imports.reading import open_rows
from yuejie.kernel.errors import DomainError
from yuejie.ledger.handover.codes import parse_codes
from yuejie.presales.ask import read_ask
from yuejie.presales.form import read_form

Reads = Callable[[bytes], object]
CLOUDS: Final = Path(__file__).parents[1] / "rooms" / "clouds" / "files"
PRESALES: Final = Path(yuejie.presales.__file__).parent / "examples"
AWS: Final = "123412340534"
"""The account of the bill."""


def in_a_file(read: Callable[[Path], object], name: str) -> Reads:
    """Return what reads bytes as a file of such a name."""

    def reads(body: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(body)
            read(path)

    return reads


def in_words(read: Callable[[str], object]) -> Reads:
    """Return what reads a text; who is at the door has decoded it."""
    return lambda body: read(body.decode("utf-8", "replace"))


def imported(form: str) -> Callable[[Path], object]:
    """Read every row of usage as an import does; a row's fault is that row's own."""
    draft = reader_of(
        parse_mapping('[constant]\ncustomer = "c"\nproject = "p"'),
        aggregated=form in {"openai", "anthropic"},
    )

    def read(path: Path) -> None:
        opened = open_rows(path, form)
        try:
            for row in opened.rows:
                if not row.fault:
                    try:
                        draft(row.fields)
                    except DomainError:
                        continue
        finally:
            opened.close()

    return read


def cloud(path: Path) -> None:
    dialect = dialect_of(path)
    for _ in read_bill(path, dialect, metric_of(dialect, None, path), AWS):
        pass


def pages(source: Source) -> Reads:
    return lambda body: read_pages(source, body)


def said(**facts: object) -> bytes:
    return json.dumps({"data": [{"start_time": 1_792_022_400, "results": [facts]}]}).encode()


SHEET: Final = Sheet(columns={"day": "day", "model": "model", "cost": "cost", "input": "input"})
USAGE: Final = b"started_at,model,input,output\n2026-10-01T00:00:00Z,gpt-4o,10,20\n"
READERS: Final[dict[str, tuple[Reads, bytes]]] = {
    "report, table": (
        lambda body: read_sheet(Source.CSV, body, SHEET),
        b"day,model,cost,input\n2026-10-01,gpt-4o,1.5,100\n2026-10-02,gpt-4o,2.5,200\n",
    ),
    "report, openai usage": (
        pages(Source.OPENAI_USAGE),
        said(model="gpt-4o", input_tokens=10, output_tokens=5, num_model_requests=1),
    ),
    "report, openai costs": (
        pages(Source.OPENAI_COSTS),
        said(line_item="gpt-4o, input", amount={"value": 1.5, "currency": "usd"}),
    ),
    "report, anthropic usage": (
        pages(Source.ANTHROPIC_USAGE),
        said(model="claude", uncached_input_tokens=5, cache_creation={}),
    ),
    "report, anthropic cost": (
        pages(Source.ANTHROPIC_COST),
        said(model="claude", amount="123.45", currency="USD", token_type="output_tokens"),
    ),
    "report, mapping": (
        in_words(parse_sheet),
        b'zone = "UTC"\n[columns]\nday = "day"\n[skus]\n"A" = "m input"\n',
    ),
    "exchange rates": (
        read_fx_csv,
        b"base,quote,on_date,rate,source\nUSD,CNY,2026-10-01,7.1,pbc\n",
    ),
    "prices, csv": (
        lambda body: read_price_file("p.csv", body, currency="USD"),
        b"model,mode,meter,price,context_above\ngpt-4o,chat,output,15,200000\n",
    ),
    "prices, toml": (
        lambda body: read_price_file("p.toml", body, currency="USD"),
        b'[models.gpt-4o]\ninput = "5"\n[[models.gpt-4o.above]]\ntokens = 200_000\ninput = "10"\n',
    ),
    "prices, json": (
        lambda body: read_price_file("p.json", body, currency="USD"),
        b'{"currency": "USD", "models": {"gpt-4o": {"input": 5, "output": "15"}}}',
    ),
    "usage, csv": (in_a_file(imported("csv"), "u.csv"), USAGE),
    "usage, gz": (in_a_file(imported("csv"), "u.csv.gz"), gzip.compress(USAGE)),
    "usage, jsonl": (
        in_a_file(imported("jsonl"), "u.jsonl"),
        b'{"started_at": "2026-10-01T00:00:00Z", "model": "m", "meters": {"input": 3}}\n',
    ),
    "usage, openai": (
        in_a_file(imported("openai"), "u.json"),
        said(model="gpt-4o", input_tokens=10, output_tokens=5, num_model_requests=1),
    ),
    "usage, anthropic": (
        in_a_file(imported("anthropic"), "u.json"),
        said(model="claude", uncached_input_tokens=5, cache_creation={}),
    ),
    "usage, mapping": (
        in_words(parse_mapping),
        b'zone = "UTC"\nsource = "erp"\n[columns]\nid = "no"\nmodel = "m"\n',
    ),
    "usage, report by call": (
        in_a_file(lambda path: list(read_report(path, "csv")), "r.csv"),
        b"at,client_request_id,model,input\n2026-10-01T00:00:00Z,r1,gpt-4o,10\n",
    ),
    "another gateway's table": (
        in_a_file(lambda path: list(rows_of_table(path, "newapi")), "logs.csv"),
        b"id,created_at,model_name\n1,1792022400,gpt-4o\n",
    ),
    "cloud, csv": (in_a_file(cloud, "aws.csv"), (CLOUDS / "aws-cur-1.csv").read_bytes()),
    "contract draft": (
        in_words(lambda text: read_draft(text, "d.toml")),
        b'book = "b"\nstarts_at = "2026-10-01"\n[terms]\ndeposit = "1.00"\n',
    ),
    "auto policy": (
        lambda body: read_policy(body, "p.toml"),
        b'default_model = "a"\n[[rule]]\ntasks = ["code"]\nmodels = ["a"]\n',
    ),
    "what if": (in_words(lambda text: read_suppose(text, "s.toml")), b'book = "b"\n'),
    "ledger codes": (in_words(parse_codes), CODES.encode()),
    "house file": (in_words(lambda text: read_house_file(text, "h.toml")), HOUSE.encode()),
    "presales form": (
        lambda body: read_form(body, "f.toml"),
        (PRESALES / "general.toml").read_bytes(),
    ),
    "presales form, json": (
        lambda body: read_form(body, "f.json"),
        json.dumps(tomllib.loads((PRESALES / "general.toml").read_text()), default=str).encode(),
    ),
    "presales ask": (
        lambda body: read_ask(body, "a.toml"),
        (PRESALES / "ask.toml").read_bytes(),
    ),
    "fapiao, xml": (read_xml, xml()),
}

HUGE: Final = b"9" * 5_000
HOSTILE: Final = [
    b"",
    b"\x00",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf",
    b"[" * 100_000,
    b"{" * 100_000,
    b'{"data":' * 50_000,
    b"a = " + b"[" * 100_000,
    b"a = " + HUGE,
    b'{"data": ' + HUGE + b"}",
    b'{"data": [{"results": [{"a": 1e400}]}]}',
    b'{"data": [5]}',
    b'{"data": [{"results": 7}]}',
    b'{"data": [{"results": [7]}]}',
    b'{"data": [{"start_time": 1e400, "results": [{}]}]}',
    b'{"data": [{"start_time": 99999999999999999, "results": [{}]}]}',
    b'{"data": [{"starting_at": "0001-01-01T00:00:00+14:00", "results": [{"model": 3}]}]}',
    b"<" * 10_000,
    b"<a>" * 100_000,
    b'"' + b"x" * 200_000,
    b"x" * 200_000 + b"\n" + b"," * 200_000,
]


def reads_or_refuses(read: Reads, body: bytes) -> None:
    """A sentence of ours or nothing: any other exception is the test's failure."""
    with suppress(DomainError):
        read(body)


@pytest.mark.parametrize("name", READERS)
def test_hostile_files_are_refused_in_a_sentence(name: str) -> None:
    read, sample = READERS[name]
    read(sample)
    for body in (*HOSTILE, *_spoilt(sample)):
        reads_or_refuses(read, body)


def _spoilt(sample: bytes) -> Iterator[bytes]:
    """Put into each word of a file what nobody would write there."""
    words = [
        *(b"NaN", b"1e999999999", b"-1", HUGE, b"0" * 5_000 + b"1", b"\x00", b'"', b"'", b"\xff"),
        *(b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00", b"1.234,50", "１２".encode()),
    ]
    edges = [i for i, byte in enumerate(sample) if byte in b',\n"=: ']
    for edge in edges[:: max(1, len(edges) // 25)]:
        for word in words:
            yield sample[: edge + 1] + word + sample[edge + 1 :]
            after = next((later for later in edges if later > edge), len(sample))
            yield sample[: edge + 1] + word + sample[after:]


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_altered_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    read, sample = READERS[name]
    body = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        gone = data.draw(st.integers(0, 5))
        body[place : place + gone] = data.draw(st.binary(max_size=6))
    reads_or_refuses(read, bytes(body))
