"""What differs between repositories, and what may be spent: sections of the configuration."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.spec import AgentName

BRANCH_WORDS = ("words", "id", "person", "issue")
_BRANCH = re.compile(r"[\w./-]+")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RepositorySettings(Section):
    """What differs for some repositories; where several match, the later one wins."""

    match: str
    """`owner/name`, with * and ? as wildcards."""
    keywords: tuple[str, ...] | None = None
    """Words of a request that speak of this repository, where it names none itself."""
    image: str | None = None
    """Instead of `sandbox.image`."""
    agent: AgentName | None = None
    """Instead of `agent.default`."""
    setup: str | None = None
    """Path of the set-up script, else what `.threadsmith.toml` names, else setup.sh."""
    maintenance: str | None = None
    """Path of a script that is run where an environment is used again for another commit."""
    trust_setup: bool | None = None
    """Whether its scripts run without approval."""
    setup_network: tuple[str, ...] | None = None
    """Instead of `sandbox.setup_network`."""
    agent_network: tuple[str, ...] | None = None
    """Instead of `sandbox.agent_network`."""
    test: str | None = None
    """The command that verifies a change, beside those that the agent names."""
    secrets: tuple[str, ...] | None = None
    """Names from `[secrets]` that its set-up script gets as variables; the agent never does."""
    publish: Literal["pull_request", "branch"] | None = None
    """What the button makes; `branch` also for remotes that are no forge."""
    base: str | None = None
    """The branch that pull requests go to; else the one the work began on."""
    branch_name: str | None = None
    """Pattern of new branches, with {words}, {id}, {person} and {issue}."""
    draft: bool | None = None
    """Whether pull requests are opened as drafts."""
    auto_pull_request: bool | None = None
    """Opened without asking where the change was verified and touches no sensitive files."""
    approval_hours: float | None = Field(default=None, gt=0, le=14 * 24)
    """How long people have to decide about a pull request; 24 unless it is set."""
    labels: tuple[str, ...] | None = None
    """Put on new pull requests."""
    reviewers: tuple[str, ...] | None = None
    """Asked to review new pull requests: logins, and teams as `organisation/team`."""
    delete_branch: bool | None = None
    """Remove our branch once its pull request is merged or closed."""
    second_person: bool | None = None
    """A patch to sensitive files is approved by somebody other than who asked for it."""
    feedback: bool | None = None
    """Failed checks and review comments are told in the thread; true unless it is set."""
    autofix: bool | None = None
    """They are taken up without asking, and the pull request is updated."""
    fix_rounds: int | None = Field(default=None, ge=0)
    """How often in a row that may be for one pull request; 3 unless it is set."""
    issues_channel: str | None = None
    """Slack channel id in which issues become tasks, when somebody with write access says so."""
    issues_label: str | None = None
    """The label that says so, besides assigning the bot or mentioning it; `threadsmith`."""


class AgentSettings(Section):
    default: AgentName = "threadsmith"
    """Which program does the work: our own, or `claude-code`, `codex`, `mini-swe-agent`."""


class ChannelSettings(Section):
    """What holds for the requests in one Slack channel."""

    id: str
    """The channel's id, `C…`."""
    repository: str | None = None
    """`owner/name` or an address: for requests that name none."""


class RuleSettings(Section):
    """Who may do what; where several match, the later one wins, field by field.

    Ids of people (`U…`), apps (`B…`), user groups (`S…`) and channels (`C…`: everybody in it), and
    `requester` (whoever asked), `members` (of the thread's channel), `everybody`. Stopping is
    everybody's.
    """

    match: str
    """`owner/name`, with * and ? as wildcards."""
    ask: tuple[str, ...] | None = None
    """May start tasks."""
    steer: tuple[str, ...] | None = None
    """May say what is to be done: replies, answers, remarks."""
    approve: tuple[str, ...] | None = None
    """May open, edit and discard pull requests; instead of `slack.approvers`."""
    approve_setup: tuple[str, ...] | None = None
    """May let set-up scripts run; instead of `slack.approvers`."""
    logs: tuple[str, ...] | None = None
    """May get the task page's link, which then stands neither in the thread nor on the forge."""
    spend: float | None = Field(default=None, gt=0)
    """What one person may spend on models in a day on what it matches."""


RULE_WORDS = ("everybody", "members", "requester")
_RULE_ID = re.compile(r"[UWBSCG][A-Z0-9]+")


def rule_faults(rule: RuleSettings) -> list[str]:
    """Words of a rule that mean nothing."""
    faults = []
    for act in ("ask", "steer", "approve", "approve_setup", "logs"):
        words: tuple[str, ...] = getattr(rule, act) or ()
        odd = [word for word in words if word not in RULE_WORDS and not _RULE_ID.fullmatch(word)]
        faults += [
            f"rules {rule.match}: {act}: {word[:40]} is no id of a person, user group or channel"
            for word in odd
        ]
    return faults


class BudgetSettings(Section):
    """What may be spent on models; a day is one of UTC.

    Where the price of a model is not known, only tokens can be counted.
    """

    run_usd: float | None = Field(default=None, gt=0)
    """In one run."""
    run_tokens: int | None = Field(default=None, gt=0)
    """In one run."""
    task_usd: float | None = Field(default=None, gt=0)
    """In one task, follow-ups included."""
    task_tokens: int | None = Field(default=None, gt=0)
    """In one task, follow-ups included."""
    person_usd: float | None = Field(default=None, gt=0)
    """By one person in a day."""
    person_tokens: int | None = Field(default=None, gt=0)
    """By one person in a day."""
    channel_usd: float | None = Field(default=None, gt=0)
    """In one channel in a day."""
    channel_tokens: int | None = Field(default=None, gt=0)
    """In one channel in a day."""
    day_usd: float | None = Field(default=None, gt=0)
    """By all together in a day."""
    day_tokens: int | None = Field(default=None, gt=0)
    """By all together in a day."""


def branch_pattern_faults(match: str, pattern: str | None) -> list[str]:
    if pattern is None:
        return []
    try:
        name = pattern.format(**dict.fromkeys(BRANCH_WORDS, "x"))
    except (KeyError, IndexError, ValueError):
        return [f"repositories {match}: branch_name knows {', '.join(BRANCH_WORDS)} only"]
    odd = ".." in name or "//" in name or name.endswith((".lock", "/", ".")) or name[0] in "/.-"
    if odd or not _BRANCH.fullmatch(name):
        return [f"repositories {match}: branch_name gives no valid branch"]
    if "{id}" not in pattern:
        return [f"repositories {match}: branch_name needs {{id}}, so that no two are alike"]
    return []
