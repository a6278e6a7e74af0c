"""The chat page in a real browser: people write, read and press; nothing that was said is run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import Connected, until

pytestmark = pytest.mark.browser

Json = dict[str, Any]
Ask = Callable[..., Any]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATCH = "diff --git a/a b/a\n@@ -1 +1,30 @@\n-old\n" + "".join(f"+line {n}\n" for n in range(30))
HOSTILE = "<img src=x onerror=alert(1)> <script>alert(1)</script>"


@pytest.fixture
async def page(workspace: Workspace, chromium: str) -> AsyncIterator[Page]:
    """Ada's page; what the browser complains of is a failure."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        await page.goto(f"{workspace.url}/?as=ada")
        await expect(page.locator("#channel-name")).to_have_text("# shop")
        yield page
        await browser.close()
    assert complaints == []


async def keep(page: Page, name: str) -> None:
    """A picture, where somebody wants to look: THREADSMITH_TEST_PICTURES names the folder."""
    if folder := os.environ.get("THREADSMITH_TEST_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def plan(status: str) -> Json:
    card = {"type": "task_card", "task_id": "1", "title": "Run the tests", "status": status}
    return {"type": "plan", "title": "Working…", "tasks": [card]}


def row(action: str, **more: Any) -> Json:
    button = {"type": "button", "text": plain(action.title()), "action_id": action, "value": "1"}
    return {"type": "actions", "elements": [button | more]}


async def test_a_mention_is_answered_and_a_button_pressed(
    workspace: Workspace, app: Connected, page: Page
) -> None:
    @app.bolt.action("stop")
    async def stop(ack: Ask, body: Json, client: AsyncWebClient) -> None:
        await ack()
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        said = {"type": "section", "text": {"type": "mrkdwn", "text": "*Stopped*"}}
        await client.chat_update(**place, text="Stopped", blocks=[plan("error"), said])

    await page.locator("#composer textarea").fill("@thr")
    await page.keyboard.press("Tab")
    await page.keyboard.type("fix it")
    await page.keyboard.press("Enter")
    [mention] = await until(lambda: app.events("app_mention"))
    await app.bolt.client.chat_postMessage(
        channel=mention["event"]["channel"],
        thread_ts=mention["event"]["ts"],
        text="Working…",
        blocks=[plan("in_progress"), row("stop")],
    )
    thread = page.locator("#thread")
    await expect(thread.locator(".task-in_progress")).to_contain_text("Run the tests")
    [message] = workspace.messages("shop")
    assert message["text"] == f"<@{workspace.bot_user_id}> fix it"
    await keep(page, "working")
    await thread.get_by_role("button", name="Stop").click()
    await expect(thread.locator(".task-error")).to_be_visible()
    await expect(thread.locator("b", has_text="Stopped")).to_be_visible()
    await expect(thread.get_by_role("button", name="Stop")).to_have_count(0)
    await keep(page, "stopped")


async def test_a_question_comes_before_a_press_that_asks_for_it(
    app: Connected, client: AsyncWebClient, page: Page
) -> None:
    pressed = []

    @app.bolt.action("discard")
    async def discard(ack: Ask, body: Json) -> None:
        pressed.append(body["user"]["id"])
        await ack()

    confirm = {"title": plain("Sure?"), "text": plain("It goes."), "confirm": plain("Go")}
    confirm["deny"] = plain("Keep")
    await client.chat_postMessage(
        channel="C0SHOP", text="?", blocks=[row("discard", confirm=confirm)]
    )
    button = page.locator("#messages").get_by_role("button", name="Discard")
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert pressed == []
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Go").click()
    await until(lambda: pressed)
    assert pressed == ["U0ADA"]


async def test_a_form_is_filled_in_and_its_errors_stay_with_it(
    app: Connected, client: AsyncWebClient, page: Page
) -> None:
    sent = []
    field = {"type": "plain_text_input", "action_id": "words", "multiline": True}
    form = {"type": "modal", "callback_id": "form", "title": plain("Changes")}
    form |= {"submit": plain("Send"), "close": plain("Cancel")}
    form["blocks"] = [{"type": "input", "block_id": "b", "label": plain("What?"), "element": field}]

    @app.bolt.action("change")
    async def change(ack: Ask, body: Json) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=form)

    @app.bolt.view("form")
    async def take(ack: Ask, view: Json) -> None:
        words = view["state"]["values"]["b"]["words"]["value"]
        sent.append(words)
        if len(sent) == 1:
            await ack(response_action="errors", errors={"b": "Say more."})
        else:
            await ack()

    await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row("change")])
    await page.locator("#messages").get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.locator(".error")).to_have_text("Please complete this required field.")
    await dialog.get_by_label("What?").fill("shorter")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.locator(".error")).to_have_text("Say more.")
    await keep(page, "form")
    await dialog.get_by_label("What?").fill("shorter lines")
    await page.keyboard.press("Control+Enter")
    await expect(dialog).to_have_count(0)
    assert sent == ["shorter", "shorter lines"]


