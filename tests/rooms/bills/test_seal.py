"""The canonical form is a contract with whoever checks a seal outside: its bytes are fixed here."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from yuejie.bills.bill import Bill, BillLine, BillState, LineKind, TaxMode
from yuejie.bills.seal import GENESIS, canonical, seal_of
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

OCTOBER = BillingMonth(2026, 10)
LINE = BillLine(
    line_id=LineId("line_1"),
    position=1,
    kind=LineKind.USAGE,
    service_month=OCTOBER,
    project_id="prj_1",
    project_name="客服",
    department="",
    model="gpt-4o",
    meter="input",
    sale_rate=7,
    quantity=1_000_000,
    rate_pico=5_000_000,
    rate_currency="USD",
    charge_pico=5_000_000_000_000,
    fx_id=1,
    fx_e8=720_000_000,
    amount_fen=3600,
    usd_fen=500,
    cny_fen=3600,
    net_fen=3396,
    tax_fen=204,
)
BILL = Bill(
    bill_id=BillId("bill_1"),
    customer_id=CustomerId("cus_1"),
    month=OCTOBER,
    number="YJ2026000001",
    state=BillState.ISSUED,
    contract_id="con_1",
    contract_version=1,
    currency="CNY",
    fx_policy="bill",
    tax_mode=TaxMode.INCLUSIVE,
    tax_ppm=60_000,
    epoch=3,
    net=Money(3396, "CNY"),
    tax=Money(204, "CNY"),
    gross=Money(3600, "CNY"),
    lines=(LINE,),
    closed_at=datetime(2026, 11, 1, 2, tzinfo=UTC),
    issued_at=datetime(2026, 11, 2, 2, tzinfo=UTC),
    seal=None,
    previous_seal=GENESIS,
)
OFFSETS = {"01a0": [1, 4096]}
FORM_1 = (
    '{"bill_id":"bill_1","contract":["con_1",1],"currency":"CNY","customer_id":"cus_1","epoch":3,'
    '"form":1,"fx_policy":"bill","issued_at":"2026-11-02T02:00:00+00:00","lines":[[1,"usage",'
    '"2026-10","prj_1","gpt-4o","input",7,1000000,5000000,"USD",720000000,3600,3396,204]],'
    '"month":"2026-10","number":"YJ2026000001","offsets":{"01a0":[1,4096]},'
    f'"previous":"{"0" * 64}","tax":["inclusive",60000],"totals_fen":[3396,204,3600]}}'
)


def test_canonical_form_1_is_these_bytes() -> None:
    assert canonical(BILL, OFFSETS).decode() == FORM_1


def test_anyone_with_a_json_library_and_a_hash_can_check_a_seal() -> None:
    by_hand = json.dumps(
        json.loads(FORM_1), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert seal_of(canonical(BILL, OFFSETS)) == hashlib.sha256(by_hand.encode()).digest()


def test_any_altered_figure_breaks_the_seal() -> None:
    sealed = seal_of(canonical(BILL, OFFSETS))
    for altered in (
        replace(BILL, lines=(replace(LINE, quantity=1_000_001),)),
        replace(BILL, gross=Money(3601, "CNY")),
        replace(BILL, epoch=4),
        replace(BILL, previous_seal=bytes([1]) * 32),
    ):
        assert seal_of(canonical(altered, OFFSETS)) != sealed


def test_a_draft_is_not_sealed() -> None:
    with pytest.raises(AssertionError):
        canonical(replace(BILL, number=None), OFFSETS)
