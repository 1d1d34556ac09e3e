"""What a proposal is composed from: everything read beforehand, so that composing is pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from yuejie.contracts.prices import RateRow
from yuejie.presales.proposal.layout import Cite, Run
from yuejie.presales.proposal.notes import Notes
from yuejie.presales.proposal.proposal import Certificate, ProposalNote, Template
from yuejie.presales.proposal.traced.printed import holds_number
from yuejie.presales.proposal.words import Words
from yuejie.presales.quote import Option, Plan, Quote, QuoteBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A quote to be written up: for whom, by whom, in which words, after which versions."""

    quote: Quote
    template: Template
    words: Words
    notes: Notes
    seller: str
    number: str
    version: int
    dated: date
    certificates: tuple[Certificate, ...]
    history: tuple[ProposalNote, ...]
    rates: Mapping[int, RateRow]
    """Price rows that the quote's figures name, by number."""

    @property
    def body(self) -> QuoteBody:
        """What the quote says."""
        return self.quote.body

    @property
    def currency(self) -> str:
        """The quote's currency."""
        return self.body.requirement.currency

    @property
    def plan(self) -> Plan:
        """The proposed plan."""
        return next(each for each in self.body.plans if each.name == self.body.proposal.plan)

    @property
    def option(self) -> Option:
        """The proposed model under the proposed plan."""
        return self.body.option(self.body.proposal.model, self.body.proposal.plan)

    def field(self, text: str, path: str, printed: str = "", *, label: str = "") -> Run:
        """Return a text of the form, with the number in it that is a field's.

        `label` says what it is, where that does not stand beside the text.
        """
        name, source = f"form.{path}", f"form:{path}"
        return Run(text, cites=self._cited(text, name, source, (printed,), label))

    def term(self, text: str, path: str, *printed: str) -> Run:
        """Return a text of the plan's terms, with the numbers in it that are a term's."""
        name, source = f"terms.{self.plan.name}.{path}", f"terms:{self.plan.name}.{path}"
        return Run(text, cites=self._cited(text, name, source, printed))

    def quoted(self, text: str, name: str, source: str, *printed: str) -> Run:
        """Return a text that is quoted from somewhere else, with the numbers in it."""
        return Run(text, cites=self._cited(text, name, source, printed))

    @staticmethod
    def _cited(
        text: str, name: str, source: str, printed: tuple[str, ...], label: str = ""
    ) -> tuple[Cite, ...]:
        found = (each or text for each in printed or ("",))
        return tuple(
            Cite(name, each, source, label) for each in found if holds_number(each) and each in text
        )

    def money(self, fen: int) -> str:
        """Write an amount of the quote's currency."""
        return self.words.money(fen, self.currency)
