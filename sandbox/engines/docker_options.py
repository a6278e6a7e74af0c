"""How a container of ours is named, labelled and locked in. Pure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from docker.types import LogConfig, Ulimit
from docker.types import Mount as BindMount

from sandbox.engines.engine import LABEL
from sandbox.spec import AGENT_HOME, AGENT_UID, WORKSPACE, ContainerSpec

PHASE_LABEL = "dev.threadsmith.phase"
NAMESPACE_LABEL = "dev.threadsmith.namespace"
"""Which installation a container belongs to; several may share one engine."""
NAME_PREFIX = "threadsmith-"
ENVIRONMENT_REPOSITORY = "threadsmith-env"
ENVIRONMENT_LABEL = "dev.threadsmith.environment"
"""On every image that `snapshot` made; nothing else may be removed by `remove_image`."""
RECIPE_LABEL = "dev.threadsmith.recipe"
"""On the default agent image: the SHA-256 of what it was made from."""


SETUP_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETPCAP"),
    *("SETUID", "SYS_CHROOT"),
)
"""Docker's default ones without raw sockets, device nodes, low ports and the audit log."""


def container_name(spec: ContainerSpec) -> str:
    """Known before the container is: a second start finds the first one by it."""
    return f"{NAME_PREFIX}{spec.run_id}-{spec.phase}"


def container_options(spec: ContainerSpec, *, runtime: str = "") -> dict[str, Any]:
    """Arguments of the SDK's ``containers.create``."""
    memory = spec.limits.memory_bytes
    options: dict[str, Any] = {
        "name": container_name(spec),
        "labels": {**spec.labels, LABEL: spec.run_id, PHASE_LABEL: spec.phase},
        "image": spec.image,
        # An image may bring an entry point and a health check of its own: neither is wanted.
        "entrypoint": [""],
        "healthcheck": {"test": ["NONE"]},
        "command": list(spec.command),
        "environment": {"HOME": AGENT_HOME, **spec.environment},
        "working_dir": WORKSPACE,
        "network_mode": "none",
        "mounts": [
            BindMount(mount.target, mount.source, type="bind", read_only=mount.read_only)
            for mount in spec.mounts
        ],
        # Reaps the orphans of killed commands, and hands signals on.
        "init": True,
        "stop_signal": "SIGTERM",
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(spec.limits.cpus * 1_000_000_000),
        "pids_limit": spec.limits.processes,
        # A core dump may be piped to a program of the host.
        "ulimits": [Ulimit(name="core", soft=0, hard=0)],
        "log_config": LogConfig(
            type=LogConfig.types.JSON, config={"max-size": "10m", "max-file": "1"}
        ),
    }
    if runtime:
        options["runtime"] = runtime
    if spec.privileged_user:
        options["user"] = "0:0"
        # What package managers need of root, and no more of what Docker would give.
        options["cap_drop"] = ["ALL"]
        options["cap_add"] = list(SETUP_CAPABILITIES)
    else:
        options["user"] = f"{AGENT_UID}:{AGENT_UID}"
        options["cap_drop"] = ["ALL"]
        options["security_opt"] = ["no-new-privileges:true"]
    return options


def home_archive() -> bytes:
    """A tar of the directories that the agent's user must own, for images that lack them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in (WORKSPACE, AGENT_HOME):
            entry = tarfile.TarInfo(path.strip("/"))
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o755, *(AGENT_UID,) * 2
            archive.addfile(entry)
    return buffer.getvalue()


def snapshot_config(
    container_env: list[str], image_env: list[str], labels: Mapping[str, str]
) -> dict[str, Any]:
    """A configuration for the committed image that keeps nothing of the set-up.

    The engine merges this over the container's own and offers no way to unset a variable, so what
    the set-up brought is emptied.
    """
    base = dict(line.partition("=")[::2] for line in image_env)
    brought = {line.partition("=")[0] for line in container_env} - base.keys()
    return {
        "Env": [
            f"{name}={value}" for name, value in {**base, **dict.fromkeys(brought, "")}.items()
        ],
        "Cmd": ["/bin/sh"],
        "Entrypoint": [],
        "User": "",
        "WorkingDir": WORKSPACE,
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {LABEL: "", PHASE_LABEL: "", ENVIRONMENT_LABEL: "1", **labels},
    }
