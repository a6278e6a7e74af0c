"""What a forge answers when it does not do as asked, in words fit for a thread."""

from __future__ import annotations

from typing import Any

from sandbox.errors import RepositoryNotFound, ThreadsmithError


class ForgeError(ThreadsmithError):
    """The forge refused the request."""

    code = "forge_error"


class ForgeTokenRefused(ForgeError):
    """The forge refuses the configured token."""

    code = "forge_token_refused"
    resolution = "Set a valid THREADSMITH_FORGE_TOKEN that may push and open pull requests."


class ForgeForbidden(ForgeError):
    """The forge does not let us do this."""

    code = "forge_forbidden"


class ForgeConflict(ForgeError):
    """The forge finds the request wrong as things stand: it exists already, or is missing."""

    code = "forge_conflict"


class ForgeBusy(ForgeError):
    """The forge wants us to wait longer than anybody would."""

    code = "forge_busy"
    resolution = "Try again in a few minutes."


class ForgeNotFound(RepositoryNotFound):
    """The forge knows no such thing, or its token may not see it."""


_KINDS: dict[int, type[ForgeError]] = {422: ForgeConflict, 429: ForgeBusy}


def explain(name: str, status: int, data: Any) -> ThreadsmithError:
    """The refusal in our words; ``name`` is the repository's."""
    given = data if isinstance(data, dict) else {}
    details = f"{status}: {data}"[:4000]
    reasons = [
        str(fault.get("message") or f"{fault.get('field')} is {fault.get('code')}")
        for fault in given.get("errors") or ()
        if isinstance(fault, dict)
    ]
    said = "; ".join(reasons) or str(given.get("message") or "no reason given")
    match status:
        case 401:
            return ForgeTokenRefused(details=details)
        case 404:
            return ForgeNotFound(
                f"The forge knows no repository `{name}`, or its token may not see it.",
                details=details,
            )
        case 403:
            if "rate limit" in said.lower():
                return ForgeBusy("The forge limits our requests.", details=details)
            return ForgeForbidden(
                f"The forge's token may not do this in `{name}`.",
                details=details,
                resolution="Give the token the right to push and to open pull requests there.",
            )
        case _:
            kind = _KINDS.get(status, ForgeError)
            brief = f"The forge refused: {said[:300]}"
            return kind(brief, details=details, resolution="Try again later.")
