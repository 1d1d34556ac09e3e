"""A proposal in English is English: whatever is ours is translated, names and data stay."""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.scenarios.prospecting import SALES, Offered, Sales
from tests.scenarios.test_presales import FINTECH, M, past_months
from tests.scenarios.test_presales import sales as sales  # noqa: PLC0414 - the fixture
from tests.scenarios.test_proposals import cells_of, words_of
from yuejie.paper.said import HAN, HOLE
from yuejie.presales.proposal.make import Wish, make_proposal, read_file
from yuejie.presales.proposal.proposal import Language, ProposalFile, Template
from yuejie.presales.proposal.wording.reasons import SENTENCES, WORDS
from yuejie.presales.quote import Quote
from yuejie.presales.requirement import Quality

NAMES = ("深圳金客科技有限公司", "双11", "内部评测2026-10", "中国外汇交易中心中间价", "一年期七折")
"""What people told us: a company, a promotion, sources, a plan."""
FORM = FINTECH | {
    "models": [],
    "currency": "CNY",
    "budget": "900000.00",
    "volume": {
        "items_per_day": {"low": 40_000, "expected": 50_000, "high": 70_000},
        "promotion": [
            {"name": "双 11", "first": "2027-11-09", "last": "2027-11-11", "factor": "4"}
        ],
    },
    "habits": {"can_wait": "20%", "cached": "40%"},
}
FULL_PLAN: dict[str, Any] = {
    "name": "一年期七折",
    "type": "one_year",
    "management_fee": "200.00",
    "discount": [{"models": "gpt-4o*", "discount": "30%"}],
    "terms": {
        "commitment": {"amount": "1000.00", "period": "year"},
        "tier_discount": {"mode": "volume", "steps": [{"above": "5000.00", "discount": "5%"}]},
        "sla": {
            "availability": "99.9%",
            "steps": [{"below": "99.9%", "credit": "10%"}],
            "exclude": ["provider"],
            "first_byte_ms": 2_000,
            "latency_steps": [{"above_ms": 2_000, "credit": "5%"}],
            "cap": "30%",
        },
    },
}


def quoted(sales: Sales, folder: Path) -> Quote:
    """Quote with everything a proposal can print: terms, SLA, past usage, prepayment, offers."""
    sales.offers(Offered("text-small", quality=Quality.BASIC))
    sales.prospect("jinke", FORM)
    rows = [(f"2026-{month:02}-10", 1_000 * M, 250 * M) for month in (8, 9, 10)]
    loaded = sales.usage("jinke", past_months(folder / "usage.csv", rows))
    assumed = {"from": "assumed", "why": "as a bank lends"}
    offer = {
        "name": "Cloudy",
        "currency": "USD",
        "source": "their list of 2026-11-01",
        "rates": [{"model": "gpt-4o", "input": "2.25"}],
        "deposit": "5000.00",
        "payment_days": 15,
        "sla": "99.5%",
    }
    ask = {
        "book": "sale",
        "plan": [{"name": "open", "type": "open"}, FULL_PLAN],
        "usage": {"import": loaded.usage.import_id},
        "prepaid": {
            "top_up": {"from": "customer", "why": "as purchasing says", "value": "1000.00"},
            "card_fee": assumed | {"value": "1.5%"},
            "capital_per_year": assumed | {"value": "4%"},
        },
        "offer": [offer],
    }
    return sales.quotes("jinke", ask)


def test_whatever_is_ours_in_an_english_proposal_is_english(sales: Sales, tmp_path: Path) -> None:
    """
    Each template, as PDF and as DOCX, its second version so that the history names the first. What
    is left in Chinese is what somebody told us, and nothing else.
    """
    quote = quoted(sales, tmp_path)
    assert len(quote.body.proposal.reasons) >= 4
    assert quote.body.comparison is not None
    assert len(quote.body.comparison.assumptions) >= 5
    for template in Template:
        wish = Wish(quote_id=quote.quote_id, language=Language.EN, template=template)
        note = make_proposal(sales.db, wish, seller="Yuejie Ltd", by=SALES, now=sales.now)
        _, pdf = read_file(sales.db, note.proposal_id, ProposalFile.PDF)
        _, docx = read_file(sales.db, note.proposal_id, ProposalFile.DOCX)
        for text in (words_of(pdf), cells_of(docx)):
            assert "深圳金客科技有限公司" in text
            assert not _left(text), (template, _left(text))


def _left(text: str) -> list[str]:
    """Return what is Chinese in a text besides names and data, each with what is around it."""
    for name in NAMES:
        text = text.replace(name, "")
    return [
        text[max(m.start() - 30, 0) : m.end() + 30] for m in re.finditer(HAN.pattern + "+", text)
    ]


def test_every_sentence_of_a_comparison_and_of_advice_has_its_english() -> None:
    """Whoever adds a sentence to a quote is told here that a proposal in English needs it too."""
    folder = Path(str(files("yuejie.presales")))
    written = {
        sentence
        for path in [*folder.glob("replay/*.py"), *folder.glob("reckon/*.py")]
        for sentence in _sentences(ast.parse(path.read_text()))
    }
    assert len(written) >= 40
    assert not written - SENTENCES.keys() - WORDS.keys() - BUILT


BUILT = {
    "{}（客户填写），按缓存单价重新计算首月账单",
    "在{}没有可用的部署",
    "注意：{} 停用，早于方案期末{}",
}
"""Sentences that are put together of two; the table has them whole."""


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Yield what is said, yielded as a reason, or given as why, as templates."""
    for node in ast.walk(tree):
        said: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            of = node.func.value if isinstance(node.func, ast.Attribute) else None
            lists = ("said", "found", "reasons")
            told = isinstance(of, ast.Attribute | ast.Name) and _name(of) in lists
            said += node.args if name == "append" and told else []
            said += node.args[2:] if name == "nothing" else []
            said += [each.value for each in node.keywords if each.arg == "why"]
        elif isinstance(node, ast.Yield) and node.value is not None:
            said.append(node.value)
        for each in said:
            text = _template(each)
            if text is not None and HAN.search(text.replace("{}", "")):
                yield text


def _name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _template(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.Constant) else HOLE for each in node.values]
        return "".join(str(each) for each in parts)
    return None
