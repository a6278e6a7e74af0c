"""The task page in a real browser: readable, live, and silent in its console."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.chatbot.history.lives import ADA, PATCH, PULL, Life
from tests.chatbot.web.conftest import Site
from tests.chatbot.web.test_pages import make_rich

pytestmark = pytest.mark.browser


@asynccontextmanager
async def opened(chromium: str, address: str, **options: Any) -> AsyncIterator[Page]:
    """A page in a browser of its own; what it complains of is a failure."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = await browser.new_context(**options)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        await page.goto(address)
        yield page
        # A stream that the closing browser gives up is no complaint.
        found = [c for c in complaints if "/stream" not in c]
        await browser.close()
        assert found == []


async def address(site: Site, life: Life) -> str:
    return str(site.client.make_url(await site.page(life)))


async def keep(page: Page, name: str) -> None:
    """A picture, where somebody wants to look: THREADSMITH_TEST_PICTURES names the folder."""
    if folder := os.environ.get("THREADSMITH_TEST_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}),
        ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
        ("narrow", {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}),
    ],
)
async def test_page_fits_and_can_be_read(
    site: Site, chromium: str, name: str, options: dict[str, Any]
) -> None:
    life = await make_rich(site.actions)
    approval = await life.approval()
    assert approval is not None
    await site.actions.approve(approval.id, ADA)
    await site.actions.published(life.task_id, approval, PULL, created=True)
    async with opened(chromium, await address(site, life), **options) as page:
        await expect(page.locator("h1")).to_have_text("Sum the prices")
        await expect(page.locator("tr.add")).to_have_count(2)
        await expect(page.locator(".connection")).to_have_text("live")
        width = options["viewport"]["width"]
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await keep(page, name)
        assert await page.evaluate(CONTRAST) == []


# Every text against what is behind it, by the formula of WCAG 2: 4.5 to 1 is its level AA.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => {
      v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const mix = (over, under) => {
    const a = over[3] ?? 1;
    return [0, 1, 2].map((i) => over[i] * a + under[i] * (1 - a));
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const own = parse(getComputedStyle(node).backgroundColor);
    return mix(own, (own[3] ?? 1) < 1 ? behind(node.parentElement) : [0, 0, 0]);
  };
  const bad = [];
  for (const node of document.querySelectorAll("main *")) {
    const words = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
    const style = getComputedStyle(node);
    if (!words || style.visibility === "hidden" || !node.getClientRects().length) continue;
    const ground = behind(node);
    const text = parse(style.color);
    text[3] = (text[3] ?? 1) * Number(style.opacity);
    const [a, b] = [light(mix(text, ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${node.className || node.tagName}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(bad)];
}"""


async def test_page_follows_the_story_by_itself(site: Site, chromium: str) -> None:
    life = await Life.begin(site.actions)
    async with opened(chromium, await address(site, life)) as page:
        await expect(page.locator(".pill")).to_have_text("queued")
        await expect(page.locator(".connection")).to_have_text("live")
        await life.work()
        await expect(page.locator(".pill")).to_have_text("running")
        await life.tell("note", text="Looking around.")
        await expect(page.locator(".story")).to_contain_text("Looking around.")
        await life.patch()
        await life.finish(title="Sum the prices")
        await expect(page.locator(".pill")).to_have_text("ready")
        await expect(page.locator("tr.add")).to_have_count(2)
        await expect(page).to_have_title("Sum the prices · ready")
        # What the reader closed stays closed while the rest moves on.
        await page.locator("#file-1 summary").click()
        await site.actions.add_message(life.task_id, ADA, "smaller, please")
        await expect(page.locator(".pill")).to_have_text("queued")
        assert await page.locator("#file-1").get_attribute("open") is None
        await life.work()
        await life.patch(PATCH.replace(b"+    prices", b"+    costs"))
        await expect(page.locator("tr.add").first).to_contain_text("costs")
        assert await page.locator("#file-1").get_attribute("open") is None


async def test_page_finds_back_after_a_restart(site: Site, chromium: str) -> None:
    """The connection is cut; what happened meanwhile is there when it comes back."""
    life = await Life.begin(site.actions)
    async with opened(chromium, await address(site, life)) as page:
        await expect(page.locator(".connection")).to_have_text("live")
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await session.send("Network.emulateNetworkConditions", offline)
        await life.work()
        await asyncio.sleep(0.2)
        await session.send("Network.emulateNetworkConditions", offline | {"offline": False})
        await expect(page.locator(".pill")).to_have_text("running", timeout=60_000)


async def test_wrong_link_is_a_page_too(site: Site, chromium: str) -> None:
    life = await Life.begin(site.actions)
    place = str(site.client.make_url(f"/t/{life.task_id}/wrong"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = await browser.new_page()
        response = await page.goto(place)
        assert response is not None
        assert response.status == 404
        await expect(page.locator("h1")).to_have_text("There is no such page.")
        await keep(page, "missing")
        await browser.close()
