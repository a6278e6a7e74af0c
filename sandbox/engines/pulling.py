"""Images that are named and missing, pulled where the configuration lets them be."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Final

import docker
from docker.errors import APIError, DockerException
from docker.utils import parse_repository_tag
from requests.exceptions import RequestException

from sandbox.engines.docker_options import NAME_PREFIX
from sandbox.errors import ImageMissing

SILENCE_SECONDS: Final = 60
"""A registry that says nothing for so long does not answer."""


def may_pull(image: str, patterns: Sequence[str]) -> bool:
    """Images that are made here are in no registry; a stranger's of that name is not ours."""
    is_ours = image.startswith(NAME_PREFIX)
    return not is_ours and any(fnmatch.fnmatchcase(image, pattern) for pattern in patterns)


def pull(client: docker.DockerClient, image: str) -> None:
    """Bring the image here; raises ImageMissing with the registry's own reason."""
    repository, tag = parse_repository_tag(image)
    try:
        for item in client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in item:
                raise _missing(image, str(item["error"]))
    except APIError as error:
        raise _missing(image, error.explanation or str(error)) from error
    except (RequestException, DockerException) as error:
        raise _missing(image, str(error)) from error


def _missing(image: str, reason: str) -> ImageMissing:
    return ImageMissing(
        f"The image {image} is not on this host, and could not be pulled.",
        details=reason,
        resolution="Check its name and the registry, or pull it on the host yourself.",
    )
