"""OpenAI's ears and voice: audio in as multipart, audio out as bytes."""

import re
from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Refusal, Request
from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.dialects.families import Kind, family_of
from yuejie.demo.simulators.dialects.openai_words import ERROR_MIDSTREAM
from yuejie.demo.simulators.tokens import Tokens, shown, tokens_in
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api
from yuejie.usage.meters import Meter


class SpeechAsk(msgspec.Struct):
    """A request to speak."""

    model: str
    input: str
    response_format: str | None = None
    stream_format: str | None = None


_SPEECH: Final = msgspec.json.Decoder(SpeechAsk)
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
_NAME: Final = re.compile(rb'name="([^"]+)"')
_BYTES_PER_SECOND: Final = 32_000
"""The length of a recording is told from its size, as if it were 16 kHz, 16 bit, mono."""
_TOKENS_PER_SECOND: Final = 10
_PLAIN: Final = frozenset({"text", "srt", "vtt"})
_ERROR: Final = b"event: error\ndata: " + ERROR_MIDSTREAM + b"\n\n"
_TYPES: Final = {"mp3": "audio/mpeg", "wav": "audio/wav", "opus": "audio/opus", "pcm": "audio/pcm"}


def _form(request: Request) -> dict[str, bytes]:
    """Read a multipart form: enough for what the SDKs send."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if not found:
        raise Refusal(400, "bad_request", "Could not parse multipart form")
    form: dict[str, bytes] = {}
    for part in request.body.split(b"--" + found[1].encode()):
        head, gap, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if gap and name:
            form[name[1].decode()] = value.removesuffix(b"\r\n")
    return form


def transcribe(request: Request, world: World) -> Answer:
    """Answer `/v1/audio/transcriptions` and `/v1/audio/translations`."""
    form = _form(request)
    model = form.get("model", b"").decode()
    if "file" not in form:
        raise Refusal(400, "bad_request", "you must provide a file", model, "file")
    family_of("openai", model, Kind.TRANSCRIPTION)
    order = world.order(request.body, model)
    counts = order.counts
    seconds = counts.seconds or max(-(-len(form["file"]) // _BYTES_PER_SECOND), 1)
    heard = seconds * _TOKENS_PER_SECOND if counts.audio_in is None else counts.audio_in
    asked = tokens_in(form.get("prompt", b"").decode())
    total = heard + asked if counts.total_in is None else max(counts.total_in, heard)
    out = counts.out or 3 * seconds
    tokens = Tokens(total_in=total, audio_in=heard, out=out)
    by_time = model.startswith("whisper")
    answer = Answer(
        api=Api.OPENAI_TRANSCRIPTIONS,
        model=model,
        billed_model=order.model or model,
        response_id=f"stt-{request.request_id}",
        usage={Meter.SECONDS: seconds} if by_time else tokens.meters(),
        error_frame=_ERROR,
        reported=not order.fault.misreports,
        tokens=None if by_time else tokens,
        order=order,
    )
    told = shown(tokens, order.fault)
    usage: dict[str, Any] = {}
    if told:
        shown_seconds = seconds if told is tokens else told.out
        duration = {"type": "duration", "seconds": shown_seconds}
        usage = {"usage": duration if by_time else _by_token(told)}
    _write_down(answer, form, out, usage, world.settings.seed)
    return answer


def _by_token(told: Tokens) -> dict[str, Any]:
    return {
        "type": "tokens",
        "input_tokens": told.total_in,
        "input_token_details": {
            "text_tokens": told.total_in - told.audio_in,
            "audio_tokens": told.audio_in,
        },
        "output_tokens": told.out,
        "total_tokens": told.total_in + told.out,
    }


def _write_down(
    answer: Answer, form: dict[str, bytes], out: int, usage: dict[str, Any], seed: int
) -> None:
    """Put the transcript into the answer, as JSON, as a stream or as plain text without usage."""
    said = prose.text(out, seed)
    shape = form.get("response_format", b"json").decode()
    if form.get("stream") == b"true":
        words = prose.pieces(out, answer.order.pace.events, seed)
        head = b'event: transcript.text.delta\ndata: {"type":"transcript.text.delta","delta":"'
        done = {"type": "transcript.text.done", "text": said, **usage}
        frames = [head + word + b'"}\n\n' for word in words]
        answer.usage_at = len(frames)
        answer.frames = [*frames, b"event: transcript.text.done\ndata: " + json(done) + b"\n\n"]
        answer.content_type = "text/event-stream"
    elif shape in _PLAIN:
        answer.body = said.encode()
        answer.content_type = "text/plain; charset=utf-8"
        answer.reported = False
    else:
        answer.body = json({"text": said, **usage})


def speak(request: Request, world: World) -> Answer:
    """Answer `POST /v1/audio/speech`: bytes without usage, or events that end with it."""
    ask = decode(_SPEECH, request.body)
    family_of("openai", ask.model, Kind.SPEECH)
    order = world.order(request.body, ask.model)
    total = order.counts.total_in
    asked = tokens_in(ask.input) if total is None else total
    out = order.counts.out or order.counts.audio_out or asked * 8
    tokens = Tokens(total_in=asked, out=out, audio_out=out)
    by_character = ask.model.startswith("tts-")
    answer = Answer(
        api=Api.OPENAI_SPEECH,
        model=ask.model,
        billed_model=order.model or ask.model,
        response_id=f"tts-{request.request_id}",
        usage={Meter.CHARACTERS: len(ask.input)} if by_character else tokens.meters(),
        body=bytes(out * 4),
        content_type=_TYPES.get(ask.response_format or "mp3", "audio/mpeg"),
        error_frame=_ERROR,
        reported=False,
        tokens=None if by_character else tokens,
        order=order,
    )
    if ask.stream_format == "sse":
        _stream_speech(answer, shown(tokens, order.fault))
    return answer


def _stream_speech(answer: Answer, told: Tokens | None) -> None:
    sound = b'event: speech.audio.delta\ndata: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'
    done: dict[str, Any] = {"type": "speech.audio.done"}
    if told:
        total = told.total_in + told.out
        counts = {"input_tokens": told.total_in, "output_tokens": told.out, "total_tokens": total}
        done["usage"] = counts
    events = answer.order.pace.events or 8
    end = b"event: speech.audio.done\ndata: " + json(done) + b"\n\n"
    answer.frames = [*([sound] * events), end]
    answer.usage_at = events
    answer.reported = not answer.order.fault.misreports
    answer.content_type = "text/event-stream"
