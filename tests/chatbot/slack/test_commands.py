"""The slash command: what it begins, shows and ends, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from chatbot.config import ChannelSettings
from chatbot.history import defaults, queries
from chatbot.models import Choice, Task
from chatbot.slack.command_line import CommandLine, read_command
from tests.chatbot.slack.ways import Json, Ways, filled, texts, ways_in

pytestmark = pytest.mark.slack_modes(both=True)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "order", "rest"),
    [
        ("", "form", ""),
        ("  help ", "help", ""),
        ("list", "list", ""),
        ("list open", "list", "open"),
        ("list the endpoints in acme/api", "task", "list the endpoints in acme/api"),
        ("show t_abc1", "show", "t_abc1"),
        ("show me how retries work in acme/api", "task", "show me how retries work in acme/api"),
        ("stop", "stop", ""),
        ("stop t_abc1", "stop", "t_abc1"),
        ("stop the timer leak in acme/api", "task", "stop the timer leak in acme/api"),
        ("use acme/api", "use", "acme/api"),
        ("use tabs in acme/api", "task", "use tabs in acme/api"),
        ("config", "config", ""),
        ("search flaky retry", "search", "flaky retry"),
    ],
)
def test_orders_and_tasks_are_told_apart(text: str, order: str, rest: str) -> None:
    assert read_command(text) == CommandLine(order, rest)  # type: ignore[arg-type]


async def test_a_task_begins_in_a_thread_of_its_own_that_names_who_asked(ways: Ways) -> None:
    told = await ways.code("fix the retry test in acme/api")
    task = await ways.task()
    assert task.source.repository == "acme/api"
    assert (task.request, task.author.name) == ("fix the retry test", "Ada Young")
    root = ways.workspace.messages("shop")[-1]
    assert task.thread is not None
    assert root["ts"] == task.thread.thread_ts
    assert root["text"] == "<@U0ADA> asks: fix the retry test in acme/api"
    assert "Begun" in told
    # What the bot itself said for somebody carries the same sign as a person's message.
    await ways.workspace.wait_for(lambda: ways.workspace.reactions("shop", root["ts"]) == {"eyes"})


async def test_listed_shown_and_found_by_words_and_stopped(ways: Ways) -> None:
    await ways.code("fix the flaky retry test in acme/api")
    await ways.code("mend 100% of the colours in acme/web", user="grace")
    first = next(task for task in await ways.tasks() if "retry" in task.request)
    listed = await ways.code("list")
    assert "flaky retry" in listed
    # Those of others are seen where they were asked, and nowhere else.
    assert "colours" in listed
    assert "colours" not in await ways.code("list", channel="D0ADA")
    assert "colours" in await ways.code("search 100% colours")
    assert "none" in await ways.code("search 1_0 colours")
    assert first.id in await ways.code(f"show {first.id}")
    assert "Stopping" in await ways.code("stop")
    assert "Nothing is running" in await ways.code(f"stop {first.id}")
    assert "colours" in await ways.code("list open")
    assert "flaky" not in await ways.code("list open")


async def test_what_others_asked_elsewhere_is_not_there(ways: Ways) -> None:
    await ways.code("read the plans in acme/secret", user="grace", channel="D0GRACE")
    task = await ways.task()
    assert "There is no such task" in await ways.code(f"show {task.id}")
    assert "There is no such task" in await ways.code(f"stop {task.id}")
    assert "read the plans" not in await ways.code("search plans")


async def test_words_of_any_kind_are_searched_for_as_they_stand(ways: Ways) -> None:
    await ways.code("在 acme/api 修复购物车的舍入与重试，a&amp;b 也要")
    await ways.task()

    async def finds(words: str) -> bool:
        return "购物车的舍入" in await ways.code(f"search {words}")

    for words in ("购物车", "舍入 acme/API", "a&amp;b", "重试\u3000购物车"):
        assert await finds(words), words
    how_it_is_kept = ("forge", "https", "null")
    no_language = ("%", "购物_", "\\", "' OR 1=1 --", "NEAR(购物车", '"购物车" *', "a&amp;lt;b")
    for words in ("购物车 找不到", *how_it_is_kept, *no_language):
        assert not await finds(words), words


async def test_a_choice_is_no_word_either(ways: Ways) -> None:
    await ways.code("fix the retry test in acme/api")
    task = await ways.task()
    choice = Choice(source=replace(task.source, ref="main"), mode="explain", model="replay:demo")
    await ways.actions.change_task(task.id, choice, task.author)
    assert "none" in await ways.code("search explain")


async def test_a_channel_has_a_repository_of_its_own(ways: Ways) -> None:
    assert "acme/api" in await ways.code("use acme/api")
    await ways.code("fix the retry test")
    assert (await ways.task()).source.repository == "acme/api"
    assert "Forgotten" in await ways.code("use nothing")
    assert "owner/name" in await ways.code("use <b>/x")
    address = "https://git.example.com/team/tool.git"
    assert f"`{address}`" in await ways.code(f"use {address}")
    assert "`acme/web`" in await ways.code("use https://github.com/acme/web")


async def test_config_is_a_form_for_the_channel_and_the_person(ways: Ways) -> None:
    await ways.code("use acme/api")
    assert await ways.code("config") == ""
    view = ways.view()
    assert initial(view, "channel_repository") == "acme/api"
    assert initial(view, "repository") is None
    fields = filled("", channel_repository="acme/web", repository="acme/own", model="nobody")
    refused = await ways.workspace.submit_view("ada", view["id"], fields)
    assert list(refused["errors"]) == ["model"]
    fields = filled("", channel_repository="acme/web", repository="acme/own", model="opus")
    await ways.workspace.submit_view("ada", view["id"], fields)
    # In another channel the person's own holds.
    await ways.code("")
    assert initial(ways.view(), "repository") == "acme/web"
    await ways.workspace.submit_view("ada", ways.view()["id"], filled("fix the retry test"))
    task = await ways.task()
    assert (task.source.repository, task.model) == ("acme/web", "anthropic:claude-opus-5-5")
    await ways.code("", channel="general")
    assert initial(ways.view(), "repository") == "acme/own"
    fields = filled("fix it too", repository="acme/own")
    await ways.workspace.submit_view("ada", ways.view()["id"], fields)
    # Nobody else's are touched, and a direct message has none of its own.
    await ways.code("config", user="grace")
    assert initial(ways.view("grace"), "channel_repository") == "acme/web"
    assert initial(ways.view("grace"), "repository") is None
    await ways.code("config", channel="D0ADA")
    assert "channel_repository" not in str(ways.view()["blocks"])


async def test_where_the_bot_may_not_speak_the_person_is_told(ways: Ways) -> None:
    ways.workspace.state.channel("shop").members.remove(ways.workspace.bot_user_id)
    assert "Invite the bot" in await ways.code("fix it in acme/api")
    assert await ways.tasks() == []


def initial(view: Json, block_id: str) -> str | None:
    """What a menu of the form holds already."""
    field = next(block for block in view["blocks"] if block.get("block_id") == block_id)
    option = field["element"].get("initial_option")
    return option and str(option["value"])


async def test_alone_it_opens_a_form(ways: Ways) -> None:
    await ways.code("use acme/api")
    await ways.workspace.command("ada", "shop", "/code")
    view = ways.view()
    assert "New coding task" in str(view["title"])
    fields = filled("fix <b> & a < b", repository="acme/api", ref="dev", image="node:22")
    fields["mode"] = {"value": {"selected_option": {"value": "review"}}}
    fields["draft"] = {"value": {"selected_options": [{"value": "draft"}]}}
    for name, wrong in {"ref": "a..b", "model": "none", "image": "a b"}.items():
        refused = fields | {name: {"value": {"value": wrong}}}
        answer = await ways.workspace.submit_view("ada", view["id"], refused)
        assert list(answer["errors"]) == [name]
    await ways.workspace.submit_view("ada", view["id"], fields)
    task = await ways.task()
    assert (task.request, task.mode, task.image) == ("fix <b> & a < b", "review", "node:22")
    assert (task.source.repository, task.source.ref, task.draft) == ("acme/api", "dev", True)


async def test_a_form_is_filled_with_what_holds_for_the_channel_and_the_person(
    tmp_path: Path,
) -> None:
    configured = (ChannelSettings(id="C0SHOP", repository="acme/configured"),)
    async with ways_in(tmp_path, channels=configured) as ways:
        await ways.code("config")
        fields = filled("", channel_repository="acme/configured", repository="acme/own")
        fields["model"] = {"value": {"value": "opus"}}
        await ways.workspace.submit_view("ada", ways.view()["id"], fields)

        async def filled_with(user: str) -> tuple[str | None, str]:
            view = ways.view(user)
            model = next(part for part in view["blocks"] if part.get("block_id") == "model")
            found = initial(view, "repository"), str(model["element"].get("initial_value"))
            ways.workspace.state.views.clear()
            return found

        await ways.code("")
        opus = "anthropic:claude-opus-5-5"
        assert await filled_with("ada") == ("acme/configured", opus)
        await ways.workspace.shortcut("ada", "new_task")
        assert await filled_with("ada") == ("acme/own", opus)
        await ways.code("", channel="general")
        assert await filled_with("ada") == ("acme/own", opus)
        ts = await ways.workspace.post("grace", "shop", "it is broken")
        await ways.workspace.shortcut("grace", "fix_this", "shop", ts)
        assert await filled_with("grace") == ("acme/configured", "None")
        ts = await ways.workspace.post("grace", "shop", "acme/web is broken")
        await ways.workspace.shortcut("grace", "fix_this", "shop", ts)
        assert await filled_with("grace") == ("acme/web", "None")
        # What the configuration says is not a person's word until somebody says otherwise.
        settled = partial(defaults.get, team="T0LOCAL", kind="channel", of="C0SHOP")
        assert (await ways.history.read(settled)).repository == ""


async def test_a_forms_words_are_read_and_its_menu_wins_where_somebody_chose(ways: Ways) -> None:
    await ways.code("use acme/api")

    async def begun(words: str, repository: str) -> Task:
        count = len(await ways.tasks())
        await ways.code("")
        fields = filled(words, repository=repository)
        answer = await ways.workspace.submit_view("ada", ways.view()["id"], fields)
        assert "errors" not in answer
        return (await ways.begun(count + 1))[0]

    # As it was filled: the words are more than that.
    task = await begun("explain the retries in acme/web on branch dev", "acme/api")
    assert (task.source.repository, task.source.ref, task.mode) == ("acme/web", "dev", "explain")
    # Chosen: the words speak of another.
    task = await begun("do as in acme/web", "acme/other")
    assert (task.source.repository, task.request) == ("acme/other", "do as in acme/web")
    task = await begun("fix the retry test in acme/other", "acme/other")
    assert (task.source.repository, task.request) == ("acme/other", "fix the retry test")


async def test_the_menu_finds_what_is_known_and_takes_any_name(ways: Ways) -> None:
    await ways.code("use acme/api")
    await ways.code("")
    view = ways.view()

    async def offered(typed: str) -> list[tuple[str, str]]:
        found = await ways.workspace.suggest("ada", "repository", typed, view=view["id"])
        return [(option["text"]["text"], option["value"]) for option in found]

    assert await offered("ap") == []
    await ways.code("fix the retry test")
    run = await ways.history.read(partial(queries.newest_run, task_id=(await ways.task()).id))
    await ways.actions.resolve_run(run.id, branch="main", base_commit="0" * 40, detail={})
    assert await offered("ap") == [("acme/api", "acme/api")]
    assert await offered("acme/api") == [("acme/api", "acme/api")]
    assert await offered("acme/a") == [("Use acme/a", "acme/a"), ("acme/api", "acme/api")]
    address = "https://git.example.com/team/tool.git"
    assert await offered(address) == [(f"Use {address}", address)]
    assert await offered(f"https://ada:secret@git.example.com/{'x' * 20}") == []
    assert await offered("git@github.com:acme/" + "x" * 150) == []


async def test_the_shortcut_on_a_message_works_in_its_thread(ways: Ways) -> None:
    ts = await ways.workspace.post("grace", "shop", "the *retry* test of acme/api is flaky")
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    view = ways.view()
    assert "flaky" in str(view["blocks"])
    await ways.workspace.submit_view("ada", view["id"], filled("fix it in acme/api"))
    task = await ways.task()
    assert task.thread is not None
    assert (task.thread.thread_ts, task.author.name) == (ts, "Ada Young")
    said = [message["text"] for message in ways.workspace.messages("shop", ts)]
    assert "<@U0ADA> asks: fix it in acme/api" in said
    # A second press on it, by somebody else, is a word in the same conversation.
    await ways.workspace.shortcut("grace", "fix_this", "shop", ts)
    await ways.workspace.submit_view("grace", ways.view("grace")["id"], filled("and the other one"))
    await ways.said_in(ts, "<@U0GRACE> asks: and the other one")
    assert len(await ways.tasks()) == 1


async def test_the_shortcut_everywhere_asks_for_the_channel(ways: Ways) -> None:
    await ways.workspace.shortcut("ada", "new_task")
    view = ways.view()
    fields = filled("fix it in acme/api")
    fields["channel"] = {
        "value": {"selected_conversation": ways.workspace.state.channel("general").id}
    }
    await ways.workspace.submit_view("ada", view["id"], fields)
    task = await ways.task()
    assert task.thread is not None
    assert task.thread.channel == ways.workspace.state.channel("general").id


async def test_an_empty_form_keeps_what_was_written(ways: Ways) -> None:
    await ways.workspace.shortcut("ada", "new_task")
    fields = filled("   ")
    fields["channel"] = {"value": {"selected_conversation": "C0NOWHERE"}}
    answer = await ways.workspace.submit_view("ada", ways.view()["id"], fields)
    assert "nothing to do" in str(answer["errors"])
    fields = filled("fix it in acme/api") | {"channel": fields["channel"]}
    # The form is taken: what Slack says of the channel comes later, with the words.
    assert await ways.workspace.submit_view("ada", ways.view()["id"], fields) == {}
    told = await ways.said_in(None, "No thread can be begun", channel="D0ADA")
    assert told.endswith("&gt; fix it in acme/api")
    assert await ways.tasks() == []


async def test_where_slack_is_slow_the_answer_comes_later(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.slack.listeners.commands.PATIENCE_SECONDS", 0.05)
    ways.workspace.fail_next("chat.postMessage", status=429, retry_after=1)
    answer = await ways.workspace.command("ada", "shop", "/code fix the retry test in acme/api")
    assert "On it" in answer["text"]

    def told() -> bool:
        return any("Begun" in message["text"] for message in ways.workspace.ephemerals("ada"))

    await ways.workspace.wait_for(told)
    assert (await ways.task()).request == "fix the retry test"


async def test_a_form_that_comes_too_late_is_told_wherever_it_was_asked_for(ways: Ways) -> None:
    told = "came too late"

    def late() -> None:
        ways.workspace.fail_next("views.open", "expired_trigger_id")

    def alone() -> list[str]:
        return [message["text"] for message in ways.workspace.ephemerals("ada")]

    late()
    assert told in texts(await ways.workspace.command("ada", "shop", "/code"))
    late()
    ts = await ways.workspace.post("grace", "shop", "it is broken")
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    await ways.workspace.wait_for(lambda: told in alone()[-1] and len(alone()) == 2)
    # Where the bot is not it cannot speak to one person alone.
    ways.workspace.state.channel("general").members.remove(ways.workspace.bot_user_id)
    ts = await ways.workspace.post("grace", "general", "it is broken")
    late()
    await ways.workspace.shortcut("ada", "fix_this", "general", ts)
    await ways.workspace.wait_for(lambda: told in "".join(ways.said("D0ADA")))
    late()
    await ways.workspace.shortcut("ada", "new_task")
    await ways.workspace.wait_for(lambda: len(ways.said("D0ADA")) == 2)
    assert ways.workspace.views("ada") == []


async def test_three_thousand_characters_are_taken_whole(ways: Ways) -> None:
    await ways.code("")
    words = "fix it in acme/api & " + "<x> " * 744
    await ways.workspace.submit_view("ada", ways.view()["id"], filled(words[:3000]))
    task = await ways.task()
    assert len(task.request) > 2900
    assert "& <x> <x>" in task.request
    assert task.thread is not None
    root = next(m for m in ways.workspace.messages("shop") if m["ts"] == task.thread.thread_ts)
    assert len(root["text"]) <= 40_000
