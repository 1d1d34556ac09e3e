"""An ordinary chat request, bounded by its members: nine of ten calls that are held to a cap.

Only names and lengths are read, for nothing else is needed: what is in a member that may bring
nothing in from elsewhere is never decoded. Where the lengths of all members add up to that of the
body, nothing is written twice, nothing spelt by escapes, and no byte was overlooked.
What is not exactly so is left to `text` and `asked_for`; a property test holds them together.
"""

from typing import Final

import msgspec

from yuejie.gateway.allow.text import (
    HIDDEN,
    HIDDEN_TOOLS,
    PLAIN,
    TEXTS,
    Plain,
    chat_message_decoder,
    chat_names,
    chat_tools_decoder,
)

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMES: Final = chat_names()
_MESSAGES: Final = chat_message_decoder()
_TOOLS: Final = chat_tools_decoder()
_ANY_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TOOL_NAMES: Final = frozenset({"tools", "functions"})
_COUNT: Final = msgspec.json.Decoder(int | None)
_COUNTS: Final = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "n"})
_OWN: Final = 4
"""Bytes around a member: two quotation marks, a colon and a comma, or the last one's brace."""


def read_chat(body: bytes) -> Plain | None:
    """Read a chat request whose every byte is accounted for and that is self-contained text."""
    try:
        said = _MEMBERS.decode(body)
        names = said.keys()
        if not names <= _NAMES or not _is_whole(body, said):
            return None
        hidden = HIDDEN + (HIDDEN_TOOLS if names & _TOOL_NAMES else 0)
        if "messages" in names:
            _read_messages(said["messages"])
        if "tools" in names:
            _TOOLS.decode(said["tools"])
        if "functions" in names:
            _ANY_LIST.decode(said["functions"])
        longest = {name: _COUNT.decode(said[name]) or 0 for name in names & _COUNTS}
    except (msgspec.DecodeError, RecursionError):
        return None
    answers = longest.pop("n", 1)
    return Plain(len(body) + hidden, longest, max(1, answers))


def _read_messages(written: msgspec.Raw) -> None:
    """Raise DecodeError where a message is more than text."""
    for message in _MESSAGES.decode(written):
        content = bytes(message.content)
        if content[:1] not in PLAIN:
            TEXTS.decode(content)


def _is_whole(body: bytes, said: dict[str, msgspec.Raw]) -> bool:
    """Tell whether these members are all that was written, with no blanks or with Python's."""
    size = 1 + _OWN * len(said) + sum(map(len, said)) + sum(map(len, said.values()))
    if size == len(body):
        return True
    if len(body) - size != 2 * len(said) - 1:
        return False
    pairs = [b'"%b": %b' % (name.encode(), bytes(value)) for name, value in said.items()]
    return body == b"{%b}" % b", ".join(pairs)
