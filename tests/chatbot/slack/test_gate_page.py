"""The result, its review and the gate, as people see them in a browser; no engine runs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from chatbot.models import Status, Task
from tests.chatbot.history.lives import Life
from tests.chatbot.slack.ways import Ways, ways_in

pytestmark = [pytest.mark.browser, pytest.mark.slack_modes]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("shop/basket.py", "shop/`<!channel>`.py", ".github/workflows/ci.yml")


async def keep(page: Page, name: str) -> None:
    """A picture, where somebody wants to look: THREADSMITH_TEST_PICTURES names the folder."""
    if folder := os.environ.get("THREADSMITH_TEST_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


def diff() -> bytes:
    parts = []
    for number, name in enumerate(NAMES):
        lines = "".join(f"+    line {n} of {number}\n" for n in range(number, 12))
        parts.append(
            f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n"
            f"@@ -4,3 +4,14 @@ def total(items):\n     prices = []\n-    return 1\n{lines}"
        )
    return "".join(parts).encode()


async def to_the_gate(ways: Ways) -> Task:
    await ways.code("fix the rounding in acme/api")
    task = await ways.task()
    life = Life(ways.actions, task.id)
    await life.work()
    data = diff()
    run = await life.run()
    files = [
        {"path": name, "change": "modified", "added": 12 - n, "removed": 1, "sensitive": n == 2}
        for n, name in enumerate(NAMES)
    ]
    sha256 = hashlib.sha256(data).hexdigest()
    summary = {"sha256": sha256, "bytes": len(data), "tree": "t", "added": 33, "removed": 3}
    await ways.actions.record_patch(run.id, data, summary | {"files": files}, final=True)
    checks = [{"command": "pytest -q", "exit_code": 0, "summary": "41 passed", "seconds": 3.2}]
    await life.finish(
        title="Round prices half up",
        summary="Prices were cut, not rounded.\n\n- `total` rounds **half up** now\n- a test",
        claimed="I ran the tests of the basket.",
        verification={"state": "verified", "checks": checks},
    )
    return task


async def test_a_change_is_reviewed_edited_and_sent_back_in_the_page(
    tmp_path: Path, chromium: str
) -> None:
    async with ways_in(tmp_path) as ways, async_playwright() as playwright:
        await to_the_gate(ways)
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{ways.workspace.url}/?as=ada")
        await page.get_by_text("asks: fix the rounding").click()
        await page.locator("#messages").get_by_text("repl").first.click()
        table = page.locator("#replies table")
        await expect(table.locator("tr")).to_have_count(4)
        await expect(table).to_contain_text(".github/workflows/ci.yml · ⚠️ sensitive")
        await page.get_by_text("Round prices half up").scroll_into_view_if_needed()
        await keep(page, "result")
        await page.get_by_role("button", name="Edit").scroll_into_view_if_needed()
        await keep(page, "gate")
        await page.get_by_role("button", name="Edit").click()
        await page.locator("[data-block-id=title] input").fill("Round half up")
        await page.locator("[data-block-id=draft] input").check()
        await keep(page, "edit")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("button", name="Open PR as draft")).to_be_visible()
        await page.get_by_role("button", name="Review").click()
        modal = page.locator("dialog.modal")
        await expect(modal).to_contain_text("File 1 of 3")
        await modal.locator("textarea").fill("Why a workflow?")
        await keep(page, "review")
        await modal.get_by_role("button", name="Next").click()
        await expect(modal).to_contain_text("File 2 of 3")
        await expect(modal).to_contain_text("1 remark so far")
        await modal.locator("select").select_option("2")
        await expect(modal).to_contain_text("File 3 of 3")
        await modal.locator("input[type=text]").fill("abc")
        await modal.locator("textarea").fill("No.")
        await modal.get_by_role("button", name="Send remarks").click()
        await expect(modal.locator(".error").first).to_contain_text("A line, such as 12")
        await modal.locator("input[type=text]").fill("5")
        await keep(page, "review_more")
        await modal.get_by_role("button", name="Send remarks").click()
        await expect(modal).to_have_count(0)
        await expect(page.locator("#replies")).to_contain_text("Changes requested by")
        await keep(page, "record")
        assert (await ways.task()).status == Status.QUEUED
        await browser.close()
        assert complaints == []
