"""Names of files as git writes them in a patch: unusual ones between quotes, byte by byte. Pure."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


def unquoted(name: str) -> str:
    """The name itself; what is no quoted name stays as it is."""
    if len(name) < 2 or not name[0] == name[-1] == '"':
        return name
    return _ESCAPE.sub(_unescape, name[1:-1].encode(errors="replace")).decode(errors="replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    word = match[1]
    return bytes([int(word, 8) & 255 if len(word) == 3 else _ESCAPED[word[0]]])
