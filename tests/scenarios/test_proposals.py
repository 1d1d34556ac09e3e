"""A quote becomes a proposal: two files of the same words, every figure traced, versions kept."""

import re
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from docx import Document
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

from tests.scenarios.prospecting import BOSS, SALES, TODAY, Sales
from tests.scenarios.test_presales import ECOMMERCE, FINTECH, TOLD, M, past_months
from tests.scenarios.test_presales import sales as sales  # noqa: PLC0414 - the fixture
from tests.told import told
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.presales.life.decide import find_quote, step_quote
from yuejie.presales.proposal.make import (
    Wish,
    make_proposal,
    read_file,
    register_certificate,
    withdraw_certificate,
)
from yuejie.presales.proposal.proposal import (
    Certificate,
    Language,
    ProposalFile,
    refuse_unfit,
)
from yuejie.presales.proposal.store import proposals_of
from yuejie.presales.prospects import set_floor
from yuejie.presales.quote import Quote, QuoteEvent, QuoteState

SELLER = "月结科技（上海）有限公司"


def quoted(sales: Sales, folder: Path) -> Quote:
    """Quote the fintech: 5,000 dollars a month become 3,500 and a fee of 200."""
    sales.prospect("jinke", FINTECH)
    rows = [(f"2026-{month:02}-10", 1_000 * M, 250 * M) for month in (8, 9, 10)]
    loaded = sales.usage("jinke", past_months(folder / "usage.csv", rows))
    plan = {
        "name": "一年期七折",
        "type": "one_year",
        "management_fee": "200.00",
        "discount": [{"models": "gpt-4o", "discount": "30%"}],
    }
    return sales.quotes(
        "jinke",
        {
            "book": "sale",
            "plan": [plan],
            "usage": {"import": loaded.usage.import_id},
            "prepaid": {"top_up": TOLD | {"value": "1000.00"}},
        },
    )


def certificate(number: str, expires: date) -> Certificate:
    return Certificate(
        certificate_id="",
        name="ISO/IEC 27001:2022",
        number=number,
        issuer="某认证中心",
        holder=SELLER,
        issued_on=date(2026, 1, 1),
        expires_on=expires,
        made_by="",
        made_at=TODAY,
    )


