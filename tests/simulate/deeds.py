"""What happens to a customer between one closing and the next, at random, by the real verbs."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from tests.simulate.drawn import Names
from tests.simulate.faults import Crash, broken_off
from tests.simulate.truth import Fact
from tests.simulate.world import METERS, MODELS, Actor, World
from yuejie.bills.bill import FINAL, Bill, BillState
from yuejie.bills.closing.close import Closed, Done
from yuejie.bills.closing.units.assign import assign_unit
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.credit import CreditNote
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.store import credits_of
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import confirm_bill, propose_bill, reopen_bill
from yuejie.bills.review.dispute import DisputeState
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
    withdraw_dispute,
)
from yuejie.bills.review.store import disputes_of
from yuejie.bills.store import whole_bills
from yuejie.budgets.lending import count as budgets
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import Confirmation
from yuejie.intake.resolve import Measured, resolve_by_hand
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import BillingMonth
from yuejie.usage.correct import correct
from yuejie.usage.event import Outcome
from yuejie.usage.journal import Ended, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.record import ended_of
from yuejie.usage.store import EventRow

FAULTS = (("provider", 503), ("throttled", 429), ("refused", 404), ("ours", 401), ("served", 400))
"""Who is at fault for what a provider answers; a bad request is the client's, and was served."""


