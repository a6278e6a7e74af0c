"""Runs working tasks through the product as the command line does, and checks what came of them."""

from __future__ import annotations

import asyncio
import getpass
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chatbot.app import App, start_app
from chatbot.config import DataSettings, ModelSettings, Settings
from chatbot.models import FINAL, Person, Status
from chatbot.one_run import final_report
from sandbox.engines.docker import DockerEngine
from tests.tasks.hidden import Checked, check
from tests.tasks.packages import as_zip, fetch, unpack
from tests.tasks.working_task import WorkingTask

_ENDED = {*FINAL, Status.READY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One task with one model."""

    name: str
    kind: str
    passed: bool
    status: str
    verified: str
    """What the product itself found in a clean container: `passed`, `failed`, …; or empty."""
    turns: int
    input_tokens: int
    """With what the provider read from and wrote to its cache."""
    output_tokens: int
    cost_usd: float | None
    seconds: float
    said: str
    """Why it did not pass."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def task_settings(settings: Settings, *, model: str, directory: Path) -> Settings:
    """The configured settings with a folder of their own and that model."""
    changed = {"data": DataSettings(directory=directory), "repositories": ()}
    named = settings.model.model_dump() | {"default": model}
    return settings.model_copy(update=changed | {"model": ModelSettings(**named)})


async def run_tasks(
    tasks: Sequence[WorkingTask], settings: Settings, *, at_once: int
) -> AsyncIterator[Result]:
    """Each task's result as it comes; nothing is left in the engine."""
    archives = await asyncio.to_thread(fetch, [(task.package, task.sha256) for task in tasks])
    places = asyncio.Semaphore(at_once)
    try:
        async with start_app(settings, fronts=False, takes=lambda _: True) as app:

            async def one(task: WorkingTask) -> Result:
                async with places:
                    return await _run(app, task, archives[task.package])

            for done in asyncio.as_completed([one(task) for task in tasks]):
                yield await done
    finally:
        await _clear(settings)


async def _run(app: App, task: WorkingTask, archive: Path) -> Result:
    files = task.plant(await asyncio.to_thread(unpack, archive))
    with tempfile.TemporaryDirectory(prefix="threadsmith-task-") as folder:
        directory = Path(folder)
        directory.chmod(0o755)  # the check runs as somebody else
        upload = directory / f"{task.name}.zip"
        upload.write_bytes(as_zip(files, top=task.name))
        stored = await app.intake.ask(
            task.request.strip(),
            author=Person("cli", getpass.getuser()),
            origin="cli",
            repository=upload.name,
            mode="change",
            archive=upload,
            owner=app.owner,
        )
        async for event in app.history.follow(after=0, task_id=stored.id):
            if event.kind == "run_finished" and event.payload.get("status") in _ENDED:
                break
        report = await final_report(app, stored.id)
        upload.unlink()
        patch = Path(report["patch_path"]).read_bytes() if report["patch_path"] else b""
        checked = Checked(passed=False, said="There is no patch.")
        if patch:
            image = app.settings.sandbox.image
            checked = await asyncio.to_thread(
                check, task, files, patch=patch, directory=directory, image=image
            )
    return _result(task, report, checked)


def _result(task: WorkingTask, report: dict[str, Any], checked: Checked) -> Result:
    usage, error = report["usage"], report["error"] or {}
    said = "\n".join(text for text in (error.get("brief"), checked.said) if text)
    read = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    return Result(
        name=task.name,
        kind=task.kind,
        passed=checked.passed,
        status=str(report["outcome"] or report["status"]),
        verified=str((report["verification"] or {}).get("state") or ""),
        turns=usage["turns"],
        input_tokens=sum(usage[name] for name in read),
        output_tokens=usage["output_tokens"],
        cost_usd=usage["cost_usd"],
        seconds=report["timings"]["finished"] or 0.0,
        said="" if checked.passed else said,
    )


async def _clear(settings: Settings) -> None:
    engine = DockerEngine(namespace=str(settings.data.directory.absolute()))
    try:
        for handle in await engine.list():
            await engine.remove(handle)
        for image in await engine.images():
            await engine.remove_image(image.id)
    finally:
        await engine.close()
