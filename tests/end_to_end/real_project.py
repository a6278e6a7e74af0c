"""A project that nobody here wrote: a source archive of the package index, by version and hash."""

from __future__ import annotations

from tests.tasks.packages import as_zip as make_zip
from tests.tasks.packages import fetch, unpack

PACKAGE = "more-itertools==10.5.0"
SHA256 = "5482bfef7849c25dc3c6dd53a6173ae4795da2a41a80faea6700d9f5846c5da6"
MODULE = "more_itertools/more.py"
RIGHT = b"""\
        if pred(item) and buf:
            yield buf
            if maxsplit == 1:
                yield [item] + list(it)"""
WRONG = RIGHT.replace(b"pred(item) and buf:", b"pred(item):")
"""`split_before` then yields an empty list where the first item already splits."""


def download() -> dict[str, bytes]:
    """Every file of the archive, with one line broken."""
    files = unpack(fetch([(PACKAGE, SHA256)])[PACKAGE])
    source = files[MODULE]
    assert source.count(RIGHT) == 1
    files[MODULE] = source.replace(RIGHT, WRONG)
    return files


def as_zip(files: dict[str, bytes]) -> bytes:
    return make_zip(files, top="more-itertools")
