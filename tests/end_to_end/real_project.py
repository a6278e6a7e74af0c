"""A project that nobody here wrote: a source archive of the package index, by version and hash."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

REQUIREMENT = (
    "more-itertools==10.5.0"
    " --hash=sha256:5482bfef7849c25dc3c6dd53a6173ae4795da2a41a80faea6700d9f5846c5da6"
)
MODULE = "more_itertools/more.py"
RIGHT = b"""\
        if pred(item) and buf:
            yield buf
            if maxsplit == 1:
                yield [item] + list(it)"""
WRONG = RIGHT.replace(b"pred(item) and buf:", b"pred(item):")
"""`split_before` then yields an empty list where the first item already splits."""


def download(directory: Path) -> dict[str, bytes]:
    """Every file of the archive, with one line broken."""
    requirements = directory / "requirements.txt"
    requirements.write_text(REQUIREMENT + "\n")
    arguments = ["--no-deps", "--no-binary", ":all:", "--require-hashes"]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", *arguments),
            *("--requirement", str(requirements), "--dest", str(directory)),
        ],
        check=True,
    )
    (archive,) = directory.glob("more*itertools-*.tar.gz")
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                files[member.name.partition("/")[2]] = content.read()
    source = files[MODULE]
    assert source.count(RIGHT) == 1
    files[MODULE] = source.replace(RIGHT, WRONG)
    return files


def as_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"more-itertools/{name}", content)
    return buffer.getvalue()
