"""A picture that is whole as far as anybody looks: its size, and its end."""

from __future__ import annotations

import struct

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + b"\0\0\0\rIHDR"
    + struct.pack(">II", 20, 10)
    + bytes(9)
    + b"\0\0\0\0IEND\xaeB`\x82"
)
