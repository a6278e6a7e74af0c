"""Asking for the repository: a question with the likely ones, and a menu that searches."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.repositories import MAX_OPTIONS, is_whole
from chatbot.request.resolving import MAX_LIKELY
from chatbot.slack.blocks.elements import (
    Content,
    actions,
    button,
    context,
    fallback,
    plain_text,
    section,
)
from chatbot.slack.blocks.text import Block, code, escaped, moment, person
from chatbot.slack.view import PickView

REPOSITORY_MENU = "repository"
"""The action of every menu that searches repositories, in messages and forms alike."""
PICK = "pick_"
ASK_AGAIN = "ask_repository_again"
VALUE_LIMIT = 150
"""Slack's, of an option's value: a longer name can only be written."""
OPTION_LIMIT = 75


def repository_menu(initial: str = "") -> Block:
    """Filled by the app while a person types."""
    menu: Block = {
        "type": "external_select",
        "action_id": REPOSITORY_MENU,
        "placeholder": plain_text("Find a repository", 150),
        "min_query_length": 0,
    }
    return menu | ({"initial_option": repository_option(initial)} if fits_menu(initial) else {})


def repository_options(names: Sequence[str], typed: str = "") -> list[Block]:
    """A name or an address in full that is not among them can be chosen all the same."""
    options = [repository_option(name) for name in names if fits_menu(name)]
    is_known = typed.lower() in {name.lower() for name in names}
    if fits_menu(typed) and is_whole(typed) and not is_known:
        options.insert(0, repository_option(typed, f"Use {typed}"))
    return options[:MAX_OPTIONS]


def repository_option(name: str, label: str = "") -> Block:
    """Of a long name both ends are shown: owners and beginnings are often alike."""
    shown = label or name
    if len(shown) > OPTION_LIMIT:
        half = OPTION_LIMIT // 2
        shown = f"{shown[:half]}…{shown[-half:]}"
    return {"text": plain_text(shown, OPTION_LIMIT), "value": name}


def fits_menu(name: str) -> bool:
    """Whether a menu can show it as chosen."""
    return 0 < len(name) <= VALUE_LIMIT


def make_pick(pick: PickView) -> Content:
    if pick.repository:
        who = f", named by {person(pick.by_id, pick.by_name)}" if pick.by_id else ""
        blocks: tuple[Block, ...] = (context(f"Working in {code(pick.repository, 150)}{who}."),)
        return Content(text=fallback(f"Working in {pick.repository}."), blocks=blocks)
    if pick.is_expired:
        said = "Nobody said in time which repository it is."
        how = "A reply with `owner/name` or an address begins it at any time."
        blocks = (
            context(f"{said} {how}"),
            actions(button("Ask again", ASK_AGAIN, pick.task_id)),
        )
        return Content(text=said, blocks=blocks)
    names = dict.fromkeys([*([pick.suggested] if pick.suggested else []), *pick.likely])
    likely = [
        button(name, f"{PICK}{index}", name, style="primary" if name == pick.suggested else None)
        for index, name in enumerate(list(names)[:MAX_LIKELY])
        if fits_menu(name)
    ]
    idea = f"The model suggests {code(pick.suggested, 150)}. " if pick.suggested else ""
    how = "It starts once one is chosen. A reply with `owner/name` or an address does as well."
    until = f" The question expires {moment(pick.expires_at)}." if pick.expires_at > 0 else ""
    return Content(
        text=fallback(pick.question),
        blocks=(
            section(f"*{escaped(pick.question, 600)}*"),
            actions(*likely, repository_menu()),
            context(idea + how + until),
        ),
    )
