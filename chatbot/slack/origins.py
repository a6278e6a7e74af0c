"""Which workspace and organisation a request says it is of; believed once its signature is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.internals import extract_enterprise_id, extract_team_id

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
    team: str = ""
    """The workspace; empty where it is of an organisation as a whole."""
    enterprise: str = ""
    event: Json = field(default_factory=dict)


def read_origin(request: AsyncBoltRequest) -> RequestOrigin:
    """Nonsense is of nobody."""
    text = request.raw_body
    try:
        if text.lstrip().startswith("{"):
            body = json.loads(text)
        else:
            form = {name: values[0] for name, values in parse_qs(text).items()}
            body = json.loads(form["payload"]) if "payload" in form else form
        event = body.get("event")
        return RequestOrigin(
            # Where an organisation's installation is spoken to, Bolt's answer may be none.
            team=str(extract_team_id(body) or body.get("team_id") or ""),
            enterprise=str(extract_enterprise_id(body) or body.get("enterprise_id") or ""),
            event=event if isinstance(event, dict) else {},
        )
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        return RequestOrigin()
