"""What people change of what they said: replaced before it was heard, told to the run later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sqlite_utils import Database

from chatbot.changes import Changes, EmptyRequest, who
from chatbot.history import queries
from chatbot.history import said as said_rows
from chatbot.models import Message, Person, Run, Source, Task
from sandbox.recorder import Outcome

Edited = Literal["replaced", "told", "late"]
"""``late``: what it was about has ended, and nothing was changed."""

EDITED_REQUEST = "I have edited my request. It now reads:\n\n{}"
EDITED_MESSAGE = "I have edited an earlier message of mine. It now reads:\n\n{}"
WITHDRAWN = "I have deleted an earlier message of mine; do not follow it any further. It was:\n\n{}"
QUOTED_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class EditChanges(Changes):
    """``said`` is the key of the message that was changed; None: the request itself."""

    async def edit_said(
        self, task_id: str, said: str | None, text: str, by: Person, *, key: str
    ) -> Edited:
        if not text.strip():
            raise EmptyRequest

        def change(db: Database) -> Edited:
            task, run = queries.get_task(db, task_id), queries.newest_run(db, task_id)
            if run.finished_at is not None:
                return "late"
            if said is None:
                return self._edit_request(db, task, run, text, by, key)
            message = said_rows.find_message(db, said)
            if message is None or message.run_id != run.id or message.text == text:
                return "late"
            if run.started_at is not None:
                return self._tell(db, task, run, EDITED_MESSAGE.format(text), by, key)
            self._replace_message(db, run, message, text, by)
            return "replaced"

        return await self.history.write(change)

    async def withdraw_said(self, task_id: str, said: str, by: Person, *, key: str) -> Edited:
        """A follow-up was deleted; a queued run that has nothing else to do ends."""

        def change(db: Database) -> Edited:
            task, run = queries.get_task(db, task_id), queries.newest_run(db, task_id)
            message = said_rows.find_message(db, said)
            if message is None or message.run_id != run.id or run.finished_at is not None:
                return "late"
            if run.started_at is not None:
                text = WITHDRAWN.format(message.text[:QUOTED_CHARACTERS])
                return self._tell(db, task, run, text, by, key)
            if run.request.strip() == message.text.strip():
                payload = {"run_id": run.id, "by": who(by), "key": None, "why": "deleted"}
                queries.append_event(db, task.id, "stop_requested", payload, at=self.clock())
                self._finish(db, task, run, Outcome(kind="stopped", summary="Nothing was begun."))
            else:
                self._replace_message(db, run, message, "", by)
            return "replaced"

        return await self.history.write(change)

    async def begin_elsewhere(
        self, task_id: str, source: Source, text: str, by: Person, *, key: str
    ) -> bool:
        """The edited request names another repository; False where the run was begun already."""
        now = self.clock()

        def change(db: Database) -> bool:
            task, run = queries.get_task(db, task_id), queries.newest_run(db, task_id)
            if run.number != 1 or run.started_at is not None or run.finished_at is not None:
                return False
            stop = {"run_id": run.id, "by": who(by), "key": None, "why": "edited"}
            queries.append_event(db, task.id, "stop_requested", stop, at=now)
            self._finish(db, task, run, Outcome(kind="stopped", summary="Nothing was begun."))
            task = replace(queries.get_task(db, task_id), source=source, request=text)
            self._store(db, task)
            named = {"repository": source.repository, "ref": source.ref, "by": who(by)}
            queries.append_event(db, task.id, "source_named", named, at=now)
            message = queries.add_message(
                db, task_id=task_id, kind="message", author=by, text=text, at=now, key=key
            )
            if message is not None:
                said = {"message_id": message.id, "author": who(by), "text": text, "key": key}
                queries.append_event(db, task.id, "message_received", said, at=now)
            self._take_up(db, queries.get_task(db, task_id))
            return True

        return await self.history.write(change)

    def _edit_request(
        self, db: Database, task: Task, run: Run, text: str, by: Person, key: str
    ) -> Edited:
        if run.number != 1 or task.request == text:
            return "late"
        if run.started_at is not None:
            return self._tell(db, task, run, EDITED_REQUEST.format(text), by, key)
        queries.update_run(db, replace(run, request=text))
        self._store(db, replace(task, request=text))
        payload = {"run_id": run.id, "text": text, "by": who(by)}
        queries.append_event(db, task.id, "request_edited", payload, at=self.clock())
        return "replaced"

    def _replace_message(
        self, db: Database, run: Run, message: Message, text: str, by: Person
    ) -> None:
        """It waits, or is a part of a request that waits."""
        said_rows.set_message_text(db, message.id, text, heard_at=None if text else self.clock())
        if message.delivered_at is not None:
            request = run.request.replace(message.text, text, 1).strip()
            queries.update_run(db, replace(run, request=request))
        payload = {"run_id": run.id, "message_id": message.id, "text": text, "by": who(by)}
        queries.append_event(db, run.task_id, "message_edited", payload, at=self.clock())

    def _tell(self, db: Database, task: Task, run: Run, text: str, by: Person, key: str) -> Edited:
        now = self.clock()
        message = queries.add_message(
            db,
            task_id=task.id,
            kind="message",
            author=by,
            text=text,
            at=now,
            key=key,
            run_id=run.id,
        )
        if message is not None:
            payload = {"message_id": message.id, "author": who(by), "text": text, "key": key}
            queries.append_event(db, task.id, "message_received", payload, at=now)
        return "told"
