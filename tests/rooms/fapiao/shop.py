"""A customer with issued bills whose tax lines a test chooses, and a tax platform beside it."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from yuejie.bills.pay import mark_paid
from yuejie.contracts.contract import Terms
from yuejie.contracts.publish import open_book
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommercialTerms, encode_terms
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.demo.tax import baiwang as sim_baiwang
from yuejie.demo.tax import nuonuo as sim_nuonuo
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao import store
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.providers.baiwang import Baiwang, BaiwangAccess
from yuejie.fapiao.providers.nuonuo import Nuonuo, NuonuoAccess
from yuejie.fapiao.providers.port import Drawer, Provider
from yuejie.fapiao.providers.tokens import Tokens
from yuejie.fapiao.providers.wire import Wire
from yuejie.fapiao.request import (
    Pick,
    Selling,
    Wish,
    approve_fapiao,
    request_fapiao,
)
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.ids import BillId, BookId, CustomerId, mint

NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
SELLER = Party(name="月结示例科技有限公司", tax_number="91350100M000100Y43")
SELLING = Selling(party=SELLER)
CLERK, BOSS = "clerk", "boss"
KEY = b"k" * 32
BUYER = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T", emails=("ap@acme.cn",))

TaxLines = list[tuple[int, int]]
"""Gross fen and tax ppm of each tax line."""


@dataclass
class Shop:
    """One customer's desk at the fapiao room."""

    db: Database
    owner_url: str
    now: datetime = NOW
    bills: list[str] = field(default_factory=list)
    customer_id: CustomerId = field(init=False)
    contract_id: str = field(init=False)

    def enrol(self, slug: str = "acme", **terms: Any) -> "Shop":
        """Enrol the customer with a contract and a title."""
        customer = enrol_customer(
            self.db,
            Particulars(
                slug=slug, legal_name=f"{slug} 有限公司", zone="Asia/Shanghai", currency="CNY"
            ),
            by=CLERK,
            now=NOW,
        )
        self.customer_id = customer.customer_id
        open_book(self.db, "list", kind="sale", currency="CNY", by=CLERK, now=NOW)
        signed = sign_contract(
            self.db,
            Terms(
                customer_id=customer.customer_id,
                sale_book=BookId("list"),
                currency="CNY",
                starts_at=NOW,
            ),
            by=CLERK,
            now=NOW,
        )
        self.contract_id = signed.contract_id
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            owner.execute(
                "UPDATE contract SET terms = %s", [encode_terms(CommercialTerms(**terms))]
            )
        open_title(self.db, slug, BUYER, by=CLERK, now=NOW)
        return self

    def bill(
        self,
        month: str,
        lines: TaxLines,
        *,
        paid: bool = True,
        order: str = "",
        unit: str = "",
        version: int = 1,
    ) -> str:
        """Have an issued bill of these tax lines; return its number."""
        bill_id = BillId(mint("bill", self.now))
        number = f"YJ2026{len(self.bills) + 1:06d}"
        split = [(gross, *_split(gross, ppm), ppm) for gross, ppm in lines]
        sums = [sum(row[at] for row in split) for at in (1, 2, 0)]
        part = [unit and f"unit_{unit}", unit]
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            owner.execute(
                """
                INSERT INTO bill (bill_id, customer_id, month, state, contract_id,
                                  contract_version, currency, fx_policy, tax_mode, tax_ppm, epoch,
                                  net_fen, tax_fen, gross_fen, closed_at, purchase_order, part,
                                  part_name)
                VALUES (%s, %s, %s, 'draft', %s, %s, 'CNY', 'none', 'inclusive', 60000, 1, %s, %s,
                        %s, %s, %s, %s, %s)
                """,
                [
                    *(bill_id, self.customer_id, month, self.contract_id, version),
                    *(*sums, self.now, order, *part),
                ],
            )
            for position, (gross, net, tax, ppm) in enumerate(split, 1):
                owner.execute(
                    """
                    INSERT INTO bill_tax_line (bill_id, position, customer_id, item, tax_ppm,
                                               net_fen, tax_fen, gross_fen)
                    VALUES (%s, %s, %s, '大模型API技术服务费', %s, %s, %s, %s)
                    """,
                    [bill_id, position, self.customer_id, ppm, net, tax, gross],
                )
            owner.execute(
                "UPDATE bill SET state = 'issued', number = %s, issued_at = %s WHERE bill_id = %s",
                [number, self.now, bill_id],
            )
        self.bills.append(number)
        if paid:
            self.pay(number)
        return number

    def pay(self, number: str) -> None:
        with self.db.begin() as tx:
            mark_paid(tx, BillId(number), by=CLERK, at=self.now, why="到账")

    def credit(self, number: str, gross_fen: int) -> None:
        """Take back so much of a bill's first tax line, as an approved credit note does."""
        net, tax = _split(gross_fen, 60_000)
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            row = owner.execute("SELECT bill_id FROM bill WHERE number = %s", [number]).fetchone()
            assert row is not None
            line = mint("line", self.now)
            owner.execute("ALTER TABLE bill_line DISABLE TRIGGER bill_line_frozen")
            owner.execute(
                """
                INSERT INTO bill_line (line_id, bill_id, customer_id, position, kind,
                                       service_month, model, meter, quantity, rate_pico,
                                       rate_currency, charge_pico, amount_fen, net_fen, tax_fen,
                                       tax_line)
                VALUES (%s, %s, %s, 99, 'adjustment', '2026-10', '', '', 0, 0, 'CNY', 0, 0, 0, 0, 1)
                """,
                [line, row[0], self.customer_id],
            )
            owner.execute("ALTER TABLE bill_line ENABLE TRIGGER bill_line_frozen")
            note = mint("credit", self.now)
            owner.execute(
                """
                INSERT INTO credit_note (credit_note_id, bill_id, customer_id, whole, currency,
                                         net_fen, tax_fen, gross_fen, why, state, requested_by,
                                         requested_at, decided_by, decided_at)
                VALUES (%s, %s, %s, FALSE, 'CNY', %s, %s, %s, '', 'approved', 'a', %s, 'b', %s)
                """,
                [note, row[0], self.customer_id, net, tax, gross_fen, self.now, self.now],
            )
            owner.execute(
                "INSERT INTO credit_note_line VALUES (%s, %s, %s, %s)", [note, line, net, tax]
            )

    def request(self, *picks: Pick, **wish: Any) -> list[Fapiao]:
        return request_fapiao(
            self.db,
            self.customer_id,
            Wish(picks=picks, **wish),
            SELLING,
            by=CLERK,
            now=self.now,
        )

    def approve(self, fapiao: Fapiao, provider: str = "nuonuo") -> Fapiao:
        return approve_fapiao(self.db, fapiao.fapiao_id, provider=provider, by=BOSS, now=self.now)

    def fapiao(self, name: str) -> Fapiao:
        with self.db.read() as tx:
            found = store.fapiao_by_name(tx, name)
        assert found is not None
        return found

    def red(self, name: str) -> RedFapiao:
        with self.db.read() as tx:
            found = red_by_name(tx, name)
        assert found is not None
        return found

    def works(self, provider: Provider, platform: TaxPlatform, *, seconds: int = 60) -> None:
        """Let time pass, here and at the tax office, and run errands as the clerk does."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            run_errands(self.db, provider, now=self.now)
            self.passes(platform, 3)
        run_errands(self.db, provider, now=self.now)

    def passes(self, platform: TaxPlatform, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        platform.tell("clock", at=self.now.isoformat())


def drawer(callback_url: str = "") -> Drawer:
    return Drawer(tax_number=SELLER.tax_number, name="张三", callback_url=callback_url)


def nuonuo_at(db: Database, url: str, *, callback_url: str = "") -> Nuonuo:
    access = NuonuoAccess(
        app_key=sim_nuonuo.APP_KEY,
        app_secret=sim_nuonuo.APP_SECRET,
        base_url=url + sim_nuonuo.PATH,
        token_url=url + sim_nuonuo.TOKEN_PATH,
    )
    return Nuonuo(access, drawer(callback_url), Tokens(db, "nuonuo", KEY), Wire(answer_seconds=5))


def baiwang_at(db: Database, url: str) -> Baiwang:
    access = BaiwangAccess(
        app_key=sim_baiwang.APP_KEY,
        app_secret=sim_baiwang.APP_SECRET,
        username=sim_baiwang.USERNAME,
        password=sim_baiwang.PASSWORD,
        salt=sim_baiwang.SALT,
        base_url=url + sim_baiwang.PATH,
    )
    return Baiwang(access, drawer(), Tokens(db, "baiwang", KEY), Wire(answer_seconds=5))


def in_a_process(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a program of the test's in a process of its own."""
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def _split(gross: int, ppm: int) -> tuple[int, int]:
    """Net and tax of a gross amount, half away from zero; the test's own arithmetic."""
    sign = -1 if gross < 0 else 1
    net = (abs(gross) * 2 * 10**6 + 10**6 + ppm) // (2 * (10**6 + ppm))
    return sign * net, gross - sign * net
