"""Task pages: who may see them, what they say, and what they never do."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import asdict

import pytest
import structlog
from aiohttp import ClientResponse
from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.history.store import History
from chatbot.models import PullRequest
from chatbot.web import page_view
from sandbox.errors import ThreadsmithError
from sandbox.patch import FileChange
from tests.chatbot.history.lives import ADA, PATCH, PULL, Life
from tests.chatbot.web.conftest import Site

TRAP = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}\u202e"


async def read(site: Site, path: str, status: int = 200) -> str:
    async with site.client.get(path) as response:
        assert response.status == status, await response.text()
        check_headers(response)
        return await response.text()


def check_headers(response: ClientResponse) -> None:
    headers = response.headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"].startswith("noindex")
    assert headers["Server"] == "threadsmith"
    if not str(response.url.path).startswith("/static/"):
        assert headers["Cache-Control"] == "no-store"


async def make_rich(actions: Actions) -> Life:
    """A task with everything on its page, up to a patch that waits."""
    life = await Life.begin(actions)
    await life.prepare()
    await life.tell("setup_started", path="setup.sh", network=False)
    await life.tell("setup_output", text="installing…\n")
    await life.tell("setup_finished", exit_code=0, seconds=3.2, tail="")
    await life.tell("container_started", phase="agent", image="i")
    await life.turn(0)
    items = [
        {"id": "1", "title": "Find the cause", "status": "complete"},
        {"id": "2", "title": "Mend it", "status": "in_progress"},
    ]
    await life.tell("plan", items=items)
    await life.tell("step_started", step="s", tool="run", title="Run pytest", details="-q")
    await life.tell(
        "step_finished",
        step="s",
        status="error",
        title="Run pytest",
        output="1 failed",
        seconds=2.0,
    )
    workflow = FileChange(
        path="shop/basket.py", change="modified", added=2, removed=1, sensitive=True
    )
    await life.patch(PATCH, workflow)
    await life.finish(
        title="Sum the prices", summary="The total **counts** prices.", claimed="pytest passes"
    )
    return life


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


async def test_page_says_everything(site: Site) -> None:
    life = await make_rich(site.actions)
    html = await read(site, await site.page(life))
    text = plain(html)
    for words in (
        "Sum the prices",
        "ready",
        "demo/shop",
        "0123456789ab",
        "replay:demo",
        "Ada",
        "The agent says: pytest passes",
        "● Find the cause",
        "◐ Mend it",
        "✗ Run pytest (2.0 s)",
        "Set-up finished in 3.2 s",
        "fix the failing test",
        "look closely",
        "1 file, +2 −1",
        "100 in (5 from the cache), 10 out",
    ):
        assert words in text, words
    assert "<strong>counts</strong>" in html
    assert '<tr class="add"><td class="n"></td><td class="n">2</td>' in html
    assert "installing" not in text


async def test_page_of_each_state_is_whole(site: Site) -> None:
    """From the first moment to a pull request, with nothing to show yet and with all."""
    life = await Life.begin(site.actions)
    assert "queued" in await read(site, await site.page(life))
    await life.work()
    assert "running" in await read(site, await site.page(life))
    await life.patch()
    await life.finish()
    approval = await life.approval()
    assert approval is not None
    await site.actions.approve(approval.id, ADA)
    await site.actions.published(life.task_id, approval, PULL, created=True)
    html = await read(site, await site.page(life))
    assert f'href="{PULL.url}"' in html
    await site.actions.add_message(life.task_id, ADA, "and the docs")
    text = plain(await read(site, await site.page(life)))
    assert "Run 2 · Ada · queued and the docs" in text
    assert "Run 1 · Ada · patch" in text


async def test_failure_is_named_with_the_next_step(site: Site) -> None:
    life = await Life.begin(site.actions)
    run = await life.work()
    error = ThreadsmithError("No key is set.", resolution="Set one.", details="the secret details")
    await site.actions.fail_run(run.id, "model", error)
    text = plain(await read(site, await site.page(life)))
    assert "Failed at model: No key is set. Next: Set one." in text
    assert "secret details" not in text


async def test_answer_and_findings_are_shown(site: Site) -> None:
    life = await Life.begin(site.actions, mode="review")
    await life.work()
    finding = {
        "severity": "high", "file": "shop/a.py", "line": 12, "title": "Off by one",
        "detail": "The loop `ends` early.", "suggestion": "Use `<=`.",
    }  # fmt: skip
    places = {"base": "https://forge/acme/api/blob/c0ffee", "paths": ["shop/a.py"]}
    answer = "All in **all**: fine, but `shop/a.py:3`."
    await life.finish("findings", findings=(finding,), answer=answer, extra={"places": places})
    html = await read(site, await site.page(life))
    assert html.count(f'href="{places["base"]}/shop/a.py#L12"') == 1
    assert f'href="{places["base"]}/shop/a.py#L3"' in html
    assert "shop/a.py:12" in html
    assert "<code>&lt;=</code>" in html
    assert "<strong>all</strong>" in html


async def test_no_words_of_others_act(site: Site) -> None:
    """Every text that anybody can set, set to a trap."""
    actions = site.actions
    life = await Life.begin(actions, request=TRAP, model=f"x:{TRAP}")
    await life.work()
    await life.tell("plan", items=[{"id": "1", "title": TRAP, "status": TRAP}])
    await life.tell("note", text=TRAP)
    await life.tell("step_started", step=TRAP, tool=TRAP, title=TRAP, details=TRAP)
    patch = f"diff --git a/{TRAP} b/{TRAP}\n@@ -0,0 +1 @@ {TRAP}\n+{TRAP}\n".encode()
    await life.patch(patch, FileChange(path=TRAP, change="added", added=1))
    finding = dict.fromkeys(("severity", "file", "title", "detail", "suggestion"), TRAP)
    await life.finish(
        "patch",
        title=TRAP,
        summary=TRAP,
        claimed=TRAP,
        answer=TRAP,
        findings=(finding,),
        brief=TRAP,
    )
    approval = await life.approval()
    assert approval is not None
    await actions.approve(approval.id, ADA)
    pull = PullRequest(number=1, url="javascript:alert(1)", branch=TRAP, head_commit=TRAP)
    await actions.published(life.task_id, approval, pull, created=True)
    await actions.add_message(life.task_id, ADA, TRAP)
    html = await read(site, await site.page(life))
    assert html.count("<script") == 1
    assert "<img src=x" not in html
    assert 'href="javascript' not in html
    assert "\u202e" not in html
    assert "49" not in plain(html)
    assert "style=" not in html
    assert not re.findall(r"<[^>]*\son\w+=", html)


async def test_page_needs_nothing_from_elsewhere(site: Site) -> None:
    html = await read(site, await site.page(await make_rich(site.actions)))
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert all(place.startswith("/") for place in loaded), loaded
    css = await read(site, "/static/style.css")
    assert "url(" not in css
    assert "@import" not in css
    for name, kind in (
        ("style.css", "text/css"),
        ("app.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        async with site.client.get(f"/static/{name}") as response:
            assert (response.status, response.content_type) == (200, kind)
            check_headers(response)


# Who may see it


async def test_wrong_link_is_answered_as_a_task_that_is_not_there(site: Site) -> None:
    life = await Life.begin(site.actions)
    task = await life.task()
    token = task.share_token
    answers = set()
    for path in (
        f"/t/{task.id}/{token[:-1]}x",
        f"/t/{task.id}/x",
        f"/t/{task.id}/{token}x",
        f"/t/{task.id}/%00",
        f"/t/{task.id}/%ff",
        f"/t/{task.id}/é",
        f"/t/t_000000000000000/{token}",
        "/t/t_000000000000000/x",
        f"/t/%ff/{token}",
        f"/t/{task.id}",
        "/nowhere",
        "/",
    ):
        async with site.client.get(path) as response:
            check_headers(response)
            headers = {k: v for k, v in response.headers.items() if k != "Date"}
            body = await response.text()
            answers.add((response.status, json.dumps(headers), body))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


@pytest.mark.parametrize(
    "name",
    ["stream", "diff.patch", "events.json", "prompt.txt", "llm_response.txt", "setup.log"],
)
async def test_downloads_need_the_link_too(site: Site, name: str) -> None:
    life = await make_rich(site.actions)
    await read(site, f"/t/{life.task_id}/wrong/{name}", 404)
    other = await (await Life.begin(site.actions)).task()
    await read(site, f"/t/{life.task_id}/{other.share_token}/{name}", 404)


async def test_link_gives_no_way_to_change_anything(site: Site) -> None:
    life = await Life.begin(site.actions)
    page = await site.page(life)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with site.client.request(method, page) as response:
            assert response.status == 405
    assert "<form" not in await read(site, page)


# Downloads


async def test_downloads_hold_what_the_files_hold(site: Site) -> None:
    life = await make_rich(site.actions)
    page = await site.page(life)
    assert await read(site, f"{page}/diff.patch") == PATCH.decode()
    events = json.loads(await read(site, f"{page}/events.json"))
    assert events == [asdict(event) for event in await life.events()]
    assert "You are a careful engineer." in await read(site, f"{page}/prompt.txt")
    assert "reply 0" in await read(site, f"{page}/llm_response.txt")
    assert "installing…" in await read(site, f"{page}/setup.log")
    async with site.client.get(f"{page}/diff.patch") as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Content-Disposition"] == (
            f'attachment; filename="{life.task_id}-diff.patch"'
        )


async def test_patch_that_is_no_text_comes_byte_for_byte(site: Site) -> None:
    life = await Life.begin(site.actions)
    await life.work()
    await life.patch(b"diff --git a/x b/x\n+\xff\xfe\r\n")
    page = await site.page(life)
    async with site.client.get(f"{page}/diff.patch") as response:
        assert await response.read() == b"diff --git a/x b/x\n+\xff\xfe\r\n"
    await read(site, page)


async def test_task_without_a_patch_offers_none(site: Site) -> None:
    life = await Life.begin(site.actions)
    page = await site.page(life)
    assert "diff.patch" not in await read(site, page)
    assert "The task has no patch." in await read(site, f"{page}/diff.patch", 404)


# Size


async def test_long_story_is_cut_from_its_beginning(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_view, "MAX_LINES", 5)
    life = await Life.begin(site.actions)
    await life.work()
    for number in range(10):
        await life.tell("note", text=f"note number {number}")
    html = await read(site, await site.page(life))
    assert "note number 4" not in html
    assert "note number 5" in html
    assert "10 earlier lines" in html


async def test_huge_diff_is_cut_with_a_way_to_the_whole(site: Site) -> None:
    life = await Life.begin(site.actions)
    await life.work()
    lines = b"+some words of code\n" * 100_000
    await life.patch(b"diff --git a/x b/x\n@@ -0,0 +1,100000 @@\n" + lines)
    page = await site.page(life)
    html = await read(site, page)
    assert len(html) < 300_000
    assert "99201 more lines" in html
    assert f'{page}/diff.patch"' in html


async def test_known_diff_is_left_out(site: Site) -> None:
    life = await make_rich(site.actions)
    page, sha256 = await site.page(life), (await life.task()).patch_sha256
    assert 'id="diff"' in await read(site, page)
    assert 'id="diff"' in await read(site, f"{page}?diff=other")
    assert 'id="diff"' in await read(site, f"{page}?diff=")
    assert 'id="diff"' not in await read(site, f"{page}?diff={sha256}")


# When something breaks


async def alter(history: History, change: str) -> None:
    def run(db: Database) -> None:
        db.execute(f"ALTER TABLE events RENAME {change}")

    await history.write(run)


async def test_history_that_cannot_be_read_is_said(site: Site) -> None:
    life = await Life.begin(site.actions)
    page = await site.page(life)
    await alter(site.history, "TO lost")
    html = await read(site, page, 503)
    assert "The database cannot be read or written." in html
    assert "no such table" not in html
    async with site.client.get("/healthz") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def test_what_breaks_is_told_by_an_id_alone(site: Site) -> None:
    life = await Life.begin(site.actions)
    page = await site.page(life)
    await alter(site.history, "COLUMN payload TO lost")
    with structlog.testing.capture_logs() as logs:
        html = await read(site, f"{page}/events.json", 500)
        async with site.client.get(f"/tasks/{life.task_id}", headers=site.bearer) as response:
            assert response.status == 500
            error = (await response.json())["error"]
    assert "payload" not in html
    assert error["code"] == "internal"
    ids = [entry["error_id"] for entry in logs if entry["event"] == "web_broke"]
    assert len(ids) == 2
    assert ids[0] in html
    assert ids[1] in error["resolution"]
    # The share token stands in the address: the log knows the pattern alone.
    token = (await life.task()).share_token
    assert token not in json.dumps(logs, default=str)
    assert all("exc_info" in entry for entry in logs)


async def test_pages_are_answered_side_by_side(site: Site) -> None:
    life = await make_rich(site.actions)
    page = await site.page(life)
    pages = await asyncio.gather(*(read(site, page) for _ in range(20)))
    assert len(set(pages)) == 1


async def test_attempts_stand_side_by_side_with_their_patches(site: Site) -> None:
    life = await Life.begin(site.actions, attempts=3)
    for number, data in enumerate((PATCH, PATCH.replace(b"prices", b"values")), start=1):
        await life.work()
        await life.turn(0)
        await life.patch(data)
        await life.finish(title=f"Way {number} {TRAP}", verification={"state": "verified"})
    await life.work()
    await life.turn(0)
    await life.finish("failed", stage="agent", brief="It gave up.")
    place = await site.page(life)
    html = await read(site, place)
    assert TRAP not in html
    text = plain(html)
    assert "1 Way 1" in text
    assert "1 file, +2 −1 Verified in a clean container $0.01" in text
    assert "3 failed at agent: It gave up. $0.01" in text
    assert "All attempts have ended: one is to be chosen" in text
    assert await read(site, f"{place}/attempt-1.patch") == PATCH.decode()
    await read(site, f"{place}/attempt-3.patch", 404)
    await read(site, f"{place}/attempt-9.patch", 404)
    await read(site, f"{place}/diff.patch", 404)
    prompt = await read(site, f"{place}/prompt.txt")
    assert "attempt 1, turn 0: system" in prompt
    assert "attempt 3, turn 0: system" in prompt
    await site.actions.choose_attempt(life.task_id, 2, ADA)
    text = plain(await read(site, place))
    assert "1 file, +2 −1 chosen" in text
    assert "values" in await read(site, f"{place}/diff.patch")
