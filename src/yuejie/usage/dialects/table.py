"""Who means what: one row per API, read from top to bottom.

`WORDS` first (how a usage object is to be understood), then `RULES` (where it is found).
The facts come from official SDK types and recorded exchanges; what contradicts a row shows up as
`facts["arithmetic"]`, because every reading is checked against the provider's own total.
"""

from typing import Final

from yuejie.usage.dialects.reading import Api
from yuejie.usage.dialects.words import Beside, Framing, Rules, Source, Where, Words
from yuejie.usage.meters import Meter as M  # noqa: N817 - the table is read in columns

TIERS: Final = {
    "standard": "default",
    "on_demand": "default",
    "fast": "priority",
    "on_demand_priority": "priority",
    "on_demand_flex": "flex",
    "on_demand_offpeak": "offpeak",
    "provisioned_throughput": "provisioned",
}
"""Service tiers that are others by another name; the rest are kept, in lower case.

`auto` is what was asked, not what was given, and reads as not said.
The provider's own word stays in `facts["service_tier"]` when it differs.
"""

# ── What the counts mean ─────────────────────────────────────────────────────────────────────────

# OpenAI Chat and everything compatible. Cached and written tokens are inside the prompt.
# Reasoning is inside the completion, except where total = prompt + completion + reasoning (xAI);
# Gemini's compatible endpoint shows its thoughts only in the total.
# Aliases: DeepSeek `prompt_cache_hit_tokens`, Moonshot `cached_tokens`, Foundry `reasoning_tokens`
# repeat what the details say; Qwen's explicit cache sits inside the details, with its TTL.
# OpenAI itself gives no TTL here: the request's, else 30 minutes.
CHAT: Final = Words(
    input=("prompt_tokens",),
    output=("completion_tokens",),
    total=("total_tokens",),
    hidden_reasoning=True,
    written=(
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_input_tokens",
    ),
    ttl=M.CACHE_WRITE_30M,
    parts={
        M.CACHE_READ: (
            "prompt_tokens_details.cached_tokens",
            "prompt_cache_hit_tokens",
            "cached_tokens",
        ),
        M.CACHE_WRITE_5M: ("prompt_tokens_details.cache_creation.ephemeral_5m_input_tokens",),
        M.CACHE_WRITE_1H: ("prompt_tokens_details.cache_creation.ephemeral_1h_input_tokens",),
        M.AUDIO_IN: ("prompt_tokens_details.audio_tokens",),
        M.IMAGE_IN: ("prompt_tokens_details.image_tokens",),
        M.VIDEO_IN: ("prompt_tokens_details.video_tokens",),
        M.CACHE_READ_AUDIO: ("prompt_tokens_details.audio_cached_tokens",),
        M.REASONING: ("completion_tokens_details.reasoning_tokens", "reasoning_tokens"),
        M.AUDIO_OUT: ("completion_tokens_details.audio_tokens",),
        M.IMAGE_OUT: ("completion_tokens_details.image_tokens",),
    },
    facts={
        "provider_cost_usd": ("cost",),
        "cost_in_usd_ticks": ("cost_in_usd_ticks",),
        "num_sources_used": ("num_sources_used",),
        "prompt_audio_seconds": ("prompt_audio_seconds",),
    },
)

# OpenAI Responses: as Chat, under other names, with the two TTLs of GPT-5.6 and later.
RESPONSES: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    written=("input_tokens_details.cache_write_tokens",),
    ttl=M.CACHE_WRITE_30M,
    parts={
        M.CACHE_READ: ("input_tokens_details.cached_tokens",),
        M.CACHE_WRITE_30M: ("input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",),
        M.CACHE_WRITE_12H: ("input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",),
        M.REASONING: ("output_tokens_details.reasoning_tokens",),
    },
    facts={"cost_in_usd_ticks": ("cost_in_usd_ticks",)},
)

