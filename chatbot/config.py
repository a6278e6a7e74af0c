"""Settings, from a TOML file and the environment; checked all at once, secrets never printed.

`THREADSMITH_<SECTION>_<FIELD>` in the environment wins over the file. Each setting's meaning
stands under it; `threadsmith config` prints what is in force.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator

from chatbot.config_sections import (
    AgentSettings,
    BudgetSettings,
    ChannelSettings,
    RepositorySettings,
    RuleSettings,
    Section,
    branch_pattern_faults,
    rule_faults,
)
from chatbot.model_settings import KnownModelSettings, ModelSettings
from chatbot.models import MAX_ATTEMPTS
from sandbox.egress.rules import EgressRuleInvalid, EgressRules
from sandbox.errors import ThreadsmithError
from sandbox.seats import AgentRefused, check_agent
from sandbox.spec import Limits

__all__ = [
    "BudgetSettings",
    "ChannelSettings",
    "ConfigError",
    "DataSettings",
    "ForgeSettings",
    "KnownModelSettings",
    "ModelSettings",
    "RepositorySettings",
    "RuleSettings",
    "SandboxSettings",
    "Settings",
    "SlackSettings",
    "WebSettings",
    "effective",
    "load_settings",
]


class ConfigError(ThreadsmithError):
    """The configuration is not valid."""

    code = "config_invalid"
    resolution = "Correct the settings named above; see manifests/threadsmith.example.toml."


class DataSettings(Section):
    directory: Path = Path(".threadsmith")
    """Database, mirrors, uploads, logs and sockets; one process tree's own folder."""


class SlackSettings(Section):
    bot_token: SecretStr | None = None
    """The bot's token, `xoxb-…`; without one Slack is left out."""
    app_token: SecretStr | None = None
    """The app-level token for Socket Mode, `xapp-…`."""
    mode: Literal["socket", "http"] = "socket"
    """How Slack reaches us: over connections that we open, or `<public_url>/slack/events`."""
    connections: int = Field(default=2, ge=1, le=10)
    """Of Socket Mode; Slack takes ten of an app at the most."""
    signing_secret: SecretStr | None = None
    """What Slack signs its requests with, for mode `http`."""
    client_id: str = ""
    """Of the Slack app: several workspaces may install it at `<public_url>/slack/install`."""
    client_secret: SecretStr | None = None
    """Of the Slack app, too."""

    @property
    def is_configured(self) -> bool:
        return self.bot_token is not None or bool(self.client_id)

    api_url: str = "https://slack.com/api/"
    """Where Slack's Web API is."""
    approvers: tuple[str, ...] = ()
    """User ids who may open pull requests; empty: everybody in the thread's channel."""
    allow_guests: bool = False
    """Whether guests of the workspace may use the bot; people of other organisations never may."""
    allow_bots: tuple[str, ...] = ()
    """Other apps that may: their bot ids `B…`, or their user ids."""


class ForgeSettings(Section):
    token: SecretStr | None = None
    """A GitHub token that may read repositories, push branches and open pull requests."""
    app_id: str = ""
    """A GitHub App's id, instead of a token: each repository gets a short-lived one of its own."""
    app_private_key: SecretStr | None = None
    """The app's key as GitHub gave it, PEM."""
    app_private_key_file: Path | None = None
    """Or the file with it."""
    webhook_secret: SecretStr | None = None
    """Of the forge's webhook to `<web.public_url>/github/webhook`; without one it is closed."""
    poll_seconds: float = Field(default=60.0, ge=0)
    """How often open pull requests and issues are looked at; 0: only when a webhook tells."""
    list_minutes: float = Field(default=30.0, ge=0)
    """How often the repositories that we may see are listed, for people to choose; 0: never."""
    api_url: str = "https://api.github.com"
    """GitHub's REST API; of an Enterprise Server `https://host/api/v3`."""
    url: str = "https://github.com"
    """Where repositories named `owner/name` are cloned from."""
    ssh_key_file: Path | None = None
    """Private key for addresses by SSH; it stays on the host. Else the host's own user's keys."""
    ssh_known_hosts_file: Path | None = None
    """Keys of the hosts that are known; without one the first key that is seen is kept."""
    author_name: str = "Threadsmith"
    """Author of the commits."""
    author_email: str = "threadsmith@users.noreply.github.com"
    """Author's address of the commits."""
    sign_off: bool = False
    """Add `Signed-off-by` to commits."""
    signing_key_file: Path | None = None
    """An SSH key without passphrase that signs the commits; it stays on the host."""
    patch_kib: int = Field(default=4096, ge=1)
    """Patches larger than this are not published."""


