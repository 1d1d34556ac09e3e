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
_knows_all: Final = chat_names().issuperset
_MESSAGES: Final = chat_message_decoder()
_TOOLS: Final = chat_tools_decoder()
_ANY_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw] | None)
_COUNT: Final = msgspec.json.Decoder(int | None)
_LONGEST: Final[tuple[str, ...]] = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_PLAIN: Final = frozenset(b"".join(PLAIN))
_OWN: Final = 4
"""Bytes around a member: two quotation marks, a colon and a comma, or the last one's brace."""


def read_chat(body: bytes) -> Plain | None:
    """Read a chat request whose every byte is accounted for and that is self-contained text."""
    try:
        said = _MEMBERS.decode(body)
        if not _knows_all(said) or not _is_whole(body, said):
            return None
        most = len(body) + HIDDEN
        if "tools" in said or "functions" in said:
            most += HIDDEN_TOOLS
            _TOOLS.decode(said.get("tools", b"null"))
            _ANY_LIST.decode(said.get("functions", b"null"))
        if "messages" in said:
            for message in _MESSAGES.decode(said["messages"]):
                content = message.content
                if content and memoryview(content)[0] not in _PLAIN:
                    TEXTS.decode(content)
        longest = {name: _COUNT.decode(said[name]) or 0 for name in _LONGEST if name in said}
        answers = _COUNT.decode(said["n"]) or 0 if "n" in said else 1
    except (msgspec.DecodeError, RecursionError):
        return None
    return Plain(most, longest, max(1, answers))


def _is_whole(body: bytes, said: dict[str, msgspec.Raw]) -> bool:
    """Tell whether these members are all that was written, with no blanks or with Python's."""
    size = 1 + _OWN * len(said) + len("".join(said)) + sum(map(len, said.values()))
    if size == len(body):
        return True
    if len(body) - size != 2 * len(said) - 1:
        return False
    pairs = [b'"%b": %b' % (name.encode(), bytes(value)) for name, value in said.items()]
    return body == b"{%b}" % b", ".join(pairs)
