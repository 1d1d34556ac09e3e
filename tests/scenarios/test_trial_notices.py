"""Of each stage of a trial the customer and sales hear once, in their language."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scenarios.books import Books
from tests.scenarios.test_trials import ASKED, GRANTED, PEPPER, terms
from tests.scenarios.test_trials import granted as granted_silently
from tests.scenarios.test_trials import house as house  # noqa: PLC0414 - the fixture
from yuejie.contracts.numbers.number import number_of
from yuejie.customers.enrol import find_customer
from yuejie.notices.notice import Audience, Kind
from yuejie.notices.store import channels
from yuejie.notices.wording.render import piece_of
from yuejie.presales.trial.ask import ask_trial
from yuejie.presales.trial.convert import convert_trial
from yuejie.presales.trial.grant import grant_trial
from yuejie.presales.trial.tell import BEFORE, due_stages, tell_trials, told_of
from yuejie.presales.trial.trial import PROJECT, Stage, Standing, Trial

SELLER = "月结科技"
KEY = bytes(32)


def told(house: Books, trial: Trial) -> list[tuple[Kind, Audience]]:
    with house.db.read() as tx:
        return [(each.kind, each.audience) for each in told_of(tx, trial)]


def found(house: Books, sql: str) -> list[tuple[Any, ...]]:
    with house.db.read() as tx, tx.cursor as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def both(*kinds: Kind) -> list[tuple[Kind, Audience]]:
    return [(kind, audience) for kind in kinds for audience in Audience]


def look(house: Books, at: datetime) -> int:
    """Let the clerk look at an instant; looking again at once tells nothing more."""
    house.clock.at = at
    new = tell_trials(house.db, at, seller=SELLER)
    assert tell_trials(house.db, at + timedelta(seconds=30), seller=SELLER) == 0
    return new


def test_a_trial_is_told_from_its_grant_to_its_end(house: Books) -> None:
    """
    Granted, half used, three days left, used up, over: each is told to the customer and to sales,
    once however often the clerk looks. With the end go the report and the specimen of a bill.
    """
    trial, haitang = granted_silently(house)
    assert told(house, trial) == both(Kind.TRIAL_GRANTED)
    assert look(house, GRANTED + timedelta(hours=1)) == 0
    haitang.uses("2026-10-29 10:00", "gpt-4o", project=PROJECT, input=5_000_000)
    assert look(house, datetime.fromisoformat("2026-10-29T03:00Z")) == 2
    assert look(house, trial.ends_at - BEFORE) == 2
    haitang.uses("2026-11-02 10:00", "gpt-4o", project=PROJECT, input=4_600_000)
    assert look(house, trial.ends_at - timedelta(days=1)) == 2
    assert look(house, trial.ends_at + timedelta(minutes=1)) == 2
    stages = both(
        Kind.TRIAL_GRANTED,
        Kind.TRIAL_HALF_USED,
        Kind.TRIAL_ENDING,
        Kind.TRIAL_USED_UP,
        Kind.TRIAL_ENDED,
    )
    assert told(house, trial) == stages
    files = found(
        house,
        "SELECT n.kind, n.audience, a.name, a.body FROM notice n"
        " JOIN notice_attachment a USING (notice_id) ORDER BY a.position",
    )
    assert [row[:3] for row in files] == [
        ("trial_ended", "customer", "试用报告_haitang.pdf"),
        ("trial_ended", "customer", "试用账单样张_haitang.pdf"),
    ]
    assert all(bytes(row[3]).startswith(b"%PDF") for row in files)


def test_a_trial_that_becomes_a_contract_keeps_its_keys_and_is_told_so(house: Books) -> None:
    trial, haitang = granted_silently(house)
    at = GRANTED + timedelta(days=5)
    signed = convert_trial(house.db, "haitang", terms(haitang, at), by="sales", now=at)
    runs = tell_trials(house.db, at, seller=SELLER)
    assert runs == 0, "it still runs, and nobody needs to be told that it ends"
    assert look(house, at + timedelta(minutes=2)) == 2
    assert told(house, trial) == both(Kind.TRIAL_GRANTED, Kind.TRIAL_CONVERTED)
    rows = found(house, "SELECT facts FROM notice WHERE kind = 'trial_converted'")
    with house.db.read() as tx:
        number = number_of(tx, signed.customer_id, signed.contract_id)
    assert {facts["contract"] for (facts,) in rows} == {number}


def test_whoever_asked_hears_at_the_address_that_was_given(house: Books) -> None:
    receipt = ask_trial(
        house.db, ASKED, peer="10.0.0.1", pepper=PEPPER, credential_key=KEY, now=GRANTED
    )
    name = receipt.request.request_id
    grant_trial(house.db, name, slug="haitang", credential_key=KEY, by="sales", now=GRANTED)
    with house.db.read() as tx:
        [channel] = channels(tx, find_customer(tx, "haitang").customer_id)
    assert channel.kind == "email"
    assert "haitang.example" in channel.hint


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_each_stage_is_said_in_both_languages(house: Books, language: str) -> None:
    trial, haitang = granted_silently(house)
    haitang.uses("2026-10-29 10:00", "gpt-4o", project=PROJECT, input=9_600_000)
    look(house, datetime.fromisoformat("2026-10-29T03:00Z"))
    look(house, trial.ends_at)
    rows = found(house, "SELECT kind, facts FROM notice WHERE audience = 'customer'")
    said = {kind: piece_of(Kind(kind), facts, language).body for kind, facts in rows}
    assert said.keys() == {Kind.TRIAL_GRANTED, Kind.TRIAL_USED_UP, Kind.TRIAL_ENDED}
    assert "9,600,000" in said[Kind.TRIAL_USED_UP]
    assert "48.00 CNY" in said[Kind.TRIAL_ENDED]
    assert "0.00" in said[Kind.TRIAL_ENDED]
    assert all(trial.trial_id in body for body in said.values())


def test_half_is_not_told_where_all_is_used_nor_an_end_that_a_contract_follows() -> None:
    @dataclass(frozen=True)
    class Bounds:
        tokens: int = 100

    running = Standing(Stage.RUNNING, GRANTED, None)
    before = GRANTED - timedelta(days=10)
    bounds = Bounds()
    stages = [
        list(due_stages(bounds, running, used, before))  # type: ignore[arg-type]  # its bound
        for used in (49, 50, 94, 95, 100)
    ]
    half, all_ = [Kind.TRIAL_HALF_USED], [Kind.TRIAL_USED_UP]
    assert stages == [[], half, half, all_, all_]
