"""Modals, opened by a trigger that is good for three seconds."""

from __future__ import annotations

import json

from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.limits import check_view

MAX_STACK = 3


class Views:
    def __init__(self, base: Base) -> None:
        self._base = base
        self._state = base.state

    def methods(self) -> Methods:
        return {
            "views.open": self._open,
            "views.push": self._push,
            "views.update": self._update,
            "views.publish": self._publish,
        }

    def show(self, user_id: str, given: object) -> Json:
        """A new modal for this person, above what is open."""
        view = self._make(given)
        stack = [v for v in self._state.views.values() if v["_user"] == user_id]
        if len(stack) >= MAX_STACK:
            raise ApiError("push_limit_reached")
        self._check_external(view)
        return self._store(view, user_id)

    def replace(self, known: Json, given: object) -> Json:
        """The same modal with other contents."""
        view = self._make(given) | {"id": known["id"]}
        return self._store(view, known["_user"])

    async def _open(self, sent: Json) -> Json:
        user_id = self._base.events.spend_trigger(str(sent.get("trigger_id")))
        view = self._make(sent.get("view"))
        for known in [v for v in self._state.views.values() if v["_user"] == user_id]:
            del self._state.views[known["id"]]
            gone = {"type": "view_closed", "user": user_id, "view_id": known["id"]}
            self._base.changed(gone)
        self._check_external(view)
        return {"view": self._store(view, user_id)}

    def _check_external(self, view: Json) -> None:
        """The app's own name of a view is one view's alone."""
        name = view.get("external_id")
        if name and any(name == known.get("external_id") for known in self._state.views.values()):
            raise ApiError("duplicate_external_id")

    async def _push(self, sent: Json) -> Json:
        return {
            "view": self.show(
                self._base.events.spend_trigger(str(sent.get("trigger_id"))), sent.get("view")
            )
        }

    async def _update(self, sent: Json) -> Json:
        known = self._find(sent)
        if sent.get("hash") not in {None, known["hash"]}:
            raise ApiError("hash_conflict")
        return {"view": self.replace(known, sent.get("view"))}

    async def _publish(self, sent: Json) -> Json:
        user = self._state.user(str(sent.get("user_id")))
        known = self._state.homes.get(user.id)
        if known is not None and sent.get("hash") not in {None, known["hash"]}:
            raise ApiError("hash_conflict")
        view = self._make(sent.get("view"))
        if view["type"] != "home":
            raise ApiError("invalid_arguments", messages=["must be a home view"])
        self._state.homes[user.id] = view
        self._base.changed({"type": "home", "user": user.id})
        return {"view": view}

    def _find(self, sent: Json) -> Json:
        for view in self._state.views.values():
            if view["id"] == sent.get("view_id"):
                return view
            if sent.get("external_id") and view.get("external_id") == sent["external_id"]:
                return view
        raise ApiError("not_found")

    def _store(self, view: Json, user_id: str) -> Json:
        self._state.views[view["id"]] = {**view, "_user": user_id}
        self._base.changed({"type": "view", "user": user_id, "view": view})
        return view

    def _make(self, given: object) -> Json:
        view = json.loads(given) if isinstance(given, str) else given
        if not isinstance(view, dict):
            raise ApiError("invalid_arguments")
        check_view(view)
        self._state.name_blocks(view.get("blocks") or [])
        return {
            **view,
            "id": self._state.new_id("V"),
            "team_id": self._state.team_id,
            "hash": self._state.new_ts(),
            "state": {"values": {}},
            "app_id": self._state.app_id,
            "bot_id": self._state.bot_id,
        }
