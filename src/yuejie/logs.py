"""Logs are events with facts, one JSON object a line on standard error; people read them in colour.

Never a prompt, never a completion, never money in prose.
"""

import sys
from pathlib import Path
from typing import Final, TextIO

import structlog

_BARE: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


class _To(structlog.PrintLoggerFactory):
    """Logs that somebody sent where they go: only `set_up` makes one."""


def set_up(path: Path | None = None) -> None:
    """Set structlog up for this process: JSON when piped or in a file, readable on a terminal."""
    sink: TextIO = path.open("a", encoding="utf-8") if path else sys.stderr
    structlog.configure(
        processors=_processors(sink),
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=_To(sink),
        cache_logger_on_first_use=True,
    )


def set_aside() -> None:
    """Send logs to standard error, unless set up: an answer has standard output to itself.

    `structlog.is_configured` would not do: whoever changes a processor has configured it.
    """
    if not isinstance(structlog.get_config()["logger_factory"], _To):
        structlog.configure(
            processors=_processors(sys.stderr),
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        )


def _processors(sink: TextIO) -> list[structlog.typing.Processor]:
    """Return what makes a line of an event. No road shows local variables: keys are among them."""
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sink.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    told = [] if sink.isatty() else [_BARE]
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *told,
        last,
    ]
