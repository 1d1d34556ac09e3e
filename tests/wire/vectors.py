"""The recorded vectors, put on the wire again, and their numbers in our terms.

A vector counts inclusively (`output` contains reasoning and media); our meters are disjoint.
"""

import base64
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from yuejie.usage.dialects import Api, Reading, ReadingState, RequestHint, StreamTap, read_body
from yuejie.usage.dialects.hint import request_hint
from yuejie.usage.meters import UNIT_METERS, Meter

Vector = dict[str, Any]

SHORT: Final = 1_000
"""Bytes of a stream that is cut everywhere."""

FILE: Final = Path(__file__).with_name("usage_vectors.jsonl")

APIS: Final = {
    "openai.completions": Api.OPENAI_COMPLETIONS,
    "openai.responses": Api.OPENAI_RESPONSES,
    "openai.embeddings": Api.OPENAI_EMBEDDINGS,
    "openai.images": Api.OPENAI_IMAGES,
    "openai.audio.transcriptions": Api.OPENAI_TRANSCRIPTIONS,
    "openai.audio.speech": Api.OPENAI_SPEECH,
    "openai.realtime": Api.OPENAI_REALTIME,
    "anthropic.messages": Api.ANTHROPIC_MESSAGES,
    "anthropic.messages.batches": Api.ANTHROPIC_BATCH_RESULT,
    "anthropic.count_tokens": Api.ANTHROPIC_COUNT_TOKENS,
    "gemini.generateContent": Api.GEMINI_GENERATE,
    "gemini.streamGenerateContent": Api.GEMINI_GENERATE,
    "vertex.generateContent": Api.GEMINI_GENERATE,
    "vertex.streamGenerateContent": Api.GEMINI_GENERATE,
    "gemini.countTokens": Api.GEMINI_COUNT_TOKENS,
    "gemini.batchEmbedContents": Api.GEMINI_EMBED,
    "gemini.interactions": Api.GEMINI_INTERACTIONS,
    "gemini.live": Api.GEMINI_LIVE,
    "gemini.openai_compat": Api.OPENAI_CHAT,
    "vertex.predict_embedding": Api.VERTEX_PREDICT,
    "bedrock.converse": Api.BEDROCK_CONVERSE,
    "bedrock.converse_stream": Api.BEDROCK_CONVERSE,
    "bedrock.invoke_model": Api.BEDROCK_INVOKE,
    "bedrock.invoke_model_with_response_stream": Api.BEDROCK_INVOKE,
    "cohere.chat_v2": Api.COHERE_CHAT,
    "cohere.rerank": Api.COHERE_RERANK,
}

INPUT: Final = (
    Meter.INPUT,
    Meter.AUDIO_IN,
    Meter.IMAGE_IN,
    Meter.VIDEO_IN,
)
INCLUSIVE: Final[dict[str, tuple[Meter, ...]]] = {
    "input_uncached": INPUT,
    "cache_read": (
        Meter.CACHE_READ,
        Meter.CACHE_READ_AUDIO,
        Meter.CACHE_READ_IMAGE,
        Meter.CACHE_READ_VIDEO,
    ),
    "cache_write_5m": (Meter.CACHE_WRITE_5M,),
    "cache_write_1h": (Meter.CACHE_WRITE_1H,),
    "cache_write_30m": (Meter.CACHE_WRITE_30M,),
    "cache_write_12h": (Meter.CACHE_WRITE_12H,),
    "cache_write_unspecified": (Meter.CACHE_WRITE_UNSPECIFIED,),
    "output": (
        Meter.OUTPUT,
        Meter.REASONING,
        Meter.AUDIO_OUT,
        Meter.IMAGE_OUT,
        Meter.VIDEO_OUT,
    ),
    "reasoning": (Meter.REASONING,),
    "audio_in": (Meter.AUDIO_IN, Meter.CACHE_READ_AUDIO),
    "image_in": (Meter.IMAGE_IN, Meter.CACHE_READ_IMAGE),
    "video_in": (Meter.VIDEO_IN, Meter.CACHE_READ_VIDEO),
    "audio_out": (Meter.AUDIO_OUT,),
    "image_out": (Meter.IMAGE_OUT,),
    "cache_read_audio": (Meter.CACHE_READ_AUDIO,),
    "cache_read_image": (Meter.CACHE_READ_IMAGE,),
    "cache_read_video": (Meter.CACHE_READ_VIDEO,),
}
"""Each number of a vector as a sum of our meters."""


