"""GitHub's REST API of pull requests: opened, changed, reviewed, checked and merged."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import user_json
from chatbot.demo.forge.answers import conditional, json_response, page, raised, refusal, stamp
from chatbot.demo.forge.api import BASE, Api, body
from chatbot.demo.forge.records import Comment, Pull
from chatbot.demo.forge.repositories import Repository

PULL = BASE + "/pulls/{number:\\d+}"


class PullApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(BASE + "/pulls", self.pulls),
            web.post(BASE + "/pulls", self.create),
            web.get(PULL, self.pull),
            web.patch(PULL, self.edit),
            web.put(PULL + "/merge", self.merge),
            web.get(PULL + "/files", self.files),
            web.get(PULL + "/reviews", self.reviews),
            web.get(PULL + "/comments", self.comments),
            web.post(PULL + "/comments/{comment:\\d+}/replies", self.reply),
            web.post(PULL + "/requested_reviewers", self.request_reviewers),
            web.get(BASE + "/commits/{ref:.+}/check-runs", self.check_runs),
            web.get(BASE + "/commits/{ref:.+}/status", self.status),
            web.get(BASE + "/commits/{ref:.+}", self.commit),
        ]

    async def pulls(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "pull_requests")
        state = request.query.get("state", "open")
        owner, _, head = request.query.get("head", "").rpartition(":")
        base = request.query.get("base")
        chosen = [
            pull
            for pull in reversed(repository.pulls)
            if (state in {"all", pull.state})
            and (not head or (pull.head == head and owner == _head_owner(repository, pull)))
            and (not base or pull.base == base)
        ]
        return page(request, [await self._pull_json(repository, pull) for pull in chosen])

    async def pull(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request)
        found = await self._pull_json(repository, pull)
        found["mergeable"] = await repository.is_mergeable(pull) if pull.state == "open" else None
        return conditional(request, found)

    async def files(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request)
        head = await repository.head_of(pull) or ""
        return page(request, await repository.changes(await repository.merge_base(pull), head))

    async def create(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        given = await body(request)
        owner, _, head = str(given.get("head", "")).rpartition(":")
        base = str(given.get("base", ""))
        source = repository
        if owner and owner != repository.name.partition("/")[0]:
            name = repository.name.partition("/")[2]
            source = self._forge.repositories.get(f"{owner}/{name}") or repository
        if source is repository:
            # Whoever may read may offer what is in a fork of theirs.
            self._readable(request, "pull_requests", "write")
        elif identity is None:
            return refusal(401, "Requires authentication")
        errors = [
            {"resource": "PullRequest", "field": field, "code": "invalid"}
            for field, name, place in (("head", head, source), ("base", base, repository))
            if name not in await place.branches()
        ]
        if not given.get("title"):
            errors.append({"resource": "PullRequest", "field": "title", "code": "missing_field"})
        pull = Pull(
            number=repository.next_number(),
            title=str(given.get("title")),
            body=str(given.get("body") or ""),
            head=head,
            base=base,
            head_repository="" if source is repository else source.name,
            draft=bool(given.get("draft")),
            author=identity.login if identity else "",
        )
        if not errors:
            message = None
            await self._forge.update_pull_ref(repository, pull)
            if any(
                (p.head, p.head_repository, p.base) == (head, pull.head_repository, base)
                and p.state == "open"
                for p in repository.pulls
            ):
                owner = _head_owner(repository, pull)
                message = f"A pull request already exists for {owner}:{head}."
            elif not await repository.has_commits(base, f"refs/pull/{pull.number}/head"):
                message = f"No commits between {base} and {head}"
            if message is not None:
                errors.append({"resource": "PullRequest", "code": "custom", "message": message})
        if errors:
            return refusal(422, "Validation Failed", errors=errors)
        repository.pulls.append(pull)
        return json_response(await self._pull_json(repository, pull), status=201)

    async def edit(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request)
        if not pull.head_repository:
            self._find_pull(request, "write")
        given = await body(request)
        pull.title = given.get("title", pull.title)
        pull.body = given.get("body", pull.body)
        pull.state = given.get("state", pull.state)
        pull.base = given.get("base", pull.base)
        pull.updated_at = time.time()
        return json_response(await self._pull_json(repository, pull))

    async def merge(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request, "write")
        commit = await self._forge.merge(repository.name, pull.number)
        if commit is None:
            return refusal(405, "Pull Request is not mergeable")
        return json_response({"sha": commit, "merged": True})

    async def reviews(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request)
        found = [
            {
                "id": review.id,
                "state": review.state,
                "body": review.body,
                "user": user_json(review.author),
                "author_association": self._association(repository, review.author),
                "submitted_at": stamp(review.created_at),
                "html_url": f"{self._html_url(repository)}/pull/{pull.number}#r{review.id}",
            }
            for review in pull.reviews
        ]
        return page(request, found)

    async def comments(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request)
        return page(
            request, [self._comment_json(repository, each) for each in pull.review_comments]
        )

    async def reply(self, request: web.Request) -> web.Response:
        repository, pull, identity = self._find_pull(request, "write")
        answered = int(request.match_info["comment"])
        first = next((c for c in pull.review_comments if c.id == answered), None)
        if first is None:
            return refusal(404, "Not Found")
        given = await body(request)
        comment = Comment(
            id=repository.next_id(),
            number=pull.number,
            author=identity.login if identity else "",
            body=str(given.get("body", "")),
            path=first.path,
            line=first.line,
            answers=first.id,
        )
        pull.review_comments.append(comment)
        return json_response(self._comment_json(repository, comment), status=201)

    async def request_reviewers(self, request: web.Request) -> web.Response:
        repository, pull, _ = self._find_pull(request, "write")
        given = await body(request)
        people = [str(each) for each in given.get("reviewers") or ()]
        teams = [str(each) for each in given.get("team_reviewers") or ()]
        if any(self._forge.permission(repository.name, login) == "none" for login in people):
            return refusal(
                422, "Reviews may only be requested from collaborators. One or more is not one."
            )
        pull.reviewers += [*people, *(f"team:{team}" for team in teams)]
        return json_response(await self._pull_json(repository, pull), status=201)

    async def check_runs(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "checks")
        commit = await self._commit(repository, request)
        newest = {check.name: check for check in repository.checks if check.commit == commit}
        found = [
            {
                "id": check.id,
                "name": check.name,
                "head_sha": check.commit,
                "status": check.status,
                "conclusion": check.conclusion,
                "html_url": f"{self._html_url(repository)}/runs/{check.id}",
                "details_url": f"{self._html_url(repository)}/runs/{check.id}",
                "output": {"title": check.name, "summary": check.summary, "text": None},
                "app": {"slug": "checks", "name": "Checks"},
            }
            for check in newest.values()
        ]
        return page(request, found, wrap="check_runs")

    async def status(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "statuses")
        commit = await self._commit(repository, request)
        found = {"state": "pending", "sha": commit, "total_count": 0, "statuses": []}
        return conditional(request, found)

    async def commit(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents")
        commit = await repository.commit_of(request.match_info["ref"])
        if commit is None:
            return refusal(422, f"No commit found for SHA: {request.match_info['ref']}")
        url = f"{self._html_url(repository)}/commit/{commit}"
        author, _, message = (await repository.message_of(commit)).partition("\n")
        parent = await repository.commit_of(f"{commit}^")
        found = {
            "sha": commit,
            "html_url": url,
            "commit": {"message": message, "author": {"name": author}},
            "files": await repository.changes(parent, commit) if parent else [],
        }
        return conditional(request, found)

    async def _commit(self, repository: Repository, request: web.Request) -> str:
        commit = await repository.commit_of(request.match_info["ref"])
        if commit is None:
            raise raised(404, "Not Found")
        return commit

    def _comment_json(self, repository: Repository, comment: Comment) -> dict[str, Any]:
        url = f"{self._html_url(repository)}/pull/{comment.number}#discussion_r{comment.id}"
        found: dict[str, Any] = {
            "id": comment.id,
            "path": comment.path,
            "line": comment.line or None,
            "side": "RIGHT",
            "body": comment.body,
            "user": user_json(comment.author),
            "author_association": self._association(repository, comment.author),
            "commit_id": comment.commit,
            "created_at": stamp(comment.created_at),
            "html_url": url,
        }
        if comment.answers is not None:
            found["in_reply_to_id"] = comment.answers
        return found

    async def _pull_json(self, repository: Repository, pull: Pull) -> dict[str, Any]:
        await self._forge.update_pull_ref(repository, pull)
        base_owner = repository.name.partition("/")[0]
        return {
            "id": pull.number,
            "number": pull.number,
            "state": pull.state,
            "draft": pull.draft,
            "merged": pull.merged,
            "merged_by": user_json(pull.merged_by) if pull.merged_by else None,
            "title": pull.title,
            "body": pull.body,
            "labels": [{"name": name} for name in pull.labels],
            "url": f"{self._api_url(repository)}/pulls/{pull.number}",
            "html_url": f"{self._html_url(repository)}/pull/{pull.number}",
            "user": user_json(pull.author),
            "created_at": stamp(pull.created_at),
            "updated_at": stamp(pull.updated_at),
            "head": {
                "ref": pull.head,
                "label": f"{_head_owner(repository, pull)}:{pull.head}",
                "sha": await repository.head_of(pull),
                "repo": {"full_name": pull.head_repository or repository.name},
            },
            "base": {
                "ref": pull.base,
                "label": f"{base_owner}:{pull.base}",
                "sha": await repository.commit_of(f"refs/heads/{pull.base}"),
                "repo": {"full_name": repository.name},
            },
        }


def _head_owner(repository: Repository, pull: Pull) -> str:
    return (pull.head_repository or repository.name).partition("/")[0]
