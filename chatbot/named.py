"""What people name when they ask: a repository, a model, an image; checked before it is used."""

from __future__ import annotations

import re
from pathlib import Path

from chatbot.config import Settings
from chatbot.models import Source
from chatbot.repositories import NAME
from chatbot.repository_rules import IMAGE
from sandbox.errors import ThreadsmithError

_MODEL = re.compile(r"(?:anthropic|openai|replay):\S{1,200}")


class RepositoryUnnamed(ThreadsmithError):
    """No repository is named."""

    code = "repository_unnamed"
    resolution = "Reply with the repository, for example `owner/name` or its address."


class ModelRefused(ThreadsmithError):
    """That model cannot be named here."""

    code = "model_refused"
    resolution = "Leave the model out, or name one as `anthropic:…` or `openai:…`."


class ImageRefused(ThreadsmithError):
    """That is no name of a container image."""

    code = "image_refused"
    resolution = "Name one as in `node:22` or `registry.example.com/team/image:1.2`."


def named_model(settings: Settings, model: str, *known: str) -> str:
    """In full; raises ModelRefused. ``known``: recordings that may stay: files of the host."""
    named = settings.model.aliases.get(model.lower(), model)
    allowed = {settings.model.default, *known}
    is_recording = named.startswith("replay:") and named not in allowed
    if not _MODEL.fullmatch(named) or is_recording:
        raise ModelRefused(
            f"The model `{model[:60]}` cannot be named here: a short name, `anthropic:…` or "
            "`openai:…`."
        )
    return named


def check_image(image: str) -> None:
    """Raise ImageRefused for what can be no image."""
    if not IMAGE.fullmatch(image):
        raise ImageRefused


def make_source(
    forge_url: str, repository: str | None, ref: str | None, archive: Path | None
) -> Source:
    """``repository``: a name, an address, or None where it has to be asked for."""
    if archive is not None:
        return Source(kind="zip", repository=repository or archive.name, path=str(archive))
    if repository is None:
        # The branch that was named counts as soon as the repository is.
        return Source(kind="git", repository="", ref=ref)
    forge = forge_url.rstrip("/")
    name = repository.removeprefix(f"{forge}/").removesuffix(".git")
    if NAME.fullmatch(name):
        return Source(kind="git", repository=name, url=f"{forge}/{name}.git", ref=ref, forge=True)
    tail = re.split(r"[/:]", repository.rstrip("/").removesuffix(".git"))
    return Source(
        kind="git",
        repository="/".join(part for part in tail[-2:] if part),
        url=repository,
        ref=ref,
    )


def is_elsewhere(source: Source, before: Source) -> bool:
    """Whether it names another repository or ref than the task has."""
    named = bool(source.repository) and source.repository.lower() != before.repository.lower()
    return named or (bool(source.ref) and source.ref != before.ref)
