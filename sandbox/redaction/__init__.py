"""What must never be shown: known secret values in every usual writing, and what looks like one."""

from sandbox.redaction.redactor import NO_SECRETS, Redactor, map_texts
from sandbox.redaction.spans import REDACTED
from sandbox.redaction.stream import StreamRedactor

__all__ = ["NO_SECRETS", "REDACTED", "Redactor", "StreamRedactor", "map_texts"]
