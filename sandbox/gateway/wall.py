"""The gateway's outer wall: who may come in, and what is said when something breaks."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.errors import ThreadsmithError
from sandbox.gateway.refusals import Busy, Refusal, Unauthorized
from sandbox.passing.door import derive_key, given_key, make_error, native_provider

log = structlog.get_logger(__name__)

MAX_REQUESTS: Final = 32
"""At a time; an agent needs three."""
RETRY_SECONDS: Final = 1
_STATUS: Final = {"patch_refused": 422, "provider_error": 502, "provider_key_missing": 502}
_RETRIED: Final = frozenset({429, 503})

BEGUN: Final = web.RequestKey("begun", bool)
"""Set on a request whose answer is on its way in parts."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_wall(run_id: str, token: str) -> Middleware:
    """Everything that goes wrong behind it is answered in the protocol's words."""
    expected = f"Bearer {token}".encode()
    native = derive_key(token).encode()
    open_requests = 0

    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        wanted, given = expected, request.headers.get("Authorization", "")
        if native_provider(request.path) is not None:
            wanted, given = native, given_key(request.headers)
        if not hmac.compare_digest(given.encode(errors="replace"), wanted):
            raise Unauthorized
        if open_requests > MAX_REQUESTS:
            raise Busy
        return await handler(request)

    @web.middleware
    async def wall(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal open_requests
        open_requests += 1
        try:
            return await guarded(request, handler)
        except web.HTTPException as error:
            code = "not_found" if error.status in (404, 405) else "bad_request"
            return answer_error(request, error.status, code, error.reason)
        except Refusal as error:
            return answer_error(request, error.status, error.code, error.brief)
        except ThreadsmithError as error:
            log.warning("gateway_refused", run_id=run_id, path=request.path, error=str(error))
            return answer_error(request, _STATUS.get(error.code, 500), error.code, error.brief)
        except ConnectionError:
            raise  # the container is gone: nobody hears an answer
        except Exception as error:
            log.exception("gateway_broke", run_id=run_id, path=request.path)
            if BEGUN in request:
                # Part of an answer is out: only hanging up tells that it is not whole.
                raise ConnectionResetError from error
            return answer_error(request, 500, "internal", "Something broke on the host.")
        finally:
            open_requests -= 1

    return wall


def answer_error(request: web.Request, status: int, code: str, brief: str) -> web.Response:
    """In the words of the protocol that is spoken there."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if status in _RETRIED else {}
    body: dict[str, Any] = {"error": {"code": code, "brief": brief}}
    if (provider := native_provider(request.path)) is not None:
        headers |= {"x-should-retry": "true" if status >= 429 else "false"}
        status, body = make_error(provider, status, code, brief)
    return web.json_response(body, status=status, headers=headers)
