"""A contract is left, or goes on; credit is lifted for a while: by two people, or turned down."""

from dataclasses import replace
from datetime import UTC, date, datetime

import psycopg
import pytest

from tests.recorded import recorded, steps
from tests.rooms.contracts.life.parties import (
    BODY,
    DAY,
    GOOD,
    HOUR,
    NOW,
    OPEN,
    START,
    YEAR,
    amending,
    signed,
)
from yuejie.bills.correct.granted import approve_grant
from yuejie.contracts.grants.give import ask_grant, reject_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.grants.store import open_grants
from yuejie.contracts.life import store
from yuejie.contracts.life.approve import (
    review_draft,
    sign_draft,
)
from yuejie.contracts.life.drafting import (
    submit_draft,
)
from yuejie.contracts.life.ending import (
    Wish,
    approve_end,
    ask_end,
    ending_soon,
    reject_end,
    renew_contract,
    renew_due,
)
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.life.limits import (
    LimitWish,
    ask_limit,
    credit_limit_at,
    reject_limit,
)
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import Commitment, DueBasis, Renewal, encode_terms
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.payments.dunning.lifted import approve_limit


def test_leaving_early_is_computed_explained_and_approved(
    database: Database, acme: CustomerId
) -> None:
    """
    10,000 a month until 2027-12-01; asked on 2027-09-10, thirty days' notice, left on 2027-10-10.
    22 of 31 days of October and November are left: 17,096.77, of which 30 % are 5,129.03.
    """
    contract = signed(database, acme)
    asked_at = datetime(2027, 9, 10, 2, tzinfo=UTC)
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2027, 9, 11), why="业务调整")
    end = ask_end(database, wish, by="sales", now=asked_at)
    assert (end.ends_on, end.fee_fen) == (date(2027, 10, 10), 5_129_03)
    with pytest.raises(Conflict, match="正在等待审批"):
        ask_end(database, wish, by="sales", now=asked_at)
    with pytest.raises(Forbidden, match="另一人审批"):
        approve_end(database, end.end_id, by="sales", now=asked_at)
    done = approve_end(database, end.end_id, by="finance", now=asked_at)
    with database.read() as tx:
        last = contracts_of(tx, acme)[-1]
    assert (last.version, last.terms.ends_on) == (done.version, date(2027, 10, 10))
    assert (last.sale_book, last.ends_at) == (
        contract.sale_book,
        datetime(2027, 10, 9, 16, tzinfo=UTC),
    )
    with pytest.raises(Conflict, match=r"不能再批准|已获批准"):
        approve_end(database, end.end_id, by="finance", now=asked_at)
    with pytest.raises(Conflict, match="不能续约"):
        renew_contract(database, contract.contract_id, by="op", now=asked_at)


def test_nobody_pays_for_being_left_by_us(database: Database, acme: CustomerId) -> None:
    """The fee of the contract is for the customer that leaves it."""
    contract = signed(database, acme)
    asked_at = datetime(2027, 9, 10, 2, tzinfo=UTC)
    wish = Wish(
        contract_id=contract.contract_id,
        wished_on=date(2027, 9, 11),
        party="operator",
        why="停止该业务",
    )
    end = ask_end(database, wish, by="sales", now=asked_at)
    assert (end.ends_on, end.fee_fen) == (date(2027, 10, 10), 0)
    assert end.reasons[-1] == "甲方提出终止，没有解约费。"
    done = approve_end(database, end.end_id, by="finance", now=asked_at)
    assert done.owed_fen == 0


def test_an_end_that_was_asked_for_by_mistake_is_turned_down(
    database: Database, acme: CustomerId
) -> None:
    """
    Sales asks for the wrong contract's end. It waited for ever: no other end could be asked for,
    and the contract neither renewed itself nor could be renewed. Turned down it leaves no trace but
    its own.
    """
    contract = signed(database, acme)
    asked_on = START + 30 * DAY
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2027, 3, 1), why="客户转向自建")
    end = ask_end(database, wish, by="sales", now=asked_on)
    with pytest.raises(Conflict, match="正在等待审批"):
        ask_end(database, wish, by="sales", now=asked_on)
    with pytest.raises(Conflict, match="不能续约"):
        renew_contract(database, contract.contract_id, by="op", now=asked_on)
    with pytest.raises(Invalid, match="写明原因"):
        reject_end(database, end.end_id, why=" ", by="finance", now=asked_on)
    reject_end(database, end.end_id, why="合同编号写错", by="finance", now=asked_on)
    with pytest.raises(Conflict, match="已有审批结果，不能再批准"):
        approve_end(database, end.end_id, by="boss", now=asked_on)
    with pytest.raises(Conflict, match="已有审批结果，不能再驳回"):
        reject_end(database, end.end_id, why="再", by="boss", now=asked_on)
    with database.read() as tx:
        assert [end.rejected_why for end in store.ends_of(tx, acme, rejected=True)] == [
            "合同编号写错"
        ]
        assert store.ends_of(tx, acme) == store.open_ends(tx) == []
        assert [each.version for each in contracts_of(tx, acme)] == [1]
    assert renew_due(database, by="clerk", now=datetime(2027, 11, 20, tzinfo=UTC)) != []


