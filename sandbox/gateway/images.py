"""Pictures that a container sends: what no provider would take is refused here."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from sandbox.gateway.fields import Json, text_of, word
from sandbox.gateway.protocol import IMAGE_TYPES, MAX_IMAGE_BYTES
from sandbox.gateway.refusals import BadRequest
from sandbox.llm.provider import Image

_BEGINNINGS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""A provider refuses the whole conversation for one picture that is not what it says."""


def parse_image(data: Json) -> Image:
    """A picture of a known type, no larger than providers take; BadRequest for all else."""
    media_type = word(data, "media_type", IMAGE_TYPES)
    text = text_of(data, "data")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("A picture's data must be base64.") from error
    if len(content) > MAX_IMAGE_BYTES:
        raise BadRequest(f"A picture is larger than {MAX_IMAGE_BYTES} bytes.")
    if not content.startswith(_BEGINNINGS[media_type]):
        raise BadRequest(f"A picture is no {media_type}.")
    return Image(media_type, text)
