"""The command line: parse arguments, call, exit code. Imports wait until a command needs them.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 the environment (Docker, a token),
130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.errors import EngineUnavailable, ImageMissing, ThreadsmithError
from sandbox.spec import AGENTS

if TYPE_CHECKING:
    from chatbot.config import Settings

DEFAULT_CONFIG = Path("threadsmith.toml")
QUIET = frozenset({"run", "demo"})
"""These tell what happens in words of their own."""


def main() -> None:
    """The console script."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ThreadsmithError as error:
        click.echo(f"threadsmith: {error}", err=True)
        sys.exit(_exit_code(error))


def _exit_code(error: ThreadsmithError) -> int:
    if error.code in {"config_invalid"}:
        return 2
    return 3 if isinstance(error, EngineUnavailable | ImageMissing) else 1


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file with the settings (default: threadsmith.toml, where there is one).",
)
@click.option("--verbose", "-v", is_flag=True, help="Log what happens, in detail.")
@click.version_option(package_name="threadsmith")
@click.pass_context
def cli(context: click.Context, config: Path | None, verbose: bool) -> None:
    """A coding agent that lives in your team's Slack and works in sealed containers."""
    from chatbot.log import configure_log

    configure_log(verbose=verbose, quiet=context.invoked_subcommand in QUIET)
    context.obj = config


def _settings(context: click.Context) -> Settings:
    from chatbot.config import load_settings
    from chatbot.log import configure_log
    from chatbot.secrets import configured_secrets
    from sandbox.redaction import Redactor

    path: Path | None = context.obj
    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    settings = load_settings(path)
    root = context.find_root()
    configure_log(
        verbose=root.params["verbose"],
        quiet=root.invoked_subcommand in QUIET,
        redactor=Redactor(configured_secrets(settings)),
    )
    return settings


