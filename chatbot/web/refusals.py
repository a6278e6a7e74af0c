"""What the web refuses, and the status each error is answered with."""

from __future__ import annotations

from typing import Final

from sandbox.errors import ThreadsmithError


class BadRequest(ThreadsmithError):
    """The request is not valid."""

    code = "bad_request"


class Unauthorized(ThreadsmithError):
    """The bearer token is missing or wrong."""

    code = "unauthorized"
    resolution = "Send `Authorization: Bearer <web.api_token>`."


class ApiDisabled(ThreadsmithError):
    """The HTTP API is off: `web.api_token` is not set."""

    code = "api_disabled"
    resolution = "Set `web.api_token` (or THREADSMITH_WEB_API_TOKEN) and start again."


class PatchMissing(ThreadsmithError):
    """The task has no patch."""

    code = "patch_missing"


class NothingWaits(ThreadsmithError):
    """No set-up script waits for a decision."""

    code = "conflict"


class TooLarge(ThreadsmithError):
    """The request is too large."""

    code = "too_large"


class UnsupportedBody(ThreadsmithError):
    """The body is neither JSON nor a form."""

    code = "unsupported_media_type"
    resolution = "Send application/json, or multipart/form-data with an `archive`."


class TooManyStreams(ThreadsmithError):
    """Too many pages are being followed."""

    code = "busy"


STATUS: Final = {
    "bad_request": 400,
    "empty_request": 400,
    "archive_refused": 400,
    "unauthorized": 401,
    "api_disabled": 403,
    "task_not_found": 404,
    "patch_missing": 404,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "history_unavailable": 503,
    "busy": 503,
}
"""By the error's code; every other one is 500."""
