"""What llhttp lets pass and we do not: whatever two readers might take for two things."""

from collections.abc import Callable
from typing import Final

from yuejie.gateway.server.fault import Fault
from yuejie.gateway.server.head import Head

VERSIONS: Final = frozenset({"1.1", "1.0"})
FRAMING: Final = frozenset({"content-length", "transfer-encoding"})


class Refused(Exception):
    """A fault on its way through llhttp."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


class Rest:
    """Hears the rest of a body and its end, and nothing else."""

    def __init__(self, on_body: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.on_body = on_body
        self.on_message_complete = on_end


def path_of(target: str) -> str:
    """Return path and query of a target, however it is written."""
    if not target.startswith("/"):
        _, scheme, rest = target.partition("://")
        if scheme:
            slash, mark = rest.find("/"), rest.find("?")
            at = slash if slash >= 0 else mark
            target = rest[at:] if at >= 0 else ""
            if not target.startswith("/"):
                target = "/" + target
    return target.partition("#")[0]


def unsound(head: Head) -> Fault | None:
    """Find what llhttp lets pass and we do not: two readers might take it for two things."""
    headers = head.headers
    twice: set[str] = set()
    if len(headers) < len(head.pairs):
        names = [name for name, _ in head.pairs]
        twice = {name for name in headers if names.count(name) > 1}
    if "transfer-encoding" in headers:
        # llhttp has refused a length beside it, and any coding but chunked at the end.
        if head.old or headers["transfer-encoding"].lower() != "chunked":
            return Fault.MALFORMED
        if "transfer-encoding" in twice:
            return Fault.MALFORMED
    if "host" in twice or ("host" not in headers and not head.old):
        return Fault.HOST
    expected = headers.get("expect")
    if expected is not None and expected.lower() != "100-continue":
        return Fault.EXPECTATION
    if FRAMING & head.hidden:
        return Fault.MALFORMED
    return None
