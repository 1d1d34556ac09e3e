"""The truth log: one line for each call the provider served, on file before the answer ends."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder()


class TruthLine(msgspec.Struct, frozen=True):
    """One served call, as its provider remembers it."""

    call: int
    at: str
    dialect: str
    api: str
    model: str
    billed_model: str
    response_id: str
    client_request_id: str
    credential: str
    stream: bool
    status: int
    delivered_events: int
    complete: bool
    outcome: str
    reported: bool
    usage: dict[str, int]
    service_tier: str = ""


_DECODER: Final = msgspec.json.Decoder(TruthLine)


class TruthLog:
    """A file that only grows; each line is one `write`, so processes may share it."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, line: TruthLine) -> None:
        """Put a line on file; it survives this process from here on."""
        record = _ENCODER.encode(line) + b"\n"
        if os.write(self._fd, record) != len(record):
            raise OSError(f"真值日志 {self.path} 写入不完整，请检查磁盘空间。")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def read(path: Path) -> Iterator[TruthLine]:
    """Return every whole line of a truth log; a line still being written is left out."""
    with path.open("rb") as file:
        for record in file:
            if record.endswith(b"\n"):
                yield _DECODER.decode(record)
