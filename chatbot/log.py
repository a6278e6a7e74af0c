"""The program's log: one line an event on standard error, for people or, piped, for machines."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_log(*, verbose: bool, quiet: bool = False) -> None:
    """Warnings and worse; everything where asked for, and only errors where ``quiet``."""
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
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
