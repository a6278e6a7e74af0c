"""Fields of what a container sends: each of the form that it must have, or refused."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from sandbox.gateway.hiding import Counting
from sandbox.gateway.refusals import BadRequest

Json = dict[str, Any]

MAX_DEPTH: Final = 100


def parse_object(body: bytes) -> Json:
    """A JSON object, or BadRequest."""
    try:
        data = json.loads(body, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    check_depth(data)
    return object_of(data, "the body")


def object_of(data: Any, what: str) -> Json:
    if not isinstance(data, dict):
        raise BadRequest(f"{what.capitalize()} must be an object.")
    return data


def only(data: Json, names: set[str], what: str) -> None:
    if unknown := sorted(set(data) - names):
        raise BadRequest(f"{what.capitalize()} has unknown fields: {', '.join(unknown)[:200]}.")


def array(data: Json, name: str, limit: int, default: list[Any] | None = None) -> list[Any]:
    value = data.get(name, default)
    if not isinstance(value, list):
        raise BadRequest(f"`{name}` must be a list.")
    if len(value) > limit:
        raise BadRequest(f"`{name}` has more than {limit} items.")
    return value


def text_of(data: Json, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"`{name}` must be text.")
    # JSON can hold half a surrogate pair, which no store or provider takes.
    return value.encode("utf-8", "replace").decode()


def shown(data: Json, name: str, limit: int, hide: Counting) -> str:
    """A text for people: optional, without secrets, cut to its limit."""
    text = hide(text_of(data, name)) if name in data else ""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def word(data: Json, name: str, known: frozenset[str]) -> str:
    value = data.get(name)
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"`{name}` must be one of {', '.join(sorted(known))}.")
    return value


def integer(data: Json, name: str) -> int:
    return integer_of(data.get(name), name)


def integer_of(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise BadRequest(f"`{name}` must be a whole number.")
    return value


def check_depth(data: Any) -> None:
    """What is too deep could be read, and then not be written any more."""
    level = [data]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    raise BadRequest("The body is nested too deeply.")


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
