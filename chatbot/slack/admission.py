"""Who may speak with the bot at all: full members; guests and other apps where that is set."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.config import SlackSettings
from chatbot.slack.people import People

UNKNOWN = (
    "I could not find out whether you may use me here, so I did nothing."
    " Please say it again in a moment."
)
OUTSIDE = (
    "I work for the people of this workspace only: I take nothing from other organisations in"
    " shared channels. Ask somebody of this workspace."
)
GUEST = "I take nothing from guests here (`slack.allow_guests` is off). Ask a full member."
APP = "I take nothing from other apps unless `slack.allow_bots` names them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    settings: SlackSettings
    people: People

    async def refusal(self, user_id: str) -> str | None:
        """What the person is told; None where they are welcome. Not known is not admitted."""
        if user_id in self.settings.allow_bots:
            return None
        match await self.people.standing(user_id):
            case "member":
                return None
            case "guest":
                return None if self.settings.allow_guests else GUEST
            case "outside":
                return OUTSIDE
            case "app":
                return APP
            case _:
                return UNKNOWN