async def test_a_diff_is_shown_in_part_until_somebody_wants_all(
    client: AsyncWebClient, page: Page
) -> None:
    await client.files_upload_v2(
        channel="C0SHOP", filename="task.diff", content=PATCH, snippet_type="diff"
    )
    file = page.locator(".file")
    await expect(file.locator(".line")).to_have_count(12)
    await file.get_by_role("button", name="Show all 33 lines").click()
    await expect(file.locator(".line.added")).to_have_count(30)
    await client.chat_postMessage(channel="C0SHOP", text="more is said")
    await expect(page.get_by_text("more is said")).to_be_visible()
    await expect(file.locator(".line.added")).to_have_count(30)
    async with page.expect_download() as download:
        await file.get_by_role("link", name="Download").click()
    path = await (await download.value).path()
    assert path.read_text() == PATCH


async def test_what_is_said_is_shown_and_never_run(
    workspace: Workspace, client: AsyncWebClient, page: Page
) -> None:
    words = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": HOSTILE}]}
    await workspace.post("grace", "shop", HOSTILE)
    await client.chat_postMessage(
        channel="C0SHOP",
        text="t",
        blocks=[
            {"type": "markdown", "text": f"{HOSTILE} [a](javascript:alert(1))"},
            {"type": "rich_text", "elements": [words]},
            {"type": "section", "text": {"type": "mrkdwn", "text": "<javascript:alert(1)|press>"}},
            {"type": "header", "text": plain(HOSTILE)},
        ],
    )
    await expect(page.locator("#messages h3")).to_have_text(HOSTILE)
    await expect(page.locator("#messages .words")).to_have_text(HOSTILE)
    assert await page.locator("#messages img, #messages script, a[href^=javascript]").count() == 0


async def test_two_people_see_what_is_for_them(
    workspace: Workspace, client: AsyncWebClient, page: Page
) -> None:
    ts = await workspace.post("ada", "shop", "hello")
    await client.chat_postEphemeral(channel="C0SHOP", user="U0ADA", text="psst")
    await expect(page.locator(".ephemeral")).to_contain_text("Only visible to you")
    await workspace.edit("shop", ts, "hello all")
    await expect(page.locator(f"[data-ts='{ts}'] .edited")).to_have_text("(edited)")
    await page.locator("#people").get_by_text("Grace Park").click()
    await expect(page.locator(f"[data-ts='{ts}']")).to_contain_text("hello all")
    await expect(page.locator(".ephemeral")).to_have_count(0)
    await page.locator(f"[data-ts='{ts}']").hover()
    await page.get_by_role("button", name="React with :eyes:").click()
    await expect(page.locator(".reaction.mine")).to_have_text("👀1")
    assert workspace.reactions("shop", ts) == {"eyes"}


async def test_an_example_fills_the_composer(page: Page) -> None:
    await expect(page.locator("#notice")).to_have_text("Recorded.")
    await page.get_by_role("button", name="fix it").click()
    await expect(page.locator("#composer textarea")).to_have_value("fix it")
    await expect(page.locator("#composer textarea")).to_be_focused()


async def test_a_menu_that_searches(
    workspace: Workspace, client: AsyncWebClient, app: Connected, page: Page
) -> None:
    @app.bolt.options("repository")
    async def offer(ack: Ask, payload: Json) -> None:
        names = [name for name in ("acme/api", "acme/web") if payload["value"] in name]
        await ack(options=[{"text": plain(name), "value": name} for name in names])

    chosen = []

    @app.bolt.action("repository")
    async def choose(ack: Ask, action: Json) -> None:
        await ack()
        chosen.append(action["selected_option"]["value"])

    menu = {"type": "external_select", "action_id": "repository", "min_query_length": 0}
    menu["placeholder"] = plain("Find a repository")
    row = {"type": "actions", "elements": [menu]}
    await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row])
    field = page.get_by_label("Find a repository")
    await field.fill("we")
    await expect(page.get_by_role("option")).to_have_text(["acme/web"])
    await keep(page, "picker")
    await field.press("ArrowDown")
    await field.press("Enter")
    await until(lambda: chosen == ["acme/web"])


