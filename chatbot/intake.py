"""From a person's words to a stored task or follow-up, the same for Slack, web and command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from chatbot.actions import Actions
from chatbot.attempts import count_attempts
from chatbot.changes import NOTHING
from chatbot.config import Settings
from chatbot.edit_changes import Edited
from chatbot.forge_links import find_links
from chatbot.gatekeeper import Gatekeeper
from chatbot.history import defaults
from chatbot.history.given import NewGiven
from chatbot.history.store import History
from chatbot.models import Choice, Issue, NewTask, Origin, Person, Source, Status, Task, Thread
from chatbot.named import (
    RepositoryUnnamed,
    check_image,
    is_elsewhere,
    make_source,
    named_model,
)
from chatbot.problems import find_problem
from chatbot.pull_changes import NoPullRequest
from chatbot.reader import Reader, Reading
from chatbot.repositories import Repositories
from chatbot.repository_rules import rules_for
from chatbot.request import Request, find_autofix, find_choice, is_stop, plain
from chatbot.request.resolving import Resolution
from chatbot.source_changes import check_change
from sandbox.errors import ThreadsmithError
from sandbox.seats import check_agent
from sandbox.sources.addresses import check_address, check_ref
from sandbox.spec import Mode

Reply = Literal[
    "stored", "duplicate", "stopping", "nothing_to_stop", "no_pull_request", "repository_needed"
]


class Intake:
    """Understands requests, and stores them: also those that cannot be done, as failed tasks."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        actions: Actions,
        *,
        repositories: Repositories | None = None,
    ) -> None:
        self.repositories = repositories or Repositories(settings, history)
        self.reader = Reader(settings, self.repositories)
        self._settings = settings
        self._history = history
        self._actions = actions

    @property
    def gatekeepers(self) -> dict[str, Gatekeeper]:
        """By Slack's team; set by the front that knows its people."""
        return self.reader.gatekeepers

    async def ask(
        self,
        words: str,
        *,
        author: Person,
        origin: Origin,
        thread: Thread | None = None,
        key: str | None = None,
        repository: str | None = None,
        ref: str | None = None,
        mode: Mode | None = None,
        model: str | None = None,
        image: str | None = None,
        agent: str | None = None,
        draft: bool | None = None,
        attempts: int | None = None,
        archive: Path | None = None,
        owner: str | None = None,
        issue: Issue | None = None,
        along: Sequence[NewGiven] = (),
        about: str = "",
    ) -> Task:
        """A new task; what is given by name wins over what the words say.

        ``about``: other words, whose links are read as well.
        """
        if repository is None:
            reading = await self.reader.read(words, thread=thread, person=author)
        elif origin == "slack":
            reading = await self._read_form(words, repository, author, thread)
        else:
            given = Resolution(repository=repository, rule="named")
            reading = Reading(request=Request(task=plain(words)), resolution=given)
        request = reading.request
        named = reading.resolution.repository
        if origin == "cli" and named is not None and await asyncio.to_thread(Path(named).is_dir):
            named = str(await asyncio.to_thread(Path(named).resolve))
        source = self._source(named, ref or request.ref, archive)
        mode = mode or request.mode
        allowed = self._settings.sandbox.max_attempts
        count, note = count_attempts(attempts or request.count, allowed, mode)
        new = NewTask(
            origin=origin,
            mode=mode,
            model=self._settings.model.aliases.get((model or "").lower(), model)
            or request.model
            or await self._usual_model(thread, author),
            # The words as they are, where taking out the repository leaves nothing to do.
            request=request.task or plain(words) or NOTHING,
            author=author,
            source=source,
            thread=thread,
            image=image or request.image,
            agent=agent or reading.agent,
            issue=issue,
            draft=request.draft if draft is None else draft,
            attempts=count,
            chosen_by=reading.resolution.rule,
            notes=(*reading.notes, *note),
            key=key,
        )
        gatekeeper = self.reader.gatekeeper(thread)
        if gatekeeper is not None and thread is not None and origin == "slack":
            await gatekeeper.check_ask(source.repository, author, thread.channel)
        along = [*along, *await self._linked(f"{words}\n{about}", new, author)]
        problem = find_problem(self._settings, reading, new)
        if problem is not None:
            if isinstance(problem, RepositoryUnnamed) and thread is not None:
                likely = await self.reader.likely(reading, thread=thread, person=author)
                suggests = reading.resolution.is_open and self._settings.model.suggest_repository
                return await self._actions.ask_repository(
                    *(new, problem, likely), suggests=suggests, along=along
                )
            return await self._actions.refuse_task(new, problem, along=along)
        task, _ = await self._actions.create_task(new, owner=owner, along=along)
        return task

    async def _usual_model(self, thread: Thread | None, author: Person) -> str:
        """The person's own, where they settled on one."""
        if thread is None:
            return self._settings.model.default
        own = await self._history.read(
            partial(defaults.get, team=thread.team, kind="person", of=author.id)
        )
        return own.model or self._settings.model.default

    async def _read_form(
        self, words: str, repository: str, author: Person, thread: Thread | None
    ) -> Reading:
        """Words beside which a person chose the repository: all else is read as in a message."""
        request = (await self.reader.read(words, thread=thread, person=author)).request
        chosen = self._source(repository, None, None).url
        named = request.repository and self._source(request.repository, None, None).url
        if named is not None and named.lower() != chosen.lower():
            # It is spoken of, and not to be worked in.
            request = replace(request, task=plain(words))
        return Reading(
            request=replace(request, task=request.task or plain(words)),
            resolution=Resolution(repository=repository, rule="named"),
        )

    async def named_in(self, words: str, *, author: Person, thread: Thread) -> str | None:
        """The repository that the words name, and no default."""
        found = (await self.reader.read(words, thread=thread, person=author)).resolution
        return found.repository if found.rule == "named" else None

    async def check_begin(
        self,
        words: str,
        *,
        author: Person,
        thread: Thread,
        repository: str | None = None,
        ref: str = "",
        model: str = "",
        image: str = "",
    ) -> None:
        """Raise where `ask` would begin nothing, or the rules forbid it: before anything is said.

        What is given by name is looked at closely: who wrote it can still put it right.
        """
        if repository:
            check_address(self._source(repository, None, None).url)
        if ref:
            check_ref(ref)
        if model:
            self.named_model(model)
        if image:
            check_image(image)
        gatekeeper = self.reader.gatekeeper(thread)
        if gatekeeper is None:
            return
        if repository is None:
            reading = await self.reader.read(words, thread=thread, person=author)
            repository = reading.resolution.repository
        source = self._source(repository, None, None)
        await gatekeeper.check_ask(source.repository, author, thread.channel)

    def named_model(self, model: str, *known: str) -> str:
        """In full; raises ModelRefused. ``known``: recordings that may stay."""
        return named_model(self._settings, model, *known)

    async def reply(
        self,
        task: Task,
        words: str,
        *,
        author: Person,
        key: str | None,
        along: Sequence[NewGiven] = (),
        about: str = "",
    ) -> Reply:
        """A follow-up, a stop, or what was asked for: the repository, the attempt that is taken."""
        if is_stop(words):
            stopping = await self._actions.stop_task(task.id, author, key=key)
            return "stopping" if stopping else "nothing_to_stop"
        if (autofix := find_autofix(words)) is not None:
            return await self._autofix(task, author, autofix, key)
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("steer", task, author)
        chosen = find_choice(words) if task.outcome == "attempts" else None
        if chosen is not None and task.status == Status.READY:
            await self._actions.choose_attempt(task.id, chosen, author, key=key)
            return "stored"
        along = [*along, *await self._linked(f"{words}\n{about}", task, author)]
        if not task.source.repository:
            return await self._answer(task, words, author, key, along)
        message = await self._actions.add_message(
            task.id, author, plain(words), key=key, along=along
        )
        return "duplicate" if message is None else "stored"

    async def _answer(
        self,
        task: Task,
        words: str,
        author: Person,
        key: str | None,
        along: Sequence[NewGiven],
    ) -> Reply:
        """Said where somebody was asked for the repository; whatever else it says is kept."""
        request = await self.reader.read_answer(words, thread=task.thread, person=author)
        if request.repository is None:
            text = plain(words)
            message = await self._actions.add_message(task.id, author, text, key=key, along=along)
            return "duplicate" if message is None else "repository_needed"
        source = await self._checked(task, request.repository, request.ref, author)
        begun = await self._actions.name_repository(
            task.id, source, author, words=request.task, key=key, along=along
        )
        return "stored" if begun else "duplicate"

    async def pick(self, task: Task, repository: str, *, author: Person) -> None:
        """Chosen by a press in the thread; raises ThreadsmithError."""
        source = await self._checked(task, repository, None, author)
        await self._actions.name_repository(task.id, source, author, pressed=True)

    async def ask_again(self, task: Task, *, author: Person) -> None:
        """Which repository it is, once nobody had said so in time; raises ThreadsmithError."""
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("steer", task, author)
        await self._actions.ask_repository_again(task.id, author)

    async def check_change(self, task: Task, author: Person) -> None:
        """Raise ThreadsmithError where the task stays as it is, or for others to change."""
        check_change(task)
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("steer", task, author)

    async def change(
        self,
        task: Task,
        *,
        repository: str,
        ref: str | None,
        mode: Mode,
        model: str,
        author: Person,
        key: str | None = None,
    ) -> None:
        """Begin a task anew with what a person chose; raises ThreadsmithError."""
        await self.check_change(task, author)
        gatekeeper = self.reader.gatekeeper(task.thread)
        source = self._source(repository, ref, None)
        check_address(source.url)
        if ref is not None:
            check_ref(ref)
        if gatekeeper is not None:
            await gatekeeper.check("ask", replace(task, source=source), author)
        model = self.named_model(model or self._settings.model.default, task.model)
        check_agent(task.agent or rules_for(self._settings, source.repository).agent, model)
        choice = Choice(source=source, mode=mode, model=model)
        await self._actions.change_task(task.id, choice, author, key=key)

    async def _checked(
        self, task: Task, repository: str, ref: str | None, author: Person
    ) -> Source:
        """Where the person may begin this; raises ThreadsmithError."""
        source = self._source(repository, ref or task.source.ref, None)
        check_address(source.url)
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("ask", replace(task, source=source), author)
        return source

    async def edit(
        self, task: Task, words: str, *, said: str | None, author: Person, key: str
    ) -> Edited:
        """A person has edited what they said; ``said``: its key, None for the request itself."""
        text = plain(words)
        if not text:
            return "late"
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("steer", task, author)
        if said is not None:
            return await self._actions.edit_said(task.id, said, text, author, key=key)
        if not task.source.repository:
            await self.reply(task, words, author=author, key=key)
            return "replaced"
        reading = await self.reader.read(words, thread=task.thread, person=author)
        source = self._source(reading.resolution.repository, reading.request.ref, None)
        if task.source.kind == "git" and is_elsewhere(source, task.source):
            text = reading.request.task or text
            return await self._begin_anew(task, text, source, author, key)
        text = reading.request.task or text
        return await self._actions.edit_said(task.id, None, text, author, key=key)

    async def _begin_anew(
        self, task: Task, text: str, source: Source, author: Person, key: str
    ) -> Edited:
        """Another repository or ref: only a run that was not begun goes there."""
        check_address(source.url)
        if (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("ask", replace(task, source=source), author)
        if await self._actions.begin_elsewhere(task.id, source, text, author, key=key):
            return "replaced"
        return await self._actions.edit_said(task.id, None, text, author, key=key)

    async def _autofix(self, task: Task, author: Person, on: bool, key: str | None) -> Reply:
        """Whoever may open pull requests may let them be mended unasked; everybody may end it."""
        if on and (gatekeeper := self.reader.gatekeeper(task.thread)) is not None:
            await gatekeeper.check("approve", task, author)
        try:
            await self._actions.set_autofix(task.id, author, on=on, key=key)
        except NoPullRequest:
            return "no_pull_request"
        return "stored"

    async def _linked(self, words: str, asked: NewTask | Task, author: Person) -> list[NewGiven]:
        """The forge's pages that the words name, where their author may ask.

        Words out of an issue may be anybody's: they reach no other repository than their own.
        """
        found = find_links(plain(words), self._settings.forge.url)
        if asked.issue is not None:
            return [item for item in found if item.origin["name"] == asked.issue.repository]
        return [await self._allowed(item, asked.thread, author) for item in found]

    async def _allowed(self, item: NewGiven, thread: Thread | None, author: Person) -> NewGiven:
        """As it is, or with the reason why it is not read for this person."""
        gatekeeper = self.reader.gatekeeper(thread)
        if gatekeeper is None or thread is None:
            return item
        try:
            await gatekeeper.check_ask(item.origin["name"], author, thread.channel)
        except ThreadsmithError as error:
            return replace(item, note=error.brief[:300])
        return item

    def _source(self, repository: str | None, ref: str | None, archive: Path | None) -> Source:
        return make_source(self._settings.forge.url, repository, ref, archive)
