"""Real SDKs, every dialect, faults, hang-ups: what is billed is what was served, to the token."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anthropic
import openai
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from tests.crash.ledger_of_truth import recorded, served, wait_until_drained
from tests.house import House, running_house
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.store import bill_of_month
from yuejie.customers.enrol import find_customer
from yuejie.demo.simulators.report import render
from yuejie.demo.simulators.truth import TruthLine
from yuejie.demo.simulators.truth import read as read_truth
from yuejie.intake.imports.load import read_report
from yuejie.intake.resolve import resolve_by_report
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import COUNT_METERS

CHINA = ZoneInfo("Asia/Shanghai")
FAULTS = ("", "", "", "", "", "fault=429", "http=500", "cut_after=5", "no_usage=1", "negative=1")
CALLS = int(os.environ.get("YUEJIE_EXACT_CALLS") or 150)
"""`make exact CALLS=5000` tells the story at length."""
# What a client meets when its provider fails or talks nonsense; the SDKs trip over nonsense.
BROKEN = (
    openai.OpenAIError,
    anthropic.AnthropicError,
    google_errors.APIError,
    OSError,
    ValueError,
    AttributeError,
    TypeError,
)


def test_every_token_served_is_on_the_bill_and_no_other() -> None:
    """
    Three SDKs make calls in every dialect, streamed and not; a fifth hang up in the middle, some
    providers fail, cut off or report nonsense. The provider's report resolves what was not
    measured; then every attempt matches the provider's truth, meter by meter: that is the cost.
    The month is closed; the bills equal the truth of the attempts that answered: of a call that
    was tried again the customer pays once.
    """
    now = datetime.now(UTC)
    month = BillingMonth.of(now, CHINA).previous
    noon = month.span(CHINA).end - timedelta(hours=12)
    with running_house(shift=noon - now) as house:
        await_keys(house)
        rng = random.Random(5)
        with sdks(house) as ways:
            for _ in range(CALLS):
                with suppress(*BROKEN):
                    rng.choice(ways)(rng)
        house.retire_gateways()
        wait_until_drained(house)

        truth = served(read_truth(house.simulator.truth))
        assert len(truth) > CALLS // 2
        assert truth.keys() <= recorded(house.db).keys()
        report = house.settings.home / "report.jsonl"
        report.write_bytes(render(read_truth(house.simulator.truth), "jsonl"))
        resolve_by_report(house.db, read_report(report, "jsonl"))

        later = month.span(CHINA).end + timedelta(days=2)
        closed = close_month(
            house.db, month, customer=None, commit=True, by="test", now=max(now, later)
        )
        assert {each.done for each in closed} == {Done.DRAFTED}
        events = recorded(house.db)
        for attempt, line in truth.items():
            assert events[attempt].quantities == +Counter(line.usage), attempt
        answered = [line for attempt, line in truth.items() if events[attempt].billable]
        assert len(answered) > CALLS // 2
        assert billed(house, month) == total_of(answered)


def await_keys(house: House) -> None:
    """Wait until the gateways know the keys."""
    for key in house.keys.values():
        deadline = time.monotonic() + 30
        while True:
            with suppress(openai.OpenAIError):
                with openai.OpenAI(base_url=f"{house.gateway}/v1", api_key=key) as client:
                    client.models.list()
                break
            assert time.monotonic() < deadline, "the gateways do not know the keys"
            time.sleep(0.1)


def total_of(lines: Iterable[TruthLine]) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in lines:
        total.update(line.usage)
    return +total


def billed(house: House, month: BillingMonth) -> Counter[str]:
    total: Counter[str] = Counter()
    with house.db.read() as tx:
        for slug in ("fintech", "retailer"):
            bill = bill_of_month(tx, find_customer(tx, slug).customer_id, month)
            for line in bill.lines if bill else ():
                if line.meter not in COUNT_METERS:
                    total[line.meter] += line.quantity
    return +total


Way = Callable[[random.Random], None]


@contextmanager
def sdks(house: House) -> Iterator[list[Way]]:
    """Give every way to call, each with the official client."""
    base, keys = house.gateway, house.keys
    with (
        openai.OpenAI(base_url=f"{base}/v1", api_key=keys["app"], max_retries=0) as openai_client,
        anthropic.Anthropic(base_url=base, api_key=keys["writer"], max_retries=0) as claude,
    ):
        google = genai.Client(api_key=keys["search"], http_options=types.HttpOptions(base_url=base))
        yield [
            lambda rng: chat(openai_client, rng),
            lambda rng: chat_stream(openai_client, rng),
            lambda rng: responses(openai_client, rng),
            lambda rng: embed(openai_client, rng),
            lambda rng: messages(claude, rng),
            lambda rng: messages_stream(claude, rng),
            lambda rng: gemini(google, rng),
            lambda rng: gemini_stream(google, rng),
        ]
        google.close()


def marked(rng: random.Random) -> str:
    size = f"in={rng.randrange(1, 4000)} out={rng.randrange(1, 600)} events=15 pace_ms=1"
    return f"请回答 {rng.random()} [[sim {size} {rng.choice(FAULTS)}]]"


def hangs_up(rng: random.Random) -> bool:
    return rng.random() < 0.2


def chat(client: openai.OpenAI, rng: random.Random) -> None:
    client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": marked(rng)}]
    )


def chat_stream(client: openai.OpenAI, rng: random.Random) -> None:
    with client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": marked(rng)}],
        stream=True,
    ) as stream:
        leave = hangs_up(rng)
        for number, chunk in enumerate(stream):
            assert chunk.usage is None, "the client did not ask for usage"
            if leave and number == 4:
                return


def responses(client: openai.OpenAI, rng: random.Random) -> None:
    client.responses.create(model="gpt-4o", input=marked(rng))


def embed(client: openai.OpenAI, rng: random.Random) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=f"向量 {rng.random()}")


def messages(client: anthropic.Anthropic, rng: random.Random) -> None:
    client.messages.create(
        model="claude-3-haiku",
        max_tokens=4096,
        messages=[{"role": "user", "content": marked(rng)}],
    )


def messages_stream(client: anthropic.Anthropic, rng: random.Random) -> None:
    leave = hangs_up(rng)
    with client.messages.stream(
        model="claude-3-haiku",
        max_tokens=4096,
        messages=[{"role": "user", "content": marked(rng)}],
    ) as stream:
        for number, _ in enumerate(stream):
            if leave and number == 4:
                return


def gemini(client: genai.Client, rng: random.Random) -> None:
    client.models.generate_content(model="gemini-1.5-pro", contents=marked(rng))


def gemini_stream(client: genai.Client, rng: random.Random) -> None:
    leave = hangs_up(rng)
    stream = client.models.generate_content_stream(model="gemini-1.5-pro", contents=marked(rng))
    for number, _ in enumerate(stream):
        if leave and number == 4:
            return
