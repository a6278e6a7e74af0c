"""The web's outer wall: whatever goes wrong behind it is answered, and nothing of it leaks."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from chatbot.web.refusals import STATUS
from chatbot.web.render import Pages
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEGUN: Final = web.RequestKey("begun", bool)
"""Set on a request whose answer is on its way in parts."""
API_PREFIX: Final = "/tasks"

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # The share token is in the address.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "threadsmith",
}


class InternalError(ThreadsmithError):
    """Something broke inside Threadsmith."""


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For the `on_response_prepare` signal: errors and streams have them too."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")


def make_wall(pages: Pages) -> Middleware:
    def answer(request: web.Request, status: int, error: ThreadsmithError) -> web.Response:
        response = answer_error(status, error) if is_api(request) else pages.error(status, error)
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        if status == 503:
            response.headers["Retry-After"] = "5"
        return response

    @web.middleware
    async def wall(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            code = error.reason.lower().replace(" ", "_")
            response = answer(request, error.status, ThreadsmithError(_brief(error), code=code))
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except ThreadsmithError as error:
            status = STATUS.get(error.code, 500)
            if status >= 500:
                log.error("web_failed", path=_path(request), error=str(error))
            return answer(request, status, error)
        except ConnectionError:
            raise  # the caller is gone: nobody hears an answer
        except Exception as error:
            error_id = secrets.token_hex(4)
            log.exception("web_broke", path=_path(request), error_id=error_id)
            if BEGUN in request:
                # Part of an answer is out: only hanging up tells that it is not whole.
                raise ConnectionResetError from error
            resolution = f"The log of the Threadsmith process says more under `{error_id}`."
            return answer(request, 500, InternalError(resolution=resolution))

    return wall


def answer_error(status: int, error: ThreadsmithError) -> web.Response:
    """The API's form of an error."""
    told = {"code": error.code, "brief": error.brief, "resolution": error.resolution}
    return web.json_response({"error": told}, status=status)


def is_api(request: web.Request) -> bool:
    return f"{request.path}/".startswith(f"{API_PREFIX}/")


def _brief(error: web.HTTPException) -> str:
    match error.status:
        case 404:
            return "There is no such page."
        case 405:
            return "This address does not take that method."
        case 413:
            return "The request is too large."
        case _:
            return error.reason


def _path(request: web.Request) -> str:
    """The address's pattern: the address itself holds the share token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "(unknown)"