@cli.command()
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve Slack, the task pages and the HTTP API until told to stop."""
    from chatbot.serve import serve_forever

    asyncio.run(serve_forever(_settings(context)))


@cli.command()
@click.option("--once", is_flag=True, help="Ask, wait, open the pull request, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON object.")
@click.option("--port", default=8765, show_default=True, help="Port of the chat page; 0: any.")
def demo(*, once: bool, as_json: bool, port: int) -> None:
    """Show the whole product working on this machine, with a workspace and a forge of its own."""
    from chatbot.demo.show import run_once, show

    if once:
        report = asyncio.run(run_once(dict(os.environ), progress=not as_json))
        if as_json:
            _print_json(report)
        sys.exit(0 if report["status"] == "done" else 1)
    asyncio.run(show(dict(os.environ), port=port))


@cli.command()
@click.argument("task")
@click.option("--repo", help="Git URL, owner/name on the forge, or a local path.")
@click.option("--ref", help="Branch, tag or commit (default: the default branch).")
@click.option(
    "--zip",
    "archive",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A zip archive to work on instead of a repository.",
)
@click.option(
    "--mode",
    type=click.Choice(["change", "explain", "review"]),
    help="change: a patch; explain: an answer; review: findings (default: from the words).",
)
@click.option("--model", help="provider:name, for example anthropic:claude-sonnet-5-5.")
@click.option("--agent", type=click.Choice(AGENTS), help="The program that does the work.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 10),
    help="How often it is tried, each time from the same commit (default: from the words).",
)
@click.option("--image", help="Image of the container; anything with python3 and git.")
@click.option(
    "--setup",
    type=click.Choice(["ask", "run", "skip"]),
    default="ask",
    show_default=True,
    help="What to do with a set-up script that nobody has approved yet.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the output.")
@click.pass_context
def run(context: click.Context, /, *, as_json: bool, **request: Any) -> None:
    """Run one task without Slack; the patch and the logs stay on disk."""
    from chatbot.one_run import run_one

    if request["repo"] is None and request["archive"] is None:
        msg = "Name a repository with --repo, or an archive with --zip."
        raise click.UsageError(msg)
    report = asyncio.run(run_one(_settings(context), quiet=as_json, **request))
    if as_json:
        _print_json(report)
    sys.exit(0 if report["status"] in {"ready", "done"} else 1)


@cli.command()
@click.argument("words")
@click.option("--default-repo", help="What the channel uses where no repository is named.")
@click.option("--known", default="", help="Known repositories: owner/name,owner/name.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def parse(
    context: click.Context, words: str, *, default_repo: str | None, known: str, as_json: bool
) -> None:
    """Print what is understood of a request, and why; nothing is started."""
    from chatbot.request.shapes import names_repository
    from chatbot.vocabulary import explain_request

    given = tuple(name.strip() for name in known.split(",") if name.strip())
    for option, names in (("--known", given), ("--default-repo", (default_repo,))):
        for name in names:
            if name is not None and not names_repository(name):
                msg = f"{option}: {name[:100]!r} is no repository; owner/name or an address is."
                raise click.UsageError(msg)
    report = explain_request(_settings(context), words, default=default_repo, known=given)
    if as_json:
        _print_json(report.data)
    else:
        click.echo(report.text)


@cli.command()
@click.argument("task_id", required=False)
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@click.option("--search", default="", help="Words of what was asked, said or made of it.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def tasks(
    context: click.Context, task_id: str | None, *, limit: int, search: str, as_json: bool
) -> None:
    """List the tasks, or show one with its story."""
    from chatbot.listing import list_tasks, show_task

    settings = _settings(context)
    if task_id is None:
        found = asyncio.run(list_tasks(settings, limit=limit, search=search))
    else:
        found = asyncio.run(show_task(settings, task_id))
    if as_json:
        _print_json(found.data)
    else:
        click.echo(found.text)


@cli.command()
def setup() -> None:
    """Install and start Docker where it is missing, and build the agent image."""
    from sandbox.host import ensure_engine
    from sandbox.image import ensure_agent_image

    def progress(line: str) -> None:
        click.echo(f"==> {line}")

    async def ensure() -> None:
        await ensure_engine(progress)
        await ensure_agent_image(progress)

    asyncio.run(ensure())


@cli.group()
def environments() -> None:
    """Prepared environments: what is kept, built again, removed."""


@environments.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def list_environments(context: click.Context, *, as_json: bool) -> None:
    """What is kept, the most recently used first."""
    from chatbot.environments import list_environments as find

    found = asyncio.run(find(_settings(context)))
    if as_json:
        _print_json(found.data)
    else:
        click.echo(found.text)


@environments.command("rebuild")
@click.argument("key")
@click.pass_context
def rebuild_environment(context: click.Context, key: str) -> None:
    """Build an environment again, from the beginning; a part of its key will do."""
    from chatbot.environments import rebuild_environment as rebuild

    asyncio.run(rebuild(_settings(context), key))


@environments.command("remove")
@click.argument("keys", nargs=-1)
@click.option("--all", "remove_all", is_flag=True, help="Remove every environment.")
@click.pass_context
def remove_environments(context: click.Context, keys: tuple[str, ...], *, remove_all: bool) -> None:
    """Remove environments; the next task that needs one builds it again."""
    from chatbot.environments import remove_environments as remove

    if not keys and not remove_all:
        msg = "Name the keys of environments, or --all."
        raise click.UsageError(msg)
    if not asyncio.run(remove(_settings(context), keys)):
        sys.exit(1)


@cli.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def config(context: click.Context, *, as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    from chatbot.config import effective

    values = effective(_settings(context))
    if as_json:
        _print_json(values)
        return
    for section, fields in values.items():
        click.echo(f"[{section}]")
        for name, value in fields.items():
            click.echo(f"{name} = {value}")
        click.echo()


@cli.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check Docker, the image, git, the model's key, Slack and the forge; a line for each."""
    from chatbot.doctor import examine

    findings = asyncio.run(examine(_settings(context)))
    if as_json:
        _print_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            click.echo(finding.line())
    sys.exit(0 if all(finding.ok for finding in findings) else 3)
