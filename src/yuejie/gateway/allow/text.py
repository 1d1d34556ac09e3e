"""Is a request self-contained text? Then no more tokens go in than it has bytes.

Every member that is known to bring in nothing from elsewhere is named here; a request with any
other member, or with a part that is no text, is not plain, and the context window bounds it.
The list is of what is allowed, so a member that a provider invents tomorrow is not overlooked.
"""

from typing import Any, Final, Literal

import msgspec

from yuejie.usage.dialects import Api

_Any = msgspec.Raw
_RAW: Final = msgspec.Raw()


class _Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Refuses what it does not name."""


class _Text(_Strict):
    type: Literal["text", "input_text", "output_text", "refusal"]
    text: str = ""
    refusal: str = ""
    cache_control: _Any = _RAW
    annotations: _Any = _RAW
    logprobs: _Any = _RAW
    citations: _Any = _RAW


_Content = str | list[_Text] | None


class _Function(_Strict):
    type: Literal["function"]
    function: _Any


class _Sampling(_Strict):
    """What shapes an answer, in every dialect of OpenAI's."""

    model: _Any = _RAW
    stream: _Any = _RAW
    stream_options: _Any = _RAW
    temperature: _Any = _RAW
    top_p: _Any = _RAW
    top_k: _Any = _RAW
    min_p: _Any = _RAW
    n: int | None = None
    stop: _Any = _RAW
    seed: _Any = _RAW
    user: _Any = _RAW
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    presence_penalty: _Any = _RAW
    frequency_penalty: _Any = _RAW
    repetition_penalty: _Any = _RAW
    logit_bias: _Any = _RAW
    logprobs: _Any = _RAW
    top_logprobs: _Any = _RAW
    tool_choice: _Any = _RAW
    parallel_tool_calls: _Any = _RAW
    response_format: _Any = _RAW
    reasoning: _Any = _RAW
    reasoning_effort: _Any = _RAW
    thinking: _Any = _RAW
    enable_thinking: _Any = _RAW
    thinking_budget: _Any = _RAW
    verbosity: _Any = _RAW
    metadata: _Any = _RAW
    store: _Any = _RAW
    service_tier: _Any = _RAW
    safety_identifier: _Any = _RAW
    prompt_cache_key: _Any = _RAW
    prompt_cache_retention: _Any = _RAW
    prompt_cache_options: _Any = _RAW


class _Message(_Strict):
    role: _Any
    content: _Any = _RAW
    name: _Any = _RAW
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Any] | None = None
    tool_call_id: str | None = None
    function_call: _Any = _RAW


class _Chat(_Sampling):
    messages: list[_Message] = []
    tools: list[_Function] | None = None
    functions: list[_Any] | None = None
    function_call: _Any = _RAW


class _Completion(_Sampling):
    prompt: _Any = _RAW
    suffix: str | None = None


class _FlatTool(_Strict):
    type: Literal["function", "custom"]
    name: str
    description: _Any = _RAW
    parameters: _Any = _RAW
    strict: _Any = _RAW
    format: _Any = _RAW


class _Item(_Strict):
    type: Literal["message", "function_call", "function_call_output", "reasoning"] = "message"
    role: str = ""
    content: _Content = None
    id: _Any = _RAW
    status: _Any = _RAW
    call_id: _Any = _RAW
    name: _Any = _RAW
    arguments: str = ""
    output: str | list[_Text] = ""
    summary: _Any = _RAW
    encrypted_content: str | None = None


class _Response(_Sampling):
    input: str | list[_Item] = ""
    instructions: str | None = None
    tools: list[_FlatTool] | None = None
    text: _Any = _RAW
    truncation: _Any = _RAW
    include: _Any = _RAW


class _Thinking(msgspec.Struct, gc=False):
    budget_tokens: int = 0