class SandboxSettings(Section):
    image: str = "threadsmith-agent:latest"
    """Image of the run's container; anything with python3 and git."""
    max_runs: int = Field(default=4, ge=1)
    """Runs at a time; further ones wait in order."""
    max_attempts: int = Field(default=3, ge=1, le=MAX_ATTEMPTS)
    """At one request, one after another, where somebody asks for several."""
    runtime: str = ""
    """OCI runtime of the containers, such as `runsc` or `kata`; empty: Docker's default."""
    pull_images: tuple[str, ...] = ("*",)
    """Images that may be pulled where they are named and missing; patterns."""
    trust_setup: tuple[str, ...] = ()
    """Repositories (`owner/name`, `owner/*`) whose set-up scripts run without approval."""
    setup_network: tuple[str, ...] = ("packages",)
    """What a set-up script may reach: `packages`, `all`, `example.com`, `GET *.example.com`."""
    agent_network: tuple[str, ...] = ()
    """What the agent's commands may reach; empty, as it should be: nothing."""
    private_hosts: tuple[str, ...] = ()
    """Names that may lead to private addresses: a mirror or a forge of your own."""
    upstream_proxy: str = ""
    """The host's own way out, `http://host:port`, where it has no other."""
    ca_bundle: Path | None = None
    """Certificate authorities for set-up scripts; else the host's own."""
    environments: int = Field(default=20, ge=0)
    """Prepared environments that are kept at the most; the least recently used go first."""
    environments_gib: float = Field(default=40.0, gt=0)
    """Disk that all environments may use together."""
    environment_days: float = Field(default=14.0, gt=0)
    """Days without use after which an environment goes."""
    refresh_minutes: float = Field(default=30.0, ge=0)
    """How often default branches are looked at, to rebuild environments ahead; 0: never."""
    disk_mib: int = Field(default=10_240, ge=64)
    """What one container may write to disk."""
    warm_minutes: float = Field(default=10.0, ge=0)
    """How long a run's container stays, halted, for a follow-up; 0: not at all."""
    warm_containers: int = Field(default=4, ge=0)
    """How many of them at the most; the oldest goes first."""
    memory_mib: int = Field(default=4096, ge=64)
    """Memory of one container, swap included."""
    cpus: float = Field(default=2.0, gt=0)
    """Processors of one container."""
    processes: int = Field(default=512, ge=16)
    """Processes and threads of one container."""
    turns: int = Field(default=100, ge=1)
    """Model replies in one run."""
    wall_seconds: int = Field(default=3600, ge=10)
    """Time of one run's agent phase."""
    verify: bool = True
    """Whether each change is tried in a clean container before people decide about it."""
    verify_seconds: int = Field(default=900, ge=10)
    """Time of that, all commands together."""
    setup_seconds: int = Field(default=900, ge=10)
    """Time of one run's set-up phase."""
    command_seconds: int = Field(default=300, ge=1)
    """Time of one command of the agent."""

    def limits(self) -> Limits:
        return Limits(
            memory_bytes=self.memory_mib * 1024**2,
            disk_bytes=self.disk_mib * 1024**2,
            cpus=self.cpus,
            processes=self.processes,
            turns=self.turns,
            wall_seconds=self.wall_seconds,
            setup_seconds=self.setup_seconds,
            verify_seconds=self.verify_seconds,
            command_seconds=self.command_seconds,
        )


class WebSettings(Section):
    host: str = "127.0.0.1"
    """Address the task pages and the HTTP API listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes any free port."""
    public_url: str = ""
    """How people reach the pages, for links; empty: the listening address."""
    api_token: SecretStr | None = None
    """Bearer token of the HTTP API; without one the API answers 403."""
    max_upload_mib: int = Field(default=100, ge=1)
    """The largest zip archive."""


