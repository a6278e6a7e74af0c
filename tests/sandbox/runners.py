"""Runners over any engine, with a provider that tests script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.engines.engine import Engine
from sandbox.environments.bounds import Bounds
from sandbox.environments.environments import Environments
from sandbox.environments.records import Records
from sandbox.llm.provider import Provider
from sandbox.llm.providers import Providers
from sandbox.runner import Runner
from tests.sandbox.llm.test_providers import Settings
from tests.sandbox.trees import bundle

SECRETS = {"NPM_TOKEN": "npm-secret-value", "OTHER": "other-secret-value"}


def make_runner(
    engine: Engine,
    provider: Provider,
    directory: Path,
    *,
    bounds: Bounds | None = None,
    others: Mapping[str, Provider] | None = None,
    names: Sequence[str] = ("replay",),
    **options: Any,
) -> Runner:
    """``directory`` is the runs' own; the environments' records lie beside it.

    ``names`` are those that the provider goes by.
    """
    made = {**dict.fromkeys(names, provider), **(others or {})}
    providers = Providers(Settings(), environment={}, made=made)
    records = Records(directory.with_name("environments"))
    environments = Environments(engine, records, bounds=bounds or Bounds())
    return Runner(
        engine,
        providers,
        directory=directory,
        bundle=bundle,
        environments=environments,
        **{"secrets": SECRETS, **options},
    )
