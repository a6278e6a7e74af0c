"""What becomes of a pull request once it stands: what is said of it, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.changes import SYSTEM, Changes, who
from chatbot.history import pulls, queries
from chatbot.models import Person, PullState, Status, Task, TransitionRefused
from sandbox.errors import ThreadsmithError

_WORDS = 4000
"""Of one remark or check, as the agent is given it."""


class NoPullRequest(ThreadsmithError):
    """There is no open pull request here."""

    code = "no_pull_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullChanges(Changes):
    """Used by whoever watches pull requests, and by people who answer what is told of them."""

    async def record_seen(self, repository: str, number: int, seen: dict[str, Any]) -> None:
        """Nothing new, read so far."""

        def change(db: Database) -> None:
            pull = pulls.find(db, repository, number)
            if pull is not None:
                pulls.put(db, replace(pull, seen=seen))

        await self.history.write(change)

    async def record_feedback(
        self, repository: str, number: int, news: dict[str, Any], seen: dict[str, Any]
    ) -> None:
        """Failed checks, remarks, a conflict: told once, and taken up where that is allowed."""
        now = self.clock()

        def change(db: Database) -> None:
            pull = pulls.find(db, repository, number)
            if pull is None:
                return
            task = queries.get_task(db, pull.task_id)
            rules = self.rules(repository)
            wanted = rules.autofix if pull.autofix is None else pull.autofix
            can_fix = wanted and is_fixable(news, trusted=True)
            is_capped = can_fix and pull.rounds >= rules.fix_rounds
            payload = {**news, "repository": repository, "number": number, "capped": is_capped}
            seq = queries.append_event(db, task.id, "feedback", payload, at=now)
            pull = replace(pull, seen=seen)
            if can_fix and not is_capped:
                pull = replace(pull, rounds=pull.rounds + 1)
                self._ask_fix(db, task, seq, news, SYSTEM, trusted=True)
            pulls.put(db, pull)

        await self.history.write(change)

    async def ask_fix(self, task_id: str, seq: int, by: Person) -> None:
        """Somebody wants what was told there to be mended; once."""

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            told = next((e for e in queries.task_events(db, task_id) if e.seq == seq), None)
            if told is None or told.kind != "feedback":
                raise TransitionRefused("There is nothing to fix here.")
            earlier = [
                event.payload["by"]["name"]
                for event in queries.task_events(db, task_id, after_seq=seq)
                if event.kind == "fix_asked" and event.payload["seq"] == seq
            ]
            if earlier:
                raise TransitionRefused(f"This was taken up already (by {earlier[0]}).")
            pull = pulls.find(db, task.source.repository, told.payload["number"])
            if pull is not None:
                pulls.put(db, replace(pull, rounds=0))
            self._ask_fix(db, task, seq, told.payload, by, trusted=False)

        await self.history.write(change)

    async def set_autofix(
        self, task_id: str, by: Person, *, on: bool, key: str | None = None
    ) -> None:
        """For the task's pull request, whatever the repository's rule is."""
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            number = task.pull_request.number if task.pull_request else 0
            pull = pulls.find(db, task.source.repository, number)
            if pull is None or pull.state != "open":
                raise NoPullRequest
            pulls.put(db, replace(pull, autofix=on, rounds=0))
            payload = {"on": on, "by": who(by), "key": key, "number": number}
            queries.append_event(db, task_id, "autofix_set", payload, at=now)

        await self.history.write(change)

    async def pull_ended(
        self, repository: str, number: int, state: PullState, *, by: str, branch_removed: bool
    ) -> None:
        """Merged or closed: the task has come to its end."""
        now = self.clock()

        def change(db: Database) -> None:
            pull = pulls.find(db, repository, number)
            if pull is None or pull.state == state:
                return
            pulls.put(db, replace(pull, state=state))
            task = queries.get_task(db, pull.task_id)
            known = task.pull_request
            if known is not None and known.number == number:
                self._store(db, replace(task, pull_request=replace(known, state=state)))
            payload = {
                "repository": repository,
                "number": number,
                "state": state,
                "by": by,
                "branch_removed": branch_removed,
                "url": known.url if known else "",
            }
            queries.append_event(db, pull.task_id, "pull_ended", payload, at=now)

        await self.history.write(change)

    def _ask_fix(
        self,
        db: Database,
        task: Task,
        seq: int,
        news: dict[str, Any],
        by: Person,
        *,
        trusted: bool,
    ) -> None:
        now = self.clock()
        run = queries.newest_run(db, task.id)
        is_live = run.finished_at is None
        text = fix_words(news, trusted=trusted)
        message = queries.add_message(
            db,
            task_id=task.id,
            kind="message",
            author=by,
            text=text,
            at=now,
            key=f"fix:{task.id}:{seq}",
            run_id=run.id if is_live else None,
        )
        if message is None:
            return
        payload = {"message_id": message.id, "author": who(by), "text": text, "key": None}
        queries.append_event(db, task.id, "message_received", payload, at=now)
        comments = [remark["id"] for remark in _remarks(news, trusted=trusted) if remark["path"]]
        asked = {"seq": seq, "comments": comments, "by": who(by)}
        queries.append_event(db, task.id, "fix_asked", asked, at=now)
        if not is_live and task.status != Status.PUBLISHING:
            self._take_up(db, task)


def is_fixable(news: dict[str, Any], *, trusted: bool) -> bool:
    """Whether there is anything to do; ``trusted``: of people who may write there alone."""
    return bool(news.get("checks") or _remarks(news, trusted=trusted))


def fix_words(news: dict[str, Any], *, trusted: bool) -> str:
    """What the agent is asked; the words of others stand in quotation."""
    parts = ["Work on what was found in the pull request."]
    for check in news.get("checks") or ():
        said = str(check.get("summary") or "").strip()[:_WORDS]
        parts.append(
            f"The check `{check['name']}` failed." + (f"\n{_quoted(said)}" if said else "")
        )
    for remark in _remarks(news, trusted=trusted):
        place = f" on {remark['path']}:{remark['line']}" if remark["path"] else ""
        parts.append(f"{remark['author']} wrote{place}:\n{_quoted(str(remark['text'])[:_WORDS])}")
    parts.append(
        "Change what these ask for where they are right; say in the summary where they are not."
    )
    return "\n\n".join(parts)


def _remarks(news: dict[str, Any], *, trusted: bool) -> list[dict[str, Any]]:
    return [
        remark
        for remark in news.get("remarks") or ()
        if remark["kind"] != "approval" and (remark["trusted"] or not trusted)
    ]


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
