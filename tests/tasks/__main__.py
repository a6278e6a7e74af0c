"""`make tasks MODEL=provider:name`: the working tasks with any model, and a report.

Without a model the recorded replies are taken. Keys and addresses come from the same settings as
the product's own: threadsmith.toml and the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chatbot.config import load_settings
from chatbot.log import configure_log
from tests.tasks import report
from tests.tasks.recording import record
from tests.tasks.rounds import Result, run_tasks, task_settings
from tests.tasks.working_task import WorkingTask, load_tasks


def main() -> int:
    """0 where every task passed."""
    known = load_tasks()
    parser = argparse.ArgumentParser(prog="make tasks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TASK", help=f"of {', '.join(known)}")
    parser.add_argument("--model", default="", help="provider:name; left out: recorded replies")
    parser.add_argument("--at-once", type=int, default=2, help="tasks at a time")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no such task: {', '.join(sorted(unknown))}")
    tasks = [known[name] for name in options.names or known]
    configure_log(verbose=False, quiet=True)
    with tempfile.TemporaryDirectory(prefix="threadsmith-tasks-") as folder:
        model = options.model or record(Path(folder) / "replies.json", tasks)
        results = asyncio.run(_round(tasks, model, Path(folder), options))
    shown = options.model or "recorded replies"
    if options.json:
        print(json.dumps(report.as_json(results, model=shown), indent=2))
    return 0 if all(result.passed for result in results) else 1


async def _round(
    tasks: Sequence[WorkingTask], model: str, folder: Path, options: argparse.Namespace
) -> list[Result]:
    default = Path("threadsmith.toml")
    configured = load_settings(default if default.exists() else None)
    settings = task_settings(configured, model=model, directory=folder / "data")
    # The table goes aside where the output is for a program.
    out = sys.stderr if options.json else sys.stdout
    print(report.head(), file=out)
    results = []
    async for result in run_tasks(tasks, settings, at_once=options.at_once):
        results.append(result)
        print(report.line(result), file=out, flush=True)
    print(report.summary(results), file=out)
    return sorted(results, key=lambda result: result.name)


if __name__ == "__main__":
    sys.exit(main())
