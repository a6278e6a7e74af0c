"""What whoever takes requests has to be told of people: who may do what, and who may know what."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Protocol

from chatbot.models import Person, Task
from chatbot.permissions import Act


class Gatekeeper(Protocol):
    """Knows who may do what; raises a ThreadsmithError that names who can."""

    async def check_ask(self, repository: str, author: Person, channel: str) -> None: ...

    async def check(self, act: Act, task: Task, person: Person) -> None: ...

    async def usable(
        self,
        names: Iterable[str],
        person: Person,
        channel: str,
        *,
        heard: Container[str] | None = None,
        limit: int | None = None,
    ) -> tuple[str, ...]:
        """Of the repositories the first ones that the person may ask for, and so may know of.

        ``heard``: the channel reads it. Of what some are kept from, only these names count there,
        in small letters: the channel has heard of them before.
        """
