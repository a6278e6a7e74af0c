"""Source archives of the package index, pinned by version and hash, downloaded once."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path


def cache_directory() -> Path:
    """Where tests and measurements keep what they fetch; it may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "threadsmith-tests"


def fetch(packages: Iterable[tuple[str, str]]) -> dict[str, Path]:
    """The archive of each `name==version` with its SHA-256, by the first."""
    directory = cache_directory() / "packages"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {package: (sha256, directory / f"{sha256}.tar.gz") for package, sha256 in packages}
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = {p: sha256 for p, (sha256, path) in wanted.items() if not path.exists()}
        if missing:
            _download(missing, directory)
    return {package: path for package, (_, path) in wanted.items()}


def _download(missing: dict[str, str], directory: Path) -> None:
    """All at once: pip fetches what builds them only one time."""
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(
            "".join(f"{package} --hash=sha256:{sha256}\n" for package, sha256 in missing.items())
        )
        arguments = ["--no-deps", "--no-binary", ":all:", "--require-hashes"]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", *arguments),
                *("--disable-pip-version-check", "--requirement", str(requirements)),
                *("--dest", folder),
            ],
            check=True,
        )
        for archive in Path(folder).glob("*.tar.gz"):
            sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
            archive.replace(directory / f"{sha256}.tar.gz")


def unpack(archive: Path) -> dict[str, bytes]:
    """Every file by its path in the project."""
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                files[member.name.partition("/")[2]] = content.read()
    return files


def as_zip(files: dict[str, bytes], *, top: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    return buffer.getvalue()


def lay(files: dict[str, bytes], directory: Path) -> None:
    """Write the files below the directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
