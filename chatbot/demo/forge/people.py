"""What people and programs do on the forge beside the agent: issues, reviews, checks, merges."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from chatbot.demo.forge.access import user_json
from chatbot.demo.forge.records import Check, Comment, Issue, IssueEvent, Pull, Review
from chatbot.demo.forge.repositories import Repository
from chatbot.demo.forge.webhooks import Webhooks


@dataclass(kw_only=True)
class People:
    """Each act is stored, and told to whoever has a webhook."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    webhooks: Webhooks = field(default_factory=Webhooks)

    async def open_issue(self, name: str, title: str, body: str, *, by: str) -> int:
        repository = self.repositories[name]
        issue = Issue(number=repository.next_number(), title=title, body=body, author=by)
        repository.issues.append(issue)
        await self._tell("issues", name, by, action="opened", issue=_named(issue))
        return issue.number

    async def label_issue(self, name: str, number: int, label: str, *, by: str) -> None:
        issue = self._issue(name, number)
        issue.labels.append(label)
        self._note(name, IssueEvent(id=0, number=number, event="labeled", actor=by, label=label))
        await self._tell(
            "issues", name, by, action="labeled", issue=_named(issue), label={"name": label}
        )

    async def assign_issue(self, name: str, number: int, login: str, *, by: str) -> None:
        issue = self._issue(name, number)
        issue.assignees.append(login)
        event = IssueEvent(id=0, number=number, event="assigned", actor=by, assignee=login)
        self._note(name, event)
        await self._tell("issues", name, by, action="assigned", issue=_named(issue))

    async def comment_on(self, name: str, number: int, words: str, *, by: str) -> int:
        """Under an issue or a pull request."""
        repository = self.repositories[name]
        comment = Comment(id=repository.next_id(), number=number, author=by, body=words)
        repository.comments.append(comment)
        issue = {"number": number}
        await self._tell("issue_comment", name, by, action="created", issue=issue)
        return comment.id

    async def check(
        self, name: str, number: int, check: str, conclusion: str | None, summary: str = ""
    ) -> None:
        """A program's verdict on the pull request's head; None: it is still at work."""
        repository, pull = self._pull(name, number)
        commit = await repository.commit_of(f"refs/heads/{pull.head}") or ""
        repository.checks.append(
            Check(
                id=repository.next_id(),
                name=check,
                commit=commit,
                status="in_progress" if conclusion is None else "completed",
                conclusion=conclusion,
                summary=summary,
            )
        )
        run = {"head_sha": commit, "pull_requests": [{"number": number}]}
        action = "created" if conclusion is None else "completed"
        await self._tell("check_run", name, "checks[bot]", action=action, check_run=run)

    async def review(
        self,
        name: str,
        number: int,
        *,
        by: str,
        words: str = "",
        state: str = "COMMENTED",
        lines: tuple[tuple[str, int, str], ...] = (),
    ) -> list[int]:
        """With remarks on lines; answers their ids."""
        repository, pull = self._pull(name, number)
        commit = await repository.commit_of(f"refs/heads/{pull.head}") or ""
        review = Review(id=repository.next_id(), author=by, state=state, body=words)
        pull.reviews.append(review)
        made = [
            Comment(
                id=repository.next_id(),
                number=number,
                author=by,
                body=remark,
                path=path,
                line=line,
                commit=commit,
            )
            for path, line, remark in lines
        ]
        pull.review_comments += made
        await self._tell(
            "pull_request_review", name, by, action="submitted", pull_request={"number": number}
        )
        return [comment.id for comment in made]

    async def close_pull(self, name: str, number: int, *, by: str = "ada") -> None:
        _, pull = self._pull(name, number)
        pull.state = "closed"
        await self.tell_closed(name, pull, by)

    async def tell_closed(self, name: str, pull: Pull, by: str) -> None:
        pull.updated_at = time.time()
        told = {"number": pull.number, "merged": pull.merged}
        await self._tell("pull_request", name, by, action="closed", pull_request=told)

    def _issue(self, name: str, number: int) -> Issue:
        return next(i for i in self.repositories[name].issues if i.number == number)

    def _pull(self, name: str, number: int) -> tuple[Repository, Pull]:
        repository = self.repositories[name]
        return repository, next(p for p in repository.pulls if p.number == number)

    def _note(self, name: str, event: IssueEvent) -> None:
        repository = self.repositories[name]
        event.id = repository.next_id()
        repository.issue_events.append(event)

    async def _tell(self, event: str, name: str, by: str, **payload: Any) -> None:
        about = {"repository": {"full_name": name}, "sender": user_json(by)}
        await self.webhooks.send(event, {**payload, **about})


def _named(issue: Issue) -> dict[str, Any]:
    return {"number": issue.number, "title": issue.title}
