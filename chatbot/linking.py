"""People say who they are on the forge, so that their commits name them.

A login is taken at its owner's word: it makes a `Co-authored-by`, and never a right.
"""

from __future__ import annotations

import time
from functools import partial

from chatbot.forge.errors import ForgeNotFound
from chatbot.forge.github import GitHubForge
from chatbot.history import people
from chatbot.history.store import History
from chatbot.models import Person
from sandbox.errors import ThreadsmithError


class Linking:
    """Keeps who is who."""

    def __init__(self, history: History, forge: GitHubForge | None) -> None:
        self._history = history
        self._forge = forge

    async def link(self, person: Person, login: str) -> str:
        """What to answer; an empty login takes it back."""
        if not login:
            await self._history.write(partial(people.remove, user_id=person.id))
            return "Commits you ask for name you without a forge account now."
        if self._forge is None:
            return "No forge is configured here."
        try:
            found, number = await self._forge.person(login)
        except ForgeNotFound:
            return f"The forge knows nobody called {login}."
        except ThreadsmithError as error:
            return error.brief
        linked = people.Linked(login=found, number=number)
        await self._history.write(lambda db: people.put(db, person.id, linked, at=time.time()))
        return f"Commits you ask for name {found} as co-author from now on."
