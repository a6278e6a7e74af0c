"""Rules that need no state: what must never be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

_SECRET_SHAPES = re.compile(
    r"""
      sk-ant-[\w-]{16,}
    | \bsk-(?:proj-|svcacct-)?[\w-]{32,}
    | \bgh[pousr]_\w{30,}
    | \bgithub_pat_\w{30,}
    | \bglpat-[\w-]{20,}
    | \bxox[abeoprs]-[\w-]{10,}
    | \bxapp-[\w-]{10,}
    | \bAKIA[0-9A-Z]{16}\b
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these values, and without what has the shape of a secret."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    return _SECRET_SHAPES.sub(REDACTED, text)
