"""A house with random customers, whose every deed goes through the real verbs at a moving clock."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from tests.scenarios.books import CLERK, Books, Party
from tests.simulate.faults import FusedDatabase
from tests.simulate.truth import Client, Deal, Passed, Promised, Truth
from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, ServiceMarkup
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import open_book
from yuejie.contracts.terms import (
    STANDARD,
    AvailabilityStep,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    Confirmation,
    DueBasis,
    HeadShare,
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
    terms: CommercialTerms


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
        terms = self._terms()
        first = random.choice((FIRST, FIRST, "2026-03"))
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
        client = Client(slug, first, [deal_of(terms, first)])
        self.truth.clients[slug] = client
        return Actor(party, client, projects, terms)

    def _terms(self) -> CommercialTerms:
        random = self.random
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
            sla=self._sla(),
            clouds=self._passed_on(),
            confirmation=random.choice(list(Confirmation)),
            split=random.choice(list(Split)),
            head_share=random.choice(list(HeadShare)),
            tax_grouping=random.choice(list(TaxGrouping)),
            **more,
        )

    def _sla(self) -> Sla | None:
        luck = self.luck
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

    def _passed_on(self) -> tuple[CloudTerms, ...]:
        dice = self.clouds
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

    def amend_from(self, actor: Actor, month: str) -> None:
        """Agree other terms from a month to come on; the end of the contract stays."""
        terms = replace(self._terms(), ends_on=actor.terms.ends_on)
        zone = actor.party.zone
        starts = datetime.fromisoformat(f"{month}-01").replace(tzinfo=zone).astimezone(UTC)
        self.tick()
        self.amend(actor.party, terms, starts=starts)
        actor.terms = terms
        actor.client.deals.append(deal_of(terms, month))


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - one use

    return ZoneInfo(name)


def deal_of(terms: CommercialTerms, since: str) -> Deal:
    """Say in the truth's words what terms agree."""
    tier, promised, sla = terms.tier_discount, terms.commitment, terms.sla
    last = terms.ends_on - timedelta(days=1) if terms.ends_on else None
    return Deal(
        since=since,
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
        ends=f"{last.year:04d}-{last.month:02d}" if last else "",
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