# Embeddings have no output; Voyage reports the total alone.
EMBEDDINGS: Final = Words(input=("prompt_tokens", "total_tokens"), total=("total_tokens",))

# GPT-image: the output is image unless the details name text.
IMAGES: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    parts={
        M.CACHE_READ: ("input_tokens_details.cached_tokens", "cached_tokens"),
        M.CACHE_READ_IMAGE: (
            "input_tokens_details.cached_tokens_details.image_tokens",
            "cached_tokens_details.image_tokens",
        ),
        M.IMAGE_IN: ("input_tokens_details.image_tokens",),
        M.IMAGE_OUT: ("output_tokens_details.image_tokens",),
        M.OUTPUT: ("output_tokens_details.text_tokens",),
    },
    rest_out=M.IMAGE_OUT,
)

# The text model that writes SVG beside the image model.
SVG: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    parts={M.REASONING: ("reasoning_tokens",)},
)

# Transcription is priced by tokens or by seconds (whisper, Voxtral), and says which it is.
TRANSCRIPTION: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    parts={
        M.AUDIO_IN: ("input_token_details.audio_tokens", "input_tokens_details.audio_tokens"),
        M.SECONDS: ("seconds", "prompt_audio_seconds"),
    },
)
DURATION: Final = Words(parts={M.SECONDS: ("duration",)})

SPEECH: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    rest_out=M.AUDIO_OUT,
)

# Realtime: details by modality, cached ones inside them (552 = 252 text + 300 audio, 448 cached).
REALTIME: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    total=("total_tokens",),
    parts={
        M.CACHE_READ: ("input_token_details.cached_tokens",),
        M.CACHE_READ_AUDIO: ("input_token_details.cached_tokens_details.audio_tokens",),
        M.CACHE_READ_IMAGE: ("input_token_details.cached_tokens_details.image_tokens",),
        M.AUDIO_IN: ("input_token_details.audio_tokens",),
        M.IMAGE_IN: ("input_token_details.image_tokens",),
        M.AUDIO_OUT: ("output_token_details.audio_tokens",),
    },
)

# Anthropic: the input EXCLUDES what was read from or written to the cache. No total to check.
# Writes beyond the split keep the split's TTL, else the request's, else five minutes.
MESSAGES: Final = Words(
    input=("input_tokens",),
    output=("output_tokens",),
    cache=Where.OUTSIDE,
    written=("cache_creation_input_tokens",),
    ttl=M.CACHE_WRITE_5M,
    parts={
        M.CACHE_READ: ("cache_read_input_tokens",),
        M.CACHE_WRITE_5M: ("cache_creation.ephemeral_5m_input_tokens",),
        M.CACHE_WRITE_1H: ("cache_creation.ephemeral_1h_input_tokens",),
        M.REASONING: ("output_tokens_details.thinking_tokens",),
        M.WEB_SEARCHES: ("server_tool_use.web_search_requests",),
    },
)

