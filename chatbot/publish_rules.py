"""How one repository wants its pull requests."""

from __future__ import annotations

from typing import Any

from chatbot.config import RepositorySettings, Settings
from chatbot.models import PublishRules
from chatbot.permissions import matches

_FIELDS = frozenset(PublishRules.__dataclass_fields__)


def publish_rules(settings: Settings, repository: str) -> PublishRules:
    """Later tables win, field by field."""
    found: dict[str, Any] = {}
    for rule in settings.repositories:
        if matches(repository, rule.match):
            given = rule.model_dump(exclude_none=True)
            found |= {name: value for name, value in given.items() if name in _FIELDS}
    return PublishRules(**found)


def issue_repositories(settings: Settings) -> list[str]:
    """Repositories whose issues may become tasks; a pattern names none that could be asked."""
    named = [rule for rule in settings.repositories if _is_plain(rule) and rule.issues_channel]
    return list(dict.fromkeys(rule.match for rule in named))


def _is_plain(rule: RepositorySettings) -> bool:
    return not any(mark in rule.match for mark in "*?[") and "/" in rule.match
