"""How programs write a value, each by its own means and not by the redactor's."""

from __future__ import annotations

import base64
import binascii
import json
import shlex
import urllib.parse
from collections.abc import Callable

WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 after one": lambda value: base64.b64encode(b"u" + value.encode()).decode(),
    "base64 after two": lambda value: base64.b64encode(b"u:" + value.encode()).decode(),
    "base64 within": lambda value: base64.b64encode(b"name:" + value.encode() + b"@x").decode(),
    "base64 bare": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "urlsafe base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "urlsafe base64 bare": lambda value: (
        base64.urlsafe_b64encode(b"?" + value.encode()).decode().rstrip("=")
    ),
    "quoted": urllib.parse.quote,
    "quoted with slashes": lambda value: urllib.parse.quote(value, safe=""),
    "quoted with plus": urllib.parse.quote_plus,
    "form": lambda value: urllib.parse.urlencode({"token": value}),
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps(json.dumps({"token": value})),
    "JSON with all signs": lambda value: json.dumps(value, ensure_ascii=False),
    "hex": lambda value: binascii.hexlify(value.encode()).decode(),
    "HEX": lambda value: binascii.hexlify(value.encode()).decode().upper(),
    "repr": repr,
    "repr of bytes": lambda value: repr(value.encode()),
    "shell": shlex.quote,
}
