"""A house that sells, before there is a customer: catalogue, books, rate, grades, prospects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.db.session import Database
from yuejie.intake.imports.mapping import Mapping as Columns
from yuejie.intake.imports.mapping import parse_mapping
from yuejie.kernel.money import FxRate
from yuejie.presales.ask import ask_of
from yuejie.presales.form import form_of
from yuejie.presales.make import make_quote
from yuejie.presales.prospects import enrol_prospect, grade_model, hand_in_form
from yuejie.presales.quote import Quote
from yuejie.presales.replay.load import Loaded, load_usage
from yuejie.presales.requirement import Form, Quality, TaskType
from yuejie.presales.trace import Figure, check_trace, roots_of

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = datetime(2026, 11, 20, 2, tzinfo=UTC)
SALES, BOSS = "operator:sales", "operator:boss"
ALL_TASKS = tuple(TaskType)

Words = Mapping[str, Any]


@dataclass(frozen=True)
class Offered:
    """A model of the scenario: where it runs, how large, how good."""

    model: str
    account: str = "openai-main"
    window: int = 128_000
    max_output: int | None = None
    quality: Quality | None = Quality.STANDARD
    tasks: Sequence[TaskType] = ALL_TASKS
    backup: str | None = None


@dataclass
class Sales:
    """The desk of those who sell."""

    db: Database
    now: datetime = TODAY
    imports: int = field(default=0)

    def account(self, account_id: str, provider: str, region: str) -> None:
        draft = AccountDraft(
            account_id=account_id,
            provider=provider,
            platform=provider,
            base_url="https://provider.example",
            region=region,
            credential=b"-",
        )
        put_account(self.db, draft, by=BOSS, now=FOUNDED)

    def offers(self, *models: Offered) -> None:
        """Put models into the catalogue, each served once, and grade them."""
        for each in models:
            draft = ModelDraft(
                model_id=each.model, context_window=each.window, max_output=each.max_output
            )
            put_model(self.db, draft, by=BOSS, now=FOUNDED)
            place = DeploymentDraft(
                model_id=each.model,
                account_id=each.account,
                upstream_model=each.model,
                cost_model=f"{each.account.partition('-')[0]}/{each.model}",
            )
            put_deployment(self.db, place, by=BOSS, now=FOUNDED)
            if each.quality is not None:
                grade_model(
                    self.db,
                    each.model,
                    each.quality,
                    tuple(each.tasks),
                    source="内部评测 2026-10",
                    by=BOSS,
                    now=FOUNDED,
                )
        for each in models:
            if each.backup is not None:
                draft = ModelDraft(
                    model_id=each.model,
                    context_window=each.window,
                    max_output=each.max_output,
                    backup_model=each.backup,
                )
                put_model(self.db, draft, by=BOSS, now=FOUNDED)

    def prices(self, book: str, kind: str, toml: str, *, starts: datetime = FOUNDED) -> None:
        """Publish a book in dollars."""
        open_book(self.db, book, kind=kind, currency="USD", by=BOSS, now=FOUNDED)
        self.reprices(book, toml, starts=starts)

    def reprices(self, book: str, toml: str, *, starts: datetime) -> None:
        """Publish the next revision of a book."""
        wanted = PriceImport(
            book_id=book,
            name="prices.toml",
            body=f'currency = "USD"\n{toml}'.encode(),
            starts_at=starts,
            approve=True,
        )
        report = import_prices(self.db, wanted, by=BOSS, now=FOUNDED)
        assert not report.refused, report.lines()

    def fx(self, rate: str, on: str) -> None:
        publish_fx(
            self.db,
            FxRate.parse(rate, "USD", "CNY"),
            date.fromisoformat(on),
            source="中国外汇交易中心中间价",
            by=BOSS,
            now=self.now,
        )

    def prospect(self, slug: str, form: Words) -> Form:
        """Take a prospect up with its form."""
        enrol_prospect(self.db, slug, str(form["company"]["name"]), by=SALES, now=self.now)
        return hand_in_form(self.db, slug, form_of(form), by=SALES, now=self.now)

    def usage(self, slug: str, path: Path, mapping: str = "") -> Loaded:
        """Take in a file of past usage."""
        columns = parse_mapping(mapping) if mapping else Columns()
        return load_usage(
            self.db, slug, path, columns, zone="Asia/Shanghai", by=SALES, now=self.now
        )

    def quotes(self, slug: str, ask: Words) -> Quote:
        """Quote; whatever the quote says is traced."""
        quote = make_quote(self.db, slug, ask_of(ask), by=SALES, now=self.now)
        assert check_trace(quote.body.trace) == len(quote.body.trace)
        return quote


def rests_on(quote: Quote, name: str) -> dict[str, set[str]]:
    """Return what a figure rests on in the end: sources by their kind (form, rate, fx, …)."""
    found: dict[str, set[str]] = {}
    for each in roots_of(quote.body.trace, name):
        kind, _, what = each.source.partition(":")
        found.setdefault(kind, set()).add(what)
    return found


def figure(quote: Quote, name: str) -> Figure:
    """Return one figure of a quote."""
    return next(each for each in quote.body.trace if each.name == name)