def test_a_fee_is_approved_only_as_it_is_computed_now(database: Database, acme: CustomerId) -> None:
    """
    While the end waits, the minimum becomes ten times what it was. The fee that waits is a share of
    the old one, and was charged; now it is computed anew.
    """
    contract = signed(database, acme)
    asked_on = START + 30 * DAY
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2027, 3, 1), why="客户转向自建")
    old = ask_end(database, wish, by="sales", now=asked_on)
    more = replace(contract.terms, commitment=Commitment(100_000_00))
    with database.read() as tx:
        terms = replace(terms_of(tx, contract), commercial=more, starts_at=asked_on)
    sign_contract(database, terms, by="op", now=asked_on, contract_id=contract.contract_id)
    with pytest.raises(Conflict, match=r"解约费现为 270,000\.00"):
        approve_end(database, old.end_id, by="finance", now=asked_on)
    reject_end(database, old.end_id, why="合同已变更", by="finance", now=asked_on)
    end = ask_end(database, wish, by="sales", now=asked_on)
    assert end.fee_fen == 10 * old.fee_fen == 270_000_00
    assert approve_end(database, end.end_id, by="finance", now=asked_on).version == 3


def test_a_contract_that_was_left_goes_on_by_no_amendment(
    database: Database, acme: CustomerId
) -> None:
    """Its fee for leaving is charged, and nothing renews it: who stays signs a new contract."""
    contract = signed(database, acme, replace(BODY, commercial=replace(YEAR, type=OPEN)))
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2027, 3, 1), why="客户转向自建")
    end = ask_end(database, wish, by="sales", now=START)
    approve_end(database, end.end_id, by="finance", now=START)
    for ends_on, goes_on in ((date(2027, 12, 1), True), (date(2027, 3, 1), False)):
        body = replace(
            BODY,
            commercial=replace(YEAR, type=OPEN, ends_on=ends_on, purchase_order="PO-9"),
            starts_at=datetime(2026, 12, 31, 16, tzinfo=UTC),
        )
        draft_id = amending(database, acme, contract, body, now=START)
        submit_draft(database, draft_id, by="sales", now=START)
        review_draft(database, draft_id, GOOD, by="finance", now=START)
        if goes_on:
            with pytest.raises(Conflict, match="已获批准自 2027-03-01 起终止"):
                sign_draft(database, draft_id, by="admin", now=START)
        else:
            assert sign_draft(database, draft_id, by="admin", now=START).version == 3


def test_a_limit_and_a_package_that_were_asked_for_by_mistake_are_turned_down(
    database: Database, acme: CustomerId
) -> None:
    """Ten times too much: nobody could say no, so it lay there to be approved by a slip."""
    signed(database, acme)
    wish = LimitWish(
        limit_fen=1_000_000_00, currency="CNY", starts_at=NOW, ends_at=NOW + 99 * DAY, why="双十一"
    )
    limit = ask_limit(database, acme, wish, by="sales", now=NOW)
    voucher = GrantDraft(
        customer_id=acme,
        kind=GrantKind.VOUCHER,
        name="新客",
        amount_fen=10_000_00,
        starts_on=date(2026, 12, 1),
        ends_on=date(2027, 12, 1),
    )
    grant = ask_grant(database, voucher, why="随约赠送", by="sales", now=NOW)
    for asked in (False, True):
        if asked:
            reject_limit(database, limit.limit_id, why="多写一个零", by="sales", now=NOW)
            reject_grant(database, grant.grant_id, why="多写一个零", by="sales", now=NOW)
            for noun in ("temporary_limit", "grant"):
                assert steps(recorded(database, noun, "reject")) == [
                    ("sales", "reject", "asked", "rejected", "多写一个零")
                ]
            with pytest.raises(Conflict, match="已有审批结果，不能再批准"):
                approve_limit(database, limit.limit_id, by="finance", now=NOW)
            with pytest.raises(Conflict, match="已有审批结果，不能再驳回"):
                reject_limit(database, limit.limit_id, why="再", by="finance", now=NOW)
            with pytest.raises(Conflict, match="已有审批结果，不能再批准"):
                approve_grant(database, grant.grant_id, by="finance", now=NOW)
            with pytest.raises(Conflict, match="已有审批结果，不能再驳回"):
                reject_grant(database, grant.grant_id, why="再", by="finance", now=NOW)
        with database.read() as tx:
            assert (store.open_limits(tx, NOW) == []) is asked
            assert (open_grants(tx) == []) is asked
            assert (store.temporary_limits(tx, acme) == []) is asked


