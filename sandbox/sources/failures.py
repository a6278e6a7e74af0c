"""What git says when a remote fails, in the words of this product."""

from __future__ import annotations

import re

from sandbox.errors import RepositoryNotFound, SourceError
from sandbox.git import GitFailed, GitTimeout
from sandbox.sources.addresses import Address, hide_credentials

_REFUSED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|returned error: 40[13]"
    r"|HTTP Basic: Access denied|access denied",
    re.IGNORECASE,
)
_KEY_REFUSED = re.compile(r"Permission denied \(|no such identity|Identity file .* not accessible")
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_ABSENT = re.compile(
    r"repository .*not found|not appear to be a git repository|returned error: 404|does not exist"
    r"|not found: did you run git update-server-info|no such file or directory",
    re.IGNORECASE,
)
_MOVED = re.compile(r"returned error: 30[1278]")
_UNREACHABLE = re.compile(
    r"could not resolve|failed to connect|couldn't connect|connection (?:refused|timed out|reset)"
    r"|timed out|unable to access|could not read from remote|early EOF|hung up",
    re.IGNORECASE,
)


def source_error(error: GitFailed, address: Address, *, with_token: bool) -> SourceError:
    """The error for the thread; git's own words stay in the details."""
    details = hide_credentials(error.stderr.strip())
    shown = address.shown
    if isinstance(error, GitTimeout):
        return SourceError(
            f"`{address.host or shown}` did not answer in time.",
            details=details,
            resolution="Check the host and the network, then try again.",
            code="source_unreachable",
        )
    if _HOST_KEY.search(error.stderr):
        return SourceError(
            f"`{shown}` is not read: its host's SSH key is unknown, or not the one it had before.",
            details=details,
            resolution="If it is right, add it to the file of `forge.ssh_known_hosts_file`.",
            code="host_key_refused",
        )
    if _KEY_REFUSED.search(error.stderr):
        return RepositoryNotFound(
            f"`{shown}` may not be read: the host refused this program's SSH key.",
            details=details,
            resolution="Set `forge.ssh_key_file` to a key that may read it.",
        )
    if _REFUSED.search(error.stderr):
        why = "refused the configured token" if with_token else "asks for a token; none is set"
        return RepositoryNotFound(
            f"`{shown}` may not be read: the host {why}.",
            details=details,
            resolution="Check the repository's name, and that the token may read it.",
        )
    if _ABSENT.search(error.stderr):
        return RepositoryNotFound(
            f"`{shown}` does not exist, or this program may not read it.", details=details
        )
    if _MOVED.search(error.stderr):
        return SourceError(
            f"`{shown}` has moved.", details=details, resolution="Give its present address."
        )
    if _UNREACHABLE.search(error.stderr):
        return SourceError(
            f"`{address.host or shown}` cannot be reached.",
            details=details,
            resolution="Check the host and the network, then try again.",
            code="source_unreachable",
        )
    return SourceError(f"`{shown}` could not be read.", details=details)
