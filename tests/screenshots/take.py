"""Pictures of the page's chief states: `python -m tests.screenshots.take [folder]`.

The whole product runs on this machine, with recorded replies; a browser goes through it as a
person would. Look at what it made: these are no test. `thread` is the README's. A font with emoji
is needed, such as fonts-noto-color-emoji.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright

from chatbot.config import ModelSettings
from chatbot.demo.sample import replies_path, sample_files, suggestions
from chatbot.demo.stage import staged

HERE = Path(__file__).parent
README_FOLDER = HERE.parents[1] / "manifests"
SIZE = ViewportSize(width=1180, height=740)
TALL = ViewportSize(width=900, height=1725)
PHONE = ViewportSize(width=390, height=760)
MOST_BYTES = 200_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]


async def take(folder: Path) -> None:
    """Everything, into that folder."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as directory:
        async with (
            staged(
                Path(directory),
                # A little time for each reply: what is under way is to be seen.
                model=ModelSettings(default=f"replay:{replies_path()}", replay_delay_seconds=0.9),
                repositories={"demo/shop": sample_files()},
                notice="The model's replies are recorded; everything else is real.",
                suggestions=suggestions(),
            ) as stage,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            page = await browser.new_page(viewport=SIZE, locale="en-GB")
            page.set_default_timeout(60_000)
            await page.goto(stage.workspace.url)
            await page.locator("#suggestions button").first.wait_for()
            await _walk(page, folder)
            await _elsewhere(page, folder)
            await browser.close()


async def _walk(page: Page, folder: Path) -> None:
    area, thread = page.locator("#composer textarea"), page.locator("#thread")
    await page.locator("#suggestions button").first.click()
    await page.keyboard.press("Enter")
    await thread.get_by_text("Find the cause").wait_for()
    await _keep(page, folder, "working")
    await thread.get_by_text("Open a pull request in demo/shop with 2 files").wait_for()
    await thread.get_by_text("Worked for").wait_for()
    await page.set_viewport_size(TALL)
    await thread.locator("summary.container-head").first.click()
    await page.locator("#replies").evaluate("box => { box.scrollTop = 0; }")
    await _keep(page, README_FOLDER if folder == HERE else folder, "thread", part="#frame")
    await thread.locator("summary.container-head").first.click()
    await page.set_viewport_size(SIZE)
    await thread.get_by_text("Verified in a clean container").scroll_into_view_if_needed()
    await _keep(page, folder, "result")
    await page.locator("#replies").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    await _keep(page, folder, "gate")
    await thread.get_by_role("button", name="Review").click()
    await page.locator("dialog").wait_for()
    await _keep(page, folder, "review")
    await page.locator("dialog").get_by_role("button", name="Close", exact=True).first.click()

    direct = page.locator("#directs button").first
    await direct.click()
    await page.locator(".prompt").first.wait_for()
    await _keep(page, folder, "messages")
    await page.locator('[data-tab="home"]').click()
    await page.locator("#home").get_by_text("Waiting for you").wait_for()
    await _keep(page, folder, "home")

    await page.locator("#channels button").first.click()
    await page.locator("#messages .replies").first.click()
    await thread.get_by_role("button", name="Open PR").click()
    await thread.get_by_text("Opened").first.wait_for()
    await _keep(page, folder, "opened")
    await page.locator("#close-thread").click()
    await area.fill("@Threadsmith fix the failing test in demo/shop, three attempts")
    await area.press("Enter")
    await thread.get_by_role("button", name="Choose 3").wait_for()
    await page.locator("#replies").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    await _keep(page, folder, "attempts")
    await page.locator("#close-thread").click()
    await area.fill("/code list")
    await area.press("Enter")
    await page.locator(".message.ephemeral").wait_for()
    await area.fill("/co")
    await page.locator("#composer .completions button").wait_for()
    await _keep(page, folder, "command")
    await area.fill("")
    await page.get_by_role("button", name="New coding task").first.click()
    await page.locator("dialog textarea").fill("Prices in the receipt should show two decimals")
    await _keep(page, folder, "form")


async def _elsewhere(page: Page, folder: Path) -> None:
    """The same conversation at night, and on a phone."""
    await page.locator("dialog").get_by_role("button", name="Close", exact=True).first.click()
    await page.locator("#messages .replies").first.click()
    await page.emulate_media(color_scheme="dark")
    await page.locator("#thread").get_by_text("Worked for").wait_for()
    await page.locator("#replies").evaluate("box => { box.scrollTop = 0; }")
    await _keep(page, folder, "dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(PHONE)
    await page.locator("#replies").evaluate("box => { box.scrollTop = 0; }")
    await _keep(page, folder, "phone")


async def _keep(page: Page, folder: Path, name: str, *, part: str = "body") -> None:
    path = folder / f"{name}.png"
    await page.mouse.move(0, 0)
    await page.evaluate(
        "document.activeElement?.closest('article')?.querySelector(':focus')?.blur()"
    )
    # Nothing blinks, and the wheel that turns stands still.
    picture = page.locator(part).screenshot(path=path, animations="disabled", caret="hide")
    size = len(await picture)
    print(f"{path} {size // 1000} kB{' (too large)' if size > MOST_BYTES else ''}")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE))
