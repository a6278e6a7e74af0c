"""The forms as people fill them in a browser: found, named anew, refused at the field, sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.chatbot.slack.test_fix_this import alert
from tests.chatbot.slack.test_gate_page import ARGUMENTS, keep
from tests.chatbot.slack.ways import ways_in

pytestmark = pytest.mark.browser


async def choose(page: Page, block_id: str, typed: str, label: str) -> None:
    """In a menu that searches."""
    field = page.locator(f'dialog [data-block-id="{block_id}"]')
    await field.get_by_role("combobox").fill(typed)
    await field.get_by_role("option", name=label, exact=True).click()


async def command(page: Page, line: str) -> None:
    await page.get_by_role("textbox", name="Write a message").first.fill(line)
    await page.get_by_role("button", name="Send").first.click()


async def test_a_task_by_its_form_and_by_an_alert(tmp_path: Path, chromium: str) -> None:
    async with ways_in(tmp_path) as ways, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 1100})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await ways.code("use acme/api")
        await page.goto(f"{ways.workspace.url}/?as=ada")
        await command(page, "/code")
        dialog = page.locator("dialog")
        await expect(dialog).to_contain_text("New coding task")
        await expect(dialog.get_by_label("Find a repository")).to_have_value("acme/api")
        await keep(page, "form-empty")
        await choose(page, "repository", "acme/tool", "Use acme/tool")
        await dialog.locator('[data-block-id="words"] textarea').fill("fix the <b> & the rest")
        await dialog.locator('[data-block-id="model"] input').fill("nobody")
        await dialog.get_by_role("button", name="Start").click()
        await expect(dialog.locator('[data-block-id="model"]')).to_contain_text("cannot be named")
        await keep(page, "form-refused")
        await dialog.locator('[data-block-id="model"] input').fill("opus")
        await dialog.get_by_role("button", name="Start").click()
        await expect(dialog).to_have_count(0)
        await expect(page.get_by_text("asks: fix the <b> & the rest")).to_be_visible()
        (task,) = await ways.begun(1)
        assert (task.source.repository, task.model) == ("acme/tool", "anthropic:claude-opus-5-5")
        await ways.workspace.shortcut("ada", "fix_this", "shop", alert(ways))
        words = dialog.locator('[data-block-id="words"] textarea')
        await expect(words).to_have_value(
            "unit tests of acme/api failed\ntest_retry: expected 3, got 2"
        )
        await keep(page, "form-alert")
        await dialog.get_by_role("button", name="Start").click()
        await expect(dialog).to_have_count(0)
        await ways.begun(2)
        await command(page, "/code config")
        await expect(dialog).to_contain_text("This channel's repository")
        await keep(page, "form-config")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
        # What another app has posted is shown, too.
        shown = page.locator("#messages article", has_text="CI bot")
        await expect(shown).to_contain_text("unit tests of acme/api failed")
        await keep(page, "form-sent")
        await browser.close()
        assert complaints == []
