"""What the gateway answers where it does not do as it was asked."""

from __future__ import annotations

from typing import ClassVar

from sandbox.errors import ThreadsmithError


class Refusal(ThreadsmithError):
    """The request was refused."""

    status: ClassVar[int] = 400


class BadRequest(Refusal):
    """The request is not valid."""

    code = "bad_request"


class Unauthorized(Refusal):
    """The token is not this run's."""

    status = 401
    code = "unauthorized"


class BudgetExceeded(Refusal):
    """The run's turns, or a budget that it stands under, are used up."""

    status = 402
    code = "budget_exceeded"


class TooSlow(Refusal):
    """The body took too long to come."""

    status = 408
    code = "bad_request"


class Conflict(Refusal):
    """The request does not fit what went before."""

    status = 409
    code = "conflict"


class TooLarge(Refusal):
    """The body is too large."""

    status = 413
    code = "too_large"


class ReadOnly(Refusal):
    """This run may look, and change nothing."""

    status = 422
    code = "read_only"


class Busy(Refusal):
    """There are too many requests at a time."""

    status = 429
    code = "busy"


class Closing(Refusal):
    """The gateway is closing."""

    status = 503
    code = "closing"
