"""A month with an auto model: who answered is billed, the policy changes at its instant, and what
was saved is what the same tokens would have cost more at the default model."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openai

from tests.crash.ledger_of_truth import wait_until_drained
from tests.crash.test_exact import await_keys
from tests.house import House, running_house
from yuejie.bills.closing.close import close_month
from yuejie.bills.store import bill_of_month
from yuejie.contracts.auto.policy import AutoModel, Policy, Rule
from yuejie.contracts.auto.publish import end_auto, publish_auto
from yuejie.contracts.auto.routed import read_routed
from yuejie.contracts.store import book_rows, books
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.insights.routing.report import Report, report_routing
from yuejie.kernel.period import BillingMonth
from yuejie.usage.show import Attempt, By, Question, show_requests, show_usage

CHINA = ZoneInfo("Asia/Shanghai")
CHEAP = Rule(tasks=["classification"], models=["gpt-3.5-turbo", "gpt-4o"])
REST = Rule(models=["gpt-4o"])
INTO, OUT = 900, 60


class Shop:
    """A customer at work in the last hours of last month."""

    def __init__(self, house: House, shift: timedelta) -> None:
        self.house = house
        self.shift = shift
        with house.db.read() as tx:
            self.customer: Customer = find_customer(tx, "fintech")

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def publish(self, *rules: Rule, after: timedelta = timedelta()) -> AutoModel:
        now = self.now()
        wanted = Policy(default_model="gpt-4o", rules=list(rules))
        return publish_auto(
            self.house.db, "auto-cheap", wanted, by="test", now=now, starts_at=now + after
        )

    def ask(self, task: str, model: str = "auto-cheap") -> tuple[str, str]:
        """Make a call, and return who answered by which policy."""
        url = f"{self.house.gateway}/v1"
        spec = f"[[sim in={INTO} out={OUT}]]"
        with openai.OpenAI(api_key=self.house.keys["app"], base_url=url, max_retries=0) as gpt:
            said: Any = {"model": model, "messages": [{"role": "user", "content": spec}]}
            raw = gpt.chat.completions.with_raw_response.create(
                **said, extra_headers={"X-Yuejie-Task": task}
            )
        return raw.headers.get("x-yuejie-model", ""), raw.headers.get("x-yuejie-policy", "")

    def until_known(self) -> None:
        end = time.monotonic() + 5
        while True:
            try:
                self.ask("poetry")
            except openai.NotFoundError:
                assert time.monotonic() < end, "no worker knows of the policy"
                time.sleep(0.05)
            else:
                return

    def requests(self) -> tuple[Attempt, ...]:
        return show_requests(self.house.db, self.customer.customer_id, limit=200).attempts


def test_who_answers_is_billed_and_the_saving_is_exact() -> None:
    now = datetime.now(UTC)
    month = BillingMonth.of(now, CHINA).previous
    shift = month.span(CHINA).end - timedelta(hours=12) - now
    with running_house(workers=1, shift=shift) as house:
        await_keys(house)
        shop = Shop(house, shift)
        first = shop.publish(CHEAP, REST)
        shop.until_known()
        assert shop.ask("classification") == ("gpt-3.5-turbo", "auto-cheap@1")
        assert shop.ask("poetry") == ("gpt-4o", "auto-cheap@1")
        assert shop.ask("classification", "gpt-4o") == ("", ""), "who names a model gets it"
        second = shop.publish(REST, after=timedelta(seconds=1.5))
        while shop.ask("classification") != ("gpt-4o", "auto-cheap@2"):
            assert shop.now() < second.starts_at + timedelta(seconds=2)
            time.sleep(0.1)
        third = end_auto(house.db, "auto-cheap", by="test", now=shop.now())
        assert (first.version, second.version, third.version) == (1, 2, 3)
        house.retire_gateways()
        wait_until_drained(house)

        decided_at_their_instant(shop.requests(), second)
        over = month.span(CHINA).end + timedelta(days=2)
        closing = max(now, over)
        close_month(house.db, month, customer="fintech", commit=True, by="test", now=closing)
        billed_as_answered(shop, month)
        saved_to_the_pico(shop, report_routing(house.db, shop.customer.customer_id, month))
        assert report_routing(house.db, shop.customer.customer_id, month.previous).lines == ()


def decided_at_their_instant(attempts: tuple[Attempt, ...], second: AutoModel) -> None:
    """A call admitted before the second version started was decided by the first."""
    versions = Counter[int]()
    for attempt in attempts:
        routed = read_routed(attempt.event.facts)
        if routed is None:
            continue
        versions[routed.version] += 1
        if routed.version == 2:
            assert attempt.event.started_at >= second.starts_at
        elif routed.why.task == "classification":
            assert attempt.event.model == "gpt-3.5-turbo"
        assert routed.chosen == attempt.event.model
        assert routed.asked == "auto-cheap"
    assert versions[1] > 2
    assert versions[2] == 1


def billed_as_answered(shop: Shop, month: BillingMonth) -> None:
    """The bill names who answered and nothing else, to the token."""
    used = Counter(attempt.event.model for attempt in shop.requests() if attempt.event.billable)
    with shop.house.db.read() as tx:
        bill = bill_of_month(tx, shop.customer.customer_id, month)
    assert bill is not None
    lines = {(line.model, line.meter): line.quantity for line in bill.lines if line.metered}
    assert {model for model, _ in lines} == {"gpt-3.5-turbo", "gpt-4o"}
    for model, calls in used.items():
        assert lines[model, "input"] == calls * INTO
        assert lines[model, "output"] == calls * OUT


def saved_to_the_pico(shop: Shop, report: Report) -> None:
    """Tokens × (default − answered), by hand; and what was paid is what usage says was paid."""
    decided = [a for a in shop.requests() if read_routed(a.event.facts)]
    cheap = sum(a.event.model == "gpt-3.5-turbo" for a in decided)
    assert cheap >= 1
    with shop.house.db.read() as tx:
        (row,) = (each for each in books(tx) if each.book_id == "sale")
        found = [r for r in book_rows(tx, row).rates if r.service_tier == "default"]
    rates = {(r.model, r.meter): r.pico for r in found if not r.context_above}
    difference = {
        meter: rates["gpt-4o", meter] - rates["gpt-3.5-turbo", meter]
        for meter in ("input", "output")
    }
    (total,) = report.totals
    assert total.calls == len(decided)
    assert total.saving.pico == cheap * (INTO * difference["input"] + OUT * difference["output"])
    by_model = {each.line.model: each for each in report.by("model")}
    assert by_model["gpt-4o"].saving.pico == 0, "who was the default saves nothing"
    assert sum(each.calls for each in report.by("key_id")) == len(decided)
    question = Question(by=(By.CUSTOMER,), first=report.month, last=report.month)
    (line,) = show_usage(shop.house.db, shop.customer.customer_id, question)
    named = [a for a in shop.requests() if not read_routed(a.event.facts)]
    apart = sum(a.charge.pico for a in named if a.charge)
    assert line.charges["USD"].pico == total.charge.pico + apart
