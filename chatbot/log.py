"""The program's log: one line an event on standard error, for people or, piped, for machines."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from sandbox.redaction import NO_SECRETS, Redactor


def configure_log(*, verbose: bool, quiet: bool = False, redactor: Redactor = NO_SECRETS) -> None:
    """Warnings and worse; everything where asked for, and only errors where ``quiet``.

    May be called again, with what has been learned of the secrets since.
    """
    level = logging.ERROR if quiet else logging.WARNING
    if verbose:
        level = logging.DEBUG
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
            _Redaction(redactor),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    _configure_libraries(level, redactor)


class _Redaction:
    """The last step of structlog: the line as it is printed, tracebacks and all."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, logger: Any, name: str, rendered: Any) -> str:  # noqa: ARG002
        return self._redactor.text(rendered)


class _RedactingFormatter(logging.Formatter):
    """The same for the loggers of the standard library; a filter would not see tracebacks."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def _configure_libraries(level: int, redactor: Redactor) -> None:
    """A handler of ours, in the place of an earlier one; handlers of others are left alone."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler.formatter, _RedactingFormatter):
            root.removeHandler(handler)
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RedactingFormatter(redactor))
    root.addHandler(handler)
    root.setLevel(level)
