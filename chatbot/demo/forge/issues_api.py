"""GitHub's REST API of issues: their labels, people, comments and what happened to them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import user_json
from chatbot.demo.forge.answers import conditional, json_response, page, stamp
from chatbot.demo.forge.api import BASE, Api, body
from chatbot.demo.forge.records import Comment, Issue, IssueEvent, Pull
from chatbot.demo.forge.repositories import Repository

ISSUE = BASE + "/issues/{number:\\d+}"


class IssueApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(BASE + "/issues/events", self.events),
            web.get(BASE + "/issues/comments", self.all_comments),
            web.get(ISSUE, self.issue),
            web.get(ISSUE + "/comments", self.comments),
            web.post(ISSUE + "/comments", self.comment),
            web.post(ISSUE + "/labels", self.label),
        ]

    async def events(self, request: web.Request) -> web.Response:
        """Of all issues, the newest first."""
        repository, _ = self._readable(request, "issues")
        newest = reversed(repository.issue_events)
        return page(request, [self._event_json(repository, event) for event in newest])

    async def issue(self, request: web.Request) -> web.Response:
        repository, issue, _ = self._find_issue(request)
        return conditional(request, self.issue_json(repository, issue))

    async def all_comments(self, request: web.Request) -> web.Response:
        """Of all issues and pull requests, the newest first where it is asked for."""
        repository, _ = self._readable(request, "issues")
        found = repository.comments
        if request.query.get("direction") == "desc":
            found = list(reversed(found))
        return page(request, [self.comment_json(repository, comment) for comment in found])

    async def comments(self, request: web.Request) -> web.Response:
        repository, issue, _ = self._find_issue(request)
        found = [comment for comment in repository.comments if comment.number == issue.number]
        return page(request, [self.comment_json(repository, comment) for comment in found])

    async def comment(self, request: web.Request) -> web.Response:
        repository, issue, identity = self._find_issue(request, "write")
        given = await body(request)
        comment = Comment(
            id=repository.next_id(),
            number=issue.number,
            author=identity.login if identity else "",
            body=str(given.get("body", "")),
        )
        repository.comments.append(comment)
        return json_response(self.comment_json(repository, comment), status=201)

    async def label(self, request: web.Request) -> web.Response:
        _, issue, _ = self._find_issue(request, "write")
        given = await body(request)
        issue.labels += [str(name) for name in given.get("labels") or ()]
        return json_response([{"name": name} for name in issue.labels])

    def issue_json(self, repository: Repository, issue: Issue | Pull) -> dict[str, Any]:
        kind = "pull" if isinstance(issue, Pull) else "issues"
        found: dict[str, Any] = {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "user": user_json(issue.author),
            "author_association": self._association(repository, issue.author),
            "labels": [{"name": name} for name in issue.labels],
            "assignees": [user_json(login) for login in getattr(issue, "assignees", ())],
            "html_url": f"{self._html_url(repository)}/{kind}/{issue.number}",
            "created_at": stamp(issue.created_at),
        }
        if isinstance(issue, Pull):
            found["pull_request"] = {"url": f"{self._api_url(repository)}/pulls/{issue.number}"}
        return found

    def comment_json(self, repository: Repository, comment: Comment) -> dict[str, Any]:
        place = f"issues/{comment.number}"
        return {
            "id": comment.id,
            "body": comment.body,
            "user": user_json(comment.author),
            "author_association": self._association(repository, comment.author),
            "created_at": stamp(comment.created_at),
            "issue_url": f"{self._api_url(repository)}/{place}",
            "html_url": f"{self._html_url(repository)}/{place}#issuecomment-{comment.id}",
        }

    def _event_json(self, repository: Repository, event: IssueEvent) -> dict[str, Any]:
        issue = next(i for i in repository.issues if i.number == event.number)
        found: dict[str, Any] = {
            "id": event.id,
            "event": event.event,
            "actor": user_json(event.actor),
            "created_at": stamp(event.created_at),
            "issue": self.issue_json(repository, issue),
        }
        if event.label:
            found["label"] = {"name": event.label}
        if event.assignee:
            found["assignee"] = user_json(event.assignee)
            found["assigner"] = user_json(event.actor)
        return found
