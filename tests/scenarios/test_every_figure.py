"""Every number that a proposal prints is traced to an input or a price row, and computed again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tests.scenarios.paperwork import Prints, numbers_in, of_docx, of_pdf
from tests.scenarios.prospecting import SALES, Sales
from tests.scenarios.rework import SCALE, Again, number, worth
from tests.scenarios.seeds import FINTECH_FORM, SELLER, Seed, certified, seeds
from tests.scenarios.test_presales import M
from tests.scenarios.test_presales import sales as sales  # noqa: PLC0414 - the fixture
from yuejie.presales.proposal.make import Wish, make_proposal, read_file
from yuejie.presales.proposal.proposal import Language, ProposalFile, ProposalNote, Template
from yuejie.presales.proposal.store import price_rows, printed_of
from yuejie.presales.proposal.traced.printed import Account, decode_account
from yuejie.presales.proposal.traced.show import Traced, trace_proposal
from yuejie.presales.trace import Figure

NAMES = ("gpt-4o-mini", "gpt-4o", "tiny-8k", "short-1", "618", "双 11")
"""Names with digits in them: models and promotions; nothing else is let through by name."""
TEMPLATES = ("fintech", "ecommerce", "general")
RATES = re.compile(r"(?:.*\.)?rate\.")


@dataclass(frozen=True)
class Paper:
    """A seed's proposal in one language: as it is kept, and what it prints."""

    seed: Seed
    note: ProposalNote
    account: Account
    rows: Mapping[str, Traced]
    files: Mapping[ProposalFile, bytes]


def test_every_number_of_every_proposal_is_traced_and_computed_again(
    sales: Sales, tmp_path: Path
) -> None:
    """
    Both seed cases and one with every term there is, three templates, two languages, PDF and DOCX.
    Every number in the text of a file is in the trace as it is printed, as often as it is printed,
    and the trace has none that is not. Every figure of the quotes is computed again with fractions
    from the form, the price list, the file and what was told; every formula comes to its value.
    """
    certified(sales)
    papers: dict[str, Paper] = {}
    for template, seed in seeds(sales, tmp_path).items():
        again = _computed_again(sales, seed)
        for language in Language:
            paper = _paper(sales, seed, template, language)
            _the_files_print_what_is_traced(paper)
            for each in paper.account.numbers:
                if not each.source:
                    _refuse_other(again[each.name], each.printed, drawn=each.drawn)
            for row in paper.rows.values():
                _refuse_row(row, again)
            papers[f"{template}-{language}"] = paper
    _the_returns_are_seen(papers)
    _bars_are_figures_of_tables(papers["fintech-zh"])


def _paper(sales: Sales, seed: Seed, template: str, language: Language) -> Paper:
    wish = Wish(quote_id=seed.quote.quote_id, template=Template(template), language=language)
    note = make_proposal(sales.db, wish, seller=SELLER, by=SALES, now=sales.now)
    with sales.db.read() as tx:
        kept = printed_of(tx, note.proposal_id)
    assert kept is not None
    found = trace_proposal(sales.db, note.proposal_id, language=language)
    assert found.kept
    assert not found.loose
    files = {kind: read_file(sales.db, note.proposal_id, kind)[1] for kind in ProposalFile}
    rows = {each.name: each for each in found.rows}
    return Paper(seed, note, decode_account(kept), rows, files)


def _computed_again(sales: Sales, seed: Seed) -> Mapping[str, Figure]:
    """Compute every figure of a quote again, and return them by name."""
    figures = {each.name: each for each in seed.quote.body.trace}
    with sales.db.read() as tx:
        ids = [int(f.source[5:]) for f in figures.values() if f.source.startswith("rate:")]
        again = Again(seed, price_rows(tx, ids))
    assert again.known == {each.name: each.value for each in figures.values()}
    return figures


def _the_files_print_what_is_traced(paper: Paper) -> None:
    traced = numbers_in((n.printed for n in paper.account.numbers if not n.drawn), NAMES)
    beside = {each.note for each in paper.account.numbers} - {0}
    for kind, read in ((ProposalFile.PDF, of_pdf), (ProposalFile.DOCX, of_docx)):
        found = read(paper.files[kind])
        printed = numbers_in(found.body, NAMES)
        assert printed == traced, (paper.note, kind)
        assert sum(printed.values()) > 200
        assert set(found.notes) == beside, (paper.note, kind)
        _refuse_cover(found, paper.note)
        _refuse_appendix(found, paper)


def _refuse_cover(found: Prints, note: ProposalNote) -> None:
    """Cover and contents have numbers of versions, sections and pages, and nothing else."""
    numbers = {each.strip(",") for each in numbers_in(found.cover, NAMES)}
    assert numbers <= {str(each) for each in range(1, 41)}
    assert str(note.version) in numbers


def _refuse_appendix(found: Prints, paper: Paper) -> None:
    """The appendices say of each noted figure its value and its formula, as the trace has them."""
    said = re.sub(r"\s", "", "".join(found.appendix))
    for row in paper.rows.values():
        if row.note:
            assert re.sub(r"\s", "", row.value) in said, row
        for rest in row.rests:
            assert not row.note or re.sub(r"\s", "", rest.value) in said, rest


