"""Settings: file and environment, all faults at once, secrets never printed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from chatbot.config import (
    ChannelSettings,
    ConfigError,
    RepositorySettings,
    RuleSettings,
    Settings,
    effective,
    load_settings,
)

EXAMPLE = Path(__file__).parents[2] / "manifests" / "threadsmith.example.toml"


def test_defaults_need_nothing() -> None:
    assert load_settings(None, {}) == Settings()


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text('[web]\nport = 1000\nhost = "0.0.0.0"\n[sandbox]\ntrust_setup = ["a/b"]\n')
    settings = load_settings(
        path, {"THREADSMITH_WEB_PORT": "2000", "THREADSMITH_SLACK_APPROVERS": "U1, U2", "HOME": "/"}
    )
    assert (settings.web.port, settings.web.host) == (2000, "0.0.0.0")
    assert settings.slack.approvers == ("U1", "U2")
    assert settings.sandbox.trust_setup == ("a/b",)


def test_every_fault_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text("[web]\nprot = 1\n[sandbox]\nmax_runs = 0\n[modell]\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {"THREADSMITH_SLACK_BOTTOKEN": "x"})
    assert set(caught.value.details.splitlines()) == {
        "THREADSMITH_SLACK_BOTTOKEN: no such setting; did you mean bot_token?",
        "web.prot: no such setting; did you mean port?",
        "sandbox.max_runs: Input should be greater than or equal to 1",
        "modell: no such setting; did you mean model?",
    }


def test_a_section_that_is_no_section_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text("web = 3")
    with pytest.raises(ConfigError, match="web: "):
        load_settings(path, {"THREADSMITH_WEB_PORT": "1"})


@pytest.mark.parametrize("content", ["[web", "\x00"])
def test_a_file_that_is_no_toml_is_a_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "missing.toml", {})


def test_secrets_are_never_printed() -> None:
    environment = {
        f"THREADSMITH_{name}": "s3cret-value"
        for name in (
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
            "FORGE_TOKEN",
            "MODEL_ANTHROPIC_API_KEY",
            "MODEL_OPENAI_API_KEY",
            "WEB_API_TOKEN",
        )
    }
    settings = load_settings(None, environment)
    assert "s3cret" not in json.dumps(effective(settings)) + repr(settings) + str(settings)


def test_the_example_is_valid_and_the_settings_are_explained() -> None:
    assert load_settings(EXAMPLE, {}).web.port == 8080
    assert set(tomllib.loads(EXAMPLE.read_text())) == set(Settings.model_fields)
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    sections["repositories"] = RepositorySettings
    sections["channels"] = ChannelSettings
    sections["rules"] = RuleSettings
    del sections["secrets"]
    for name, section in sections.items():
        for field, info in section.model_fields.items():  # type: ignore[union-attr]
            assert info.description, f"{name}.{field} has no explanation"


def test_secrets_keep_their_names_and_are_never_shown() -> None:
    settings = load_settings(None, {"THREADSMITH_SECRETS_NPM_Token": "s3cret-value"})
    assert settings.secrets["NPM_Token"].get_secret_value() == "s3cret-value"
    assert "s3cret-value" not in json.dumps(effective(settings))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[secrets]\n"1X" = "long enough"', "secrets.1X: no name for a variable"),
        ('[secrets]\nX = "short"', "secrets.X: shorter than 6 characters"),
        ('[[repositories]]\nmatch = "a/*"\nsecrets = ["X"]', "repositories a/*: no secret X"),
        ('[sandbox]\nsetup_network = ["https://x"]', "`https://x` is no egress rule."),
        ('[[repositories]]\nmatch = "a"\nagent_network = ["a b"]', "`a b` is no egress rule."),
    ],
)
def test_what_repositories_may_have_is_checked(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert fault in caught.value.details


def test_models_that_the_table_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.toml"
    path.write_text(
        '[model]\nfallback = "openai:gpt-6-sol"\nopenai_requests_per_minute = 50\n'
        '[[model.known]]\nmodel = "openai:qwen3:30b"\ncontext_tokens = 32000\ninput = 0.1\n'
    )
    settings = load_settings(path, {"THREADSMITH_MODEL_OPENAI_API": "chat"})
    [known] = settings.model.known
    assert (known.price().context_tokens, known.price().output) == (32_000, None)
    assert settings.model.openai_api == "chat"
    for wrong in ('fallback = "gpt-6-sol"', 'openai_api = "rest"', "known = [{model = 'x:y'}]"):
        path.write_text(f"[model]\n{wrong}\n")
        with pytest.raises(ConfigError):
            load_settings(path, {})
