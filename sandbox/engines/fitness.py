"""What every image needs, asked of the image itself by one short shell script."""

from __future__ import annotations

from uuid import uuid4

import docker
from docker.errors import APIError

from sandbox.engines.docker_options import NAME_PREFIX, PHASE_LABEL
from sandbox.engines.engine import LABEL
from sandbox.errors import ImageUnfit

_SCRIPT = """\
python3 -c 'import sys; print("python3", sys.version_info >= (3, 8))' 2>/dev/null
git --version >/dev/null 2>&1 && echo "git True"
exit 0
"""


def check_fitness(client: docker.DockerClient, image: str) -> None:
    """Ask the image itself; raises ImageUnfit.

    The container is labelled, so that the sweep finds what a kill leaves behind.
    """
    run_id = f"check-{uuid4().hex[:12]}"
    container = client.containers.create(
        image,
        ["-c", _SCRIPT],
        entrypoint=["/bin/sh"],
        name=f"{NAME_PREFIX}{run_id}",
        labels={LABEL: run_id, PHASE_LABEL: "check"},
        network_mode="none",
        working_dir="/",
    )
    try:
        container.start()
        container.wait()
        missing = _missing(container.logs(stderr=False))
    except APIError as error:
        if not error.is_client_error():
            raise
        raise ImageUnfit(f"The image {image} has no /bin/sh.", details=str(error)) from error
    finally:
        container.remove(v=True, force=True)
    if missing:
        raise ImageUnfit(f"The image {image} lacks {' and '.join(missing)}.")


def _missing(output: bytes) -> list[str]:
    """Name what the script did not find."""
    lines = output.decode(errors="replace").splitlines()
    missing = []
    if "python3 True" not in lines:
        older = "python3 False" in lines
        missing.append("python3 3.8 or newer (its own is older)" if older else "python3")
    if "git True" not in lines:
        missing.append("git")
    return missing