class Settings(Section):
    data: DataSettings = DataSettings()
    slack: SlackSettings = SlackSettings()
    forge: ForgeSettings = ForgeSettings()
    model: ModelSettings = ModelSettings()
    agent: AgentSettings = AgentSettings()
    sandbox: SandboxSettings = SandboxSettings()
    budgets: BudgetSettings = BudgetSettings()
    web: WebSettings = WebSettings()
    repositories: tuple[RepositorySettings, ...] = ()
    """`[[repositories]]` tables."""
    channels: tuple[ChannelSettings, ...] = ()
    """`[[channels]]` tables."""
    rules: tuple[RuleSettings, ...] = ()
    """`[[rules]]` tables: who may do what."""
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    """Variables for set-up scripts: `[secrets] NAME = "value"`, THREADSMITH_SECRETS_NAME."""

    @model_validator(mode="after")
    def _check(self) -> Settings:
        faults = self._slack_faults()
        faults += [fault for name, value in self.secrets.items() for fault in _secret(name, value)]
        faults += [fault for each in self.rules for fault in rule_faults(each)]
        for rule in self.repositories:
            faults += branch_pattern_faults(rule.match, rule.branch_name)
            unknown = set(rule.secrets or ()) - set(self.secrets)
            faults += [f"repositories {rule.match}: no secret {name}" for name in sorted(unknown)]
        try:
            check_agent(self.agent.default, self.model.default)
        except AgentRefused as error:
            faults.append(f"agent.default: {error.brief}")
        for alias, model in self.model.aliases.items():
            if ":" not in model or not alias.strip() or alias != alias.lower():
                faults.append(f"model.aliases.{alias}: a name in small letters for provider:model")
        places: tuple[SandboxSettings | RepositorySettings, ...]
        places = (self.sandbox, *self.repositories)
        for place in places:
            for words in (place.setup_network, place.agent_network):
                try:
                    EgressRules.parse(words or ())
                except EgressRuleInvalid as error:
                    faults.append(error.brief)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _slack_faults(self) -> list[str]:
        slack = self.slack
        if not slack.client_id:
            return []
        faults = []
        if slack.client_secret is None or slack.signing_secret is None:
            faults.append("slack.client_id needs slack.client_secret and slack.signing_secret")
        if slack.mode != "http":
            faults.append('slack.client_id needs slack.mode = "http"')
        if slack.bot_token is not None:
            faults.append("slack.client_id: each workspace has a token of its own, no bot_token")
        if not self.web.public_url:
            faults.append("slack.client_id needs web.public_url")
        return faults

    @property
    def database_path(self) -> Path:
        return self.data.directory / "threadsmith.db"

    @property
    def environments_directory(self) -> Path:
        return self.data.directory / "environments"

    @property
    def logs_directory(self) -> Path:
        return self.data.directory / "logs"


PREFIX = "THREADSMITH_"


MIN_SECRET_CHARACTERS = 6
"""Anything shorter cannot be hidden without hiding ordinary words."""


def _secret(name: str, value: SecretStr) -> list[str]:
    faults = []
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.startswith("THREADSMITH_"):
        faults.append(f"secrets.{name}: no name for a variable")
    if len(value.get_secret_value()) < MIN_SECRET_CHARACTERS:
        faults.append(f"secrets.{name}: shorter than {MIN_SECRET_CHARACTERS} characters")
    return faults


def load_settings(path: Path | None, environment: dict[str, str] | None = None) -> Settings:
    """Read the file, if one is named, and the environment; ConfigError names all faults."""
    environment = dict(os.environ) if environment is None else environment
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
    faults = _overlay(values, environment)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += [_explain(fault) for fault in error.errors()]
    if faults:
        raise ConfigError(details="\n".join(faults))
    return settings


def _overlay(values: dict[str, Any], environment: dict[str, str]) -> list[str]:
    faults = []
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        section, _, field = name.removeprefix(PREFIX).lower().partition("_")
        if section == "secrets" and field:
            # The rest of the name is the variable's own, letter for letter.
            secrets = values.setdefault("secrets", {})
            if isinstance(secrets, dict):
                secrets[name.removeprefix(f"{PREFIX}SECRETS_")] = value
            continue
        model = Settings.model_fields.get(section)
        fields = getattr(model.annotation, "model_fields", {}) if model else {}
        if field not in fields:
            faults.append(f"{name}: no such setting{_nearest(field, fields)}")
            continue
        is_list = "tuple" in str(fields[field].annotation)
        parsed: Any = [part.strip() for part in value.split(",") if part.strip()]
        place = values.setdefault(section, {})
        if isinstance(place, dict):
            place[field] = parsed if is_list else value
    return faults


def _explain(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if not place:
        return str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] != "extra_forbidden":
        return f"{place}: {fault['msg']}"
    section, _, field = place.rpartition(".")
    model = Settings.model_fields.get(section)
    fields = getattr(model.annotation, "model_fields", {}) if model else Settings.model_fields
    return f"{place}: no such setting{_nearest(field, fields)}"


def _nearest(name: str, known: Any) -> str:
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]}?" if match else ""


def effective(settings: Settings) -> dict[str, dict[str, str]]:
    """Every setting as text, secrets masked."""
    shown = {
        section: {name: str(getattr(value, name)) for name in type(value).model_fields}
        for section, value in ((name, getattr(settings, name)) for name in Settings.model_fields)
        if isinstance(value, Section)
    }
    for rule in settings.repositories:
        given = rule.model_dump(exclude={"match"}, exclude_none=True)
        shown[f"repositories {rule.match}"] = {name: str(value) for name, value in given.items()}
    for channel in settings.channels:
        given = channel.model_dump(exclude={"id"}, exclude_none=True)
        shown[f"channels {channel.id}"] = {name: str(value) for name, value in given.items()}
    for each in settings.rules:
        given = each.model_dump(exclude={"match"}, exclude_none=True)
        shown[f"rules {each.match}"] = {name: str(value) for name, value in given.items()}
    if settings.secrets:
        shown["secrets"] = {name: str(value) for name, value in settings.secrets.items()}
    return shown
