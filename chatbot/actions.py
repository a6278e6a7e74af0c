"""The only functions that change a task: check, store in one transaction, wake the others.

Each takes the task through the one transition table and appends what happened to its story.
Nothing outside (Slack, Docker, the forge) is touched here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.attempts import is_undecided
from chatbot.changes import EmptyRequest, failure, who
from chatbot.edit_changes import EditChanges
from chatbot.gate_changes import GateChanges
from chatbot.history import delivery, given, muting, queries, said
from chatbot.models import (
    Message,
    NewTask,
    Person,
    Status,
    Task,
    TransitionRefused,
)
from chatbot.publish_changes import PublishChanges
from chatbot.pull_changes import PullChanges
from chatbot.run_changes import RunChanges
from chatbot.setup_changes import SetupChanges
from chatbot.source_changes import SourceChanges
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome


class SecondPersonNeeded(ThreadsmithError):
    """Somebody else has to approve this."""

    code = "second_person_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions(
    RunChanges, SetupChanges, PublishChanges, PullChanges, GateChanges, SourceChanges, EditChanges
):
    """Every change of a task: what people cause is here, what the program reports in the bases."""

    async def create_task(
        self, new: NewTask, *, owner: str | None = None, along: Sequence[given.NewGiven] = ()
    ) -> tuple[Task, bool]:
        """Store the request with its first run; the same key again gives the task it made.

        ``owner`` reserves the run for one process (the command line's own); ``along`` is what was
        given with the words.
        """
        return await self.history.write(lambda db: self._create(db, new, owner, along))

    async def refuse_task(
        self, new: NewTask, error: ThreadsmithError, *, along: Sequence[given.NewGiven] = ()
    ) -> Task:
        """Store a request that could not even begin, with the reason, so that nothing is lost."""

        def change(db: Database) -> Task:
            task, created = self._create(db, new, None, along)
            if created:
                run = queries.newest_run(db, task.id)
                self._finish(db, task, run, failure("request", error))
            return queries.get_task(db, task.id)

        return await self.history.write(change)

    async def add_message(
        self,
        task_id: str,
        author: Person,
        text: str,
        *,
        key: str | None = None,
        along: Sequence[given.NewGiven] = (),
    ) -> Message | None:
        """A person's follow-up: it reaches the live run, or starts the next one.

        None where the same key was stored before. While the pull request is being made the
        message waits; the run starts right after.
        """
        if not text.strip():
            raise EmptyRequest
        now = self.clock()

        def change(db: Database) -> Message | None:
            task = queries.get_task(db, task_id)
            run = queries.newest_run(db, task_id)
            live = run.finished_at is None
            message = queries.add_message(
                db,
                task_id=task_id,
                kind="message",
                author=author,
                text=text,
                at=now,
                key=key,
                run_id=run.id if live else None,
            )
            if message is None:
                return None
            payload = {"message_id": message.id, "author": who(author), "text": text, "key": key}
            if along:
                payload["given"] = given.add(db, task_id, message.id, author.name, along)
            queries.append_event(db, task_id, "message_received", payload, at=now)
            # Without a repository there is nothing to begin: it is kept until one is named; and
            # before one of several attempts is chosen, there is nothing to go on from.
            held = is_undecided(task, queries.task_runs(db, task_id)) or not task.source.repository
            if not live and task.status != Status.PUBLISHING and not held:
                self._take_up(db, task)
            return message

        return await self.history.write(change)

    async def set_muted(self, task_id: str, by: Person, *, on: bool) -> None:
        """Replies in the thread are for the people there, until the bot is named again."""
        now = self.clock()

        def change(db: Database) -> None:
            if muting.is_muted(db, task_id) != on:
                kind = "muted" if on else "unmuted"
                queries.append_event(db, task_id, kind, {"by": who(by)}, at=now)

        await self.history.write(change)

    async def answer(self, task_id: str, seq: int, option: int, by: Person) -> None:
        """One of the answers that a question of the agent offered; once, while it is open."""

        def find(db: Database) -> tuple[str, str]:
            events = queries.task_events(db, task_id, after_seq=seq - 1)
            asked = events[0] if events and events[0].kind == "question" else None
            if asked is None or any(event.kind == "question_closed" for event in events):
                raise TransitionRefused("This question is closed.")
            options = asked.payload["options"]
            if not 0 <= option < len(options):
                raise TransitionRefused("There is no such answer.")
            return str(options[option]), f"answer:{task_id}:{seq}"

        text, key = await self.history.read(find)
        if await self.add_message(task_id, by, text, key=key) is None:
            raise TransitionRefused("Somebody has answered already.")

    async def stop_task(
        self, task_id: str, by: Person, *, key: str | None = None, why: str = ""
    ) -> bool:
        """Ask the live run to end; False where there is none. A queued run ends here and now.

        ``why``: what it was, where nobody said stop.
        """
        now = self.clock()

        def change(db: Database) -> bool:
            task = queries.get_task(db, task_id)
            run = queries.newest_run(db, task_id)
            if run.finished_at is not None:
                return False
            message = queries.add_message(
                db,
                task_id=task_id,
                kind="stop",
                author=by,
                text="",
                at=now,
                key=key,
                run_id=run.id,
            )
            if message is None:
                return True
            payload: dict[str, Any] = {"run_id": run.id, "by": who(by), "key": key}
            if why:
                payload["why"] = why
            queries.append_event(db, task_id, "stop_requested", payload, at=now)
            if run.started_at is None:
                self._finish(db, task, run, Outcome(kind="stopped", summary="Nothing was begun."))
            return True

        return await self.history.write(change)

    async def first_sight(self, key: str) -> bool:
        """Remember that what carries this key was taken; False where it was before."""
        now = self.clock()
        return await self.history.write(lambda db: delivery.first_sight(db, key, at=now))

    async def approve(self, approval_id: str, by: Person, *, revision: int | None = None) -> Task:
        """Let the exact patch the approval names be published; refused once settled or void.

        ``revision``: what the person saw of its edits.
        """
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id, revision)
            if task.status != Status.READY or task.patch_sha256 != approval.patch_sha256:
                raise TransitionRefused("A newer patch has taken this one's place.")
            if self.rules(task.source.repository).second_person:
                self._check_second(db, task, by)
            task = self._move(db, task, Status.PUBLISHING)
            self._settle(db, approval, "approved", by, now, status=task.status)
            return task

        return await self.history.write(change)

    def _check_second(self, db: Database, task: Task, by: Person) -> None:
        sensitive = self._sensitive(db, task)
        asked = {run.author.id for run in queries.task_runs(db, task.id)} | {task.author.id}
        # Whoever steered a run asked for what it did, too.
        asked |= said.authors(db, task.id)
        if sensitive and by.id in asked:
            raise SecondPersonNeeded(
                f"It changes sensitive files ({', '.join(sensitive[:3])}): somebody who did not "
                "ask for it has to approve."
            )

    async def ask_update(self, task_id: str, by: Person, *, key: str | None = None) -> None:
        """Bring the work onto its base branch as it is now: a run that resolves what conflicts."""
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            if queries.newest_run(db, task_id).finished_at is None:
                raise TransitionRefused("A run is under way; press again when it has ended.")
            if task.status == Status.PUBLISHING or task.patch_sha256 is None:
                raise TransitionRefused("There is nothing to bring up to date.")
            base = self.rules(task.source.repository).base or task.branch or "HEAD"
            message = queries.add_message(
                db, task_id=task_id, kind="update", author=by, text=base, at=now, key=key
            )
            if message is None:
                return
            payload = {"message_id": message.id, "by": who(by), "onto": base}
            queries.append_event(db, task_id, "update_asked", payload, at=now)
            self._take_up(db, task)

        await self.history.write(change)

    async def discard(self, approval_id: str, by: Person) -> Task:
        """End the task without publishing; the patch is kept."""
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id)
            task = self._move(db, replace(task, outcome="discarded"), Status.DONE)
            self._settle(db, approval, "discarded", by, now, status=task.status)
            return task

        return await self.history.write(change)

    async def request_changes(
        self, approval_id: str, by: Person, text: str, *, key: str | None = None
    ) -> Task:
        """Settle the approval with a follow-up instead."""
        if not text.strip():
            raise EmptyRequest
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id)
            message = queries.add_message(
                db, task_id=task.id, kind="message", author=by, text=text, at=now, key=key
            )
            if message is not None:
                self._settle(db, approval, "changes", by, now)
                payload = {"message_id": message.id, "author": who(by), "text": text, "key": key}
                queries.append_event(db, task.id, "message_received", payload, at=now)
                self._take_up(db, task)
            return queries.get_task(db, task.id)

        return await self.history.write(change)
