"""Which repository a task works in: asked for where the words do not say, and named by a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.changes import NOTHING, Changes, EmptyRequest, failure, who
from chatbot.history import given, queries, spending
from chatbot.models import Choice, Event, NewTask, Person, Source, Status, Task, TransitionRefused
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome

ANSWER_SECONDS = 24 * 3600.0
"""How long the question stands; a reply names the repository at any time."""


_UNBEGUN = frozenset({Status.FAILED, Status.STOPPED})
"""Where a task stands whose repository is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanges(Changes):
    """A task without a repository has ended before it began; naming one begins it."""

    async def ask_repository(
        self,
        new: NewTask,
        error: ThreadsmithError,
        likely: Sequence[str],
        *,
        suggests: bool = False,
        along: Sequence[given.NewGiven] = (),
    ) -> Task:
        """Store the request with the question that has to be answered first.

        ``suggests``: a model is to be asked as well.
        """

        def change(db: Database) -> Task:
            task, created = self._create(db, new, None, along)
            if created:
                run = queries.newest_run(db, task.id)
                self._put_question(db, task, error.brief, likely, suggests=suggests)
                self._finish(db, task, run, failure("request", error))
                self._set_deadline(db, task.id)
            return queries.get_task(db, task.id)

        return await self.history.write(change)

    async def ask_repository_again(self, task_id: str, by: Person) -> None:
        """Nobody had answered in time: the same question stands once more."""

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            events = queries.task_events(db, task_id)
            asked = [e for e in events if e.kind in {"repository_asked", "repository_unanswered"}]
            if task.source.repository or not asked or task.status not in _UNBEGUN:
                raise TransitionRefused(_named_words(events))
            if asked[-1].kind == "repository_asked":
                raise TransitionRefused("It is asked already.")
            question = next(e.payload for e in reversed(asked) if e.kind == "repository_asked")
            self._put_question(db, task, question["question"], question["likely"], by)
            self._set_deadline(db, task_id)

        await self.history.write(change)

    def _put_question(
        self,
        db: Database,
        task: Task,
        question: str,
        likely: Sequence[str],
        by: Person | None = None,
        *,
        suggests: bool = False,
    ) -> None:
        now = self.clock()
        payload: dict[str, Any] = {
            "question": question,
            "likely": list(likely),
            "expires_at": now + ANSWER_SECONDS,
        }
        if by is not None:
            payload["by"] = who(by)
        if suggests:
            payload["suggests"] = True
        queries.append_event(db, task.id, "repository_asked", payload, at=now)

    def _set_deadline(self, db: Database, task_id: str) -> None:
        task = queries.get_task(db, task_id)
        self._store(db, replace(task, deadline_at=self.clock() + ANSWER_SECONDS))

    async def record_suggestion(self, task_id: str, name: str, told: dict[str, Any]) -> None:
        """What a model thinks of the question, empty: it does not know; what it took is counted.

        ``told``: its `model`, `usage` and `cost_usd`, or `why` it said nothing.
        """
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            if "usage" in told:
                spending.add(db, task, queries.task_runs(db, task_id)[0], told, at=now)
            payload = {"repository": name, **told}
            queries.append_event(db, task_id, "repository_suggested", payload, at=now)

        await self.history.write(change)

    async def name_repository(
        self,
        task_id: str,
        source: Source,
        by: Person,
        *,
        words: str = "",
        key: str | None = None,
        pressed: bool = False,
        along: Sequence[given.NewGiven] = (),
    ) -> bool:
        """Begin the work there, with what was said meanwhile and ``words``; False: known already.

        ``pressed``: by a button of the question, which may have expired.
        """
        now = self.clock()

        def change(db: Database) -> bool:
            task = queries.get_task(db, task_id)
            if task.source.repository or task.status not in _UNBEGUN:
                raise TransitionRefused(_named_words(queries.task_events(db, task_id)))
            if pressed and now > _expiry(db, task_id):
                raise TransitionRefused(
                    "This question is too old.",
                    resolution="Press Ask again, or reply with the repository.",
                )
            if key is not None:
                text = words or source.repository
                message = queries.add_message(
                    db, task_id=task_id, kind="message", author=by, text=text, at=now, key=key
                )
                if message is None:
                    return False
                told = {"message_id": message.id, "author": who(by), "text": text, "key": key}
                if along:
                    told["given"] = given.add(db, task_id, message.id, by.name, along)
                queries.append_event(db, task_id, "message_received", told, at=now)
            held = queries.pending_messages(db, task_id)
            payload = {
                "repository": source.repository,
                "ref": source.ref,
                "by": who(by),
                "from": _rule(db, task_id, source, pressed=pressed),
            }
            self._move(db, replace(task, source=source), Status.QUEUED)
            queries.append_event(db, task_id, "source_named", payload, at=now)
            # A bare name was the answer, and is nothing to do.
            said = [m.text for m in held if not (m.key == key and not words)]
            asked = [] if task.request == NOTHING else [task.request]
            request = "\n\n".join(dict.fromkeys([*asked, *said]))
            if not request:
                raise EmptyRequest
            run = self._queue_run(db, queries.get_task(db, task_id), request, task.author)
            queries.mark_delivered(db, [message.id for message in held], run.id, now)
            return True

        return await self.history.write(change)

    async def change_task(
        self, task_id: str, choice: Choice, by: Person, *, key: str | None = None
    ) -> None:
        """Begin the work anew with another choice; a live run is stopped first.

        Refused once there is a pull request: that is somebody's already.
        """
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            run = queries.newest_run(db, task_id)
            check_change(task)
            message = queries.add_message(
                db,
                task_id=task_id,
                kind="change",
                author=by,
                text=json.dumps(asdict(choice)),
                at=now,
                key=key,
            )
            if message is None:
                return
            payload = {
                "run_id": run.id,
                "repository": choice.source.repository,
                "by": who(by),
            }
            queries.append_event(db, task_id, "change_asked", payload, at=now)
            if run.finished_at is not None:
                self._begin_anew(db, task)
            elif run.started_at is None:
                self._finish(db, task, run, Outcome(kind="stopped", summary="Nothing was begun."))
            else:
                queries.add_message(
                    db,
                    task_id=task_id,
                    kind="stop",
                    author=by,
                    text="",
                    at=now,
                    key=None,
                    run_id=run.id,
                )
                told = {"run_id": run.id, "by": who(by), "key": None}
                queries.append_event(db, task_id, "stop_requested", told, at=now)

        await self.history.write(change)


