"""Every secret of the configuration is known, wherever it stands."""

from __future__ import annotations

from chatbot.config import Settings
from chatbot.secrets import configured_secrets


def test_every_secret_setting_is_found() -> None:
    values = {
        "slack": {"bot_token": "slack-bot", "app_token": "slack-app", "approvers": ["U1"]},
        "forge": {"token": "forge-token"},
        "model": {"anthropic_api_key": "model-key-a", "openai_api_key": "model-key-o"},
        "web": {"api_token": "api-token"},
        "secrets": {"NPM_TOKEN": "npm-token", "OTHER": "other-one"},
    }
    environment = {"ANTHROPIC_API_KEY": "from-outside", "OPENAI_API_KEY": "", "PATH": "/bin"}
    found = configured_secrets(Settings.model_validate(values), environment)
    assert set(found) == {
        *("slack-bot", "slack-app", "forge-token", "model-key-a", "model-key-o", "api-token"),
        *("npm-token", "other-one", "from-outside"),
    }


def test_no_secret_setting_is_forgotten() -> None:
    """A new one is found by its type; one that is kept as plain text would not be."""
    for section in ("slack", "forge", "model", "web"):
        for name, field in type(getattr(Settings(), section)).model_fields.items():
            sounds_secret = name.endswith(("_token", "_key", "token", "password"))
            assert not sounds_secret or "SecretStr" in str(field.annotation), name


def test_nothing_configured() -> None:
    assert configured_secrets(Settings(), {}) == ()
