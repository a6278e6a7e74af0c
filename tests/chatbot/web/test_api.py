"""The HTTP API as programs meet it."""

from __future__ import annotations

import asyncio
import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Source, Status, Task
from chatbot.report import task_report
from chatbot.web.app import make_web_app
from tests.chatbot.history.lives import PATCH, PULL, Life
from tests.chatbot.web.conftest import Site, make_settings

ASK = {"repository": "demo/shop", "task": "fix the failing test"}


async def ask(site: Site, status: int = 201, *, key: str | None = None, **body: Any) -> Any:
    headers = site.bearer | ({"Idempotency-Key": key} if key else {})
    async with site.client.post("/tasks", json=body or ASK, headers=headers) as response:
        assert response.status == status, await response.text()
        assert response.content_type == "application/json"
        return await response.json()


async def get(site: Site, path: str, status: int = 200) -> Any:
    async with site.client.get(path, headers=site.bearer) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def stored(site: Site, task_id: str) -> Task:
    return await site.history.read(partial(queries.get_task, task_id=task_id))


# The token


@pytest.mark.parametrize("path", ["/tasks", "/tasks/t_none", "/tasks/else/where"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Bearer", "Basic the-api-token", "the-api-token", "Bearer é"]
)
async def test_nobody_comes_in_without_the_token(
    site: Site, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with site.client.request(method, path, json=ASK, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (await response.json())["error"]["code"] == "unauthorized"
    assert await site.history.read(queries.list_tasks) == []


@pytest.mark.parametrize("token", [None, ""])
async def test_api_is_off_without_a_configured_token(
    tmp_path: Path, history: History, actions: Actions, token: str | None
) -> None:
    settings = make_settings(tmp_path, token=token)
    app = make_web_app(settings, history, actions, Intake(settings, history, actions))
    async with TestClient(TestServer(app)) as client:
        for headers in ({}, {"Authorization": "Bearer "}):
            async with client.get("/tasks", headers=headers) as response:
                assert response.status == 403
                error = (await response.json())["error"]
                assert error["code"] == "api_disabled"
                assert "web.api_token" in error["brief"]
        async with client.get("/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})


# Asking


async def test_request_becomes_a_task(site: Site) -> None:
    answer = await ask(site, **ASK, ref="next", mode="review", model="openai:gpt-x", agent="codex")
    task = await stored(site, answer["id"])
    origin = str(site.client.make_url("")).rstrip("/")
    assert answer == {
        "id": task.id,
        "status": "queued",
        "outcome": None,
        "repository": "demo/shop",
        "mode": "review",
        "model": "openai:gpt-x",
        "agent": "codex",
        "title": "fix the failing test",
        "created_at": task.created_at,
        "url": f"{origin}/tasks/{task.id}",
        "share_url": f"{origin}/t/{task.id}/{task.share_token}",
    }
    assert (task.origin, task.author.name, task.mode) == ("api", "API", "review")
    assert task.source == Source(
        kind="git",
        repository="demo/shop",
        url="https://forge.example/demo/shop.git",
        ref="next",
        forge=True,
    )
    async with site.client.get(answer["share_url"].removeprefix(origin)) as response:
        assert response.status == 200


async def test_other_addresses_are_taken_as_they_are(site: Site) -> None:
    answer = await ask(site, repository="http://git.example:8080/acme/api.git", task="explain")
    source = (await stored(site, answer["id"])).source
    assert (source.url, source.forge) == ("http://git.example:8080/acme/api.git", False)
    assert answer["repository"] == "acme/api"


async def test_folder_of_this_machine_is_never_a_repository(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo" / "shop").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    answer = await ask(site)
    assert (await stored(site, answer["id"])).source.url == "https://forge.example/demo/shop.git"


async def test_same_key_gives_the_same_task(site: Site) -> None:
    answers = await asyncio.gather(*(ask(site, key="one") for _ in range(5)))
    other = await ask(site, key="two")
    assert len({answer["id"] for answer in answers}) == 1
    assert other["id"] != answers[0]["id"]


FAULTS: list[tuple[Any, str]] = [
    ({}, "`task`: field required"),
    ({"task": "x"}, "No repository is named"),
    ({"task": "  ", "repository": "a/b"}, "`task`: must say something"),
    ({"task": 5, "repository": "a/b"}, "`task`: input should be a valid string"),
    ({"task": "x" * 100_001, "repository": "a/b"}, "`task`: string should have at most"),
    ({"task": "x", "repository": ""}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "/etc"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "../x/y"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "file:///etc"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "ext::sh -c id"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "--upload-pack=id"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "https://[/x"}, "`repository`: must be `owner/name`"),
    ({"task": "x", "repository": "https://u:p@h/a/b"}, "must not hold a user name or a token"),
    ({"task": "x", "repository": "https://tok@h/a/b"}, "must not hold a user name or a token"),
    ({"task": "x", "repository": "a/b", "ref": "-x"}, "`ref`: must be a branch"),
    ({"task": "x", "repository": "a/b", "ref": "a b"}, "`ref`: must be a branch"),
    ({"task": "x", "repository": "a/b", "mode": "destroy"}, "`mode`: input should be"),
    ({"task": "x", "repository": "a/b", "model": "gpt"}, "`model`: must be `provider:name`"),
    ({"task": "x", "repository": "a/b", "agent": "aider"}, "`agent`: input should be"),
    ({"task": "x", "repository": "a/b", "colour": "red"}, "`colour` is not known"),
    ([], "the body"),
    ("x", "the body"),
    (5, "the body"),
]


@pytest.mark.parametrize(("body", "brief"), FAULTS)
async def test_bad_request_is_explained_and_changes_nothing(
    site: Site, body: Any, brief: str
) -> None:
    async with site.client.post("/tasks", json=body, headers=site.bearer) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert error["code"] == "bad_request"
    assert brief in error["brief"]
    assert error["resolution"]
    assert await site.history.read(queries.list_tasks) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"task": "\\ud800", "repository": "a/b"}', "application/json", 400),
        (b" " * (1024**2 + 1), "application/json", 413),
        (b"task=x", "application/x-www-form-urlencoded", 415),
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=y", 400),
        (b"--y\r\n\r\nx\r\n--y--\r\n", "multipart/form-data; boundary=y", 400),
    ],
)
async def test_broken_body_is_refused(
    site: Site, body: bytes, content_type: str, status: int
) -> None:
    headers = site.bearer | {"Content-Type": content_type}
    async with site.client.post("/tasks", data=io.BytesIO(body), headers=headers) as response:
        assert response.status == status, await response.text()
        assert set(await response.json()) == {"error"}


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "é"])
async def test_bad_key_is_refused(site: Site, key: str) -> None:
    headers = site.bearer | {"Idempotency-Key": key}
    async with site.client.post("/tasks", json=ASK, headers=headers) as response:
        assert response.status == 400
        assert "Idempotency-Key" in (await response.json())["error"]["brief"]


