"""What is wrong with a payload, each fault with its place in Slack's own words and pointers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

Json = dict[str, Any]

_ADDRESS = re.compile(r"(?:https?://|slack://)[^\s<>]+\Z|(?:mailto|tel):[^\s<>]+\Z", re.IGNORECASE)


class Faults:
    """Collects faults; the checks answer whether one may look further into the value."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, at: str, words: str) -> None:
        self.found.append(f"{words} [json-pointer:{at}]")

    def is_object(self, value: object, at: str) -> bool:
        if not isinstance(value, dict):
            self.add(at, "must be an object")
        return isinstance(value, dict)

    def fields(
        self, value: Json, at: str, required: Collection[str], optional: Collection[str] = ()
    ) -> bool:
        """Nothing is missing, and nothing is there that Slack does not know."""
        missing = [name for name in required if value.get(name) is None]
        unknown = [name for name in value if name not in {"type", *required, *optional}]
        for name in missing:
            self.add(at, f"missing required field: {name}")
        for name in unknown:
            self.add(at, f"invalid additional property: {name}")
        return not missing

    def string(self, value: object, at: str, most: int, *, least: int = 1) -> bool:
        if not isinstance(value, str):
            self.add(at, "must be a string")
        elif len(value) < least:
            self.add(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            self.add(at, f"must be less than {most + 1} characters")
        else:
            return True
        return False

    def strings(self, value: Json, at: str, /, **most: int) -> None:
        """Optional fields that are strings no longer than that."""
        for name, limit in most.items():
            if value.get(name) is not None:
                self.string(value[name], f"{at}/{name}", limit)

    def url(self, value: object, at: str, most: int = 3000) -> None:
        """An address that Slack would let somebody follow."""
        if self.string(value, at, most) and not _ADDRESS.match(str(value)):
            self.add(at, "must be a valid URL")

    def urls(self, value: Json, at: str, *names: str) -> None:
        """Optional fields that are addresses."""
        for name in names:
            if value.get(name) is not None:
                self.url(value[name], f"{at}/{name}")

    def choice(self, value: Json, at: str, name: str, known: Collection[str]) -> None:
        given = value.get(name)
        if given is not None and (not isinstance(given, str) or given not in known):
            self.add(f"{at}/{name}", f"must be a valid enum value: {', '.join(sorted(known))}")

    def flags(self, value: Json, at: str, *names: str) -> None:
        for name in names:
            if not isinstance(value.get(name, False), bool):
                self.add(f"{at}/{name}", "must be a boolean")

    def items(self, value: object, at: str, least: int, most: int) -> Iterator[tuple[str, Json]]:
        """Each object of the list with its place."""
        for place, item in self.cells(value, at, least, most):
            if self.is_object(item, place):
                yield place, item

    def cells(self, value: object, at: str, least: int, most: int) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, list):
            self.add(at, "must be an array")
        elif len(value) < least:
            self.add(at, f"must have at least {least} items")
        elif len(value) > most:
            self.add(at, f"no more than {most} items allowed")
        else:
            for index, item in enumerate(value):
                yield f"{at}/{index}", item

    def kind(self, value: Json, at: str, known: Collection[str]) -> str:
        """The type where it is one of these, else nothing."""
        kind = value.get("type")
        if isinstance(kind, str) and kind in known:
            return kind
        self.add(f"{at}/type", f"unsupported type: {kind}")
        return ""

    def unique(self, values: list[Any], at: str, name: str) -> None:
        seen = set()
        for value in values:
            if isinstance(value, str) and value in seen:
                self.add(at, f'{name} "{value}" already exists')
            if isinstance(value, str):
                seen.add(value)

    def text(
        self, value: object, at: str, most: int, *, plain: bool = False, least: int = 1
    ) -> None:
        """A text object: plain_text, or mrkdwn where that is allowed."""
        if not isinstance(value, dict):
            self.add(at, "must be an object")
            return
        known = (
            {"plain_text": {"emoji"}}
            if plain
            else {"plain_text": {"emoji"}, "mrkdwn": {"verbatim"}}
        )
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in known:
            self.add(f"{at}/type", f"must be a valid enum value: {', '.join(sorted(known))}")
            return
        if self.fields(value, at, ["text"], known[kind]):
            self.string(value["text"], f"{at}/text", most, least=least)
        self.flags(value, at, *known[kind])

    def texts(self, value: Json, at: str, /, *, plain: bool = False, **most: int) -> None:
        """Optional fields that are text objects."""
        for name, limit in most.items():
            if value.get(name) is not None:
                self.text(value[name], f"{at}/{name}", limit, plain=plain)
