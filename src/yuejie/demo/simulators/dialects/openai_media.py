"""OpenAI's vectors and pictures, and its list of models."""

import base64
import struct
from functools import lru_cache
from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Free, Refusal, Request
from yuejie.demo.simulators.dialects.families import CATALOGUE, Kind, family_of
from yuejie.demo.simulators.dialects.openai_words import ERROR_MIDSTREAM
from yuejie.demo.simulators.tokens import Prompt, Tokens, shown, tokens_in
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api
from yuejie.usage.meters import Meter


class EmbeddingAsk(msgspec.Struct):
    """An embeddings request."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: str | None = None
    dimensions: int | None = None


class ImageAsk(msgspec.Struct):
    """An image request."""

    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    stream: bool | None = None
    partial_images: int | None = None


_EMBEDDING: Final = msgspec.json.Decoder(EmbeddingAsk)
_IMAGE: Final = msgspec.json.Decoder(ImageAsk)
_DIMENSIONS: Final = 16
"""Enough for a test to hold; a real vector has a thousand."""
_IMAGE_TOKENS: Final = {"low": 272, "medium": 1056, "high": 4160}
PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAA"
    "DUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
"""A picture of one pixel, as PNG."""


def embed(request: Request, world: World) -> Answer:
    """Answer `POST /v1/embeddings`."""
    ask = decode(_EMBEDDING, request.body)
    family_of("openai", ask.model, Kind.EMBEDDING)
    order = world.order(request.body, ask.model)
    counts = order.counts
    total = counts.total_in
    texts, counted = _inputs(ask.input)
    tokens = Tokens(total_in=counted if total is None else total)
    told = shown(tokens, order.fault)
    width = ask.dimensions or _DIMENSIONS
    vector = _vector(width, encoded=ask.encoding_format == "base64")
    body: dict[str, Any] = {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": vector} for i in range(texts)],
        "model": order.model or ask.model,
    }
    if told:
        body["usage"] = {"prompt_tokens": told.total_in, "total_tokens": told.total_in}
    return Answer(
        api=Api.OPENAI_EMBEDDINGS,
        model=ask.model,
        billed_model=order.model or ask.model,
        response_id=f"emb-{request.request_id}",
        usage={Meter.INPUT: tokens.total_in},
        body=json(body),
        reported=not order.fault.misreports,
        order=order,
    )


def _inputs(given: str | list[str | int | list[int]]) -> tuple[int, int]:
    """Return how many vectors are wanted and how many tokens that costs."""
    if not given:
        raise Refusal(400, "bad_request", "'$.input' is invalid.", param="input")
    if isinstance(given, str):
        return 1, tokens_in(given)
    if all(isinstance(one, int) for one in given):
        return 1, len(given)
    counted = (
        tokens_in(o) if isinstance(o, str) else len(o) for o in given if not isinstance(o, int)
    )
    return len(given), sum(counted)


@lru_cache(maxsize=16)
def _vector(width: int, *, encoded: bool) -> str | list[float]:
    values = [(i % 7 - 3) / 8 for i in range(width)]
    if encoded:
        return base64.b64encode(struct.pack(f"<{width}f", *values)).decode()
    return values


def draw(request: Request, world: World) -> Answer:
    """Answer `POST /v1/images/generations`: counted in tokens by gpt-image, by piece before it."""
    ask = decode(_IMAGE, request.body)
    family_of("openai", ask.model, Kind.IMAGE)
    order = world.order(request.body, ask.model)
    pictures = ask.n or 1
    answer = Answer(
        api=Api.OPENAI_IMAGES,
        model=ask.model,
        billed_model=order.model or ask.model,
        response_id=f"img-{request.request_id}",
        usage={Meter.IMAGES: pictures},
        reported=False,
        error_frame=b"event: error\ndata: " + ERROR_MIDSTREAM + b"\n\n",
        order=order,
    )
    body: dict[str, Any] = {"created": world.created()}
    if not ask.model.startswith(("gpt-image", "chatgpt-image", "sim-")):
        body["data"] = [{"url": f"https://images.example/{i}.png"} for i in range(pictures)]
        answer.body = json(body)
        return answer
    usage = _count_picture(ask, answer, world)
    look = {
        "background": "opaque",
        "output_format": "png",
        "quality": ask.quality or "medium",
        "size": ask.size or "1024x1024",
    }
    if ask.stream:
        _stream_picture(answer, {**look, "created_at": body["created"]}, usage, ask)
    else:
        answer.body = json({**body, **look, "data": [{"b64_json": PIXEL}] * pictures, **usage})
    return answer


def _count_picture(ask: ImageAsk, answer: Answer, world: World) -> dict[str, Any]:
    """Put what a picture costs into the answer and return the usage to report."""
    counts = answer.order.counts
    each = _IMAGE_TOKENS.get(ask.quality or "medium", _IMAGE_TOKENS["medium"])
    out = counts.out or counts.image_out or each * (ask.n or 1)
    total = counts.total_in
    text = max(world.tally(Prompt(ask.model, [ask.prompt], caches=False), answer.order).total_in, 1)
    tokens = Tokens(
        total_in=text if total is None else total,
        image_in=counts.image_in or 0,
        out=out,
        image_out=out,
    )
    answer.usage = tokens.meters()
    answer.tokens = tokens
    answer.reported = not answer.order.fault.misreports
    told = shown(tokens, answer.order.fault)
    if told is None:
        return {}
    return {
        "usage": {
            "input_tokens": told.total_in,
            "input_tokens_details": {
                "image_tokens": told.image_in,
                "text_tokens": told.total_in - told.image_in,
            },
            "output_tokens": told.out,
            "output_tokens_details": {"image_tokens": told.out, "text_tokens": 0},
            "total_tokens": told.total_in + told.out,
        }
    }


def _stream_picture(
    answer: Answer, look: dict[str, Any], usage: dict[str, Any], ask: ImageAsk
) -> None:
    def frame(kind: str, fields: dict[str, Any]) -> bytes:
        event = {"type": kind, "b64_json": PIXEL, **look, **fields}
        return f"event: {kind}\ndata: ".encode() + json(event) + b"\n\n"

    frames = [
        frame("image_generation.partial_image", {"partial_image_index": i})
        for i in range(ask.partial_images or 0)
    ]
    answer.usage_at = len(frames)
    answer.frames = [*frames, frame("image_generation.completed", usage)]
    answer.content_type = "text/event-stream"


def models(request: Request, world: World) -> Free:
    """Answer `GET /v1/models` and `GET /v1/models/{id}`."""
    created = world.created()
    _, _, name = request.path.partition("/models/")
    if name:
        family = family_of("openai", name, *Kind)
        return Free(json(_model(name, family.maker, created)))
    names = CATALOGUE["openai"]
    data = [_model(n, family_of("openai", n, *Kind).maker, created) for n in names]
    return Free(json({"object": "list", "data": data}))


def _model(name: str, maker: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": maker}