def test_a_contract_goes_on_by_itself_once_notice_is_too_late(
    database: Database, acme: CustomerId
) -> None:
    contract = signed(database, acme)
    before = datetime(2027, 10, 31, 2, tzinfo=UTC)
    assert renew_due(database, by="clerk", now=before) == []
    with database.read() as tx:
        assert ending_soon(tx, now=before, within_days=60) == [(contract, 31)]
    # The thirtieth day before the end is the last one for notice, until its midnight.
    assert renew_due(database, by="clerk", now=before + DAY + 13 * HOUR) == []
    (renewed,) = renew_due(database, by="clerk", now=before + 2 * DAY)
    assert (renewed.version, renewed.terms.ends_on) == (2, date(2028, 12, 1))
    assert renewed.starts_at == contract.ends_at
    assert renew_due(database, by="clerk", now=before + 2 * DAY) == []
    with pytest.raises(Invalid, match="不能超过 120 个月"):
        renew_contract(database, contract.contract_id, by="c", now=before, months=121)
    with pytest.raises(Conflict, match="已有第 2 版"):
        renew_contract(database, contract.contract_id, by="c", now=before, version=1)


def test_who_says_no_in_time_does_not_go_on_and_pays_nothing(
    database: Database, acme: CustomerId
) -> None:
    """
    Until 2027-12-01, and then by itself unless somebody says no thirty days before: on 2027-11-01
    the customer does, for the day on which the contract is over. A day later it is too late.
    """
    contract = signed(database, acme)
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2027, 12, 1), why="不再续约")
    last = datetime(2027, 11, 1, 2, tzinfo=UTC)
    with pytest.raises(Conflict, match="最早只能自 2027-12-02 起终止"):
        ask_end(database, wish, by="sales", now=last + DAY)
    end = ask_end(database, wish, by="sales", now=last)
    assert (end.ends_on, end.fee_fen) == (date(2027, 12, 1), 0)
    assert end.reasons[-1] == "到该日合同期满，不再自动续约，没有解约费。"
    assert renew_due(database, by="clerk", now=last + 2 * DAY) == []
    approve_end(database, end.end_id, by="admin", now=last + 3 * DAY)
    assert renew_due(database, by="clerk", now=last + 29 * DAY) == []
    with database.read() as tx:
        newest = contracts_of(tx, acme)[-1]
    assert (newest.version, newest.terms.renewal) == (2, Renewal.NONE)
    assert (newest.ends_at, newest.terms.commitment) == (contract.ends_at, YEAR.commitment)


def test_a_temporary_limit_holds_once_a_second_person_agrees(
    database: Database, acme: CustomerId
) -> None:
    signed(database, acme)
    wish = LimitWish(
        limit_fen=80_000_00,
        currency="CNY",
        starts_at=START,
        ends_at=START + 10 * DAY,
        why="双十二大促",
    )
    limit = ask_limit(database, acme, wish, by="sales", now=NOW)

    def at(instant: datetime) -> int | None:
        with database.read() as tx:
            return credit_limit_at(tx, acme, instant)

    assert at(START) == 50_000_00
    with pytest.raises(Forbidden):
        approve_limit(database, limit.limit_id, by="sales", now=NOW)
    approve_limit(database, limit.limit_id, by="finance", now=NOW)
    with pytest.raises(Conflict, match="不能再批准"):
        approve_limit(database, limit.limit_id, by="finance", now=NOW)
    (told,) = recorded(database, "temporary_limit", "approve")
    assert (told.was or {})["approved_by"] is None
    assert (told.became or {})["approved_by"] == "finance"
    assert [at(START), at(START + 10 * DAY), at(NOW)] == [80_000_00, 50_000_00, None]


@pytest.mark.parametrize(
    "wish",
    [
        LimitWish(limit_fen=0, currency="CNY", starts_at=NOW, ends_at=NOW + DAY, why="x"),
        LimitWish(limit_fen=1, currency="EUR", starts_at=NOW, ends_at=NOW + DAY, why="x"),
        LimitWish(limit_fen=1, currency="CNY", starts_at=NOW, ends_at=NOW, why="x"),
        LimitWish(limit_fen=1, currency="CNY", starts_at=NOW, ends_at=NOW + DAY, why=" "),
    ],
)
def test_a_limit_without_sense_is_refused(
    database: Database, acme: CustomerId, wish: LimitWish
) -> None:
    with pytest.raises(Invalid):
        ask_limit(database, acme, wish, by="sales", now=NOW)


def test_terms_that_wait_in_a_circle_do_not_stop_the_clerk(
    database: Database, owner_url: str, acme: CustomerId
) -> None:
    """Pay first, and payment from the arrival of the fapiao: what was agreed so long ago renews."""
    contract = signed(database, acme)
    circle = replace(contract.terms, due_basis=DueBasis.FAPIAO_RECEIPT)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("UPDATE contract SET terms = %s", [encode_terms(circle)])
    (renewed,) = renew_due(database, by="clerk", now=datetime(2027, 11, 2, 2, tzinfo=UTC))
    assert (renewed.version, renewed.terms.due_basis) == (2, DueBasis.FAPIAO_RECEIPT)
