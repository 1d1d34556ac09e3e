"""What a proposal is composed from: everything read beforehand, so that composing is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from yuejie.contracts.prices import RateRow
from yuejie.presales.proposal.notes import Notes
from yuejie.presales.proposal.proposal import Certificate, ProposalNote, Template
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
    rates: Mapping[int, RateRow] = field(default_factory=dict)
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

    def money(self, fen: int) -> str:
        """Write an amount of the quote's currency."""
        return self.words.money(fen, self.currency)