@dataclass
class Deeds:
    """Chooses and does deeds."""

    world: World
    names: Names

    def __post_init__(self) -> None:
        self.random = self.world.random
        self.open_events: list[tuple[Actor, UUID, str, str, date]] = []
        """Events whose usage is not known yet."""
        self.done: Counter[str] = Counter()
        """How often a deed that a rule may refuse was done, and how often it was refused."""

    def do(self, deed: Callable[[], Any]) -> Any:
        """Do a deed; now and then break off at some statement first, and do it again."""
        return broken_off(self.world.fused.fuse, self.random, deed, within=30)

    def attempt(self, name: str, deed: Callable[[], Any]) -> Any:
        """Do a deed that a rule may refuse; None where it is."""
        try:
            became = self.do(deed)
        except (Conflict, Invalid, NotFound):
            self.done[f"{name} refused"] += 1
            return None
        self.done[name] += 1
        return became

    # ── usage ───────────────────────────────────────────────────────────────────────────────────

    def use(self, actor: Actor, month: str, calls: int) -> None:
        """Record some calls of a month, some of them of unknown usage."""
        records: list[Ended] = []
        facts: list[tuple[str, list[Fact]]] = []
        for _ in range(calls):
            ended, found = self._call(actor, month)
            records.append(ended)
            facts.append((str(UUID(bytes=ended.begun.event)), found))
        failed = [self._failing(ended) for ended in records if self.world.luck.random() < 0.5]
        attempts = [*records, *(attempt for one, _ in failed for attempt in one)]
        if attempts:
            self.do(lambda: self.world.ingest(attempts))
        actor.client.facts.update(facts)
        for one in records:
            actor.client.ended[self._day(actor, one), "served"] += 1
        for tried, how in failed:
            actor.client.ended[self._day(actor, tried[0]), how] += 1

    @staticmethod
    def _day(actor: Actor, ended: Ended) -> date:
        """The customer's day on which a call began."""
        return datetime.fromtimestamp(ended.begun.started_us // 10**6, actor.party.zone).date()

    def _failing(self, like: Ended) -> tuple[list[Ended], str]:
        """Return the attempts of a call that used nothing, just behind another, and its ending."""
        luck, replace = self.world.luck, msgspec.structs.replace
        how, status = luck.choice(FAULTS)
        started = like.begun.started_us + luck.randrange(1, 3_000_000)
        event = uuid7_at(started // 1000)
        begun = replace(like.begun, event=event, operation=event, started_us=started)
        nothing = (EndedItem(like.begun.model, Meter.FAILED_REQUESTS, 1, 0, 0),)
        first = replace(
            like,
            begun=begun,
            state="measured",
            billable=False,
            items=nothing,
            outcome=Outcome.PROVIDER_ERROR,
            http_status=status,
        )
        if luck.random() < 0.7:
            return [first], how
        later = replace(begun, event=uuid7_at(started // 1000 + 900), attempt=2)
        count = (EndedItem(like.begun.model, Meter.REQUESTS, 1, 0, 0),)
        answered = replace(
            first, begun=later, billable=True, items=count, outcome=Outcome.OK, http_status=200
        )
        return [first, answered], "served"

    def _call(self, actor: Actor, month: str) -> tuple[Ended, list[Fact]]:
        random, world = self.random, self.world
        # A day away from both ends, so that the price of the day is the price in any zone.
        day = date.fromisoformat(f"{month}-{random.randrange(2, 28):02d}")
        at = clock_time(random.randrange(24), random.randrange(60), random.randrange(60))
        local = datetime.combine(day, at, actor.party.zone)
        started = local.astimezone(UTC)
        model, project = random.choice(MODELS), random.choice(actor.projects)
        size = 10 ** random.randrange(2, 8)
        meters = {m: random.randrange(1, size) for m in METERS if random.random() < 0.8}
        unknown = not meters or random.random() < 0.08
        state = "unmeasured" if unknown else "measured"
        known = {} if unknown else meters
        ended = world.ended(actor.party, started, model, project, state, known)
        if unknown:
            # As the gateway does: a call of which nothing is known is still a request.
            count = (EndedItem(model, Meter.REQUESTS, 1, 0, 0),)
            ended = msgspec.structs.replace(ended, items=count)
            event = UUID(bytes=ended.begun.event)
            self.open_events.append((actor, event, project, model, started.date()))
        facts = [
            self._fact(month, project, model, meter, tokens, started.date())
            for meter, tokens in known.items()
        ]
        return ended, facts

    def _fact(
        self, month: str, project: str, model: str, meter: str, tokens: int, day: date
    ) -> Fact:
        price: Decimal = self.world.truth.price(day, model, meter)
        return Fact(month, project, model, meter, tokens, price)

    def find_out(self) -> None:
        """Somebody finds out what some open events used."""
        for each in list(self.open_events):
            if self.random.random() < 0.4:
                actor, event, project, model, day = each
                tokens = self.random.randrange(1, 10**6)
                measured = Measured(quantities={Meter.INPUT: tokens})
                self.do(lambda e=event, m=measured: self._resolve(e, m))  # type: ignore[misc]  # why: bound now
                month = str(BillingMonth(day.year, day.month))
                fact = self._fact(month, project, model, "input", tokens, day)
                actor.client.facts[str(event)] = [fact]
                self.open_events.remove(each)

    def _resolve(self, event: UUID, measured: Measured) -> None:
        resolve_by_hand(self.world.db, event, measured, by="ops")

    def put_right(self, actor: Actor) -> None:
        """Correct what some measured events used: less, more, or nothing."""
        known = [event for event, facts in actor.client.facts.items() if facts]
        for event in self.random.sample(known, min(len(known), self.random.randrange(3))):
            part = self.random.choice((0, 1, 3, 5))

            def decide(row: EventRow, part: int = part) -> Ended:
                was = ended_of(row)
                items = tuple(
                    msgspec.structs.replace(item, quantity=item.quantity * part // 4)
                    for item in was.items
                )
                return msgspec.structs.replace(was, items=items)

            def deed(event: str = event, decide: Any = decide) -> None:
                correct(
                    self.world.db,
                    {UUID(event): decide},
                    source="test",
                    forced=True,
                    count=budgets.Spending().count,
                )

            # Once: a correction done twice would take three quarters of three quarters.
            deed()
            actor.client.facts[event] = [
                Fact(f.month, f.project, f.model, f.meter, f.tokens * part // 4, f.price)
                for f in actor.client.facts[event]
            ]

    # ── what is agreed and allowed ──────────────────────────────────────────────────────────────

    def allow(self, actor: Actor, month: str) -> None:
        """Propose an adjustment; somebody else approves or rejects it."""
        random, world, client = self.random, self.world, actor.client
        labels = self._months(client.first, month)
        wanted = Wanted(
            customer_id=actor.party.customer.customer_id,
            service_month=BillingMonth.parse(random.choice(labels)),
            amount_fen=random.choice((-1, 1)) * random.randrange(1, 50_000),
            currency=actor.currency(month),
            item="调整",
            why="约定",
        )
        now = world.tick()
        asked = self.do(lambda: propose_adjustment(world.db, wanted, by="sales", now=now))
        decision = random.choice((Decision.APPROVE, Decision.APPROVE, Decision.REJECT))
        self._decide(asked.adjustment_id, decision)
        if decision is Decision.APPROVE:
            label = str(wanted.service_month)
            client.allowed[asked.adjustment_id] = label, wanted.amount_fen, wanted.currency

    def _decide(self, adjustment_id: str, decision: Decision) -> None:
        now = self.world.tick()
        self.do(
            lambda: decide_adjustment(
                self.world.db, adjustment_id, decision, by="finance", now=now, why="核对"
            )
        )

    @staticmethod
    def _months(first: str, last: str) -> list[str]:
        found = [BillingMonth.parse(first)]
        while str(found[-1]) < last:
            found.append(found[-1].next)
        return [str(month) for month in found]

    def grant(self, actor: Actor, month: str) -> None:
        """Sell a package or give a voucher, from a month on that is not closed yet."""
        random, world = self.random, self.world
        first = BillingMonth.parse(month).first_day
        kind = random.choice(list(GrantKind))
        draft = GrantDraft(
            customer_id=actor.party.customer.customer_id,
            kind=kind,
            name="甲",
            amount_fen=random.randrange(1, 400_000),
            paid_fen=random.randrange(0, 300_000) if kind is GrantKind.PACKAGE else 0,
            currency=actor.currency(month),
            models=random.choice(((), (), (MODELS[0],))),
            starts_on=first,
            ends_on=first + timedelta(days=random.choice((31, 92, 366))),
        )
        now = world.tick()
        asked = self.attempt(
            "grant", lambda: ask_grant(world.db, draft, why="随约赠送", by="sales", now=now)
        )
        if asked is None:  # no contract of the customer holds then
            return
        then = world.tick()
        self.do(lambda: approve_grant(world.db, asked.grant_id, by="finance", now=then))
        actor.client.grants[asked.grant_id] = (str(kind), draft.amount_fen)

    def move_project(self, actor: Actor, month: str) -> None:
        """Bill a project in a unit from a month on."""
        project = self.random.choice(actor.projects)
        unit = self.random.choice(("甲公司", "乙公司"))
        since, now = BillingMonth.parse(month), self.world.tick()
        slug = actor.party.customer.slug
        self.do(
            lambda: assign_unit(
                self.world.db, slug, project=project, unit=unit, since=since, by="ops", now=now
            )
        )

    # ── closing and review ──────────────────────────────────────────────────────────────────────

    def close(self, month: str) -> list[Closed]:
        """Close a month: once, after a crash, or from two threads at the same time."""
        world, label = self.world, BillingMonth.parse(month)
        way = self.random.choice(("once", "crash", "twice"))
        world.tick()
        if way == "crash":
            world.fused.fuse.left = self.random.randrange(2, 40 * len(world.actors))
            try:
                world.close(str(label))
            except Crash:
                pass
            finally:
                world.fused.fuse.left = None
            world.tick()
        if way == "twice":
            self._close_twice(month)
            world.tick()
        closed = world.close(month)
        failed = {each.customer: each.why for each in closed if each.done is Done.FAILED}
        # Where somebody was left before the first contract began, what was allowed it waits.
        nobody = {each.client.slug for each in world.actors if not each.client.deals}
        assert failed.keys() <= nobody, failed
        assert all("请先登记合同再关账" in why for why in failed.values()), failed
        return closed

    def _close_twice(self, month: str) -> None:
        """Let two threads close everybody's month at the same time."""
        dice = self.names.race(actor.client.slug for actor in self.world.actors)

        def close() -> None:
            for slug, own in dice.items():
                with self.names.drawn_from(own):
                    self.world.close(month, customer=slug)

        threads = [threading.Thread(target=close) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def bills(self, actor: Actor) -> list[Bill]:
        """Return all bills of a customer."""
        with self.world.db.read() as tx:
            return whole_bills(tx, actor.party.customer.customer_id)

    def review(self, actor: Actor, *, patient: bool) -> None:
        """Bring what is not issued a step or more along."""
        for bill in self.bills(actor):
            if bill.lines and (not patient or self.random.random() < 0.8):
                self._along(actor, bill)

    def _along(self, actor: Actor, bill: Bill) -> None:
        random, world, name = self.random, self.world, bill.bill_id
        state = bill.state
        if state is BillState.DRAFT and (self._asks(actor) or random.random() < 0.3):
            now = world.tick()
            self.do(lambda: propose_bill(world.db, name, by="clerk", now=now))
            state = BillState.PROPOSED
        if state is BillState.PROPOSED and random.random() < 0.3:
            self._dispute(actor, bill)
            return
        if state is BillState.DISPUTED:
            self._answer(actor, bill)
            return
        if state in {BillState.PROPOSED, BillState.CONFIRMED} and random.random() < 0.15:
            now = world.tick()
            self.do(lambda: reopen_bill(world.db, name, by="clerk", now=now, why="补充"))
            return
        if state is BillState.PROPOSED:
            now = world.tick()
            self.do(lambda: confirm_bill(world.db, name, by="ops", now=now, why="邮件"))
            state = BillState.CONFIRMED
        if state is BillState.CONFIRMED or (state is BillState.DRAFT and not self._asks(actor)):
            world.tick()
            self.do(lambda: self._issue(bill))

    def _issue(self, bill: Bill) -> None:
        try:
            self.world.issue(bill)
        except Conflict:
            # The contract was amended to ask for a confirmation since it was drawn.
            return

    def _asks(self, actor: Actor) -> bool:
        return actor.terms[actor.client.signed - 1].confirmation is not Confirmation.NONE

    def _dispute(self, actor: Actor, bill: Bill) -> None:
        world, now = self.world, self.world.tick()
        line = self.random.choice(bill.lines)
        objection = Objection(line.position, "不对")
        owner = actor.party.customer.customer_id
        self.do(
            lambda: raise_dispute(
                world.db, bill.bill_id, objection, by="customer", now=now, customer_id=owner
            )
        )
        if self.random.random() < 0.7:
            self._answer(actor, bill)

    def _answer(self, actor: Actor, bill: Bill) -> None:
        random, world = self.random, self.world
        with world.db.read() as tx:
            found = disputes_of(tx, bill.customer_id, bill_id=bill.bill_id)
        for dispute in found:
            if dispute.state is not DisputeState.OPEN:
                continue
            now, name = world.tick(), dispute.dispute_id
            way = random.choice(("accept", "reject", "withdraw"))
            if way == "withdraw":
                withdraw_dispute(world.db, name, by="customer", now=now)
            elif way == "reject":
                reject_dispute(world.db, name, answer="无误", by="ops", now=now)
            else:
                fen = -random.randrange(1, 20_000)
                became = accept_dispute(
                    world.db, name, amount_fen=fen, answer="确有误", by="ops", now=now
                )
                assert became.adjustment_id is not None
                self._decide(became.adjustment_id, Decision.APPROVE)
                line = next((ln for ln in bill.lines if ln.line_id == dispute.line_id), None)
                month = str(line.service_month) if line else str(bill.month)
                actor.client.allowed[became.adjustment_id] = month, fen, bill.currency
        now = world.tick()
        current = next(b for b in self.bills(actor) if b.bill_id == bill.bill_id)
        if current.state is BillState.DISPUTED:
            self.do(lambda: reopen_bill(world.db, bill.bill_id, by="clerk", now=now, why="按异议"))

    # ── after issue ─────────────────────────────────────────────────────────────────────────────

    def take_back(self, actor: Actor) -> None:
        """Credit part of an issued bill, or void it whole."""
        random, world = self.random, self.world
        issued = [b for b in self.bills(actor) if b.state in FINAL - {BillState.VOIDED}]
        if not issued:
            return
        bill = random.choice(issued)
        amounts: dict[int, int] | None = None
        if random.random() < 0.6:
            lines = [ln for ln in bill.lines if ln.net_fen + ln.tax_fen]
            if not lines:
                return
            line = random.choice(lines)
            gross = line.net_fen + line.tax_fen
            amounts = {line.position: (abs(gross) + random.randrange(3)) // 3 * (gross > 0 or -1)}
            if not amounts[line.position]:
                return
        now = world.tick()
        try:
            asked = request_credit(
                world.db, bill.bill_id, amounts=amounts, why="更正", by="a", now=now
            )
        except (Conflict, Invalid):
            return  # touched already, or nothing is left of the line
        approve, then = random.random() < 0.9, world.tick()
        if approve and amounts is None:
            actor.client.voided |= {(str(line.service_month), bill.currency) for line in bill.lines}
        self.do(
            lambda: decide_credit(
                world.db, asked.credit_note_id, approve=approve, by="b", now=then, why="核对"
            )
        )

    def credits(self, actor: Actor) -> list[CreditNote]:
        """Return all credit notes of a customer."""
        with self.world.db.read() as tx:
            return credits_of(tx, actor.party.customer.customer_id)