class _Block(_Strict):
    type: Literal["text", "tool_use", "tool_result", "thinking", "redacted_thinking"]
    text: str = ""
    id: _Any = _RAW
    name: _Any = _RAW
    input: _Any = _RAW
    tool_use_id: _Any = _RAW
    content: _Content = None
    is_error: _Any = _RAW
    thinking: str = ""
    signature: str = ""
    data: str = ""
    citations: _Any = _RAW
    cache_control: _Any = _RAW


class _Turn(_Strict):
    role: str
    content: str | list[_Block]


class _OwnTool(_Strict):
    name: str
    type: Literal["custom"] | None = None
    description: _Any = _RAW
    input_schema: _Any = _RAW
    input_examples: _Any = _RAW
    cache_control: _Any = _RAW
    strict: _Any = _RAW


class _Messages(_Strict):
    model: _Any = _RAW
    messages: list[_Turn] = []
    system: str | list[_Text] = ""
    max_tokens: int | None = None
    stream: _Any = _RAW
    temperature: _Any = _RAW
    top_p: _Any = _RAW
    top_k: _Any = _RAW
    stop_sequences: _Any = _RAW
    metadata: _Any = _RAW
    tools: list[_OwnTool] | None = None
    tool_choice: _Any = _RAW
    thinking: _Any = _RAW
    service_tier: _Any = _RAW
    cache_control: _Any = _RAW


class _Part(_Strict):
    text: str = ""
    thought: _Any = _RAW
    thoughtSignature: str = ""  # noqa: N815 - Gemini's word
    functionCall: _Any = _RAW  # noqa: N815
    functionResponse: _Any = _RAW  # noqa: N815


class _Said(_Strict):
    parts: list[_Part]
    role: _Any = _RAW


class _Declared(_Strict):
    functionDeclarations: _Any = _RAW  # noqa: N815


class _Generate(_Strict):
    contents: list[_Said] = []
    systemInstruction: _Said | None = None  # noqa: N815
    generationConfig: _Any = _RAW  # noqa: N815
    safetySettings: _Any = _RAW  # noqa: N815
    tools: list[_Declared] | None = None
    toolConfig: _Any = _RAW  # noqa: N815
    labels: _Any = _RAW


class _Embedding(_Strict):
    model: _Any = _RAW
    input: _Any = _RAW
    dimensions: _Any = _RAW
    encoding_format: _Any = _RAW
    user: _Any = _RAW


_DECODERS: Final[dict[Api, msgspec.json.Decoder[Any]]] = {
    Api.OPENAI_CHAT: msgspec.json.Decoder(_Chat),
    Api.OPENAI_COMPLETIONS: msgspec.json.Decoder(_Completion),
    Api.OPENAI_RESPONSES: msgspec.json.Decoder(_Response),
    Api.OPENAI_EMBEDDINGS: msgspec.json.Decoder(_Embedding),
    Api.ANTHROPIC_MESSAGES: msgspec.json.Decoder(_Messages),
    Api.GEMINI_GENERATE: msgspec.json.Decoder(_Generate),
}
INPUTS: Final = {
    Api.OPENAI_COMPLETIONS: "prompt",
    Api.OPENAI_EMBEDDINGS: "input",
    Api.GEMINI_EMBED: "requests",
}
"""The member that may hold many inputs."""
_ENTRIES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_CONFIG: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OTHER_ANSWERS: Final = b"odalities"
"""`responseModalities`: the answer may be a picture or speech."""
_THINKING: Final = msgspec.json.Decoder(_Thinking)
_BUDGET: Final = b'"budget_tokens"'
HIDDEN: Final = 512
"""Tokens a provider adds of its own: templates, a default system prompt, the date."""
HIDDEN_TOOLS: Final = 2_048
"""More of them where tools are described to the model."""


TEXTS: Final = msgspec.json.Decoder(list[_Text])
PLAIN: Final = (b'"', b"n", b"")
"""How a text begins, and null; what is missing begins with nothing."""


class Plain(msgspec.Struct, frozen=True, gc=False):
    """A request that is self-contained text: the most tokens in, and how long an answer it wants.

    `longest` by the member that says so; `answers` as many as are asked for.
    """

    tokens_in: int
    longest: dict[str, int]
    answers: int
    inputs: int = 1
    """Each of them may fill the context window, and is answered by itself."""


