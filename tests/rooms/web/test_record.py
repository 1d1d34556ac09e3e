"""The record of deeds in words: every deed has them, ids become numbers, and strangers see none."""

import ast
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import yuejie
from tests.rooms.web.conftest import House
from yuejie.assurance.providers.owed import PaymentStep
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.life import BillEvent
from yuejie.bills.review.dispute import Answer
from yuejie.contracts.changes.change import ChangeDecision
from yuejie.contracts.esign.life import SigningEvent
from yuejie.contracts.life.draft import DraftEvent
from yuejie.db.session import Database
from yuejie.fapiao.life import FapiaoEvent, RedEvent
from yuejie.insights.advice.advice import AdviceEvent
from yuejie.insights.anomaly.finding import FindingEvent
from yuejie.kernel.ids import CustomerId
from yuejie.payments.apportion.refund import RefundEvent
from yuejie.payments.dunning.standing import StandingEvent
from yuejie.payments.receipts.receipt import ReceiptEvent
from yuejie.presales.quote import QuoteEvent
from yuejie.web.pages.frame.words import EN, ZH
from yuejie.web.record.fields import FIELDS
from yuejie.web.record.told import Told, tell_deeds
from yuejie.web.record.who import signed_as, who
from yuejie.web.record.words import NOUNS, VERBS
from yuejie.web.store import Sought, deeds

ZONE = ZoneInfo("Asia/Shanghai")
EVENTS = (AdviceEvent, Answer, BillEvent, ChangeDecision, Decision, FapiaoEvent, FindingEvent)
EVENTS_OF_MONEY = (PaymentStep, ReceiptEvent, RedEvent, RefundEvent, StandingEvent)
EVENTS_OF_CONTRACTS = (DraftEvent, QuoteEvent, SigningEvent)
EVERY_EVENT = (*EVENTS, *EVENTS_OF_MONEY, *EVENTS_OF_CONTRACTS)


def told(db: Database, customer_id: CustomerId | None = None) -> dict[str, Told]:
    """Tell the deeds about customers, by whom they are about."""
    with db.read() as tx:
        rows = deeds(tx, Sought(noun="customer"), before=1 << 62, limit=1000)
        told = tell_deeds(tx, customer_id, rows, language=ZH, zone=ZONE)
    return {each.row.name: each for each in told}


def written() -> Iterator[tuple[str, str]]:
    """Yield each verb and noun that the house writes down by name."""
    for path in Path(yuejie.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Deed"),
                    args=[_, _, ast.Constant(value=str(verb)), ast.Constant(value=str(noun)), *_],
                ):
                    yield verb, noun


def chosen() -> set[str]:
    """Return the verbs between which a deed chooses: `verb = "find" if … else "request"`."""
    return {
        str(part.value)
        for path in Path(yuejie.__file__).parent.rglob("*.py")
        if "Deed(" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "verb"
        for part in ast.walk(node.value)
        if isinstance(part, ast.Constant) and str(part.value).isidentifier()
    }


def test_every_deed_that_the_house_writes_down_has_its_words() -> None:
    """A deed without a word would be English on a Chinese page."""
    pairs = set(written())
    assert len(pairs) > 90
    assert {verb for verb, _ in pairs} - VERBS.keys() == set()
    assert {noun for _, noun in pairs} - NOUNS.keys() == set()
    assert chosen() - VERBS.keys() == set()
    events = {str(event) for kind in EVERY_EVENT for event in kind}
    assert events - VERBS.keys() == set()


def test_every_field_of_what_happened_here_has_its_word(house: House) -> None:
    with house.books.db.read() as tx:
        rows = deeds(tx, Sought(), before=1 << 62, limit=1000)
    fields = {name for row in rows for facts in (row.was, row.became) for name in facts or ()}
    assert len(fields) > 80
    assert fields - FIELDS.keys() == set()


def test_a_customer_reads_the_names_of_its_own_things_alone(house: House) -> None:
    """Another's ids stay ids, and what only the operator opens is no link."""
    acme, zeta = house.acme.customer.customer_id, house.zeta.customer.customer_id
    slug = house.acme.customer.slug
    ours = told(house.books.db)
    assert ours[slug].path == f"/customers/{slug}"
    own = told(house.books.db, acme)
    assert (own[slug].thing, own[slug].path) == (house.acme.customer.legal_name, "")
    theirs = told(house.books.db, zeta)
    assert (theirs[slug].thing, theirs[slug].path) == (slug, "")


def test_who_did_it_is_named_and_found_by_that_name() -> None:
    assert [who(by, ZH) for by in ("operator:陈会计", "customer:李财务", "clerk", "tests")] == [
        "陈会计",
        "李财务（客户）",
        "系统",
        "tests",
    ]
    assert who("matcher", EN) == "automatic matching"
    assert {"陈会计", "operator:陈会计", "customer:陈会计"} <= set(signed_as("陈会计"))
    assert "matcher" in signed_as("自动匹配")