def check_change(task: Task) -> None:
    """Raise TransitionRefused where a task cannot be begun anew with another choice.

    A pull request is others' already: what is wanted elsewhere is another task.
    """
    if task.source.kind != "git" or not task.source.repository:
        raise TransitionRefused("This task works on no repository.")
    if task.pull_request is not None or task.status == Status.PUBLISHING:
        raise TransitionRefused(
            "It has a pull request already, so it stays where it is.",
            resolution="Ask for it in a new thread.",
        )


def _named_words(events: Sequence[Event]) -> str:
    """Who was quicker."""
    named = [event.payload for event in events if event.kind == "source_named"]
    if not named:
        return "The repository was named already."
    name = (named[-1].get("by") or {}).get("name") or "Somebody"
    return f"{name} has named the repository already: {named[-1]['repository']}."


def _rule(db: Database, task_id: str, source: Source, *, pressed: bool) -> str:
    """Which one led to the repository, see `chatbot.request.resolving`."""
    if not pressed:
        return "named"
    events = queries.task_events(db, task_id)
    said = [e.payload["repository"] for e in events if e.kind == "repository_suggested"]
    return "model" if source.repository in said else "picked"


def _expiry(db: Database, task_id: str) -> float:
    asked = [e for e in queries.task_events(db, task_id) if e.kind == "repository_asked"]
    return float(asked[-1].payload["expires_at"]) if asked else 0.0
