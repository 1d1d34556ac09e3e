"""What must hold after every closing, whatever happened before; asserted against the truth."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from tests.simulate.deeds import Deeds
from tests.simulate.truth import expected_terms, months_from, rounded, worth
from tests.simulate.world import Actor, World
from yuejie.assurance.export import export_seals
from yuejie.assurance.prove import prove_month
from yuejie.assurance.verifier.yuejie_verify import verify
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.booked import LEDGER_CHECKS
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger

TERMS = {"tier_discount", "true_up", "management_fee", "sla_credit", "package", "voucher"}
"""Kinds that the terms of a month give, in the currency of its own contract."""


@dataclass
class Invariants:
    """Remembers what was sealed, and checks."""

    world: World
    deeds: Deeds
    sealed: dict[str, str] = field(default_factory=dict)
    """Every sealed form that was ever exported, by number."""
    told: dict[tuple[str, str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """What terms came to at any time: whose, of which month, of which kind."""

    def after_closing(self, month: str, *, proved: Sequence[str]) -> None:
        """Check everything that holds once a month is closed everywhere."""
        known = {actor.client.slug: self.deeds.bills(actor) for actor in self.world.actors}
        for actor in self.world.actors:
            bills = known[actor.client.slug]
            live = [bill for bill in bills if bill.state is not BillState.VOIDED]
            self._usage(actor, live, month)
            self._terms(actor, live, month)
            self._allowed(actor, bills, live, month)
            self._clouds(actor, live, month)
            self._sums(bills)
        self.always(known)
        for label in proved:
            for proof in prove_month(self.world.db, BillingMonth.parse(label)):
                assert not proof.differences, (proof.customer, label, proof.bill.part, proof)

    def always(self, known: Mapping[str, list[Bill]]) -> None:
        """Check what holds at any time: ledger, numbers, seals."""
        assert not any(c.findings for c in check_ledger(self.world.db, LEDGER_CHECKS)), "ledger"
        notes = {actor.client.slug: self.deeds.credits(actor) for actor in self.world.actors}
        self._numbers("YJ", [bill.number for bills in known.values() for bill in bills])
        self._numbers("YJC", [note.number for found in notes.values() for note in found])
        for actor in self.world.actors:
            self._seals(actor)

    def _usage(self, actor: Actor, live: list[Bill], month: str) -> None:
        """Every token is on exactly one line, at the price of its day, worth what it is worth."""
        printed: Counter[tuple[str, str, str, str, Decimal]] = Counter()
        for bill in live:
            for line in bill.lines:
                if line.metered:
                    price = Decimal(line.rate_pico) / 10**6
                    key = (str(line.service_month), line.project_name, line.model, line.meter)
                    printed[*key, price] += line.quantity
                    fx = Fraction(line.fx_e8, 10**8) if line.fx_e8 else None
                    known = self.world.truth.fx[str(line.service_month)]
                    assert (fx in known) == (bill.currency == "CNY"), (fx, known)
                    assert line.amount_fen == worth(line.quantity, price, fx)
        found = Counter({key: tokens for key, tokens in printed.items() if tokens})
        used = actor.client.used(month)
        wrong = {k: (found[k], used[k]) for k in {*found, *used} if found[k] != used[k]}
        assert not wrong, f"{actor.client.slug}: printed, used {wrong}"

    def remember(self, month: str) -> None:
        """Note what terms come to now: what another currency bills next, changes them no more."""
        for actor in self.world.actors:
            bills = self.deeds.bills(actor)
            live = [bill for bill in bills if bill.state is not BillState.VOIDED]
            self._expected(actor, live, month)

    def _expected(self, actor: Actor, live: list[Bill], month: str) -> dict[tuple[str, str], int]:
        usage: Counter[str] = Counter()
        for bill in live:
            for line in bill.lines:
                label = str(line.service_month)
                if line.metered and bill.currency == actor.currency(label):
                    usage[label] += line.amount_fen
        expected = expected_terms(actor.client, usage, month)
        for (label, kind), fen in expected.items():
            self.told[actor.client.slug, label, kind].add(fen)
        return expected

    def _terms(self, actor: Actor, live: list[Bill], month: str) -> None:
        """Discount, minimum and fee of every month are what the contract gives on its usage.

        Of a month in another currency than this one they stay as its own bills say; what is voided
        of it stays away, and what its service gives back is what it was when one of them was drawn.
        Who was left before the first contract began has no bill.
        """
        printed: Counter[tuple[str, str]] = Counter()
        for bill in live:
            for line in bill.lines:
                if not line.metered:
                    label = str(line.service_month)
                    printed[label, str(line.kind)] += line.amount_fen
                    by_terms = str(line.kind) in TERMS
                    assert not by_terms or bill.currency == actor.currency(label), line
        now, client = actor.currency(month), actor.client
        if not client.deals:
            assert not live, live
            return
        client.voided = {each for each in client.voided if each[1] != now}
        for (label, kind), fen in self._expected(actor, live, month).items():
            where = (actor.client.slug, label, kind, printed[label, kind], fen)
            if kind == "sla_credit" and self._crossed(actor, label, month):
                told = self.told[actor.client.slug, label, kind]
                assert self._away(actor, label, kind) or printed[label, kind] in told, where
            elif actor.currency(label) == now or not self._away(actor, label, kind):
                assert printed[label, kind] == fen, (*where, printed)

    @staticmethod
    def _crossed(actor: Actor, label: str, month: str) -> bool:
        """Whether a bill in another currency may have billed late calls of a month since."""
        since = months_from(label, month)
        return any(actor.currency(each) != actor.currency(label) for each in since)

    @staticmethod
    def _away(actor: Actor, label: str, kind: str) -> bool:
        """Whether some of what a month came to in another currency was voided, and stays away."""
        months = {
            month for month, currency in actor.client.voided if currency == actor.currency(label)
        }
        return label in months or (kind == "true_up" and bool(months))

    def _allowed(self, actor: Actor, bills: list[Bill], live: list[Bill], month: str) -> None:
        """Every approved amount stands on bills once; no grant is drawn beyond what it is for."""
        named: Counter[str] = Counter()
        carried: Counter[str] = Counter()
        for bill in live:
            for line in bill.lines:
                named[line.refers_to] += line.amount_fen
                carried[bill.currency] += line.amount_fen if line.kind == "carried" else 0
        for adjustment, (label, fen, _) in actor.client.allowed.items():
            if label <= month and actor.client.deals:
                found = named[adjustment]
                assert found == fen, (actor.client.slug, adjustment, found, fen)
        self._left(actor, live, month)
        away = {currency for _, currency in actor.client.voided}
        for grant, (kind, fen) in actor.client.grants.items():
            said = [(bill, line) for bill in live for line in bill.lines if line.refers_to == grant]
            bought = sum(ln.amount_fen for _, ln in said if ln.kind == "package_purchase")
            drawn = bought - named[grant]
            # What a voided bill gave back may stay away while others have drawn it since, and what
            # it drew while what was given back of it stands (0108).
            back = self._given_back([bill for bill in bills if bill.currency in away], grant)
            assert drawn <= fen + back, (actor.client.slug, grant, kind, drawn, fen, back)
            assert drawn >= 0 or any(bill.currency in away for bill, _ in said), (grant, drawn)
        owed = [fen for currency, fen in carried.items() if currency not in away]
        assert min(owed, default=0) >= 0, (actor.client.slug, carried)

    @staticmethod
    def _given_back(bills: list[Bill], grant: str) -> int:
        """What voided bills gave back of a grant, in fen."""
        return sum(
            max(0, line.amount_fen)
            for bill in bills
            if bill.state is BillState.VOIDED
            for line in bill.lines
            if line.refers_to == grant and line.kind != "package_purchase"
        )

    @staticmethod
    def _left(actor: Actor, live: list[Bill], month: str) -> None:
        """What leaving costs stands on bills once, in the currency of the contract that was left.

        It waits where no contract in that currency ever held.
        """
        printed: Counter[tuple[str, str]] = Counter()
        for bill in live:
            for line in bill.lines:
                if line.kind == "break_fee":
                    printed[str(line.service_month), bill.currency] += line.amount_fen
        fees = actor.client.fees if actor.client.deals else Counter[tuple[str, str]]()
        held = {deal.currency for deal in actor.client.deals if str(deal.since)[:7] <= month}
        for where, fen in fees.items():
            label, currency = where
            due = fen if label <= month and currency in held else 0
            assert printed[where] == due, (actor.client.slug, where, printed[where], due)
        assert printed.keys() <= fees.keys(), (actor.client.slug, printed)

    def _clouds(self, actor: Actor, live: list[Bill], month: str) -> None:
        """Every cost of the cloud that is passed on stands on bills once, marked up as agreed."""
        printed: Counter[tuple[str, str, str, str]] = Counter()
        for bill in live:
            for line in bill.lines:
                if line.kind == "cloud":
                    label = str(line.service_month)
                    _, category, service = line.refers_to.split("/", 2)
                    printed[label, line.project_name, service, category] += line.quantity
                    fx = Fraction(line.fx_e8, 10**8) if line.fx_e8 else None
                    assert (fx in self.world.truth.fx[label]) == (bill.currency == "CNY"), fx
                    deal = actor.client.deal(label)
                    assert deal is not None
                    assert deal.passed is not None, (actor.client.slug, label, line)
                    cost = rounded(Fraction(line.quantity, 10**10) * (fx or 1))
                    marked_up = rounded(cost * deal.passed.times(service))
                    assert line.amount_fen == marked_up, (actor.client.slug, line)
        found = {key: Decimal(pico) / 10**12 for key, pico in printed.items() if pico}
        due = actor.client.passed_on(month)
        # What was billed of a month in another currency stays as it is.
        now = actor.currency(month)
        found, due = (
            {key: cost for key, cost in each.items() if actor.currency(key[0]) == now}
            for each in (found, due)
        )
        wrong = {
            k: (found.get(k), due.get(k)) for k in {*found, *due} if found.get(k) != due.get(k)
        }
        assert not wrong, f"{actor.client.slug}: printed, asked for {wrong}"

    def _sums(self, bills: list[Bill]) -> None:
        """A bill is its lines, and its tax lines with what has no fapiao; parts share a month."""
        taken: dict[tuple[str, str], int] = defaultdict(int)
        for bill in bills:
            net, tax = sum(ln.net_fen for ln in bill.lines), sum(ln.tax_fen for ln in bill.lines)
            assert (bill.net.fen, bill.tax.fen, bill.gross.fen) == (net, tax, net + tax)
            loose = sum(line.net_fen for line in bill.lines if line.tax_line is None)
            assert sum(t.net_fen + t.tax_fen for t in bill.tax_lines) + loose == net + tax
            assert sum(line.amount_fen for line in bill.lines) >= 0, bill.bill_id
            if bill.state is not BillState.VOIDED:
                taken[str(bill.month), bill.part] += 1
        assert set(taken.values()) <= {1}, taken

    def _numbers(self, prefix: str, numbers: Iterable[str | None]) -> None:
        """Numbers have no gap and no twin, within a year."""
        years: dict[str, list[int]] = defaultdict(list)
        for number in filter(None, numbers):
            text = number.removeprefix(prefix)
            years[text[:4]].append(int(text[4:]))
        for year, found in years.items():
            assert sorted(found) == list(range(1, len(found) + 1)), (prefix, year, found)

    def _seals(self, actor: Actor) -> None:
        """What was sealed is in every later export, letter by letter, and the verifier agrees."""
        data = export_seals(self.world.db, actor.client.slug)
        found_wrong = verify(data)
        assert not found_wrong, found_wrong[:3]
        found = {
            record["name"]: record["form"]
            for record in map(json.loads, data.splitlines())
            if "form" in record
        }
        for number, form in self.sealed.items():
            if number in found:
                assert found[number] == form, number
        self.sealed |= found
