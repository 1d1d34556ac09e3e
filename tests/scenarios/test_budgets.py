"""Caps as the people meet them whose calls they stop: in their own dialect, with what to do."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from tests.crash.test_exact import await_keys
from tests.house import House, running_house
from yuejie.budgets.allowance import Allowance, Measure, Mode, Period
from yuejie.budgets.keep import AllowanceDraft, add_allowance, end_allowance
from yuejie.budgets.show import Standing, standings
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.demo.simulators.truth import read as read_truth
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import PICO
from yuejie.usage.refusals.look import TurnedAway, look_up
from yuejie.usage.show import parse_request_id

SMALL = "[[sim in=20 out=10]]"
SLOW = "[[sim in=20 out=10 delay_ms=1000]]"
NOTICED = 2.0
"""Seconds after which every worker knows of a cap; one is promised, a busy machine loses some."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(workers=1) as running:
        await_keys(running)
        yield running


class Capped:
    """A customer whose calls are capped for the length of a test."""

    def __init__(self, house: House, slug: str) -> None:
        self.house = house
        with house.db.read() as tx:
            self.customer: Customer = find_customer(tx, slug)
        self.caps: list[str] = []

    def cap(self, name: str, amount: int, **facts: Any) -> Allowance:
        told = {"measure": Measure.MONEY, "currency": "USD"} | facts
        draft = AllowanceDraft(name=name, cap=amount, **told)
        added = add_allowance(self.house.db, self.customer, draft, by="test", now=_now())
        self.caps.append(name)
        time.sleep(NOTICED)
        return added

    def standing(self, name: str) -> Standing:
        found = standings(self.house.db, self.customer, now=_now())
        return next(each for each in found if each.allowance.name == name)

    def lift(self) -> None:
        for name in self.caps:
            end_allowance(self.house.db, self.customer, name, by="test", now=_now())
        time.sleep(NOTICED)


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def fintech(house: House) -> Iterator[Capped]:
    capped = Capped(house, "fintech")
    yield capped
    capped.lift()


@pytest.fixture
def retailer(house: House) -> Iterator[Capped]:
    capped = Capped(house, "retailer")
    yield capped
    capped.lift()


@pytest.fixture
def client(house: House) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{house.gateway}/v1", api_key=house.keys["app"], max_retries=0
    ) as made:
        yield made


def ask(client: openai.OpenAI, text: str = SMALL, **more: Any) -> Any:
    said = {"role": "user", "content": text}
    told: Any = {"model": "gpt-4o", "max_tokens": 100, "messages": [said]} | more
    return client.chat.completions.create(**told)


def test_a_key_that_has_used_up_its_cap_is_told_so_and_others_go_on(
    house: House, fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("应用每月", 0, key="app")
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client)
    assert caught.value.status_code == 402
    assert caught.value.code == "cap_used_up"
    assert caught.value.type == "insufficient_quota"
    assert "应用每月" in caught.value.message
    assert "max_tokens" in caught.value.message
    with openai.OpenAI(
        base_url=f"{house.gateway}/v1", api_key=house.keys["dev"], max_retries=0
    ) as other:
        assert ask(other, model="gpt-3.5-turbo").usage.total_tokens == 30


def test_a_refused_call_is_found_by_the_id_in_its_answer(
    house: House, fintech: Capped, retailer: Capped, client: openai.OpenAI
) -> None:
    """Whoever has the id is told which cap it was and what was left; another customer is not."""
    fintech.cap("应用每月", 0, key="app")
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client)
    request = parse_request_id(caught.value.response.headers["x-request-id"])
    own = fintech.customer.customer_id
    found = _refused(house, own, request)
    assert (found.call.reason, found.call.status, found.call.model) == (
        "cap_used_up",
        402,
        "gpt-4o",
    )
    assert found.call.about["name"] == "应用每月"
    assert f"剩 {found.call.about['left']}" in caught.value.message
    with pytest.raises(NotFound):
        look_up(house.db, retailer.customer.customer_id, request)


def _refused(house: House, customer_id: str, request: UUID) -> TurnedAway:
    """Wait for the worker to hand it over and for the ingest to store it."""
    deadline = time.monotonic() + 30
    while True:
        try:
            found = look_up(house.db, customer_id, request).refused
        except NotFound:
            assert time.monotonic() < deadline, "a refusal is stored within seconds"
            time.sleep(0.2)
        else:
            assert found is not None
            return found


