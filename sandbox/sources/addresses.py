"""Addresses of repositories and names of refs, as people type them, checked before git runs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.errors import RefNotFound, SourceError

_SCP = re.compile(r"(?P<user>[A-Za-z0-9_][\w.-]*)@(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^/-].*)")
_HOST = re.compile(r"[A-Za-z0-9:][\w.:%-]*")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_REF = re.compile(
    r"(?!-)(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)|/$|\.$))[^\x00-\x20\x7f~^:?*\[\\]{1,250}"
)
_USER = re.compile(r"(?<=://)[^/\s]+(?=@)")
_HOW = "Give the repository's address as https://host/owner/name, without a token in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that was found fit to be given to git."""

    url: str
    host: str
    """Empty for a directory of this machine."""

    @property
    def shown(self) -> str:
        """Fit for the thread: addresses that hold a secret are refused, so nothing is hidden."""
        return self.url

    @property
    def slug(self) -> str:
        """A folder name that is readable, always valid, and never the same for two repositories."""
        plain = self.url.rstrip("/").removesuffix(".git")
        words = "-".join(re.findall(r"[A-Za-z0-9_]+", plain)[-2:])[-60:]
        return f"{words}-{hashlib.sha256(plain.encode()).hexdigest()[:16]}"


def hide_credentials(text: str) -> str:
    """The text without the user part of any address in it."""
    return _USER.sub("***", text)


def check_address(url: str, *, allow_local: bool = False) -> Address:
    """Raise SourceError unless git may be sent there; options, helpers and secrets are refused."""
    if allow_local and (local := _local_path(url)) is not None:
        return Address(url=str(local), host="")
    if not url or _CONTROL.search(url) or url.startswith("-") or len(url) > 2000:
        raise _refused(url, "It is no address of a git repository.")
    # With "://" in it git takes the whole for something else.
    if (scp := _SCP.fullmatch(url)) and "://" not in url:
        return Address(url=url, host=scp["host"])
    try:
        parts = urlsplit(url)
        host, password, _ = parts.hostname or "", parts.password, parts.port
    except ValueError:
        raise _refused(url, "It is no address of a git repository.") from None
    if parts.scheme not in ("https", "http", "ssh") or "::" in url.partition("/")[0]:
        raise _refused(url, "Only https, http and ssh addresses are taken.")
    if password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise _refused(url, "It holds a user name or a token.")
    if not _HOST.fullmatch(host) or (parts.username or "").startswith("-"):
        raise _refused(url, "Its host is no valid name.")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise _refused(url, "It names no repository.")
    return Address(url=url, host=parts.netloc)


def check_ref(ref: str) -> str:
    """Raise RefNotFound for what can be no branch, tag or commit."""
    if not _REF.fullmatch(ref):
        raise RefNotFound(f"`{ref[:80]}` can be no branch, tag or commit.")
    return ref


def _local_path(url: str) -> Path | None:
    path = Path(url.removeprefix("file://"))
    return path if path.is_absolute() and not _CONTROL.search(url.replace(" ", "")) else None


def _refused(url: str, why: str) -> SourceError:
    shown = hide_credentials(_CONTROL.sub(" ", url))[:120]
    return SourceError(
        f"The address `{shown}` is refused. {why}", resolution=_HOW, code="address_refused"
    )
