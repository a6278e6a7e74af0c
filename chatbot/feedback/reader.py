"""One look at a pull request: what is new since the last one, at the price of what changed.

Each list is asked for with the ETag of the last look, so that an unchanged one costs no quota.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chatbot.forge.errors import ForgeForbidden
from chatbot.forge.identity import Identity
from chatbot.forge.transport import Client
from chatbot.models import PullState

FAILED = frozenset({"failure", "timed_out", "startup_failure", "error"})
TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
SETTLE_SECONDS = 900.0
"""Failures are told together once all checks have ended, and in any case after this time."""
MAX_TOLD = 100
PAGE_SIZE = 100
_TEXT = 2000


@dataclass(kw_only=True)
class Look:
    """What one look found, and what the next one needs to know."""

    seen: dict[str, Any]
    state: PullState = "open"
    ended_by: str = ""
    branch: str = ""
    head: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    conflict: bool = False

    @property
    def is_news(self) -> bool:
        return bool(self.checks or self.remarks or self.conflict)

    def news(self) -> dict[str, Any]:
        return {
            "head": self.head,
            "checks": self.checks,
            "remarks": self.remarks,
            "conflict": self.conflict,
        }


class PullReader:
    """Reads pull requests of one forge."""

    def __init__(self, identity: Identity, *, clock: Callable[[], float] = time.time) -> None:
        self._identity = identity
        self._clock = clock

    async def look(self, repository: str, number: int, seen: dict[str, Any]) -> Look:
        client = await self._identity.client(repository)
        own = await self._identity.login()
        visit = _Visit(client, repository, copy.deepcopy(seen))
        look = Look(seen=visit.seen)
        pull = await visit.read(f"/pulls/{number}")
        if pull is not None:
            visit.seen["head"] = pull["head"]["sha"]
            visit.seen["branch"] = pull["head"]["ref"]
            if pull["state"] != "open":
                look.state = "merged" if pull.get("merged") else "closed"
                look.ended_by = str((pull.get("merged_by") or {}).get("login") or "")
            self._see_conflict(look, pull)
        look.head = str(visit.seen.get("head") or "")
        look.branch = str(visit.seen.get("branch") or "")
        if look.state == "open":
            await self._see_checks(visit, look)
        await self._see_remarks(visit, look, number, own)
        return look

    def _see_conflict(self, look: Look, pull: dict[str, Any]) -> None:
        """Told once for each pair of what does not go together."""
        pair = f"{pull['head']['sha']}:{pull['base']['sha']}"
        if pull.get("mergeable") is False and look.seen.get("conflict") != pair:
            look.seen["conflict"] = pair
            look.conflict = look.state == "open"

    async def _see_checks(self, visit: _Visit, look: Look) -> None:
        seen, head = look.seen, look.head
        runs = await visit.read(f"/commits/{head}/check-runs", keep="runs")
        status = await visit.read(f"/commits/{head}/status", keep="status")
        told = (runs or {}).get("check_runs") or []
        contexts = (status or {}).get("statuses") or []
        waits = [run for run in told if run.get("status") != "completed"]
        waits += [each for each in contexts if each.get("state") == "pending"]
        failed = [_check_run(run) for run in told if run.get("conclusion") in FAILED]
        failed += [_status(each) for each in contexts if each.get("state") in FAILED]
        if not failed:
            seen.pop("failing_since", None)
            return
        since = float(seen.setdefault("failing_since", self._clock()))
        if waits and self._clock() - since < SETTLE_SECONDS:
            return
        key = f"{head}:{','.join(sorted(check['name'] for check in failed))}"
        if seen.get("failed") != key:
            seen["failed"] = key
            look.checks = failed[:MAX_TOLD]

    async def _see_remarks(self, visit: _Visit, look: Look, number: int, own: str) -> None:
        places = (
            (f"/pulls/{number}/comments", "comments", _line_comment),
            (f"/pulls/{number}/reviews", "reviews", _review),
            (f"/issues/{number}/comments", "words", _comment),
        )
        for path, name, make in places:
            entries = await visit.read_list(path)
            last = int(look.seen.get(name) or 0)
            new = [entry for entry in entries if int(entry["id"]) > last]
            look.seen[name] = max([last, *(int(entry["id"]) for entry in new)])
            for entry in new:
                remark = make(entry)
                if remark is not None and remark["author"] != own:
                    look.remarks.append(remark)
        look.remarks = look.remarks[:MAX_TOLD]


class _Visit:
    """Conditional requests of one look; what an unchanged answer said is taken from ``seen``."""

    def __init__(self, client: Client, repository: str, seen: dict[str, Any]) -> None:
        self._client = client
        self._repository = repository
        self.seen = seen
        self._etags: dict[str, str] = dict(seen.get("etags") or {})
        self.seen["etags"] = self._etags

    async def read(self, path: str, *, keep: str = "") -> Any:
        """None where it is as it was; ``keep`` says under which name it is remembered then."""
        name = keep or path
        place, _, etag = self._etags.get(name, "").partition(" ")
        try:
            answer = await self._client.ask(
                "GET",
                f"/repos/{self._repository}{path}",
                name=self._repository,
                query={"per_page": PAGE_SIZE},
                etag=etag if place == path else "",
            )
        except ForgeForbidden:
            return None  # a right that this identity was not given: then nothing is told of it
        if not answer.is_unchanged:
            self._etags[name] = f"{path} {answer.etag}"
            if keep:
                self.seen[keep] = _short(answer.data)
        return self.seen.get(keep) if answer.is_unchanged and keep else answer.data

    async def read_list(self, path: str) -> list[dict[str, Any]]:
        """What stands on the last page that is known, and on those after it; oldest first."""
        pages: dict[str, int] = self.seen.setdefault("pages", {})
        found: list[dict[str, Any]] = []
        while True:
            number = pages.get(path, 1)
            place, _, etag = self._etags.get(path, "").partition(" ")
            answer = await self._client.ask(
                "GET",
                f"/repos/{self._repository}{path}",
                name=self._repository,
                query={"per_page": PAGE_SIZE, "page": number},
                etag=etag if place == f"{path}:{number}" else "",
            )
            if answer.is_unchanged:
                return found
            self._etags[path] = f"{path}:{number} {answer.etag}"
            found += answer.data
            if len(answer.data) < PAGE_SIZE:
                return found
            # A page that is full changes no more: what comes next stands on the one after it.
            pages[path] = number + 1


def _short(data: Any) -> Any:
    """Of checks, only what is looked at again."""
    runs = [
        {name: run.get(name) for name in ("name", "status", "conclusion", "html_url")}
        | {"output": {"summary": str((run.get("output") or {}).get("summary") or "")[:_TEXT]}}
        for run in data.get("check_runs") or ()
    ]
    statuses = [
        {name: each.get(name) for name in ("context", "state", "description", "target_url")}
        for each in data.get("statuses") or ()
    ]
    return {"check_runs": runs, "statuses": statuses}


def _check_run(run: dict[str, Any]) -> dict[str, Any]:
    summary = str((run.get("output") or {}).get("summary") or "")[:_TEXT]
    return {"name": str(run["name"]), "url": str(run.get("html_url") or ""), "summary": summary}


def _status(status: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": str(status["context"]),
        "url": str(status.get("target_url") or ""),
        "summary": str(status.get("description") or "")[:_TEXT],
    }


def _line_comment(entry: dict[str, Any]) -> dict[str, Any]:
    line = entry.get("line") or entry.get("original_line") or 0
    return _remark(entry, "comment") | {"path": str(entry.get("path") or ""), "line": int(line)}


def _review(entry: dict[str, Any]) -> dict[str, Any] | None:
    state, text = entry.get("state"), str(entry.get("body") or "").strip()
    if state == "APPROVED":
        return _remark(entry, "approval")
    # A review's remarks on lines come by themselves.
    return _remark(entry, "review") if text else None


def _comment(entry: dict[str, Any]) -> dict[str, Any] | None:
    # What programs write under a pull request is seldom for anybody here.
    is_bot = (entry.get("user") or {}).get("type") == "Bot"
    return None if is_bot else _remark(entry, "words")


def _remark(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": int(entry["id"]),
        "kind": kind,
        "author": str((entry.get("user") or {}).get("login") or "somebody"),
        "trusted": entry.get("author_association") in TRUSTED,
        "path": "",
        "line": 0,
        "text": str(entry.get("body") or "")[:_TEXT],
        "url": str(entry.get("html_url") or ""),
    }