# Gemini and Vertex: cached inside the prompt; tool-use prompt and thoughts beside it.
# prompt + candidates + tool use + thoughts = total, unless the candidates contain the thoughts.
GEMINI: Final = Words(
    input=("promptTokenCount",),
    output=("candidatesTokenCount",),
    total=("totalTokenCount",),
    also_input=("toolUsePromptTokenCount",),
    reasoning=Where.OUTSIDE,
    parts={
        M.CACHE_READ: ("cachedContentTokenCount",),
        M.CACHE_READ_AUDIO: ("cacheTokensDetails.audio",),
        M.CACHE_READ_IMAGE: ("cacheTokensDetails.image",),
        M.CACHE_READ_VIDEO: ("cacheTokensDetails.video",),
        M.AUDIO_IN: ("promptTokensDetails.audio", "promptTokenDetails.audio"),
        M.IMAGE_IN: ("promptTokensDetails.image", "promptTokenDetails.image"),
        M.VIDEO_IN: ("promptTokensDetails.video", "promptTokenDetails.video"),
        M.REASONING: ("thoughtsTokenCount",),
        M.AUDIO_OUT: ("candidatesTokensDetails.audio",),
        M.IMAGE_OUT: ("candidatesTokensDetails.image",),
        M.VIDEO_OUT: ("candidatesTokensDetails.video",),
    },
    zeros_omitted=True,
)
# Embedding spells the details without an s, and has no output.
GEMINI_EMBED: Final = Words(
    input=GEMINI.input,
    parts={m: GEMINI.parts[m] for m in (M.AUDIO_IN, M.IMAGE_IN, M.VIDEO_IN)},
    zeros_omitted=True,
)
# Live calls its output "response", and its total leaves the thoughts out.
LIVE: Final = Words(
    input=GEMINI.input,
    output=("responseTokenCount",),
    also_input=GEMINI.also_input,
    reasoning=Where.OUTSIDE,
    total_decides=False,
    parts={
        **GEMINI.parts,
        M.AUDIO_OUT: ("responseTokensDetails.audio",),
        M.IMAGE_OUT: ("responseTokensDetails.image",),
        M.VIDEO_OUT: ("responseTokensDetails.video",),
    },
    zeros_omitted=True,
)
INTERACTIONS: Final = Words(
    input=("total_input_tokens",),
    output=("total_output_tokens",),
    total=("total_tokens",),
    also_input=("total_tool_use_tokens",),
    reasoning=Where.OUTSIDE,
    parts={
        M.CACHE_READ: ("total_cached_tokens",),
        M.CACHE_READ_AUDIO: ("cached_tokens_by_modality.audio",),
        M.CACHE_READ_IMAGE: ("cached_tokens_by_modality.image",),
        M.CACHE_READ_VIDEO: ("cached_tokens_by_modality.video",),
        M.AUDIO_IN: ("input_tokens_by_modality.audio",),
        M.IMAGE_IN: ("input_tokens_by_modality.image",),
        M.VIDEO_IN: ("input_tokens_by_modality.video",),
        M.REASONING: ("total_thought_tokens",),
        M.AUDIO_OUT: ("output_tokens_by_modality.audio",),
        M.IMAGE_OUT: ("output_tokens_by_modality.image",),
    },
)
# Vertex's older embedding: one count per prediction.
PREDICT: Final = Words(input=("embeddings.statistics.token_count",))

