"""What people gave along with a request or a message, on its way to the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["image", "file", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """One thing; the bytes of images and files are asked for by its id."""

    id: int
    kind: Kind
    name: str
    author: str = ""
    media_type: str = ""
    bytes: int = 0
    text: str = ""
    """Of a text: what people said elsewhere, or what stands on a page of the forge."""
    missing: str = ""
    """Why it cannot be had; empty: it can."""
    is_new: bool = True
    """The model has not heard of it yet."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