def _refuse_other(figure: Figure, printed: str, *, drawn: bool) -> None:
    """A figure is printed as what it is, in its unit, rounded where tokens are told in millions."""
    exact = Fraction(figure.value, SCALE.get(figure.unit, 1))
    text = printed.replace("M", "").strip()
    found = number(text.lstrip("-"))
    if RATES.match(figure.name):
        exact *= 10**6
    if printed.endswith("M"):
        whole = Decimal(figure.value) / 10**6
        assert f"{whole.quantize(Decimal('0.1'), 'ROUND_HALF_UP'):,}" == text, figure
        return
    if figure.unit == "token" and drawn:  # a bar of a chart, in millions
        exact = Fraction(round(Fraction(figure.value, 10**4)), 100)
    assert found == abs(exact), (figure, printed)


def _refuse_row(row: Traced, figures: Mapping[str, Figure]) -> None:
    """Every row rests on something, and its formula with the values put in comes to its value."""
    assert row.rests or row.value in {"0", "0.00"} or row.value.startswith("0.00 "), row
    assert all(rest.stands for rest in row.rests), row
    plain = row.how in {"即同一数字", "the same figure", "没有可加的项", "nothing to add"}
    if plain or not row.figure or figures[row.name].op == "given":
        return
    formula = re.split(r"：|: ", row.how)[-1]
    found = worth(formula)
    assert found is not None, row
    value = row.value.split(" ")[0]
    places = len(value.partition(".")[2].rstrip("%"))
    scale = 10**places * (100 if value.endswith("%") else 1)
    assert abs(number(value) - found) <= Fraction(1, 2 * scale), row


def _the_returns_are_seen(papers: Mapping[str, Paper]) -> None:
    """5,000 → 3,500, fee 200: 1,300, 6.50. 8,000 → 6,500, waste 500, fee 300: 1,700, 5.67."""
    cases = {
        "fintech": (
            ("mean.prepaid.usage", "$5,000.00", "15,000.00 ÷ 3"),
            ("mean.ours.一年期七折.usage", "$3,500.00", "10,500.00 ÷ 3"),
            ("mean.ours.一年期七折.fee", "-$200.00", "600.00 ÷ 3"),
            ("roi.saving", "$1,500.00", "5,000.00 − 3,500.00"),
            ("roi.net", "$1,300.00", "1,500.00 − 200.00"),
            ("roi.ratio", "6.50", "1,300.00 ÷ 200.00"),
        ),
        "ecommerce": (
            ("mean.prepaid.usage", "$8,000.00", "24,000.00 ÷ 3"),
            ("mean.ours.一年期.usage", "$6,500.00", "19,500.00 ÷ 3"),
            ("mean.prepaid.wasted", "$500.00", "1,500.00 ÷ 3"),
            ("mean.ours.一年期.fee", "-$300.00", "900.00 ÷ 3"),
            ("roi.net", "$1,700.00", "2,000.00 − 300.00"),
            ("roi.ratio", "5.67", "1,700.00 ÷ 300.00"),
        ),
    }
    for template, wanted in cases.items():
        rows = papers[f"{template}-zh"].rows
        for name, printed, formula in wanted:
            assert printed in rows[name].printed
            assert rows[name].how.endswith(f"：{formula}"), rows[name]
        stands = {rest.stands for rest in rows["roi.net"].rests}
        assert any("价目 sale 第 1 版：gpt-4o 输入，自 2026-01-01 起" in each for each in stands)
        assert any(re.search(r"历史用量文件.*\.csv 第 2 行", each) for each in stands)


def _bars_are_figures_of_tables(paper: Paper) -> None:
    """Charts are pictures: what is drawn is named by the same figures, and labelled as printed."""
    numbers = paper.account.numbers
    drawn = {each.name for each in numbers if each.drawn}
    assert len(drawn) > 30
    assert drawn <= {each.name for each in numbers if not each.drawn}
    labels = {each.printed for each in numbers if each.drawn and each.name.endswith("gross")}
    assert all(re.fullmatch(r"[\d,]+\.\d\d", each) for each in labels)


def test_calls_moved_to_a_model_that_was_used_too_are_counted_together(
    sales: Sales, tmp_path: Path
) -> None:
    """
    Two models were used, and the quote supposes all calls on the cheaper one: what was used and
    what is supposed of it are two figures, and each names the lines of the file that it sums.
    """
    sales.prospect("jinke", FINTECH_FORM)
    file = tmp_path / "two.csv"
    rows = ["started_at,model,input,output,requests"]
    for month in (8, 9, 10):
        for model, tokens in (("gpt-4o", 4 * M), ("gpt-4o-mini", M)):
            rows.append(f"2026-{month:02}-10T10:00:00+08:00,{model},{tokens},{tokens},10")
    file.write_text("\n".join(rows), "utf-8")
    usage = {
        "import": sales.usage("jinke", file).usage.import_id,
        "switch": [{"name": "全用 mini", "models": {"gpt-4o": "gpt-4o-mini"}}],
    }
    quote = sales.quotes("jinke", {"book": "sale", "plan": [{"name": "p"}], "usage": usage})
    assert quote.body.comparison is not None
    # Five million each way a month, at 0.18 and 0.72 a million.
    assert [side.gross_fen for side in quote.body.comparison.ours][-1] == 3 * 5 * 90
    told = {
        figure.name.partition(".")[0]: (figure.value, figure.words)
        for figure in quote.body.trace
        if ".2026-09." in figure.name and ".gpt-4o-mini.input" in figure.name
        if figure.source.startswith("file:")
    }
    assert told == {
        "usage": (M, "two.csv 第 5 行"),
        "usage[gpt-4o=gpt-4o-mini]": (5 * M, "two.csv 第 4–5 行"),
    }
