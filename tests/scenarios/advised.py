"""A customer whose calls are advised on: its catalogue, its keys, its days, and an own way to rate.

`rerated` is the independent path: event by event from the database, each rated by `rate_items` as
the gateway does, with one thing changed. It shares with advice neither cells nor SQL sums.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.scenarios.books import CLERK, FOUNDED, Books, Party
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.prices import Book
from yuejie.contracts.store import contract_at
from yuejie.contracts.tier import tier_key
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.insights.advice.advice import Advice, Kind
from yuejie.insights.advice.refresh import Round, refresh_customer
from yuejie.insights.advice.show import show_advice, show_one
from yuejie.kernel.ids import KeyId, uuid7_at
from yuejie.kernel.period import BillingMonth, local_hour
from yuejie.rating.price import rate_items
from yuejie.usage.event import Item
from yuejie.usage.journal import Ended, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us
from yuejie.usage.show import NEWEST
from yuejie.usage.store import EventRow, recent

PEPPER = b"p" * 32
NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
"""Ten in the morning of October's first, in Shanghai: September is over."""
Changed = Callable[[EventRow], Mapping[str, Any]]


@dataclass
class Advised:
    """A customer and its house."""

    books: Books
    party: Party
    keys: dict[str, KeyId] = field(default_factory=dict)
    records: list[Ended] = field(default_factory=list)
    _days: dict[tuple[str, str], tuple[Ended, Book, Book]] = field(default_factory=dict)

    def offers(self, *models: str, **facts: Any) -> None:
        """Put models into the catalogue, each served by one account."""
        account = AccountDraft(
            account_id="sim",
            provider="openai",
            platform="openai",
            base_url="http://127.0.0.1:1",
            region=facts.pop("region", "us"),
            credential=b"sealed",
        )
        put_account(self.books.db, account, by=CLERK, now=FOUNDED)
        for name in models:
            draft = ModelDraft(model_id=name, **({"context_window": 400_000} | facts))
            put_model(self.books.db, draft, by=CLERK, now=FOUNDED)
            deployment = DeploymentDraft(
                model_id=name,
                account_id="sim",
                upstream_model=name,
                cost_model=f"openai/{name}",
            )
            put_deployment(self.books.db, deployment, by=CLERK, now=FOUNDED)

    def key(self, name: str, **facts: Any) -> KeyId:
        """Issue a key; what it declares of its work are its facts."""
        draft = KeyDraft(project=facts.pop("project", "main"), name=name, **facts)
        issued = issue_key(
            self.books.db, self.party.customer, draft, pepper=PEPPER, by=CLERK, now=FOUNDED
        )
        self.keys[name] = issued.key.key_id
        return issued.key.key_id

    def calls(
        self,
        when: str,
        key: str,
        model: str,
        *,
        times: int = 1,
        tier: str = "default",
        facts: Mapping[str, str] | None = None,
        every: timedelta = timedelta(seconds=1),
        project: str = "main",
        state: str = "measured",
        **meters: int,
    ) -> None:
        """Record calls that began at a local time, `every` so long."""
        start = datetime.fromisoformat(when).replace(tzinfo=self.party.zone).astimezone(UTC)
        for number in range(times):
            self._call(
                start + number * every, key, model, tier, facts or {}, project, state, meters
            )

    def _call(
        self,
        started: datetime,
        key: str,
        model: str,
        tier: str,
        facts: Mapping[str, str],
        project: str,
        state: str,
        meters: Mapping[str, int],
    ) -> None:
        plain, sale, cost = self._like(started, model, project)
        context = sum(q for m, q in meters.items() if m not in {"output", "reasoning", "requests"})
        started_us = unix_us(started)
        rated = rate_items(
            [Item(model, Meter(name), quantity) for name, quantity in meters.items()]
            + [Item(model, Meter.REQUESTS, 1)],
            sale=sale,
            cost=cost,
            sale_model=model,
            cost_prefix="openai/",
            sale_revision=plain.begun.sale_revision,
            cost_revision=plain.begun.cost_revision,
            started_us=started_us,
            service_tier=tier_key(tier, facts),
            context_tokens=context,
            billable=True,
        )
        assert not rated.unpriced, rated.unpriced
        event = uuid7_at(started_us // 1000)
        begun = msgspec.structs.replace(
            plain.begun,
            event=event,
            operation=event,
            started_us=started_us,
            month=str(BillingMonth.of(started, self.party.zone)),
            hour_s=int(local_hour(started, self.party.zone).timestamp()),
            model=model,
            key=self.keys.get(key, key),
        )
        self.records.append(
            msgspec.structs.replace(
                plain,
                begun=begun,
                ended_us=started_us + 1_000_000,
                state=state,
                items=tuple(
                    EndedItem(i.model, i.meter, i.quantity, i.sale_rate, i.cost_rate)
                    for i in rated.items
                ),
                context_tokens=context,
                service_tier=tier,
                facts=dict(facts),
            )
        )

    def _like(self, started: datetime, model: str, project: str) -> tuple[Ended, Book, Book]:
        """Return a call of a project's month, and the books that price it; read once a month."""
        place = (f"{started:%Y-%m}", project)
        if place not in self._days:
            like = self.books.ended(self.party, started, model, project, "measured", {"input": 1})
            with self.books.db.read() as tx:
                sale, cost = (self.books.book(tx, n) for n in (like.begun.sale_book, "cost"))
            self._days[place] = like, sale, cost
        return self._days[place]

    def arrive(self) -> None:
        """Let what was recorded reach the database."""
        self.books.ingest(self.records)
        self.records = []

    def advise(self, now: datetime = NOW, **facts: Any) -> Round:
        """Let the clerk look at the month that is over."""
        self.arrive()
        return refresh_customer(self.books.db, self.party.customer.customer_id, now=now, **facts)

    def all(self, kind: Kind | None = None) -> list[Advice]:
        """Return the advice that is there, the largest saving first."""
        shown = show_advice(self.books.db, self.party.customer.customer_id)
        found = [each.advice for each in shown if kind in (None, each.advice.kind)]
        return sorted(found, key=lambda each: -each.saving.fen)

    def one(self, kind: Kind) -> Advice:
        """Return the one advice of a kind."""
        (found,) = self.all(kind)
        return found

    def again(self, advice: Advice) -> Any:
        """Return an advice with its steps and measures."""
        return show_one(self.books.db, self.party.customer.customer_id, advice.advice_id)

    def rerated(self, changed: Changed) -> tuple[int, int]:
        """Rate every event once as it is and once as `changed` says; return both sums in picos."""
        now_sum = then_sum = 0
        with self.books.db.read() as tx:
            contract = contract_at(tx, self.party.customer.customer_id, NOW)
            assert contract is not None
            book = self.books.book(tx, contract.sale_book)
            rates = {rate.rate_id: rate.pico for rate in book.rows.rates}
            rows = recent(tx, self.party.customer.customer_id, before=NEWEST, limit=100_000)
        for row in rows:
            for change, is_now in (({}, True), (changed(row), False)):
                meters = dict(change.get("meters", {m: q for _, m, q, *_ in row.items}))
                model = change.get("model", row.model)
                rated = rate_items(
                    [Item(model, Meter(meter), quantity) for meter, quantity in meters.items()],
                    sale=book,
                    cost=None,
                    sale_model=model,
                    cost_prefix="",
                    sale_revision=row.sale_revision,
                    cost_revision=0,
                    started_us=unix_us(change.get("started_at", row.started_at)),
                    service_tier=change.get("tier", tier_key(row.service_tier, row.facts)),
                    context_tokens=change.get("context", row.context_tokens),
                    billable=True,
                )
                assert not rated.unpriced
                worth = sum(i.quantity * rates[i.sale_rate] for i in rated.items if i.sale_rate)
                if is_now:
                    now_sum += worth
                else:
                    then_sum += worth
        return now_sum, then_sum


def recomputed(advice: Advice) -> int:
    """Add an advice's lines up again, as anyone with a calculator would."""
    before = sum(line.quantity * line.pico for line in advice.figure.before)
    after = sum(line.quantity * line.pico for line in advice.figure.after)
    return before - after
