"""What `/code` does. Its answers are seen by the person alone."""

from __future__ import annotations

from functools import partial

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history import finding, queries, spending
from chatbot.history.finding import OPEN, Viewer
from chatbot.history.queries import TaskNotFound
from chatbot.history.store import History
from chatbot.models import ALIVE, Person, Task, Thread, shown_model
from chatbot.repositories import Repositories, is_whole
from chatbot.request import plain
from chatbot.slack.blocks.defaults import holds_here
from chatbot.slack.blocks.elements import Content, section
from chatbot.slack.blocks.listing import Row, make_listing, thread_url
from chatbot.slack.blocks.new_task import Place, Wanted
from chatbot.slack.blocks.text import code, link
from chatbot.slack.choices import RepositoryUnclear
from chatbot.slack.command_line import HELP, CommandLine
from chatbot.slack.people import People
from chatbot.slack.starting import Starting
from sandbox.errors import ThreadsmithError

PAGE = 10


class SeveralRun(ThreadsmithError):
    """Several of your tasks are at work."""

    code = "several_run"
    resolution = "Name the one: `/code list open` shows them, `/code stop t_…` ends one."


class Commands:
    """``workspace_url``: Slack's own address of the workspace, for links to threads."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        actions: Actions,
        people: People,
        starting: Starting,
        repositories: Repositories,
        *,
        team: str,
        workspace_url: str,
    ) -> None:
        self._settings = settings
        self._history = history
        self._actions = actions
        self._people = people
        self._starting = starting
        self._repositories = repositories
        self._team = team
        self._workspace_url = workspace_url

    async def run(self, line: CommandLine, *, channel: str, user_id: str, key: str) -> Content:
        """Raises ThreadsmithError where it cannot be done."""
        person = await self._people.get(user_id)
        viewer = Viewer(team=self._team, person_id=user_id, channel=channel)
        match line.order:
            case "list":
                return await self._list(viewer, is_open=line.rest == "open")
            case "search":
                return await self._list(viewer, words=plain(line.rest))
            case "show":
                task = await self._find(viewer, line.rest)
                return await self._rows([task], title="Task", more=False)
            case "stop":
                return await self._stop(viewer, line.rest, person)
            case "use":
                return await self._use(channel, person, line.rest)
            case "config":
                return await self._config(channel)
            case "task":
                place, wanted = Place(channel=channel), Wanted(words=line.rest)
                asked = await self._starting.take(place, person, wanted, key=key)
                task = await self._starting.begin(asked)
                return _said(f"Begun: {self._link(task)}")
            case _:
                return _said(HELP)

    async def _list(self, viewer: Viewer, *, words: str = "", is_open: bool = False) -> Content:
        found = await self._history.read(
            partial(
                finding.find_tasks,
                viewer=viewer,
                words=words.split(),
                statuses=OPEN if is_open else None,
                limit=PAGE + 1,
            )
        )
        title = f"Tasks with {code(words)}" if words else "Open tasks" if is_open else "Tasks"
        return await self._rows(found[:PAGE], title=title, more=len(found) > PAGE)

    async def _rows(self, tasks: list[Task], *, title: str, more: bool) -> Content:
        rows = await self._history.read(
            lambda db: [Row(task=task, cost_usd=spending.of_task(db, task).usd) for task in tasks]
        )
        return make_listing(rows, self._workspace_url, title=title, more=more)

    async def _find(self, viewer: Viewer, task_id: str) -> Task:
        """Of others one sees only what stands in this channel; the rest is not there."""
        task = await self._history.read(partial(queries.get_task, task_id=task_id))
        if not finding.is_visible(task, viewer):
            raise TaskNotFound
        return task

    async def _stop(self, viewer: Viewer, task_id: str, person: Person) -> Content:
        if task_id:
            task = await self._find(viewer, task_id)
        else:
            mine = Viewer(team=viewer.team, person_id=viewer.person_id)
            found = await self._history.read(
                partial(finding.find_tasks, viewer=mine, statuses=ALIVE, limit=2)
            )
            if len(found) > 1:
                raise SeveralRun
            if not found:
                return _said("None of your tasks is at work.")
            task = found[0]
        if not await self._actions.stop_task(task.id, person):
            return _said(f"Nothing is running in {self._link(task)}.")
        return _said(f"Stopping {self._link(task)}.")

    async def _use(self, channel: str, person: Person, name: str) -> Content:
        repository = "" if name.lower() in {"nothing", "none"} else plain(name.strip("`"))
        if repository and not is_whole(repository):
            raise RepositoryUnclear
        told = await self._repositories.settle(self._team, channel, repository, person)
        return _said(told)

    async def _config(self, channel: str) -> Content:
        thread = Thread(team=self._team, channel=channel, thread_ts="", message_ts="")
        repository = await self._repositories.of_channel(thread)
        rows = [
            f"*This channel's repository*: {code(repository) if repository else 'none'}",
            f"*Model*: {code(shown_model(self._settings.model.default))}",
            *holds_here(self._settings),
        ]
        return _said("\n".join(rows))

    def _link(self, task: Task) -> str:
        return link(thread_url(self._workspace_url, task.thread), task.title or task.request[:80])


def _said(text: str) -> Content:
    return Content(text=text, blocks=(section(text),))