def test_every_dialect_is_told_in_its_own_words(house: House, retailer: Capped) -> None:
    retailer.cap("零售每日", 0, period=Period.DAY)
    with (
        anthropic.Anthropic(
            base_url=house.gateway, api_key=house.keys["writer"], max_retries=0
        ) as claude,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        claude.messages.create(
            model="claude-3-haiku",
            max_tokens=10,
            messages=[{"role": "user", "content": SMALL}],
        )
    assert caught.value.status_code == 402
    assert "零售每日" in str(caught.value)
    google = genai.Client(
        api_key=house.keys["search"], http_options=types.HttpOptions(base_url=house.gateway)
    )
    with pytest.raises(google_errors.ClientError) as told:
        google.models.generate_content(
            model="gemini-1.5-pro",
            contents=SMALL,
            config=types.GenerateContentConfig(max_output_tokens=10),
        )
    assert told.value.code == 402
    assert told.value.status == "FAILED_PRECONDITION"
    google.close()


def test_a_rate_says_what_is_left_and_when_to_come_again(
    fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("每分钟三次", 3, measure=Measure.REQUESTS, currency="", period=Period.MINUTE)
    if time.time() % 60 > 50:
        time.sleep(12)
    answers = [client.chat.completions.with_raw_response.create(**_said()) for _ in range(3)]
    left = [int(each.headers["x-ratelimit-remaining-requests"]) for each in answers]
    assert left == [2, 1, 0]
    assert {each.headers["x-ratelimit-limit-requests"] for each in answers} == {"3"}
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    headers = caught.value.response.headers
    assert 0 < int(headers["retry-after"]) <= 60
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert caught.value.code == "rate_limit_exceeded"


def _said() -> Any:
    return {
        "model": "gpt-4o",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": SMALL}],
    }


def test_only_so_many_calls_at_once(fintech: Capped, client: openai.OpenAI) -> None:
    fintech.cap("并发二", 2, measure=Measure.CONCURRENCY, currency="", period=Period.ALWAYS)

    def one(_: int) -> tuple[int, str]:
        try:
            ask(client, SLOW)
        except openai.RateLimitError as error:
            return 429, error.response.headers["retry-after"]
        return 200, ""

    with ThreadPoolExecutor(5) as pool:
        told = sorted(pool.map(one, range(5)))
    assert told == [(200, "")] * 2 + [(429, "1")] * 3
    assert ask(client).usage.total_tokens == 30


def test_what_has_no_bound_is_refused_under_a_hard_cap_and_passes_a_paced_one(
    fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("硬", PICO)
    searching = {"tools": [{"type": "web_search"}]}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body=searching)
    assert "web_search" in caught.value.message
    assert caught.value.code == "cap_unbounded"
    fintech.lift()
    fintech.caps = []
    fintech.cap("缓", PICO, mode=Mode.PACED)
    assert ask(client, extra_body=searching).usage.total_tokens == 30


def test_a_beta_that_widens_the_window_is_reserved_for(house: House, retailer: Capped) -> None:
    """A picture may fill the window: 200,000 tokens fit the cap, a million do not."""
    retailer.cap("零售", PICO // 5)
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    said = [{"type": "text", "text": SMALL}, {"type": "image", "source": source}]
    with anthropic.Anthropic(
        base_url=house.gateway, api_key=house.keys["writer"], max_retries=0
    ) as claude:

        def see(*betas: str) -> Any:
            told: Any = {"messages": [{"role": "user", "content": said}], "max_tokens": 10}
            headers = {"anthropic-beta": ",".join(betas)} if betas else {}
            return claude.messages.create(
                model="claude-3-haiku", extra_headers=headers, **told
            ).usage

        assert see("claude-code-20250219").input_tokens == 20
        with pytest.raises(anthropic.APIStatusError) as caught:
            see("claude-code-20250219", "context-1m-2025-08-07")
    assert caught.value.status_code == 402
    assert "零售" in str(caught.value)


def test_a_call_that_names_no_longest_answer_gets_the_caps_own(
    house: House, fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("有界", PICO, output_bound=7)
    ask(client, "[[sim in=20]]请写一篇长文", max_tokens=openai.NOT_GIVEN)
    assert list(read_truth(house.simulator.truth))[-1].usage["output"] <= 7


def test_a_cap_for_a_tag_holds_the_calls_that_carry_it(
    fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("服务组", 0, tag="team=service")
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client)
    assert "team=service" in caught.value.message


def test_a_cap_in_yuan_for_prices_in_dollars_is_converted_and_never_more(
    fintech: Capped, client: openai.OpenAI
) -> None:
    fintech.cap("七角二", PICO * 72 // 100, currency="CNY")
    ask(client)
    time.sleep(NOTICED)
    standing = fintech.standing("七角二")
    assert (standing.unit, standing.cap) == ("USD", PICO // 10)
    assert standing.spent >= 20 * 5_000_000 + 10 * 15_000_000


def test_a_soft_budget_stops_nobody(fintech: Capped, client: openai.OpenAI) -> None:
    fintech.cap("只提醒", 1, mode=Mode.SOFT)
    ask(client)
    time.sleep(NOTICED)
    assert fintech.standing("只提醒").left < 0