def vectors() -> list[Vector]:
    return [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


def api_of(vector: Vector) -> Api:
    """What the vector's upstream speaks; everything compatible speaks OpenAI's chat."""
    return APIS.get(vector["api"], Api.OPENAI_CHAT)


def hint_of(vector: Vector) -> RequestHint:
    """The request of a vector, read as the gateway reads one."""
    request = {"model": vector["model"], "stream": vector["stream"]} | vector.get(
        "request_hint", {}
    )
    return replace(request_hint(api_of(vector), json.dumps(request).encode()))


def is_streamed(vector: Vector) -> bool:
    return "response" not in vector


def chunks_of(vector: Vector, end_of_line: str = "\n") -> list[bytes]:
    """The stream of a vector as bytes, one event each."""
    if "eventstream" in vector:
        wrapped = api_of(vector) is Api.BEDROCK_INVOKE
        return [aws_frame(frame, wrapped=wrapped) for frame in vector["eventstream"]]
    if "ws" in vector:
        return [json.dumps(message).encode() for message in vector["ws"]]
    return [sse_event(item, end_of_line) for item in vector["sse"]]


def sse_event(item: Mapping[str, Any], end_of_line: str = "\n") -> bytes:
    if "comment" in item:
        lines = [f": {item['comment']}"]
    else:
        data = item["data"]
        written = data if data == "[DONE]" else json.dumps(data, ensure_ascii=False)
        lines = [f"event: {item['event']}"] if "event" in item else []
        lines += [f"data: {written}"]
    return "".join(line + end_of_line for line in (*lines, "")).encode()


def aws_frame(frame: Mapping[str, Any], *, wrapped: bool) -> bytes:
    """One frame of `application/vnd.amazon.eventstream`."""
    payload = json.dumps(frame["data"]).encode()
    if wrapped:
        payload = json.dumps({"bytes": base64.b64encode(payload).decode()}).encode()
    named = (
        {":message-type": "exception", ":exception-type": frame["exception"]}
        if "exception" in frame
        else {":message-type": "event", ":event-type": frame["event"]}
    )
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for name, text in named.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def read(vector: Vector) -> Reading:
    """Read a vector as the gateway would, one event per chunk."""
    if is_streamed(vector):
        return listen(vector, chunks_of(vector))
    response = vector["response"]
    body = bytes(response["bytes"]) if "_binary" in response else json.dumps(response).encode()
    return read_body(
        api_of(vector), vector["http_status"], vector.get("headers", {}), body, hint_of(vector)
    )


def listen(vector: Vector, chunks: list[bytes]) -> Reading:
    tap = StreamTap(api_of(vector), hint_of(vector))
    for chunk in chunks:
        tap.feed(chunk)
    return tap.finish(complete=vector["termination"] == "complete")


def main_model(vector: Vector, reading: Reading) -> str:
    return reading.billed_model or str(vector["model"])


def inclusive(reading: Reading, model: str) -> dict[str, int]:
    """A reading's numbers as a vector counts them: the main model's."""
    sums = {item.meter: item.quantity for item in reading.items if item.model == model}
    counts = {
        name: sum(sums.get(meter, 0) for meter in meters) for name, meters in INCLUSIVE.items()
    }
    return counts | {"tool_prompt_in": int(reading.facts.get("tool_prompt_in", "0"))}


def state_in_vector_terms(reading: Reading) -> str:
    """A vector says `not_applicable` also of what is billed by the piece, not by the token."""
    by_piece = all(item.meter in UNIT_METERS for item in reading.items)
    if reading.state is ReadingState.MEASURED:
        return "not_applicable" if by_piece else "final"
    return reading.state.value


def everywhere(data: bytes) -> Iterator[list[bytes]]:
    """Every way to cut some bytes in two; of long ones every third, and always at a line's end."""
    step = 1 if len(data) < SHORT else 3
    for at in range(1, len(data)):
        if at % step == 0 or data[at - 1 : at + 1].strip() == b"":
            yield [data[:at], data[at:]]


def at_line_ends(data: bytes) -> Iterator[list[bytes]]:
    """Every way to cut some bytes in two within or beside a line's end."""
    for at in range(1, len(data)):
        if b"\r" in data[at - 1 : at + 1] or b"\n" in data[at - 1 : at + 1]:
            yield [data[:at], data[at:]]
