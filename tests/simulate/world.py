"""A house with random customers, whose every deed goes through the real verbs at a moving clock."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from tests.scenarios.books import CLERK, Books, Party
from tests.simulate.faults import FusedDatabase
from tests.simulate.truth import Client, Deal, Passed, Promised, Truth, first_day, later
from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, ServiceMarkup
from yuejie.contracts.contract import Terms, midnight
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import open_book
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at, contract_versions
from yuejie.contracts.terms import (
    STANDARD,
    AvailabilityStep,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    Confirmation,
    ContractType,
    DueBasis,
    HeadShare,
    Renewal,
    SettlementOrder,
    Sla,
    SlaExclusion,
    Split,
    TaxGrouping,
    TierDiscount,
    TierMode,
    TierStep,
)
from yuejie.customers.enrol import ProjectDraft, add_project
from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId

MODELS = ("gpt-4o", "gpt-4o-mini")
METERS = ("input", "output")
SERVICES = ("Amazon Bedrock", "Amazon S3", "AWS Support/Business")
SOURCE = "aws-main"
FIRST = "2026-01"
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London")


@dataclass
class Actor:
    """A customer: its party for the verbs, its client in the truth."""

    party: Party
    client: Client
    projects: tuple[str, ...]
    terms: dict[int, CommercialTerms]
    """Of each of its contracts those that were signed last."""

    def currency(self, month: str) -> str:
        """The currency in which a month is billed."""
        deal = self.client.deal(month)
        return deal.currency if deal else self.party.customer.currency

    @property
    def currencies(self) -> set[str]:
        """Every currency in which it was ever billed, or will be."""
        return {self.party.customer.currency} | {deal.currency for deal in self.client.deals}


@dataclass(frozen=True)
class Dice:
    """What terms are drawn from: most of them, promises of service, and clouds."""

    terms: Random
    luck: Random
    clouds: Random


class World(Books):
    """The house of one seed."""

    def __init__(self, db: FusedDatabase, seed: int, customers: int) -> None:
        super().__init__(db)
        self.fused = db
        self.random = Random(seed)
        self.luck = Random(-seed - 1)
        """What promises of service and failing calls are drawn from: the rest stays as it was."""
        self.clouds = Random(f"clouds {seed}")
        """What cloud bills are drawn from, and what is agreed about them."""
        self.contracts = Random(f"{seed}/contracts")
        """How contracts end and what follows, and what is agreed then."""
        self.family = Random(f"{seed}/family")
        """Who pays for whom."""
        self.truth = Truth()
        self._known: dict[str, Book] = {}
        self.clock.at = datetime(2025, 12, 1, tzinfo=UTC)
        self._first_prices()
        self.publish_fx_of("2026-01")
        self.actors = [self._actor(number) for number in range(customers)]

    # ── prices and rates ────────────────────────────────────────────────────────────────────────

    def _table(self) -> dict[tuple[str, str], Decimal]:
        random = self.random
        return {
            (model, meter): Decimal(random.randrange(1, 40_000_000)) / 1_000_000
            for model in MODELS
            for meter in METERS
        }

    def _toml(self, table: dict[tuple[str, str], Decimal], *prefixes: str) -> str:
        lines = ['currency = "USD"']
        for prefix in prefixes:
            for model in MODELS:
                lines.append(f'[models."{prefix}{model}"]')
                lines += [f'{meter} = "{table[model, meter]:.6f}"' for meter in METERS]
        return "\n".join(lines)

    def _first_prices(self) -> None:
        for book_id, kind in (("list", "sale"), ("cost", "cost")):
            open_book(self.db, book_id, kind=kind, currency="USD", by=CLERK, now=self.tick())
        self._publish(date(2025, 12, 2))

    def reprice(self, month: str) -> None:
        """Publish new prices that hold from some day of a month to come on."""
        start = date.fromisoformat(f"{month}-{self.random.randrange(1, 28):02d}")
        self._publish(start)

    def _publish(self, start: date) -> None:
        table, now = self._table(), self.tick()
        # What is found out by hand has no deployment here, so its cost model has no prefix.
        for book_id, prefixes in (("list", ("",)), ("cost", ("openai/", ""))):
            wanted = PriceImport(
                book_id=book_id,
                name="prices.toml",
                body=self._toml(table, *prefixes).encode(),
                starts_at=datetime(start.year, start.month, start.day, tzinfo=UTC),
                approve=True,
            )
            report = import_prices(self.db, wanted, by="pricing", now=now)
            assert not report.refused, report.lines()
        self._known.clear()
        self.truth.prices.append((start, table))

    def publish_fx_of(self, month: str) -> None:
        """Publish a rate dated in a month; a later one of the same month takes its place."""
        rate = Decimal(self.random.randrange(680_000_00, 740_000_00)) / 10_000_000
        self.fx(str(rate), f"{month}-{self.random.choice(('01', '15', '28'))}")
        self.truth.fx[month].add(Fraction(rate))

    def book(self, tx: Tx, name: str) -> Book:
        if name not in self._known:
            self._known[name] = super().book(tx, name)
        return self._known[name]

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    def _actor(self, number: int) -> Actor:
        random, slug = self.random, f"c{number:03d}"
        currency = random.choice(("CNY", "CNY", "USD"))
        zone = random.choice(ZONES)
        terms = self._terms(self._dice)
        first = random.choice((FIRST, FIRST, "2026-03"))
        if self.contracts.random() < 0.7:
            terms = self.bound(terms, first_day(first))
        starts = datetime.fromisoformat(f"{first}-01").replace(tzinfo=_zone(zone)).astimezone(UTC)
        party = self.customer(
            slug,
            zone=zone,
            currency=currency,
            fx_policy="bill" if currency == "CNY" else "none",
            tax_mode=random.choice(("inclusive", "inclusive", "exclusive")),
            projects=(),
            commercial=terms,
            starts=starts,
        )
        projects = ("main", "chat", "search")[: random.randrange(1, 4)]
        for at, name in enumerate(projects):
            department = random.choice(("", "研发", "客服"))
            draft = ProjectDraft(name=name, department=department)
            if at and random.random() < 0.3:
                draft = replace(draft, parent=projects[0])
            add_project(self.db, party.customer.customer_id, draft, by="admin", now=self.tick())
        client = Client(slug, first, [deal_of(terms, first_day(first), currency)])
        self.truth.clients[slug] = client
        return Actor(party, client, projects, {0: terms})

    @property
    def _dice(self) -> Dice:
        return Dice(self.random, self.luck, self.clouds)

    def _terms(self, dice: Dice) -> CommercialTerms:
        random = dice.terms
        more: dict[str, Any] = {}
        if random.random() < 0.5:
            above = sorted(random.sample(range(60_000), random.randrange(1, 4)))
            rates = sorted(random.randrange(0, 400_000) for _ in above)
            steps = tuple(TierStep(a, r) for a, r in zip(above, rates, strict=True))
            more["tier_discount"] = TierDiscount(steps, random.choice(list(TierMode)))
        if random.random() < 0.4:
            more["commitment"] = Commitment(
                random.randrange(1, 900_000), random.choice(list(CommitmentPeriod))
            )
        if random.random() < 0.3:
            more["management_fee_fen"] = random.randrange(1, 30_000)
        if random.random() < 0.3:
            year, month = random.choice(((2026, 9), (2027, 1), (2027, 3)))
            more["ends_on"] = date(year, month, 1)
        if random.random() < 0.3:
            more["settlement_order"] = SettlementOrder.FAPIAO_FIRST
            more["due_basis"] = random.choice((DueBasis.BILL_DATE, DueBasis.FAPIAO_RECEIPT))
        return replace(
            STANDARD,
            sla=_sla(dice.luck),
            clouds=_passed_on(dice.clouds),
            confirmation=random.choice(list(Confirmation)),
            split=random.choice(list(Split)),
            head_share=random.choice(list(HeadShare)),
            tax_grouping=random.choice(list(TaxGrouping)),
            **more,
        )

    def bound(self, terms: CommercialTerms, since: date) -> CommercialTerms:
        """Let terms end within the year, often with a promise that is worth looking at."""
        dice = self.contracts
        ends_on = later(since.replace(day=1), dice.randrange(3, 9))
        ends_on += timedelta(days=dice.choice((0, 0, dice.randrange(1, 27))))
        if dice.random() < 0.6:
            period = dice.choice(list(CommitmentPeriod))
            terms = replace(terms, commitment=Commitment(dice.randrange(1, 900_000), period))
        return replace(
            terms,
            ends_on=ends_on,
            type=ContractType.ONE_YEAR,
            notice_days=dice.choice((0, 15, 30)),
            renewal=dice.choice((Renewal.NONE, Renewal.ASKED, Renewal.AUTO)),
            renewal_months=dice.randrange(2, 7),
            break_fee=BreakFee(dice.choice((0, 333_333, 1_000_000)), dice.randrange(50_000)),
        )

    def follow(self, actor: Actor, starts_on: date, currency: str) -> None:
        """Sign another contract, which holds from a day on, in a currency."""
        dice = self.contracts
        terms = replace(self._terms(Dice(dice, dice, dice)), ends_on=None)
        if dice.random() < 0.7:
            terms = self.bound(terms, starts_on)
        signed = Terms(
            customer_id=actor.party.customer.customer_id,
            sale_book=BookId("list"),
            currency=currency,
            zone=str(actor.party.zone),
            fx_policy="bill" if currency == "CNY" else "none",
            tax_mode=dice.choice(("inclusive", "exclusive")),
            starts_at=midnight(starts_on, str(actor.party.zone)),
            commercial=terms,
        )
        sign_contract(self.db, signed, by=CLERK, now=self.tick())
        number = actor.client.signed
        actor.terms[number] = terms
        actor.client.signed += 1
        actor.client.deals.append(deal_of(terms, starts_on, currency, contract=number))

    def amend_from(self, actor: Actor, month: str) -> None:
        """Agree other terms from a month to come on; how the contract ends stays."""
        first, client = first_day(month), actor.client
        starts, was = midnight(first, str(actor.party.zone)), client.on(first)
        terms = self._terms(self._dice)
        with self.db.read() as tx:
            held = contract_at(tx, actor.party.customer.customer_id, starts)
            assert held is not None
            newest = contract_versions(tx, held.contract_id)[-1]
        if was is None or newest.starts_at > starts:
            return  # nothing may begin before the newest version does, as one that was renewed
        ending = ("ends_on", "type", "notice_days", "renewal", "renewal_months", "break_fee")
        terms = replace(terms, **{name: getattr(held.terms, name) for name in ending})
        self.tick()
        self.amend(actor.party, terms, starts=starts)
        actor.terms[was.contract] = terms
        deal = deal_of(terms, first, was.currency, contract=was.contract)
        client.deals.append(replace(deal, term=was.term))


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - one use

    return ZoneInfo(name)


def _sla(luck: Random) -> Sla | None:
    if luck.random() < 0.3:
        return None
    below = sorted(luck.sample(range(200_000, 1_000_001), luck.randrange(1, 4)), reverse=True)
    shares = sorted(luck.randrange(0, 600_000) for _ in below)
    return Sla(
        availability_ppm=below[0],
        steps=tuple(AvailabilityStep(*step) for step in zip(below, shares, strict=True)),
        exclusions=tuple(each for each in SlaExclusion if luck.random() < 0.3),
        operations_min=luck.randrange(1, 8),
        cap_ppm=luck.choice((100_000, 500_000, 1_000_000)),
    )


def _passed_on(dice: Random) -> tuple[CloudTerms, ...]:
    if dice.random() < 0.4:
        return ()
    named = dice.sample(SERVICES, dice.randrange(3))
    return (
        CloudTerms(
            source=SOURCE,
            markup_ppm=dice.choice((0, 80_000, 333_333)),
            basis=dice.choice(list(CloudBasis)),
            services=tuple(ServiceMarkup(name, dice.randrange(500_000)) for name in named),
            leave_out=tuple(each for each in CloudCategory if dice.random() < 0.15),
        ),
    )


def deal_of(terms: CommercialTerms, since: date, currency: str, *, contract: int = 0) -> Deal:
    """Say in the truth's words what terms agree."""
    tier, promised, sla = terms.tier_discount, terms.commitment, terms.sla
    return Deal(
        since=since,
        ends=terms.ends_on,
        contract=contract,
        currency=currency,
        notice=terms.notice_days,
        bound=terms.type is not ContractType.OPEN,
        fixed=terms.break_fee.fixed_fen,
        rest=terms.break_fee.remaining_commitment_ppm,
        steps=tuple((s.above_fen, s.discount_ppm) for s in tier.steps) if tier else (),
        volume=tier is not None and tier.mode is TierMode.VOLUME,
        minimum=promised.amount_fen if promised else 0,
        period=str(promised.period) if promised else "month",
        fee=terms.management_fee_fen,
        promised=Promised(
            tuple((step.below_ppm, step.credit_ppm) for step in sla.steps),
            sla.operations_min,
            sla.cap_ppm,
            frozenset(map(str, sla.exclusions)),
        )
        if sla
        else None,
        passed=_passed(terms),
    )


def _passed(terms: CommercialTerms) -> Passed | None:
    return next(
        (
            Passed(
                each.markup_ppm,
                tuple((other.service, other.markup_ppm) for other in each.services),
                frozenset(map(str, each.leave_out)),
                each.basis is CloudBasis.EFFECTIVE,
            )
            for each in terms.clouds
        ),
        None,
    )