async def test_commands_shortcuts_and_home(
    page: Page, workspace: Workspace, app: Connected, client: AsyncWebClient
) -> None:
    said: list[str] = []
    chosen: list[object] = []
    words = {"type": "plain_text_input", "action_id": "value", "initial_value": "as it says"}
    place = {"type": "conversations_select", "action_id": "value"}
    place |= {"default_to_current_conversation": True}
    fields = [
        {"type": "input", "block_id": name, "label": plain(name), "element": element}
        for name, element in (("words", words), ("where", place))
    ]
    form = {"type": "modal", "callback_id": "f", "title": plain("Form"), "submit": plain("Go")}

    @app.bolt.command("/code")
    async def code(ack: Ask, body: Json) -> None:
        said.append(body["text"])
        await ack(text="Only you see *this*.")

    @app.bolt.shortcut("fix_this")
    async def fix(ack: Ask, body: Json, client: AsyncWebClient) -> None:
        await ack()
        said.append(body["message"]["text"])
        await client.views_open(trigger_id=body["trigger_id"], view={**form, "blocks": fields})

    @app.bolt.view("f")
    async def sent(ack: Ask, view: Json) -> None:
        await ack()
        chosen.append(view["state"]["values"]["where"]["value"]["selected_conversation"])

    @app.bolt.action("press")
    async def press(ack: Ask, action: Json, body: Json) -> None:
        await ack()
        said.append(f"{action['block_id']} {body['view']['type']}")

    area = page.locator("#composer textarea")
    await area.fill("/co")
    await expect(page.locator("#composer .completions")).to_contain_text("/code")
    await area.press("Tab")
    await area.type("list")
    await area.press("Enter")
    await expect(page.locator(".message.ephemeral")).to_contain_text("Only you see this.")
    await area.fill("/nonsense at all")
    await area.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("/nonsense is not a valid command")
    await area.fill("mend it")
    await area.press("Enter")
    message = page.locator("#messages .message", has_text="mend it")
    await message.hover()
    await message.get_by_role("button", name="Fix this").click()
    await page.locator("dialog button[type=submit]").click()
    await until(lambda: chosen)
    assert chosen == ["C0SHOP"]
    assert said == ["list", "mend it"]

    rows = [{**row("press"), "block_id": "first"}, {**row("press"), "block_id": "second"}]
    await page.locator('[data-channel="D0ADA"]').click()
    await page.locator('[data-tab="home"]').click()
    await expect(page.locator("#home")).to_contain_text("nothing here yet")
    await client.views_publish(user_id="U0ADA", view={"type": "home", "blocks": rows})
    await page.locator("#home button").nth(1).click()
    await until(lambda: "second home" in said)
    prompt = {"title": "Fix a bug", "message": "Fix this: "}
    await client.assistant_threads_setSuggestedPrompts(channel_id="D0ADA", prompts=[prompt])
    await page.locator('[data-tab="messages"]').click()
    await page.locator(".prompt").click()
    await expect(area).to_have_value("Fix this: ")
    await keep(page, "app")
    # A message's address leads into its thread.
    (root,) = [m for m in workspace.messages("C0SHOP") if m["text"] == "mend it"]
    await client.chat_postMessage(channel="C0SHOP", thread_ts=root["ts"], text="An answer.")
    mark = "p" + root["ts"].replace(".", "")
    await page.goto(f"{workspace.url}/archives/C0SHOP/{mark}")
    await expect(page.locator("#replies")).to_contain_text("An answer.")


async def test_days_are_named_as_slack_names_them_and_directions_are_kept(
    workspace: Workspace, client: AsyncWebClient, page: Page
) -> None:
    soon = int(workspace.state.clock()) + 86_400
    text = f"Expires <!date^{soon}^{{date_short_pretty}} at {{time}}|then>"
    box = {
        "type": "container",
        "title": {**plain(":tada: is a name"), "emoji": False},
        "child_blocks": [{"type": "section", "text": plain("s")}],
    }
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}, box]
    await client.chat_postMessage(channel="C0SHOP", text="x", blocks=blocks)
    said = page.locator("#messages article").last
    await expect(said).to_contain_text("Expires tomorrow at ")
    await expect(said).to_contain_text(":tada: is a name")
    await client.chat_postMessage(channel="C0SHOP", text="שלום עולם")
    words = page.locator("#messages .mrkdwn", has_text="שלום")
    assert await words.evaluate("node => getComputedStyle(node).direction") == "rtl"


async def test_an_edited_message_says_so_and_a_deleted_one_names_nobody(
    workspace: Workspace, client: AsyncWebClient, page: Page
) -> None:
    ts = await workspace.post("ada", "shop", "one")
    await client.chat_postMessage(channel="C0SHOP", text="reply", thread_ts=ts)
    await workspace.edit("shop", ts, "two")
    await expect(page.locator("#messages .mrkdwn", has_text="two (edited)")).to_be_visible()
    await workspace.delete("shop", ts)
    gone = page.locator("#messages article", has_text="This message was deleted.")
    await expect(gone).to_be_visible()
    await expect(gone).not_to_contain_text("USLACKBOT")
