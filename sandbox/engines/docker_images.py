"""Environments as images of Docker: made from a container, listed, removed."""

from __future__ import annotations

from collections.abc import Mapping

import docker

from sandbox.engines.docker_options import ENVIRONMENT_LABEL, NAMESPACE_LABEL, snapshot_config
from sandbox.engines.engine import EngineImage, Handle
from sandbox.errors import EngineError


def commit(client: docker.DockerClient, handle: Handle, tag: str, labels: Mapping[str, str]) -> str:
    attributes = client.api.inspect_container(handle["id"])
    if attributes["State"]["Running"]:
        raise EngineError("Only a container that has ended can be kept as an image.")
    image = client.images.get(attributes["Image"]).attrs
    repository, _, name = tag.rpartition(":")
    client.api.commit(
        handle["id"],
        repository=repository,
        tag=name,
        conf=snapshot_config(
            attributes["Config"]["Env"] or [], image["Config"].get("Env") or [], labels
        ),
    )
    return tag


def remove_image(client: docker.DockerClient, image: str) -> None:
    found = client.images.get(image)
    if not found.labels.get(ENVIRONMENT_LABEL):
        raise EngineError(f"The image {image} is not an environment that was made here.")
    # Without force: what a container uses stays.
    client.images.remove(image, noprune=False)


def list_images(client: docker.DockerClient, namespace: str) -> tuple[EngineImage, ...]:
    ours = [f"{ENVIRONMENT_LABEL}=1", f"{NAMESPACE_LABEL}={namespace}"]
    found = client.api.images(filters={"label": ours})
    return tuple(
        EngineImage(
            id=item["Id"],
            tag=next((tag for tag in item["RepoTags"] or () if tag != "<none>:<none>"), ""),
            size_bytes=item["Size"],
            labels=dict(item["Labels"]),
        )
        for item in found
    )
