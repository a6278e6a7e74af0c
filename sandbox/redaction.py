"""What must never leave a container: known secret values, and what has the shape of a secret.

Known values are found as they are and in the forms in which tools write them: base64, URL and
hexadecimal, JSON and shell quoting. Shapes are the common forms of tokens, tight enough to leave
ordinary code alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"
MIN_CHARACTERS: Final = 6
"""A shorter value could not be hidden without hiding ordinary words."""

_SHAPES: Final = re.compile(
    r"""
      sk-ant-[\w-]{16,}
    | \bsk-(?:proj-|svcacct-)?(?=[\w-]{0,60}\d)[\w-]{32,}
    | \bgh[pousr]_\w{30,}
    | \bgithub_pat_\w{30,}
    | \bglpat-[\w-]{20,}
    | \bxox[abeoprs]-[\w-]{10,}
    | \bxapp-[\w-]{10,}
    | \bhttps://hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | (?<=aws_secret_access_key)["']?\s{0,3}[=:]\s{0,3}["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])
    | \bAIza[\w-]{35}(?![\w-])
    | \b(?:sk|rk)_live_[0-9A-Za-z]{16,}
    | \bnpm_[0-9A-Za-z]{36}\b
    | \bpypi-AgE[\w-]{50,}
    | \bSG\.[\w-]{16,}\.[\w-]{32,}
    | \bdckr_pat_[\w-]{20,}
    | \bhf_[A-Za-z0-9]{30,}\b
    | \bdop_v1_[0-9a-f]{64}\b
    | \beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}
    | (?<=://)[^\s:/@'"<>{}$]{1,64}:[^\s:/@'"<>{}$%*]{6,256}(?=@[\w.-]+)
    | -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----[^-]{0,16384}(?:-----END\ [A-Z ]{0,30}PRIVATE\ KEY-----)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_SHAPE: Final = 512
"""Of a shape that stands in one line: so much of a line's end may have to wait."""


class Redactor:
    """Hides these values, and every shape."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form for secret in secrets if len(secret) >= MIN_CHARACTERS for form in _forms(secret)
        }
        # The longest first: one form may begin another.
        self._needles = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, self._needles))) if forms else None

    @property
    def longest(self) -> int:
        """Characters of the longest form of a known value."""
        return len(self._needles[0]) if self._needles else 0

    def text(self, text: str) -> str:
        return self.counted(text)[0]

    def counted(self, text: str) -> tuple[str, int]:
        """The text without secrets, and how many there were."""
        count = 0
        if self._known is not None:
            text, count = self._known.subn(REDACTED, text)
        text, more = _SHAPES.subn(REDACTED, text)
        return text, count + more

    def value(self, value: Any) -> tuple[Any, int]:
        """Every text of a JSON value; names of fields as well."""
        match value:
            case str():
                return self.counted(value)
            case list() | tuple():
                pairs = [self.value(item) for item in value]
                return [item for item, _ in pairs], sum(count for _, count in pairs)
            case dict():
                found, total = {}, 0
                for name, item in value.items():
                    clean, count = self.value(item)
                    key, more = self.counted(str(name))
                    found[key] = clean
                    total += count + more
                return found, total
            case _:
                return value, 0

    def has_known(self, data: bytes) -> bool:
        """Whether bytes of any kind hold a known value."""
        return self._known is not None and bool(self._known.search(data.decode("latin-1")))

    def known_in_line(self, line: str) -> tuple[str, int]:
        """Without known values; shapes stay."""
        return (line, 0) if self._known is None else self._known.subn(REDACTED, line)

    def shapes_in(self, text: str) -> set[str]:
        return {match[0] for match in _SHAPES.finditer(text)}

    def stream(self) -> RedactedStream:
        return RedactedStream(self)

    def held_back(self, text: str) -> int:
        """How many of the last characters may begin a secret whose rest is still to come."""
        line = text[text.rfind("\n") + 1 :]
        held = min(len(line), _LONGEST_SHAPE) if _may_begin_shape(line) else 0
        if (at := text.rfind("-----BEGIN")) >= 0 and "-----END" not in text[at:]:
            held = max(held, min(len(text) - at, 16_384))
        for size in range(min(len(text), self.longest - 1), held, -1):
            tail = text[-size:]
            if any(needle.startswith(tail) for needle in self._needles):
                return size
        return held


class RedactedStream:
    """Text that comes in pieces: what may be the beginning of a secret waits for the next one."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""
        self.count = 0

    def feed(self, piece: str) -> str:
        text = self._held + piece
        cut = len(text) - self._redactor.held_back(text)
        self._held = text[cut:]
        return self._clean(text[:cut])

    def flush(self) -> str:
        """What was held back, when nothing more comes."""
        text, self._held = self._held, ""
        return self._clean(text)

    def _clean(self, text: str) -> str:
        clean, count = self._redactor.counted(text)
        self.count += count
        return clean


_BEGINNINGS: Final = re.compile(
    r"(?:sk-|sk_|rk_|gh[pousr]_|github_pat_|glpat-|xox|xapp-|AKIA|ASIA|AIza|npm_|pypi-|SG\.|dckr_"
    r"|hf_|dop_|eyJ|https?://|aws_secret|-----)\S*\Z",
    re.IGNORECASE,
)


def _may_begin_shape(line: str) -> bool:
    return bool(_BEGINNINGS.search(line[-_LONGEST_SHAPE:]))


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    forms = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        secret.replace("'", "'\\''"),
        raw.hex(),
        raw.hex().upper(),
        raw.decode("latin-1"),
    }
    forms |= {form for encode in (_standard, _urlsafe) for form in _base64_forms(raw, encode)}
    return {form for form in forms if len(form) >= MIN_CHARACTERS}


def _standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _base64_forms(raw: bytes, encode: Any) -> set[str]:
    """Whatever stands before and after the value: the characters that depend on it alone."""
    found = set()
    for offset in range(3):
        text = encode(b"\0" * offset + raw).rstrip("=")
        first = (offset * 8 + 5) // 6
        last = (offset + len(raw)) * 8 // 6
        found.add(text[first:last])
    return {form for form in found if len(form) >= MIN_CHARACTERS}
