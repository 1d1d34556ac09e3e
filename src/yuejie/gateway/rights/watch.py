"""The watch: sees within a fraction of a second when the snapshot or the block list has changed.

It runs on a thread of its own: decoding a large snapshot must not hold up the loop. What
it hands over is complete, so a request sees the old rights or the new ones.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from yuejie.gateway.blocklist import FILE as BLOCKED
from yuejie.gateway.blocklist import blocked
from yuejie.gateway.rights.admission import Admission
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import FILE, AccountRow, SnapshotBroken, read_head, read_snapshot
from yuejie.kernel.limits import SNAPSHOT_POLL_SECONDS

log = structlog.get_logger()

_Mark = tuple[int, int, int]
_NONE: _Mark = (0, 0, 0)


class Watch:
    """Looks at the node's two files and hands over what they say."""

    def __init__(
        self,
        home: Path,
        unlock: Callable[[AccountRow], str],
        hand_over: Callable[[Admission, int], None],
    ) -> None:
        """`hand_over` is called on the watch's thread with the rights and their date."""
        self._snapshot = home / FILE
        self._blocked = home / BLOCKED
        self._home = home
        self._unlock = unlock
        self._hand_over = hand_over
        self._marks = (_NONE, _NONE)
        self._digest = b""
        self._published_us = 0
        self._admission: Admission | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Look once, now, and then again and again."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self._thread.join()

    def look(self) -> None:
        """Hand over what has changed since the last look."""
        marks = (_mark(self._snapshot), _mark(self._blocked))
        if marks == self._marks or marks[0] == _NONE:
            return
        try:
            self._read(marks[1] != self._marks[1])
        except (SnapshotBroken, FileNotFoundError) as error:
            log.warning("snapshot.unreadable", path=str(self._snapshot), error=str(error))
        self._marks = marks

    def _read(self, blocks_changed: bool) -> None:  # noqa: FBT001 - one fact
        head = read_head(self._snapshot)
        if self._admission is None or head.digest != self._digest:
            head, snapshot = read_snapshot(self._snapshot)
            view = View(snapshot, self._unlock)
            for error in view.locked:
                log.error("snapshot.credential_locked", error=str(error))
            self._admission = Admission(view, blocked(self._home))
            self._digest = head.digest
        elif blocks_changed:
            self._admission = self._admission.blocking(blocked(self._home))
        self._published_us = head.published_us
        self._hand_over(self._admission, self._published_us)

    def _run(self) -> None:
        while not self._end.wait(SNAPSHOT_POLL_SECONDS):
            self.look()


def _mark(path: Path) -> _Mark:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return _NONE
    return (facts.st_ino, facts.st_mtime_ns, facts.st_size)
