"""A person at the chat page, in a real browser: ask, watch, ask for changes, open, follow up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from chatbot.config import ModelSettings
from chatbot.demo.sample import replies_path, sample_files, suggestions
from chatbot.demo.stage import Stage, staged
from tests.slack_mode import reached

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slack_modes,
    pytest.mark.usefixtures("agent_image"),
]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = '<img src=x onerror="document.title=1"> [x](javascript:alert(1)) <!channel> `a` *b*'


@asynccontextmanager
async def _page(chromium: str, url: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """The page, and what it complained of."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type == "error" else None,
        )
        await page.goto(url)
        await page.locator("#suggestions button").first.wait_for()
        yield page, faults
        await browser.close()


@asynccontextmanager
async def _stage(directory: Path) -> AsyncIterator[Stage]:
    async with staged(
        directory,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        notice="The model's replies are recorded.",
        suggestions=suggestions(),
        adjust=reached,
    ) as stage:
        yield stage


async def test_from_request_to_updated_pull_request(tmp_path: Path, chromium: str) -> None:
    async with _stage(tmp_path) as stage, _page(chromium, stage.workspace.url) as (page, faults):
        assert "recorded" in await page.inner_text("#notice")
        await page.locator("#suggestions button").first.click()
        await page.keyboard.press("Enter")
        thread = page.locator("#thread")
        await thread.get_by_text("Working on").wait_for()
        await thread.get_by_text("Reproduce the failure").wait_for()
        await thread.get_by_text("Open a pull request in demo/shop with 2 files").wait_for()
        await thread.get_by_text("if quantity >= pieces:").first.wait_for()

        await thread.get_by_role("button", name="Open PR").click()
        await thread.get_by_text("Opened").wait_for()
        link = await thread.get_by_role("link", name="demo/shop#1").get_attribute("href")
        assert link == f"{stage.forge.url}/demo/shop/pull/1"

        await page.fill("#reply-composer textarea", "also add a test for an empty basket")
        await page.keyboard.press("Enter")
        await thread.get_by_role("button", name="Update PR").click()
        await thread.get_by_text("Updated").wait_for()
        assert len(stage.forge.pulls("demo/shop")) == 1
        await page.goto(link)
        await page.get_by_text("test_an_empty_basket").first.wait_for()
        assert faults == []


async def test_changes_are_asked_for_in_a_modal(tmp_path: Path, chromium: str) -> None:
    async with _stage(tmp_path) as stage, _page(chromium, stage.workspace.url) as (page, faults):
        await page.locator("#suggestions button").first.click()
        await page.keyboard.press("Enter")
        thread = page.locator("#thread")
        await thread.get_by_role("button", name="Request changes").click()
        await page.locator("dialog textarea").fill("also add a test for an empty basket")
        await page.locator("dialog button[type=submit]").click()
        await thread.get_by_text("with 3 files").wait_for()
        assert faults == []


async def test_hostile_words_stay_words(tmp_path: Path, chromium: str) -> None:
    async with _stage(tmp_path) as stage, _page(chromium, stage.workspace.url) as (page, faults):
        await page.fill("#composer textarea", HOSTILE)
        await page.keyboard.press("Enter")
        await page.locator("#messages").get_by_text("<img src=x onerror=").wait_for()
        assert await page.locator("#messages img, #messages a[href^=javascript]").count() == 0
        assert await page.title() != "1"
        assert faults == []