# Bedrock Converse: input beside the cache, total with it. `…TokenCount` repeats `…Tokens`.
CONVERSE: Final = Words(
    input=("inputTokens",),
    output=("outputTokens",),
    total=("totalTokens",),
    cache=Where.OUTSIDE,
    written=("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
    parts={
        M.CACHE_READ: ("cacheReadInputTokens", "cacheReadInputTokenCount"),
        M.CACHE_WRITE_5M: ("cacheDetails.5m",),
        M.CACHE_WRITE_1H: ("cacheDetails.1h",),
    },
)
# InvokeModel's own metrics, in the last frame of a stream or in the headers of a body; embedding
# has no output header.
INVOCATION: Final = Words(
    input=("inputTokenCount",),
    output=("outputTokenCount",),
    cache=Where.OUTSIDE,
    written=("cacheWriteInputTokenCount",),
    parts={M.CACHE_READ: ("cacheReadInputTokenCount",)},
    zeros_omitted=True,
)

# Cohere: `billed_units` is what is charged; `tokens` contains the hidden template.
COHERE: Final = Words(
    input=("billed_units.input_tokens",),
    output=("billed_units.output_tokens",),
    parts={M.SEARCH_UNITS: ("billed_units.search_units",)},
    facts={
        "tokens_processed_in": ("tokens.input_tokens",),
        "tokens_processed_out": ("tokens.output_tokens",),
        "tokens_cached": ("cached_tokens",),
    },
)
COHERE_META: Final = Words(
    input=("billed_units.input_tokens",),
    parts={
        M.SEARCH_UNITS: ("billed_units.search_units",),
        M.IMAGES: ("billed_units.images",),
    },
)

WEB_SEARCH: Final = Words(parts={M.WEB_SEARCHES: ("num_requests",)})

# ── Where the counts are ─────────────────────────────────────────────────────────────────────────

# One usage may be repeated: Groq in `x_groq`, Moonshot in the choice. The first found is taken.
_CHAT: Final = Rules(
    sources=(
        Source("usage", CHAT),
        Source("choices.0.usage", CHAT),
        Source("x_groq.usage", CHAT),
    ),
    done=b"[DONE]",
    ends_at=("choices.0.finish_reason",),
    ends_with_usage=True,
)
_MESSAGES: Final = Rules(
    sources=(Source("usage", MESSAGES),),
    iterations=True,
    envelope=("message",),
    tier=("usage.service_tier",),
    facts={
        "speed": ("usage.speed",),
        "inference_geo": ("usage.inference_geo",),
        "fallback_credit": ("usage.fallback_credit.status.type",),
    },
    marks=(b'"error"', b'"message_stop"'),
    delta=b'"content_block_delta"',
    ends=frozenset({"message_stop"}),
    ends_at=("delta.stop_reason",),
    ends_with_usage=True,
    said_again="usage.output_tokens",
)
_GEMINI: Final = Rules(
    sources=(Source("usageMetadata", GEMINI),),
    model=("modelVersion",),
    response_id=("responseId",),
    tier=("usageMetadata.serviceTier", "usageMetadata.trafficType"),
    facts={"trafficType": ("usageMetadata.trafficType",)},
    usage_mark=b'"usageMetadata"',
    marks=(b'"error"', b'"finishReason"', b'"promptFeedback"'),
    delta=b'"candidates"',
    ends_at=("candidates.0.finishReason", "promptFeedback.blockReason"),
)

RULES: Final[dict[Api, Rules]] = {
    Api.OPENAI_CHAT: _CHAT,
    Api.OPENAI_COMPLETIONS: Rules(
        sources=(Source("usage", CHAT), Source("choices.0.usage", CHAT)),
        delta=b'"text"',
        done=b"[DONE]",
        ends_at=("choices.0.finish_reason",),
        ends_with_usage=True,
    ),
    Api.OPENAI_RESPONSES: Rules(
        sources=(Source("usage", RESPONSES),),
        beside=(
            Beside(at="tool_usage.web_search", words=WEB_SEARCH),
            Beside(
                at="tool_usage.image_gen",
                words=IMAGES,
                model=("tools.image_generation.model",),
                asked=True,
                otherwise="image_gen",
            ),
        ),
        envelope=("response",),
        facts={"incomplete": ("incomplete_details.reason",)},
        marks=(b'"error"', b'"response"'),
        delta=b'.delta"',
        ends=frozenset({"response.completed", "response.incomplete", "response.failed"}),
    ),
    Api.OPENAI_EMBEDDINGS: Rules(sources=(Source("usage", EMBEDDINGS),)),
    Api.OPENAI_IMAGES: Rules(
        sources=(Source("usage", IMAGES),),
        beside=(Beside(at="svg_usage", words=SVG, model=("svg_usage.model",), otherwise="svg"),),
        without_usage=M.IMAGES,
        marks=(b'"error"', b'.completed"'),
        delta=b'.partial_image"',
        ends=frozenset({"image_generation.completed", "image_edit.completed"}),
    ),
    Api.OPENAI_TRANSCRIPTIONS: Rules(
        sources=(Source("usage", TRANSCRIPTION), Source("", DURATION)),
        marks=(b'"error"', b'"transcript.text.done"'),
        ends=frozenset({"transcript.text.done"}),
    ),
    Api.OPENAI_SPEECH: Rules(
        sources=(Source("usage", SPEECH),),
        without_usage=M.CHARACTERS,
        marks=(b'"error"', b'"speech.audio.done"'),
        delta=b'"speech.audio.delta"',
        ends=frozenset({"speech.audio.done"}),
    ),
    Api.OPENAI_REALTIME: Rules(
        sources=(Source("usage", REALTIME),),
        beside=(
            Beside(
                at="input_transcription",
                words=TRANSCRIPTION,
                model=("input_transcription.model",),
                otherwise="input_audio_transcription",
            ),
        ),
        envelope=("response",),
        framing=Framing.MESSAGES,
        marks=(b'"error"', b'"response.done"'),
        delta=b'.delta"',
        ends=frozenset({"response.done"}),
        aside={"conversation.item.input_audio_transcription.completed": "input_transcription"},
    ),
    Api.ANTHROPIC_MESSAGES: _MESSAGES,
    Api.ANTHROPIC_BATCH_RESULT: Rules(
        sources=_MESSAGES.sources,
        iterations=True,
        envelope=("result.message",),
        tier=_MESSAGES.tier,
        facts=_MESSAGES.facts,
    ),
    Api.ANTHROPIC_COUNT_TOKENS: Rules(free=("input_tokens",)),
    Api.GEMINI_GENERATE: _GEMINI,
    Api.GEMINI_COUNT_TOKENS: Rules(free=("totalTokens",)),
    Api.GEMINI_EMBED: Rules(
        sources=(Source("usageMetadata", GEMINI_EMBED),),
        model=_GEMINI.model,
        response_id=_GEMINI.response_id,
        tier=_GEMINI.tier,
        facts=_GEMINI.facts,
    ),
    Api.GEMINI_INTERACTIONS: Rules(
        sources=(Source("usage", INTERACTIONS),),
        envelope=("interaction",),
        marks=(b'"error"', b'"interaction.complete'),
        delta=b'"content.delta"',
        ends=frozenset({"interaction.complete", "interaction.completed"}),
    ),
    Api.GEMINI_LIVE: Rules(
        sources=(Source("usageMetadata", LIVE),),
        tier=_GEMINI.tier,
        facts=_GEMINI.facts,
        framing=Framing.MESSAGES,
        usage_mark=b'"usageMetadata"',
        marks=(b'"error"', b'"turnComplete"'),
        delta=b'"modelTurn"',
        ends_at=("serverContent.turnComplete",),
    ),
    Api.VERTEX_PREDICT: Rules(
        sources=(Source("predictions", PREDICT),),
        facts={"billable_characters": ("metadata.billableCharacterCount",)},
    ),
    Api.BEDROCK_CONVERSE: Rules(
        sources=(Source("usage", CONVERSE),),
        tier=("serviceTier.type",),
        framing=Framing.EVENTSTREAM,
        delta=b'"contentBlockIndex"',
        ends=frozenset({"metadata"}),
    ),
    Api.BEDROCK_INVOKE: Rules(
        sources=(
            Source("usage", MESSAGES),
            Source("amazon-bedrock-invocationMetrics", INVOCATION),
        ),
        iterations=True,
        envelope=("message",),
        tier=("usage.service_tier",),
        framing=Framing.EVENTSTREAM,
        marks=(b'"error"', b'"message_stop"', b'"amazon-bedrock-invocationMetrics"'),
        delta=b'"content_block_delta"',
        ends=frozenset({"message_stop"}),
        ends_at=("amazon-bedrock-invocationMetrics",),
    ),
    Api.COHERE_CHAT: Rules(
        sources=(Source("usage", COHERE), Source("meta", COHERE)),
        envelope=("delta",),
        marks=(b'"error"', b'"message-end"'),
        delta=b'"content-delta"',
        ends=frozenset({"message-end"}),
    ),
    Api.COHERE_EMBED: Rules(sources=(Source("meta", COHERE_META),)),
    Api.COHERE_RERANK: Rules(sources=(Source("meta", COHERE_META),)),
}
"""One row per API. An API that is not here cannot be configured."""
