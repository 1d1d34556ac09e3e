"""Cloud bills of random customers: a payer account delivers, restates, and changes hands.

It draws from a dice of its own, so that a seed's calls and contracts stay what they are without it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from tests.rooms.clouds.written import focus_row, write_csv
from tests.scenarios.books import CLERK
from tests.simulate.faults import broken_off
from tests.simulate.truth import Asked, months_from
from tests.simulate.world import SERVICES, SOURCE, Actor, World
from yuejie.clouds.deliver import deliver
from yuejie.clouds.keep import add_rule, add_source
from yuejie.clouds.remap import remap
from yuejie.kernel.period import BillingMonth

CATEGORIES = ("Usage", "Usage", "Usage", "Purchase", "Tax", "Credit", "Adjustment")
OURS = "999"
"""An account of the operator's own."""


@dataclass(frozen=True)
class Row:
    """A line of the cloud's bill, in dollars."""

    account: str
    service: str
    category: str
    billed: Decimal
    effective: Decimal


@dataclass
class Sky:
    """The cloud's side: what it asks for in each month, and whose its accounts are."""

    world: World
    folder: Path
    said: dict[str, list[Row]] = field(default_factory=dict)
    """By period, as delivered last."""
    whose: dict[str, list[tuple[str, Actor | None, str]]] = field(default_factory=dict)
    """By account: from which period on, whose and which project's ("" for all of them)."""

    def __post_init__(self) -> None:
        world = self.world
        self.random = world.clouds
        add_source(
            world.db,
            SOURCE,
            name="AWS",
            billing_account="999900001111",
            tag_keys=[],
            by=CLERK,
            now=world.tick(),
        )
        self._says("*", None, "", "2025-01")
        for number, actor in enumerate(world.actors):
            for place in range(2):
                project = self.random.choice(("", *actor.projects))
                self._says(f"{number}{place}", actor, project, "2025-01")

    # ── what happens ────────────────────────────────────────────────────────────────────────────

    def month(self, month: str) -> None:
        """What the cloud does before a month is closed: it bills, and thinks again."""
        if self.random.random() < 0.8:
            self._delivers(month, self._rows(month))
        known = [label for label in months_from("2026-01", month)[-4:-1] if label in self.said]
        if known and self.random.random() < 0.4:
            label = self.random.choice(known)
            self._delivers(label, self._restated(label))
        if self.random.random() < 0.1:
            self._changes_hands(month)

    def late(self, month: str) -> None:
        """What comes when the month is closed already."""
        if self.random.random() < 0.3:
            rows = self._restated(month) if month in self.said else self._rows(month)
            self._delivers(month, rows)

    def _changes_hands(self, month: str) -> None:
        """An account is somebody else's, from this month or since an earlier one."""
        account = self.random.choice([name for name in self.whose if name != "*"])
        actor = self.random.choice((None, *self.world.actors))
        project = self.random.choice(("", *actor.projects)) if actor else ""
        self._says(account, actor, project, self.random.choice(months_from("2026-01", month)[-3:]))
        now = self.world.tick()
        self._do(lambda: remap(self.world.db, SOURCE, None, by=CLERK, now=now))
        for period in self.said:
            self._belongs(period)

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, month: str) -> list[Row]:
        accounts = [OURS]
        for number, actor in enumerate(self.world.actors):
            if actor.client.serves(month):
                accounts += [f"{number}0", f"{number}1"]
        return [
            self._row(account) for account in accounts for _ in range(self.random.randrange(1, 4))
        ]

    def _row(self, account: str) -> Row:
        category = self.random.choice(CATEGORIES)
        sign = -1 if category == "Credit" else self.random.choice((1, 1, 1, -1))
        billed = sign * Decimal(self.random.randrange(1, 10 ** self.random.randrange(2, 7))) / 1000
        effective = billed * self.random.choice((0, 1, 1, 2)) / self.random.choice((1, 4))
        return Row(account, self.random.choice(SERVICES), category, billed, effective)

    def _restated(self, period: str) -> list[Row]:
        """The same rows in another order; often some are gone, other or new."""
        rows = list(self.said[period])
        self.random.shuffle(rows)
        if self.random.random() < 0.7:
            kept = [row for row in rows if self.random.random() < 0.8] or rows[:1]
            rows = [
                replace(row, billed=row.billed + 1) if self.random.random() < 0.3 else row
                for row in kept
            ]
            rows.append(self._row(self.random.choice(rows).account))
        return rows

    def _delivers(self, period: str, rows: list[Row]) -> None:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        write_csv(path, [_cells(period, row) for row in rows])
        now = self.world.tick()
        self._do(lambda: deliver(self.world.db, SOURCE, [path], commit=True, by=CLERK, now=now))
        self.said[period] = rows
        self._belongs(period)

    # ── whose ───────────────────────────────────────────────────────────────────────────────────

    def _says(self, account: str, actor: Actor | None, project: str, since: str) -> None:
        add_rule(
            self.world.db,
            SOURCE,
            account if account == "*" else f"account={account}",
            customer=actor.party.customer.slug if actor else None,
            project=project or None,
            since=BillingMonth.parse(since),
            by=CLERK,
            now=self.world.tick(),
        )
        self.whose.setdefault(account, []).append((since, actor, project))

    def _belongs(self, period: str) -> None:
        """Tell the books what each customer is asked for in a period, as it is said now."""
        for actor in self.world.actors:
            asked: Counter[tuple[str, str, str]] = Counter()
            amortised: Counter[tuple[str, str, str]] = Counter()
            for row in self.said[period]:
                owner, project = self._owner(row.account, period)
                if owner is actor:
                    key = project, row.service, row.category.lower()
                    asked[key] += row.billed  # type: ignore[assignment]  # why: a sum of decimals
                    amortised[key] += row.effective  # type: ignore[assignment]  # why: the same
            actor.client.asked[period] = {
                key: Asked(Decimal(asked[key]), Decimal(amortised[key])) for key in asked
            }

    def _owner(self, account: str, period: str) -> tuple[Actor | None, str]:
        """The rule of the newest month that has begun; of one month, what was said last."""
        begun = [rule for rule in self.whose.get(account, ()) if rule[0] <= period]
        if not begun:
            return None, ""
        newest = max(since for since, _, _ in begun)
        _, actor, project = [rule for rule in begun if rule[0] == newest][-1]
        return actor, project

    def _do(self, deed: Callable[[], object]) -> None:
        broken_off(self.world.fused.fuse, self.random, deed, within=15)


def _cells(period: str, row: Row) -> dict[str, str]:
    following = BillingMonth.parse(period).next
    return focus_row(
        SubAccountId=row.account,
        ServiceName=row.service,
        ChargeCategory=row.category,
        BillingCurrency="USD",
        BilledCost=f"{row.billed:f}",
        EffectiveCost=f"{row.effective:f}",
        BillingPeriodStart=f"{period}-01T00:00:00Z",
        BillingPeriodEnd=f"{following}-01T00:00:00Z",
        ChargePeriodStart=f"{period}-03T00:00:00Z",
        ChargePeriodEnd=f"{period}-04T00:00:00Z",
    )