# Looking


async def test_task_is_told_as_it_is(site: Site) -> None:
    life = await Life.begin(site.actions)
    approval = await life.to_publishing()
    await site.actions.published(life.task_id, approval, PULL, created=True)
    task = await life.task()
    report = await get(site, f"/tasks/{life.task_id}")
    links = report.pop("links")
    assert report == await task_report(site.history, life.task_id)
    origin = str(site.client.make_url("")).rstrip("/")
    assert links == {
        "self": f"{origin}/tasks/{task.id}",
        "page": f"{origin}/t/{task.id}/{task.share_token}",
        "patch": f"{origin}/tasks/{task.id}/diff.patch",
        "tree": None,
        "setup": None,
        "pull_request": PULL.url,
    }
    async with site.client.get(
        links["patch"].removeprefix(origin), headers=site.bearer
    ) as response:
        assert (response.status, await response.read()) == (200, PATCH)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks/t_000000000000000"),
        ("GET", "/tasks/t_000000000000000/diff.patch"),
        ("POST", "/tasks/t_000000000000000/messages"),
        ("POST", "/tasks/t_000000000000000/stop"),
        ("GET", "/tasks/%00"),
        ("GET", "/tasks/%ff%fe"),
        ("GET", "/tasks/t_x'--/diff.patch"),
        ("GET", "/tasks/"),
    ],
)
async def test_what_is_not_there_is_404(site: Site, method: str, path: str) -> None:
    async with site.client.request(
        method, path, json={"text": "x"}, headers=site.bearer
    ) as response:
        assert response.status == 404
        assert (await response.json())["error"]["brief"]


