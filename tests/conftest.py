"""Fixtures that every test may use. A missing Docker or browser skips locally and fails in CI."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Iterator

import docker
import pytest
import structlog
from docker.errors import DockerException
from hypothesis import HealthCheck, settings
from playwright.async_api import expect

from tests import slack_mode

# A machine that is busy is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("slack_modes")
    if mark is not None and inspect.iscoroutinefunction(metafunc.function):
        metafunc.parametrize("_slack_mode", slack_mode.params(mark), indirect=True)


@pytest.fixture(autouse=True)
def _slack_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before every stage is built."""
    with slack_mode.use(getattr(request, "param", "socket")):
        yield


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """The command line settles the log for its whole process, which the tests share."""
    yield
    structlog.reset_defaults()


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker_client() -> docker.DockerClient:
    """The host's Docker Engine."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        _missing(f"Docker does not answer: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def agent_image(docker_client: docker.DockerClient) -> str:
    """The default agent image, as `make setup` builds it."""
    name = "threadsmith-agent:latest"
    if not docker_client.images.list(name):
        _missing(f"{name} is missing: run `make setup`")
    return name


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium that the browser tests drive."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        _missing("Chromium is missing: run `make setup-browser`")
    assert path is not None
    # A busy machine is no fault of the page.
    expect.set_options(timeout=60_000)
    return path
