"""Values that are known to be secret, and the writings they come in."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from sandbox.redaction.spans import REDACTED, Span

MIN_CHARACTERS: Final = 6
"""Shorter values are not looked for: they stand in ordinary words."""
MIN_LINE_CHARACTERS: Final = 20
"""Of a value with several lines, such a line counts as a value of its own."""

_URL_SAFE: Final = ("", "/", "!*'()", "/:?#[]@!$&'()*+,;=")
"""What different programs leave as it is in an address."""


class KnownValues:
    """Finds values in a text, however they are written."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {
            form
            for secret in secrets
            for value in _values(secret)
            for form in _forms(value)
            if len(form) >= MIN_CHARACTERS and form not in REDACTED
        }
        self._forms = tuple(sorted(found))
        self.longest = max(map(len, self._forms), default=0)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def spans(self, text: str) -> list[Span]:
        """Where they stand; places may overlap.

        One search for each writing is many times faster than one expression with all of them.
        """
        return [span for form in self._forms if form in text for span in _places(form, text)]

    def held_from(self, text: str) -> int:
        """Where a value begins that the text breaks off in; its length where none does."""
        held = len(text)
        for form in self._forms:
            at = text.find(form[0], max(0, len(text) - len(form) + 1), held)
            while at >= 0:
                if form.startswith(text[at:]):
                    held = at
                    break
                at = text.find(form[0], at + 1, held)
        return held


def _places(form: str, text: str) -> Iterator[Span]:
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        yield at, end
        at = text.find(form, end)


def _values(secret: str) -> Iterator[str]:
    """Without the spaces around it: a file's last line end is no part of a password."""
    value = secret.strip()
    if len(value) < MIN_CHARACTERS:
        return
    yield value
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        # A key of several lines is shown with something before each: numbers, marks of a diff.
        yield "\r\n".join(lines)
        yield " ".join(lines)
        for line in lines:
            is_one_word = len(line.split()) == 1 and not line.startswith("-----")
            if is_one_word and len(line) >= MIN_LINE_CHARACTERS:
                yield line


def _forms(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogateescape")
    yield value
    if len(value) >= MIN_LINE_CHARACTERS:
        yield value.lower()  # as in a host's name; of a shorter one it may be a common word
    yield data.hex()
    yield data.hex().upper()
    yield from _base64(data)
    for safe in _URL_SAFE:
        quoted = quote(data, safe=safe)
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    yield quote_plus(data)
    yield from _escaped(value)


def _base64(data: bytes) -> Iterator[str]:
    """The characters that do not depend on what stands before and after it."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).decode()
        core = whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield core
        yield core.translate({ord("+"): "-", ord("/"): "_"})


def _escaped(value: str) -> Iterator[str]:
    for is_ascii in (True, False):
        escaped = json.dumps(value, ensure_ascii=is_ascii)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        yield json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]
    yield repr(value)[1:-1]
    yield repr(value.encode("utf-8", "surrogateescape"))[2:-1]
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield shlex.quote(value).strip("'")
    yield value.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)  # as a shell's `printf %q`
    yield re.sub(r'([$`"\\!])', r"\\\1", value)  # within double quotes
