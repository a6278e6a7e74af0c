"""Every secret that the configuration holds, so that none is ever shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, SecretStr

_VARIABLES: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
"""Where the models' SDKs find their keys by themselves."""


def configured_secrets(
    settings: BaseModel, environment: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The values of all secret settings, and the models' keys in the environment."""
    variables = os.environ if environment is None else environment
    found = [*_secrets(settings), *(variables.get(name, "") for name in _VARIABLES)]
    return tuple(dict.fromkeys(value for value in found if value))


def _secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name))
        case Mapping():
            for inner in value.values():
                yield from _secrets(inner)
        case list() | tuple() | set() | frozenset():
            for inner in value:
                yield from _secrets(inner)
