"""Each kind of block: the largest that Slack takes, and what it refuses, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.limits import check_message, check_view

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str = "a", **more: Any) -> Json:
    return {"type": "button", "text": plain("b"), "action_id": action_id, **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def words(text: str) -> Json:
    run = {"type": "text", "text": text}
    line = {"type": "rich_text_section", "elements": [run]}
    return {"type": "rich_text", "elements": [line]}


def card(number: object, **more: Any) -> Json:
    known = {"type": "task_card", "task_id": str(number), "title": "t", "status": "pending"}
    return known | more


def plan(*cards: Json) -> Json:
    return {"type": "plan", "title": "p", "tasks": list(cards)}


def table(*rows: list[Json]) -> Json:
    return {"type": "table", "rows": list(rows)}


def cell(text: str = "a") -> Json:
    return {"type": "raw_text", "text": text}


def data_table(*rows: list[Json], **more: Any) -> Json:
    return {"type": "data_table", "caption": "c", "rows": list(rows)} | more


def link(url: str) -> Json:
    line = {"type": "rich_text_section", "elements": [{"type": "link", "url": url}]}
    return {"type": "rich_text", "elements": [line]}


def container(*children: Json, **more: Any) -> Json:
    box = {"type": "container", "title": plain("c"), "child_blocks": list(children)}
    return box | more


TAKEN: dict[str, list[Json]] = {
    "fifty blocks": [section("s")] * 50,
    "section": [section("s" * 3000)],
    "fields": [{"type": "section", "fields": [plain("f" * 2000)] * 6}],
    "header": [{"type": "header", "text": plain("h" * 150)}],
    "context": [{"type": "context", "elements": [plain("c")] * 10}],
    "actions": [actions(*(button(str(number)) for number in range(25)))],
    "button": [actions(button(value="v" * 2000, url="https://e.org/" + "u" * 2900))],
    "markdown": [{"type": "markdown", "text": "m" * 12_000}],
    "plan": [plan(*(card(number) for number in range(50)))],
    "card": [plan(card(1, details=words("d"), output=words("o"), status="error"))],
    "container": [container(*[section("s")] * 10)],
    "table": [table(*[[cell("a" * 1000)]] * 10)],
    "data table": [data_table([cell()], [words("w")], page_size=100)],
    "link": [link("https://e.org/a?b=c&d=é")],
    "same action in two blocks": [actions(button("x")), actions(button("x"))],
}

REFUSED: dict[str, list[Json]] = {
    "fifty-one blocks": [section("s")] * 51,
    "section": [section("s" * 3001)],
    "empty section": [section("")],
    "section without text": [{"type": "section"}],
    "fields": [{"type": "section", "fields": [plain("f")] * 11}],
    "long field": [{"type": "section", "fields": [plain("f" * 2001)]}],
    "header": [{"type": "header", "text": plain("h" * 151)}],
    "header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "h"}}],
    "context": [{"type": "context", "elements": [plain("c")] * 11}],
    "empty context": [{"type": "context", "elements": []}],
    "actions": [actions(*(button(str(number)) for number in range(26)))],
    "same action twice": [actions(button("x"), button("x"))],
    "long action": [actions(button("x" * 256))],
    "value": [actions(button(value="v" * 2001))],
    "url": [actions(button(url="https://e.org/" + "u" * 3000))],
    "label": [actions(button(text=plain("b" * 76)))],
    "style": [actions(button(style="loud"))],
    "confirm": [actions(button(confirm={"title": plain("t" * 101), "text": plain("x")}))],
    "block id": [{**section("s"), "block_id": "b" * 256}],
    "same block id": [{**section("s"), "block_id": "b"}] * 2,
    "plan": [plan(*(card(number) for number in range(51)))],
    "same task": [plan(card(1), card(1))],
    "status": [plan(card(1, status="completed"))],
    "task without title": [plan(card(1, title=""))],
    "details as text": [plan(card(1, details="words"))],
    "empty words": [words("")],
    "empty rich text": [{"type": "rich_text", "elements": []}],
    "table": [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101}],
    "wide table": [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]}],
    "container": [container(*[section("s")] * 11)],
    "container without title": [{"type": "container", "child_blocks": [section("s")]}],
    "container width": [container(section("s"), width="huge")],
    "wordy table": [table(*[[cell("a" * 1001)]] * 10)],
    "ragged table": [table([cell(), cell()], [cell()])],
    "data table without rows": [data_table([cell()])],
    "data table with a rich head": [data_table([words("w")], [cell()])],
    "data table without caption": [data_table([cell()], [cell()], caption=None)],
    "long page": [data_table([cell()], [cell()], page_size=101)],
    "no address": [actions(button(url="e.org"))],
    "script": [actions(button(url="javascript:alert(1)"))],
    "link to nowhere": [link("nowhere")],
    "source": [plan(card(1, sources=[{"type": "url", "url": "x", "text": "t"}]))],
    "choice that is none": [
        actions(
            {
                "type": "static_select",
                "action_id": "a",
                "options": [{"text": plain("o"), "value": "v"}],
                "initial_option": {"text": plain("p"), "value": "v"},
            }
        )
    ],
    "same block id in a container": [
        {**section("s"), "block_id": "b"},
        container({**section("s"), "block_id": "b"}),
    ],
    "alert level": [{"type": "alert", "text": plain("a"), "level": "loud"}],
    "unknown block": [{"type": "sparkles"}],
    "input in a message": [
        {
            "type": "input",
            "label": plain("l"),
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
    "unknown element": [actions({"type": "lever", "action_id": "a"})],
    "unknown field": [{**section("s"), "colour": "red"}],
    "image without alt text": [{"type": "image", "image_url": "https://e.org/a.png"}],
}


def modal(**more: Any) -> Json:
    known = {"type": "modal", "title": plain("t"), "submit": plain("s"), "blocks": [field()]}
    return {name: value for name, value in (known | more).items() if value is not None}


def field(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "a"}
    return {"type": "input", "label": plain("l"), "element": element | more}


def option(text: str = "o", value: str = "v") -> Json:
    return {"text": plain(text), "value": value}


REFUSED_VIEWS: dict[str, Json] = {
    "no title": modal(title=None),
    "long title": modal(title=plain("t" * 25)),
    "no submit": modal(submit=None),
    "no blocks": modal(blocks=None),
    "a hundred and one blocks": modal(blocks=[section("s")] * 101),
    "private metadata": modal(private_metadata="p" * 3001),
    "callback": modal(callback_id="c" * 256),
    "unknown kind": modal(type="window"),
    "unknown field": modal(colour="red"),
    "plan": modal(blocks=[plan(card(1))]),
    "markdown": modal(blocks=[{"type": "markdown", "text": "m"}]),
    "table": modal(blocks=[table([cell()])]),
    "home with a title": {"type": "home", "title": plain("t"), "blocks": [section("s")]},
    "long initial value": modal(blocks=[field(max_length=3, initial_value="four")]),
    "short initial value": modal(blocks=[field(min_length=3, initial_value="2")]),
    "no length fits": modal(blocks=[field(min_length=3, max_length=2)]),
    "two in focus": modal(blocks=[field(focus_on_load=True)] * 2),
    "box that is none": modal(
        blocks=[field(type="checkboxes", options=[option()], initial_options=[option("p")])]
    ),
    "external id": modal(external_id="e" * 256),
    "close": modal(close=plain("c" * 25)),
    "submit": modal(submit=plain("s" * 25)),
    "hint": modal(blocks=[{**field(), "hint": plain("h" * 2001)}]),
    "label": modal(blocks=[{**field(), "label": plain("l" * 2001)}]),
    "placeholder": modal(blocks=[field(placeholder=plain("p" * 151))]),
    "long input": modal(blocks=[field(max_length=3001)]),
    "unknown input": modal(blocks=[field(type="lever")]),
    "no options": modal(blocks=[field(type="static_select")]),
    "long option": modal(blocks=[field(type="static_select", options=[option("o" * 76)])]),
    "eleven boxes": modal(
        blocks=[field(type="checkboxes", options=[option(value=str(n)) for n in range(11)])]
    ),
}


@pytest.mark.parametrize("blocks", TAKEN.values(), ids=TAKEN)
def test_the_largest_is_taken(blocks: list[Json]) -> None:
    check_message({"text": "t", "blocks": blocks})


@pytest.mark.parametrize("blocks", REFUSED.values(), ids=REFUSED)
def test_one_more_is_refused(blocks: list[Json]) -> None:
    with pytest.raises(ApiError) as caught:
        check_message({"text": "t", "blocks": blocks})
    assert caught.value.error == "invalid_blocks"
    assert all("[json-pointer:/blocks" in message for message in caught.value.messages)


@pytest.mark.parametrize("name", ["text", "elements", "title", "tasks", "rows", "child_blocks"])
@pytest.mark.parametrize("value", [None, 1, "", [], [1], {}, [[]], {"type": []}, [{}]])
def test_any_nonsense_is_refused_in_words(name: str, value: Any) -> None:
    kinds = ["section", "header", "context", "actions", "plan", "table", "container", "rich_text"]
    for kind in kinds:
        with pytest.raises(ApiError, match="invalid_blocks"):
            check_message({"text": "t", "blocks": [{"type": kind, name: value}]})


@pytest.mark.parametrize("view", REFUSED_VIEWS.values(), ids=REFUSED_VIEWS)
def test_views_are_held_to_their_limits(view: Json) -> None:
    with pytest.raises(ApiError, match="invalid_arguments") as caught:
        check_view(view)
    assert all("[json-pointer:/view" in message for message in caught.value.messages)


def test_a_full_view_is_taken() -> None:
    choices = field(type="static_select", options=[option("o" * 75, "v" * 150)] * 100)
    text = plain("t" * 24)
    check_view(modal(title=text, private_metadata="p" * 3000, blocks=[choices, *[field()] * 99]))
