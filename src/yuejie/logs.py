"""Logs are events with facts, one JSON object a line on standard error; people read them in colour.

Never a prompt, never a completion, never money in prose.
"""

import sys
from pathlib import Path
from typing import TextIO

import structlog


class _To(structlog.PrintLoggerFactory):
    """Logs that somebody sent where they go: only `set_up` makes one."""


def set_up(path: Path | None = None) -> None:
    """Set structlog up for this process: JSON when piped or in a file, readable on a terminal."""
    sink: TextIO = path.open("a", encoding="utf-8") if path else sys.stderr
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sink.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Never the local variables: keys and prompts are among them.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=_To(sink),
        cache_logger_on_first_use=True,
    )


def set_aside() -> None:
    """Send logs to standard error, unless set up: an answer has standard output to itself.

    `structlog.is_configured` would not do: whoever changes a processor has configured it.
    """
    if not isinstance(structlog.get_config()["logger_factory"], _To):
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