async def test_task_without_a_patch_says_so(site: Site) -> None:
    life = await Life.begin(site.actions)
    error = (await get(site, f"/tasks/{life.task_id}/diff.patch", 404))["error"]
    assert error["code"] == "patch_missing"


async def test_other_method_is_refused(site: Site) -> None:
    async with site.client.delete("/tasks", headers=site.bearer) as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


async def test_list_is_newest_first_and_can_be_narrowed(site: Site) -> None:
    answers = [await ask(site) for _ in range(3)]
    await Life(site.actions, answers[1]["id"]).to_ready()
    ids = [answer["id"] for answer in answers]
    assert [task["id"] for task in (await get(site, "/tasks"))["tasks"]] == ids[::-1]
    assert [task["id"] for task in (await get(site, "/tasks?limit=1"))["tasks"]] == ids[2:]
    ready = (await get(site, "/tasks?status=ready"))["tasks"]
    assert [(task["id"], task["status"]) for task in ready] == [(ids[1], "ready")]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "status=fine", "page=2", "limit=1&colour=red"]
)
async def test_bad_query_is_refused(site: Site, query: str) -> None:
    assert (await get(site, f"/tasks?{query}", 400))["error"]["code"] == "bad_request"


# Talking


async def say(site: Site, life: Life, body: Any, status: int = 202, key: str = "") -> Any:
    headers = site.bearer | ({"Idempotency-Key": key} if key else {})
    path = f"/tasks/{life.task_id}/messages"
    async with site.client.post(path, json=body, headers=headers) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def test_message_starts_the_next_run(site: Site) -> None:
    life = await Life.begin(site.actions)
    await life.to_ready()
    answer = await say(site, life, {"text": "and the docs"}, key="m")
    assert answer == {"id": life.task_id, "status": "queued", "result": "stored"}
    assert (await say(site, life, {"text": "and the docs"}, key="m"))["result"] == "duplicate"
    other = await Life.begin(site.actions)
    assert (await say(site, other, {"text": "and the docs"}, key="m"))["result"] == "stored"
    run = await life.run()
    assert (run.number, run.request, run.author.name) == (2, "and the docs", "API")


async def test_stop_ends_the_run(site: Site) -> None:
    life = await Life.begin(site.actions)
    await life.work()
    path = f"/tasks/{life.task_id}/stop"
    async with site.client.post(path, headers=site.bearer) as response:
        assert response.status == 202
        assert await response.json() == {
            "id": life.task_id,
            "status": "running",
            "stopping": True,
        }
    await life.finish("stopped")
    async with site.client.post(path, headers=site.bearer) as response:
        assert (await response.json())["stopping"] is False
    assert (await life.task()).status == Status.STOPPED


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " \n"}, {"text": 1}, {"x": "y"}, []])
async def test_bad_message_is_refused(site: Site, body: Any) -> None:
    life = await Life.begin(site.actions)
    assert (await say(site, life, body, 400))["error"]["code"] == "bad_request"
    assert await life.kinds() == ["task_created", "run_queued"]
