"""What callers of the API send, read and checked; anything else is refused in plain words."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from chatbot.models import MAX_ATTEMPTS, Status
from chatbot.web.refusals import BadRequest, UnsupportedBody
from sandbox.spec import AgentName, Mode

MAX_TEXT_CHARACTERS = 100_000
MAX_KEY_CHARACTERS = 200
MAX_LIST = 200

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^/\s-]\S*")
_REF = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]{1,250}")
_MODEL = re.compile(r"(?:anthropic|openai|replay):\S{1,200}")
_IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]{0,254}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def _repository(value: str) -> str:
    """`owner/name` or an address; never a path of this machine, never a secret in it."""
    if _NAME.fullmatch(value) or _SCP.fullmatch(value):
        return value
    try:
        parts = urlsplit(value)
        host, password, _ = parts.hostname, parts.password, parts.port
    except ValueError:
        host, password, parts = None, None, urlsplit("")
    if parts.scheme not in {"https", "http", "ssh"} or not host or not parts.path.strip("/"):
        raise ValueError("must be `owner/name`, or an https, http or ssh address")
    if password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise ValueError("must not hold a user name or a token")
    if re.search(r"[\s\x00-\x1f\x7f]", value) or len(value) > 2000:
        raise ValueError("must be a plain address")
    return value


def _ref(value: str) -> str:
    if not _REF.fullmatch(value):
        raise ValueError("must be a branch, tag or commit")
    return value


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value):
        raise ValueError("must be the name of an image")
    return value


def _model(value: str) -> str:
    if not _MODEL.fullmatch(value):
        raise ValueError("must be `provider:name`; providers: anthropic, openai, replay")
    return value


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("must say something")
    return value


Words = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS), AfterValidator(_words)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskBody(Body):
    """`POST /tasks`; the repository may be left out where an archive is sent."""

    task: Words
    repository: Annotated[str, AfterValidator(_repository)] | None = None
    ref: Annotated[str, AfterValidator(_ref)] | None = None
    mode: Mode | None = None
    model: Annotated[str, AfterValidator(_model)] | None = None
    image: Annotated[str, AfterValidator(_image)] | None = None
    agent: AgentName | None = None
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None


class ChoiceBody(Body):
    """`POST /tasks/{id}/choice`."""

    attempt: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]


class MessageBody(Body):
    """`POST /tasks/{id}/messages`."""

    text: Words


class ListQuery(Body):
    """`GET /tasks`."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIST)] = 50
    status: Status | None = None


B = TypeVar("B", bound=Body)


def check_body(body: type[B], values: Any) -> B:
    """The body, or BadRequest that names every fault."""
    try:
        return body.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False))
        fields = ", ".join(f"`{name}`" for name in body.model_fields)
        raise BadRequest(
            f"The request is not valid: {faults}.", resolution=f"It may hold: {fields}."
        ) from error


async def read_json(request: web.Request, body: type[B]) -> B:
    if request.content_type != "application/json":
        raise UnsupportedBody
    try:
        values = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "The body is not valid JSON.", resolution="Send one JSON object."
        ) from error
    return check_body(body, values)


def read_key(request: web.Request, purpose: str) -> str | None:
    """The caller's `Idempotency-Key`, in a space of its own."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise BadRequest(
            "The `Idempotency-Key` is not valid.",
            resolution=f"Send up to {MAX_KEY_CHARACTERS} visible ASCII characters.",
        )
    return f"api:{purpose}{given}"


def _fault(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "the body"
    if fault["type"] == "extra_forbidden":
        return f"`{place[:80]}` is not known"
    message = fault["msg"].removeprefix("Value error, ")
    return f"`{place[:80]}`: {message[0].lower()}{message[1:]}"