def words_of(pdf: bytes) -> str:
    """Return the text of a PDF without the spaces that its lines put in."""
    return re.sub(
        r"[\s\u200b]", "", "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    )


def cells_of(docx: bytes) -> str:
    document = Document(BytesIO(docx))
    paragraphs = [each.text for each in document.paragraphs]
    cells = [c.text for table in document.tables for row in table.rows for c in row.cells]
    return re.sub(r"[\s\u200b]", "", "".join(paragraphs + cells))


def test_a_proposal_says_the_same_twice_and_every_figure_in_it_is_traced(
    sales: Sales, tmp_path: Path
) -> None:
    """
    The seed case: 5,000 → 3,500, fee 200: 1,300 a month, 6.50 times the fee. The certificate that
    expires before the proposal does is not printed, nor is anything of our cost or margin.
    """
    register_certificate(sales.db, certificate("GOOD-1", date(2028, 1, 1)), by=SALES, now=TODAY)
    register_certificate(sales.db, certificate("OVER-2", date(2026, 11, 30)), by=SALES, now=TODAY)
    gone = register_certificate(
        sales.db, certificate("GONE-3", date(2028, 1, 1)), by=SALES, now=TODAY
    )
    with pytest.raises(Invalid, match="须写明原因"):
        withdraw_certificate(sales.db, gone.certificate_id, why=" ", by=SALES, now=TODAY)
    withdraw_certificate(sales.db, gone.certificate_id, why="换证", by=SALES, now=TODAY)
    quote = quoted(sales, tmp_path)
    note = make_proposal(
        sales.db, Wish(quote_id=quote.quote_id), seller=SELLER, by=SALES, now=sales.now
    )
    assert (note.version, note.template, note.valid_until) == (1, "fintech", quote.valid_until)
    _, pdf = read_file(sales.db, note.proposal_id, ProposalFile.PDF)
    _, docx = read_file(sales.db, note.proposal_id, ProposalFile.DOCX)
    assert sha256(pdf).hexdigest() == note.pdf_sha256
    page, word = words_of(pdf), cells_of(docx)
    for said in ("深圳金客科技有限公司", "$1,300.00", "6.50", "$3,500.00", "GOOD-1", quote.digest):
        assert said.replace(" ", "") in page, said
        assert said.replace(" ", "") in word, said
    for hidden in ("OVER-2", "GONE-3", "毛利", "margin"):
        assert hidden not in page
        assert hidden not in word
    _refuse_loose_ends(docx)


def _refuse_loose_ends(docx: bytes) -> None:
    """Each number beside a figure is a row of appendix A, and its inputs are rows of appendix B."""
    with ZipFile(BytesIO(docx)) as archive:
        xml = archive.read("word/document.xml").decode()
    notes = set(re.findall(r'<w:vertAlign w:val="superscript"/>.*?<w:t>(\d+)</w:t>', xml))
    tables = Document(BytesIO(docx)).tables
    (figures,) = [t for t in tables if t.rows[0].cells[0].text == "号" and len(t.columns) == 5]
    (inputs,) = [t for t in tables if t.rows[0].cells[0].text == "号" and len(t.columns) == 4]
    rows = {row.cells[0].text: row.cells[4].text for row in figures.rows[1:]}
    assert notes
    assert notes == rows.keys()
    known = {row.cells[0].text for row in inputs.rows[1:]}
    named = {each for text in rows.values() for each in re.findall(r"E\d+", text)}
    assert named <= known
    assert all(rows.values()), "every figure rests on some input"


def test_each_version_is_kept_and_named_in_the_next(sales: Sales, tmp_path: Path) -> None:
    sales.prospect("youxuan", ECOMMERCE)
    quote = sales.quotes(
        "youxuan", {"book": "sale", "plan": [{"name": "一年期", "type": "one_year"}]}
    )
    wish = Wish(quote_id=quote.quote_id)
    first = make_proposal(sales.db, wish, seller=SELLER, by=SALES, now=sales.now)
    english = Wish(quote_id=quote.quote_id, language=Language.EN)
    second = make_proposal(sales.db, english, seller=SELLER, by=SALES, now=sales.now)
    with sales.db.read() as tx:
        assert proposals_of(tx, quote.prospect_id) == [first, second]
    _, pdf = read_file(sales.db, second.proposal_id, ProposalFile.PDF)
    page = words_of(pdf)
    assert first.pdf_sha256 in page
    assert "Promotionsandpeaks" in page
    assert "618" in page
    _refuse_foreign_fonts(pdf)


def _refuse_foreign_fonts(pdf: bytes) -> None:
    """Every font that a page is set with is inside the file."""
    reader = PdfReader(BytesIO(pdf))
    every = (
        reader.get_object(IndirectObject(number, 0, reader))
        for number in range(1, reader.trailer.raw_get("/Size"))
    )
    described = [
        each
        for each in every
        if isinstance(each, DictionaryObject) and each.get("/Type") == "/FontDescriptor"
    ]
    assert described
    assert all("/FontFile3" in each for each in described)


def test_below_the_floor_there_is_no_proposal_before_another_person_approved(
    sales: Sales, tmp_path: Path
) -> None:
    set_floor(sales.db, 900_000, by=BOSS, now=sales.now)
    quote = quoted(sales, tmp_path)
    assert quote.state is QuoteState.WAITING
    wish = Wish(quote_id=quote.quote_id)
    with pytest.raises(Conflict, match="须另一人先批准"):
        make_proposal(sales.db, wish, seller=SELLER, by=SALES, now=sales.now)
    with sales.db.read() as tx:
        assert proposals_of(tx, quote.prospect_id) == []
    step_quote(sales.db, quote.quote_id, QuoteEvent.APPROVE, why="战略客户", by=BOSS, now=sales.now)
    with sales.db.read() as tx:
        refuse_unfit(find_quote(tx, quote.quote_id), sales.now.date())
        with pytest.raises(Conflict, match="已于"):
            refuse_unfit(find_quote(tx, quote.quote_id), date(2099, 1, 1))


def test_whoever_made_a_quote_is_told_that_it_was_rejected(sales: Sales, tmp_path: Path) -> None:
    set_floor(sales.db, 900_000, by=BOSS, now=sales.now)
    quote = quoted(sales, tmp_path)
    step_quote(sales.db, quote.quote_id, QuoteEvent.REJECT, why="毛利太低", by=BOSS, now=sales.now)
    (note,) = told(sales.db)
    assert f"提出的报价 {quote.quote_id} 被驳回：毛利太低。" in note.words()
