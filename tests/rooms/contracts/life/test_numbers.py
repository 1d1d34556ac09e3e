"""A contract is called by one number from its first draft to its last bill."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from psycopg import DatabaseError

from tests.rooms.contracts.life.parties import BODY, DAY, NOW, YEAR, amending, drafted, reviewed
from tests.scenarios.books import Books
from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.show import export_bill
from yuejie.contracts.contract import Contract
from yuejie.contracts.documents.framework import Signatory
from yuejie.contracts.documents.write_up import contract_text, draft_text
from yuejie.contracts.life.approve import sign_draft
from yuejie.contracts.life.draft import ContractDraft
from yuejie.contracts.life.drafting import found
from yuejie.contracts.life.ending import Wish, ask_end, renew_contract
from yuejie.contracts.numbers.number import called, contract_named, draft_named
from yuejie.contracts.numbers.store import every_number, keep_number
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import insert_contract
from yuejie.contracts.terms import Renewal
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import ContractId, CustomerId

WHO = Signatory(legal_name="示例科技")


def on_paper(db: Database, what: ContractDraft | Contract) -> str:
    with db.read() as tx:
        if isinstance(what, ContractDraft):
            return draft_text(tx, what, seller=WHO, customer=WHO).number
        return contract_text(tx, what, seller=WHO, customer=WHO).number


def test_the_paper_that_is_signed_and_the_contract_have_one_number(
    database: Database, acme: CustomerId
) -> None:
    draft = reviewed(database, acme)
    assert on_paper(database, draft) == "HT2026000001 第 1 版"
    contract = sign_draft(database, draft.draft_id, by="admin", now=NOW)
    assert on_paper(database, contract) == "HT2026000001 第 1 版"
    with database.read() as tx:
        assert on_paper(database, found(tx, draft.draft_id)) == "HT2026000001 第 1 版"
        assert contract_named(tx, " HT2026000001 ") == contract.contract_id
        assert contract_named(tx, contract.contract_id) == contract.contract_id


def test_a_version_keeps_the_number_and_another_contract_has_the_next(
    database: Database, acme: CustomerId
) -> None:
    draft = reviewed(database, acme)
    contract = sign_draft(database, draft.draft_id, by="admin", now=NOW)
    more = replace(BODY, commercial=replace(YEAR, management_fee_fen=100_00))
    amendment = amending(database, acme, contract, more, now=NOW + DAY)
    with database.read() as tx:
        assert on_paper(database, found(tx, amendment)) == "HT2026000001 第 2 版"
    assert on_paper(database, drafted(database, acme)) == "HT2026000002 第 1 版"


def test_the_year_is_that_of_the_contracts_zone(database: Database, acme: CustomerId) -> None:
    body = replace(BODY, zone="Asia/Shanghai")
    late = NOW.replace(month=12, day=31, hour=17)
    terms = replace(body.terms(acme), starts_at=late)
    contract = sign_contract(database, terms, by="x", now=late)
    assert on_paper(database, contract).startswith("HT2027000001")


def test_contracts_that_are_drafted_at_once_have_numbers_of_their_own(
    database: Database, acme: CustomerId
) -> None:
    with ThreadPoolExecutor(4) as hands:
        list(hands.map(lambda _: drafted(database, acme), range(8)))
    with database.read() as tx:
        numbers = sorted(every_number(tx).values())
    assert numbers == [f"HT2026{each:06d}" for each in range(1, 9)]


def test_a_number_never_goes_to_another_contract(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    signed = sign_draft(database, draft.draft_id, by="admin", now=NOW)
    with database.begin() as tx:
        assert not keep_number(tx, draft.draft_id, ContractId("con_other"))
        assert contract_named(tx, "HT2026000001") == signed.contract_id
    with pytest.raises(DatabaseError, match="never changes its number"), database.begin() as tx:
        tx.run("UPDATE contract_number SET contract_id = 'con_other'")


def test_a_contract_from_before_is_called_by_its_id(database: Database, acme: CustomerId) -> None:
    contract = sign_draft(database, reviewed(database, acme).draft_id, by="admin", now=NOW)
    old = replace(contract, contract_id=ContractId("con_from_before"))
    with database.begin() as tx:
        insert_contract(tx, old)
        assert called(tx, acme, old.contract_id) == "con_from_before"
    assert on_paper(database, old) == "con_from_before 第 1 版"


def test_an_unsigned_draft_is_named_by_its_number(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    with database.read() as tx:
        assert draft_named(tx, " HT2026000001 ") == draft.draft_id
        assert draft_named(tx, draft.draft_id) == draft.draft_id
        assert contract_named(tx, "HT2026000001") == "HT2026000001", "no contract yet"
    sign_draft(database, draft.draft_id, by="admin", now=NOW)
    with database.read() as tx:
        assert draft_named(tx, "HT2026000001") == "HT2026000001", "it is the contract's now"


def test_refusals_name_the_contract_by_its_number(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme, replace(BODY, commercial=replace(YEAR, renewal=Renewal.ASKED)))
    contract = sign_draft(database, draft.draft_id, by="admin", now=NOW).contract_id
    with pytest.raises(Conflict, match="合同 HT2026000001 已有第 1 版"):
        renew_contract(database, contract, by="admin", now=NOW, version=2)
    wish = Wish(contract_id=contract, wished_on=date(2027, 6, 1), why="自建")
    ask_end(database, wish, by="sales", now=NOW + DAY)
    with pytest.raises(Conflict, match="合同 HT2026000001 的终止申请"):
        ask_end(database, wish, by="sales", now=NOW + DAY)
    with pytest.raises(Conflict, match="合同 HT2026000001 已提出终止，不能续约"):
        renew_contract(database, contract, by="admin", now=NOW + DAY)


def test_bills_print_the_number(database: Database) -> None:
    books = Books(database)
    books.prices('[models."gpt-4o"]\ninput = "10"\noutput = "20"', currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-08-10 10:00:00", "gpt-4o", input=1_000_000)
    books.close("2026-08")
    bill = books.issue(acme.bill("2026-08"))
    kinds = [DocumentKind.TXT, DocumentKind.JSON]
    text, told = (
        body
        for _, body in export_bill(
            database, bill.name, Seller("月结", "9" * 18, "招商银行", "1"), kinds
        )
    )
    assert "合同    HT2026000001 第 1 版" in text.decode()
    assert json.loads(told)["contract"]["number"] == "HT2026000001"
    assert json.loads(told)["contract"]["contract_id"] == bill.contract_id
