"""What a client may take of a worker: bytes, counts, seconds. Beyond, it is told so and hung up on.

A TLS terminator in front has bounds of its own; these hold without one.
"""

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""Request line and headers together, and likewise what stands between two pieces of a body."""
HEADERS: Final = 100
"""The official SDKs send some twenty."""
TARGET_BYTES: Final = 16 * 1024
PIPELINED: Final = 16
"""Requests that wait behind the one at work; SDKs send none before they are answered."""
CONNECTIONS: Final = 10_000
"""Connections of one worker; one more is told 503."""
BACKLOG: Final = 4_096
"""Connections that wait in the kernel to be taken."""
HIGH: Final = 256 * 1024
"""More of a body than this that nobody has read yet waits in the kernel, not in our memory."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a client may take for what."""

    head: float = 20
    """From a head's first byte to its last, however busily it trickles."""
    idle: float = 90
    """Between two requests; SDKs give an idle connection up earlier and so never lose a race."""
    piece: float = 30
    """Between two pieces of a body."""
    body: float = 900
    """The longest body altogether: 256 MiB at 300 kB/s."""
    write: float = 120
    """A client that takes nothing of its answer for so long has gone."""
    linger: float = 2
    """How long a client that is still sending may read why it is being hung up on."""
    flush: float = 5
    """How long, when the worker stops, clients may take what they have been answered."""
    tick: float = 1
    """One look at all connections, instead of a timer for each."""
