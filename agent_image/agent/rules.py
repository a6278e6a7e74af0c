"""AGENTS.md of inner folders: shown with the first file that is opened beside or below them."""

from __future__ import annotations

import os
from typing import Set

from agent_image.agent.output import make_safe
from agent_image.agent.survey import MAX_RULES_BYTES, RULES, read_beginning


class NestedRules:
    """Outer ones first, each once, and all together no more than their limit."""

    def __init__(self, workspace: str) -> None:
        self._root = os.path.realpath(workspace)
        self._left = MAX_RULES_BYTES - len(read_beginning(workspace, RULES, MAX_RULES_BYTES))
        self._shown: Set[str] = set()

    def beside(self, path: str) -> str:
        """What is to be known where that file is; empty: nothing new."""
        place = os.path.realpath(os.path.join(self._root, path))
        if not place.startswith(self._root + os.sep):
            return ""
        parts = os.path.relpath(place, self._root).split(os.sep)
        if parts[-1] == RULES:
            self._shown.add("/".join(parts[:-1]))  # it is being read right now
        found = (self._take("/".join(parts[:count])) for count in range(1, len(parts)))
        return "".join(text for text in found if text)

    def _take(self, folder: str) -> str:
        if folder in self._shown or self._left <= 0:
            return ""
        self._shown.add(folder)
        data = read_beginning(self._root, folder + "/" + RULES, self._left + 1)
        cut = "\n[… cut]" if len(data) > self._left else ""
        text = make_safe(data[: self._left]).strip()
        self._left -= len(data)
        if not text:
            return ""
        return "\n\n<{0}/{1}>\n{2}{3}\n</{0}/{1}>".format(folder, RULES, text, cut)
