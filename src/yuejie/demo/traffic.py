"""Calls as customers make them: the three official SDKs, streamed and not, several at once."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import Final, Generic, Protocol, TypeVar

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
    """The official clients, pointed at the gateway by base URL and key alone.

    Each key has a client of its own and keeps it, as a program does that calls more than once.
    """

    def __init__(self, gateway: str) -> None:
        options = types.HttpOptions(base_url=gateway)
        self._openai = _Kept(
            lambda key: openai.OpenAI(base_url=f"{gateway}/v1", api_key=key, max_retries=0)
        )
        self._anthropic = _Kept(
            lambda key: anthropic.Anthropic(base_url=gateway, api_key=key, max_retries=0)
        )
        self._google = _Kept(lambda key: genai.Client(api_key=key, http_options=options))

    def close(self) -> None:
        """Close every client."""
        for kept in (self._openai, self._anthropic, self._google):
            kept.close()

    def make(self, call: Call) -> None:
        """Make one call and read its answer to the end."""
        prompt = f"{_QUESTION}[[sim in={call.tokens_in} out={call.tokens_out}]]"
        {"openai": self._ask_openai, "anthropic": self._ask_anthropic, "google": self._ask_google}[
            call.sdk
        ](call, prompt)

    def _ask_openai(self, call: Call, prompt: str) -> None:
        client = self._openai.of(call.key)
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

    def _ask_anthropic(self, call: Call, prompt: str) -> None:
        client = self._anthropic.of(call.key)
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

    def _ask_google(self, call: Call, prompt: str) -> None:
        models = self._google.of(call.key).models
        if call.stream:
            for _ in models.generate_content_stream(model=call.model, contents=prompt):
                pass
        else:
            models.generate_content(model=call.model, contents=prompt)


class _Client(Protocol):
    def close(self) -> None: ...


_C = TypeVar("_C", bound=_Client)


class _Kept(Generic[_C]):
    """Clients by their key, each made when first asked for; several threads ask."""

    def __init__(self, make: Callable[[str], _C]) -> None:
        self._make = make
        self._made: dict[str, _C] = {}
        self._turn = Lock()

    def of(self, key: str) -> _C:
        with self._turn:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]

    def close(self) -> None:
        for client in self._made.values():
            client.close()


def run(calls: Sequence[Call], gateway: str, moved: Callable[[int, int], None]) -> None:
    """Make the calls, several at once; the first that fails is raised."""
    with closing(Sdks(gateway)) as sdks, ThreadPoolExecutor(_WORKERS) as pool:
        for number, _ in enumerate(pool.map(sdks.make, calls), 1):
            moved(number, len(calls))
