"""Every state that is stored has its Chinese word."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from yuejie.bills.correct.adjustment import SAID as ADJUSTMENT_SAID
from yuejie.bills.correct.adjustment import AdjustmentState
from yuejie.bills.review.dispute import SAID as DISPUTE_SAID
from yuejie.bills.review.dispute import DisputeState
from yuejie.cli import words
from yuejie.contracts.contract import TAX_MODES, FxPolicy
from yuejie.contracts.esign.life import SAID as SIGNING_SAID
from yuejie.contracts.esign.port import SigningState
from yuejie.contracts.life import draft
from yuejie.customers.customer import CustomerState
from yuejie.customers.members.member import Role
from yuejie.fapiao.issuing.errand import ErrandState
from yuejie.fapiao.life import RED_SAID, RedState
from yuejie.fapiao.title import TitleState
from yuejie.payments.dunning.standing import SAID as STANDING_SAID
from yuejie.payments.dunning.standing import StandingState
from yuejie.presales import quote
from yuejie.presales.trial.trial import REQUESTS_SAID, RequestState
from yuejie.usage.event import EventState


@pytest.mark.parametrize(
    ("named", "stored"),
    [
        (words.OFFERED, CustomerState),
        (words.EVENTS, EventState),
        (words.ROLES, Role),
        (words.TITLES, TitleState),
        (RED_SAID, RedState),
        (words.ERRANDS, ErrandState),
        (ADJUSTMENT_SAID, AdjustmentState),
        (words.DRAFT_KINDS, draft.DraftKind),
        (words.FX_POLICIES, FxPolicy),
        (draft.CALLED, draft.DraftState),
        (draft.DONE, draft.DraftEvent),
        (DISPUTE_SAID, DisputeState),
        (SIGNING_SAID, SigningState),
        (STANDING_SAID, StandingState),
        (REQUESTS_SAID, RequestState),
        (quote.CALLED, quote.QuoteState),
        (quote.DONE, quote.QuoteEvent),
    ],
)
def test_every_value_has_its_word(named: Mapping[str, str], stored: type[StrEnum]) -> None:
    assert [each for each in stored if words.called(named, each).isascii()] == []


def test_tax_modes_have_their_words_and_what_nobody_named_stays() -> None:
    assert [words.called(words.TAX_MODES, each) for each in TAX_MODES] == ["含税", "不含税"]
    assert words.called(words.BOOKS, "other") == "other"
