"""Limits of interactive elements: what may stand where, and how large it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatbot.demo.workspace.faults import Faults

Json = dict[str, Any]

BUTTON_FIELDS = {
    *("action_id", "url", "value", "style", "confirm", "accessibility_label"),
    *("visible_to_user_ids", "agent_prompt"),
}
SELECT_FIELDS = {"action_id", "placeholder", "confirm", "focus_on_load"}
INPUT_FIELDS = {"action_id", "placeholder", "focus_on_load", "dispatch_action_config"}
SELECTS = {
    f"{many}{kind}_select"
    for many in ("", "multi_")
    for kind in ("static", "users", "conversations", "channels", "external")
}
PICKERS = {"datepicker", "timepicker", "datetimepicker"}
GROUPS = {"checkboxes", "radio_buttons"}
ACTIONS = {"button", "workflow_button", "overflow", "rich_text_input"} | SELECTS | PICKERS | GROUPS
ACCESSORIES = {"button", "workflow_button", "overflow", "image"} | SELECTS | PICKERS | GROUPS
INPUTS = (
    {
        *("plain_text_input", "email_text_input", "url_text_input", "number_input"),
        *("rich_text_input", "file_input"),
    }
    | SELECTS
    | PICKERS
    | GROUPS
)
CONTEXT_ACTIONS = {"feedback_buttons", "icon_button"}


def check_element(faults: Faults, element: object, at: str, known: set[str]) -> None:
    if not isinstance(element, dict):
        faults.add(at, "must be an object")
        return
    kind = faults.kind(element, at, known)
    if not kind:
        return
    faults.strings(element, at, action_id=255)
    faults.texts(element, at, plain=True, placeholder=150)
    if element.get("confirm") is not None:
        check_confirm(faults, element["confirm"], f"{at}/confirm")
    _RULES.get(kind, _check_other)(faults, element, at)


def check_confirm(faults: Faults, confirm: object, at: str) -> None:
    if not isinstance(confirm, dict):
        faults.add(at, "must be an object")
        return
    faults.fields(confirm, at, ("title", "text", "confirm", "deny"), ("style",))
    faults.texts(confirm, at, plain=True, title=100, confirm=30, deny=30)
    faults.texts(confirm, at, text=300)
    faults.choice(confirm, at, "style", {"primary", "danger"})


def check_image(faults: Faults, image: Json, at: str) -> None:
    faults.fields(image, at, ("alt_text",), ("image_url", "slack_file"))
    faults.strings(image, at, alt_text=2000)
    faults.urls(image, at, "image_url")
    if (image.get("image_url") is None) == (image.get("slack_file") is None):
        faults.add(at, "must define either `image_url` or `slack_file`")


def check_option(faults: Faults, option: Json, at: str, *, plain: bool) -> None:
    if faults.fields(option, at, ("text", "value"), ("description", "url")):
        faults.text(option["text"], f"{at}/text", 75, plain=plain)
        faults.string(option["value"], f"{at}/value", 150)
    faults.texts(option, at, description=75)
    faults.urls(option, at, "url")


def _check_chosen(faults: Faults, menu: Json, at: str, options: Sequence[Any]) -> None:
    """What is chosen at first is one of the options, word for word."""
    if menu.get("initial_option") is not None and menu["initial_option"] not in options:
        faults.add(f"{at}/initial_option", "must be one of the options")
    if menu.get("initial_options") is not None:
        listed = faults.items(menu["initial_options"], f"{at}/initial_options", 1, 100)
        for place, chosen in listed:
            if chosen not in options:
                faults.add(place, "must be one of the options")


def _check_button(faults: Faults, button: Json, at: str) -> None:
    if faults.fields(button, at, ("text",), BUTTON_FIELDS):
        faults.text(button["text"], f"{at}/text", 75, plain=True)
    faults.strings(button, at, value=2000, accessibility_label=75, agent_prompt=4000)
    faults.urls(button, at, "url")
    faults.choice(button, at, "style", {"primary", "danger"})


def _check_overflow(faults: Faults, menu: Json, at: str) -> None:
    faults.fields(menu, at, ("options",), ("action_id", "confirm"))
    for place, option in faults.items(menu.get("options"), f"{at}/options", 1, 5):
        check_option(faults, option, place, plain=True)


def _check_select(faults: Faults, menu: Json, at: str) -> None:
    many = menu["type"].startswith("multi_")
    optional = (
        {"options", "option_groups", "max_selected_items"} if many else {"options", "option_groups"}
    )
    optional |= {"initial_options"} if many else {"initial_option"}
    faults.fields(menu, at, (), SELECT_FIELDS | optional)
    if (menu.get("options") is None) == (menu.get("option_groups") is None):
        faults.add(at, "must define either `options` or `option_groups`")
        return
    found: list[Any] = []
    lists = [(menu["options"], f"{at}/options")] if menu.get("options") is not None else []
    if not lists:
        for place, group in faults.items(menu["option_groups"], f"{at}/option_groups", 1, 100):
            if faults.fields(group, place, ("label", "options")):
                faults.text(group["label"], f"{place}/label", 75, plain=True)
                lists.append((group["options"], f"{place}/options"))
    for options, place in lists:
        for inner, option in faults.items(options, place, 1, 100):
            check_option(faults, option, inner, plain=True)
            found.append(option)
    _check_chosen(faults, menu, at, found)


def _check_external(faults: Faults, menu: Json, at: str) -> None:
    """Its options come from the app, while the person types."""
    many = menu["type"].startswith("multi_")
    optional = {"min_query_length", "initial_options" if many else "initial_option"}
    faults.fields(
        menu, at, (), SELECT_FIELDS | optional | ({"max_selected_items"} if many else set())
    )
    least = menu.get("min_query_length")
    if least is not None and (isinstance(least, bool) or not isinstance(least, int) or least < 0):
        faults.add(f"{at}/min_query_length", "must be a positive integer")
    if menu.get("initial_option") is not None and faults.is_object(
        menu["initial_option"], f"{at}/initial_option"
    ):
        check_option(faults, menu["initial_option"], f"{at}/initial_option", plain=True)


def _check_group(faults: Faults, group: Json, at: str) -> None:
    initial = "initial_options" if group["type"] == "checkboxes" else "initial_option"
    faults.fields(group, at, ("options",), {"action_id", "confirm", "focus_on_load", initial})
    options = list(faults.items(group.get("options"), f"{at}/options", 1, 10))
    for place, option in options:
        check_option(faults, option, place, plain=False)
    _check_chosen(faults, group, at, [option for _, option in options])


def _check_words(faults: Faults, field: Json, at: str) -> None:
    faults.fields(
        field, at, (), INPUT_FIELDS | {"initial_value", "multiline", "min_length", "max_length"}
    )
    faults.flags(field, at, "multiline", "focus_on_load")
    for name in ("min_length", "max_length"):
        value = field.get(name)
        if value is not None and (not isinstance(value, int) or not 0 <= value <= 3000):
            faults.add(f"{at}/{name}", "must be between 0 and 3000")
            return
    least, most = field.get("min_length") or 0, field.get("max_length") or 3000
    if least > most:
        faults.add(f"{at}/min_length", "must be less than `max_length`")
    elif field.get("initial_value") is not None:
        faults.string(field["initial_value"], f"{at}/initial_value", most, least=least)


def _check_feedback(faults: Faults, buttons: Json, at: str) -> None:
    names = ("positive_button", "negative_button")
    if not faults.fields(buttons, at, names, ("action_id",)):
        return
    for name in names:
        place, button = f"{at}/{name}", buttons[name]
        if faults.is_object(button, place) and faults.fields(
            button, place, ("text", "value"), ("accessibility_label",)
        ):
            faults.text(button["text"], f"{place}/text", 75, plain=True)
            faults.strings(button, place, value=2000, accessibility_label=75)


def _check_icon_button(faults: Faults, button: Json, at: str) -> None:
    fields = {"action_id", "value", "confirm", "accessibility_label", "visible_to_user_ids"}
    if faults.fields(button, at, ("icon", "text"), fields):
        faults.text(button["text"], f"{at}/text", 75, plain=True)
    faults.choice(button, at, "icon", {"trash"})
    faults.strings(button, at, value=2000, accessibility_label=75)


def _check_other(faults: Faults, element: Json, at: str) -> None:
    """Elements of which only the common limits are held."""


_RULES: dict[str, Callable[[Faults, Json, str], None]] = {
    "button": _check_button,
    "overflow": _check_overflow,
    "image": check_image,
    "static_select": _check_select,
    "multi_static_select": _check_select,
    "external_select": _check_external,
    "multi_external_select": _check_external,
    "checkboxes": _check_group,
    "radio_buttons": _check_group,
    "plain_text_input": _check_words,
    "feedback_buttons": _check_feedback,
    "icon_button": _check_icon_button,
}
