"""Menus whose options the app makes while a person types."""

from __future__ import annotations

from typing import Any

from chatbot.demo.workspace.elements import check_option
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.faults import Faults
from chatbot.demo.workspace.state import User

Json = dict[str, Any]
EXTERNAL = frozenset({"external_select", "multi_external_select"})
MIN_QUERY_LENGTH = 3
"""Slack asks no earlier, unless the menu says otherwise."""
MAX_OPTIONS = 100


class Suggestions:
    """Remembers what each menu offered: nothing else can be chosen in it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._offered: dict[tuple[str, str], list[Json]] = {}

    async def ask(self, user: User, place: Json, block_id: str, menu: Json, typed: str) -> Json:
        """``place``: container, and the message or the view; raises NotAcknowledged, or ApiError
        where Slack would show no options.
        """
        if menu.get("type") not in EXTERNAL:
            raise ApiError("action_not_found")
        if len(typed) < menu.get("min_query_length", MIN_QUERY_LENGTH):
            return {"options": []}
        answer = await self._events.suggest(
            user,
            {**place, "action_id": menu["action_id"], "block_id": block_id, "value": typed},
        )
        offered = _check(answer)
        self._offered.setdefault((user.id, str(menu["action_id"])), []).extend(offered)
        return answer

    def was_offered(self, user: User, menu: Json, chosen: object) -> bool:
        known = self._offered.get((user.id, str(menu.get("action_id"))), [])
        return chosen in known or (chosen is not None and chosen == menu.get("initial_option"))


def _check(answer: Json) -> list[Json]:
    """The options of an answer; raises ApiError for what Slack does not take."""
    faults = Faults()
    has_groups = answer.get("option_groups") is not None
    if has_groups == (answer.get("options") is not None):
        raise ApiError("invalid_options: either `options` or `option_groups`")
    lists = [(answer.get("options"), "/options", 0)]
    if has_groups:
        groups = list(faults.items(answer["option_groups"], "/option_groups", 0, MAX_OPTIONS))
        for place, group in groups:
            if faults.fields(group, place, ("label", "options")):
                faults.text(group["label"], f"{place}/label", 75, plain=True)
        lists = [(group.get("options"), f"{place}/options", 1) for place, group in groups]
    found = []
    for options, place, least in lists:
        for inner, option in faults.items(options, place, least, MAX_OPTIONS):
            check_option(faults, option, inner, plain=True)
            found.append(option)
    if faults.found:
        raise ApiError(f"invalid_options: {faults.found[0]}")
    return found