def read_plain(api: Api, body: bytes) -> Plain | None:
    """Read a request that is self-contained text; None where it is not.

    Byte-level tokenizers make no token of less than a byte; escapes and punctuation are extra.
    """
    decoder = _DECODERS.get(api)
    if decoder is None:
        return None
    try:
        said = decoder.decode(body)
        if decoder is _CHATS:
            for message in said.messages:
                content = bytes(message.content)
                if content[:1] not in PLAIN:
                    TEXTS.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return None
    if api is Api.OPENAI_RESPONSES and _refers(said):
        return None
    if _OTHER_ANSWERS in body or (api is Api.GEMINI_GENERATE and _answers_otherwise(said)):
        return None
    tokens = len(body) + HIDDEN + (HIDDEN_TOOLS if b"tools" in body else 0)
    answers = max(getattr(said, "n", None) or 1, 1)
    inputs = inputs_in(bytes(getattr(said, INPUTS[api]))) if api in INPUTS else 1
    longest = _longest_of(said)
    if api is Api.ANTHROPIC_MESSAGES and _BUDGET in body and "max_tokens" in longest:
        try:
            budget = _THINKING.decode(said.thinking).budget_tokens
        except msgspec.DecodeError:
            return None
        longest["max_tokens"] = with_thoughts(longest["max_tokens"], budget)
    return Plain(tokens, longest, answers, inputs)


def _refers(said: _Response) -> bool:
    """Tell whether an item is named by its id alone: the provider looks up what it holds."""
    for item in said.input if isinstance(said.input, list) else ():
        match item.type:
            case "message":
                whole = item.content is not None
            case "reasoning":
                whole = bool(item.encrypted_content)
            case _:
                whole = bool(bytes(item.call_id))
        if not whole:
            return True
    return False


def with_thoughts(longest: int, budget: object) -> int:
    """Return the longest answer with its thoughts, where those may be more than it."""
    return longest + budget if type(budget) is int and budget >= longest else longest


def _answers_otherwise(said: _Generate) -> bool:
    """Tell whether a picture or speech is asked for in a name that is spelt by escapes."""
    config = bytes(said.generationConfig)
    if b"\\" not in config or not config.startswith(b"{"):
        return False
    return any(_OTHER_ANSWERS.decode() in name for name in _CONFIG.decode(config))


def inputs_in(member: bytes) -> int:
    """Count what a member holds that is answered one by one; numbers are the tokens of one text."""
    if not member.startswith(b"["):
        return 1
    entries = _ENTRIES.decode(member)
    return 1 if all(bytes(each)[:1].isdigit() for each in entries) else len(entries)


def _longest_of(said: object) -> dict[str, int]:
    if isinstance(said, _Chat):
        longest = {}
        if said.max_tokens:
            longest["max_tokens"] = said.max_tokens
        if said.max_completion_tokens:
            longest["max_completion_tokens"] = said.max_completion_tokens
        return longest
    found = ((name, getattr(said, name, None)) for name in _LONGEST)
    return {name: bound for name, bound in found if bound}


def chat_names() -> frozenset[str]:
    """Return the members by which a chat brings nothing in from elsewhere."""
    return frozenset(_Chat.__struct_fields__)


def chat_message_decoder() -> msgspec.json.Decoder[list[_Message]]:
    """Return what reads messages that bring nothing in; their contents stay as they are."""
    return msgspec.json.Decoder(list[_Message])


def chat_tools_decoder() -> msgspec.json.Decoder[list[_Function] | None]:
    """Return what reads tools that the client itself works."""
    return msgspec.json.Decoder(list[_Function] | None)


def most_input(api: Api, body: bytes) -> int | None:
    """Return how many tokens a request can be at most, by its own bytes; None if not by those."""
    plain = read_plain(api, body)
    return None if plain is None else plain.tokens_in


_LONGEST: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_CHATS: Final = _DECODERS[Api.OPENAI_CHAT]
