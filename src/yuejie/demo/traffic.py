"""Calls as customers make them: the three official SDKs, streamed and not, several at once."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import anthropic
import openai
from google import genai
from google.genai import types

_WORKERS: Final = 8
_QUESTION: Final = "请用一句话说明月结账单怎么核对。"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make: how, with which key, and how large it should come out."""

    sdk: str
    model: str
    key: str
    tokens_in: int
    tokens_out: int
    stream: bool


def plan(
    sizes: Sequence[tuple[int, int]], keys: dict[str, str], *, seed: int = 7
) -> Iterator[Call]:
    """Lay real request sizes over the demo's keys, SDKs and models, the same way every time."""
    rng = random.Random(seed)
    ways = (
        ("openai", "gpt-4o", keys["app"]),
        ("openai", "gpt-3.5-turbo", keys["dev"]),
        ("anthropic", "claude-3-5-sonnet", keys["app"]),
        ("anthropic", "claude-3-haiku", keys["writer"]),
        ("google", "gemini-1.5-pro", keys["search"]),
    )
    for number, (tokens_in, tokens_out) in enumerate(sizes):
        sdk, model, key = ways[number % len(ways)]
        yield Call(sdk, model, key, tokens_in, tokens_out, stream=rng.random() < 0.5)


class Sdks:
    """The official clients, pointed at the gateway by base URL and key alone."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway

    def make(self, call: Call) -> None:
        """Make one call and read its answer to the end."""
        prompt = f"{_QUESTION}[[sim in={call.tokens_in} out={call.tokens_out}]]"
        {"openai": self._openai, "anthropic": self._anthropic, "google": self._google}[call.sdk](
            call, prompt
        )

    def _openai(self, call: Call, prompt: str) -> None:
        client = openai.OpenAI(base_url=f"{self._gateway}/v1", api_key=call.key, max_retries=0)
        with client:
            if call.stream:
                for _ in client.chat.completions.create(
                    model=call.model,
                    messages=[{"role": "user", "content": prompt}],
                    stream=True,
                ):
                    pass
            else:
                client.chat.completions.create(
                    model=call.model, messages=[{"role": "user", "content": prompt}]
                )

    def _anthropic(self, call: Call, prompt: str) -> None:
        client = anthropic.Anthropic(base_url=self._gateway, api_key=call.key, max_retries=0)
        with client:
            if call.stream:
                with client.messages.stream(
                    model=call.model,
                    max_tokens=8_192,
                    messages=[{"role": "user", "content": prompt}],
                ) as stream:
                    stream.get_final_message()
            else:
                client.messages.create(
                    model=call.model,
                    max_tokens=8_192,
                    messages=[{"role": "user", "content": prompt}],
                )

    def _google(self, call: Call, prompt: str) -> None:
        options = types.HttpOptions(base_url=self._gateway)
        client = genai.Client(api_key=call.key, http_options=options)
        try:
            if call.stream:
                for _ in client.models.generate_content_stream(model=call.model, contents=prompt):
                    pass
            else:
                client.models.generate_content(model=call.model, contents=prompt)
        finally:
            client.close()


def run(calls: Sequence[Call], gateway: str, moved: Callable[[int, int], None]) -> None:
    """Make the calls, several at once; the first that fails is raised."""
    sdks = Sdks(gateway)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for number, _ in enumerate(pool.map(sdks.make, calls), 1):
            moved(number, len(calls))
