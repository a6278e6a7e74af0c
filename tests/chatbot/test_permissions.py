"""Who may do what: rules read one after the other, and what they say to whom they refuse."""

from __future__ import annotations

import pytest

from chatbot.actions import Actions
from chatbot.app import _open_page
from chatbot.config import RepositorySettings, RuleSettings, Settings, SlackSettings, load_settings
from chatbot.permissions import (
    Facts,
    allows,
    channels_in,
    groups_in,
    matches,
    refusal,
    spend_limit,
    who_may,
)
from chatbot.publish_rules import publish_rules
from tests.chatbot.history.lives import Life

ALL = RuleSettings(match="*", ask=("members",), approve=("requester", "S0OWNERS"), spend=5.0)
WEB = RuleSettings(match="acme/web*", approve=("U0ADA",), logs=(), spend=20.0)
OPEN = RuleSettings(match="acme/web-open", approve=("everybody",))
SETTINGS = Settings(rules=(ALL, WEB, OPEN))


def test_later_rules_win_field_by_field() -> None:
    assert who_may(SETTINGS, "acme/api", "approve") == ("requester", "S0OWNERS")
    assert who_may(SETTINGS, "acme/web", "approve") == ("U0ADA",)
    assert who_may(SETTINGS, "acme/web", "ask") == ("members",)
    assert who_may(SETTINGS, "acme/web", "logs") == ()
    assert who_may(SETTINGS, "acme/api", "logs") is None
    assert who_may(SETTINGS, "acme/web-open", "approve") is None
    assert who_may(SETTINGS, "acme/api", "approve_setup") is None


def test_approvers_stand_where_no_rule_does() -> None:
    slack = SlackSettings(approvers=("U0BOB",))
    settings = Settings(slack=slack, rules=(WEB,))
    assert who_may(settings, "acme/api", "approve") == ("U0BOB",)
    assert who_may(settings, "acme/api", "approve_setup") == ("U0BOB",)
    assert who_may(settings, "acme/web", "approve") == ("U0ADA",)
    assert who_may(settings, "acme/api", "ask") is None


@pytest.mark.parametrize("spelled", ["acme/web", "ACME/Web", "Acme/WEB-2"])
def test_another_spelling_does_not_slip_past_a_rule(spelled: str) -> None:
    assert matches(spelled, "acme/web*")
    assert who_may(SETTINGS, spelled, "approve") == ("U0ADA",)
    assert spend_limit(SETTINGS, spelled) == ("acme/web*", 20.0)


def test_nor_past_how_its_pull_requests_are_made() -> None:
    rule = RepositorySettings(match="acme/Web", second_person=True)
    assert publish_rules(Settings(repositories=(rule,)), "ACME/web").second_person


@pytest.mark.parametrize(
    ("words", "facts", "answer"),
    [
        (("U0ADA",), Facts(person="U0ADA"), True),
        (("U0ADA",), Facts(person="U0BOB"), False),
        (("requester",), Facts(person="U0BOB", requester="U0BOB"), True),
        (("requester",), Facts(person="", requester=""), False),
        (("requester",), Facts(person="U0BOB", requester="U0ADA"), False),
        (("S0OWNERS",), Facts(person="U0BOB", groups=frozenset({"S0OWNERS"})), True),
        (("S0OWNERS",), Facts(person="U0BOB", groups=frozenset({"S0OTHER"})), False),
        (("C0WEB",), Facts(person="U0BOB", channels=frozenset({"C0WEB"}), channel="C1"), True),
        (("C0WEB",), Facts(person="U0BOB", channels=frozenset({"C1"}), channel="C1"), False),
        (("members",), Facts(person="U0BOB", channels=frozenset({"C1"}), channel="C1"), True),
        (("members",), Facts(person="U0BOB", channels=frozenset({"C2"}), channel="C1"), False),
        ((), Facts(person="U0BOB", requester="U0BOB"), False),
    ],
)
def test_any_word_is_enough(words: tuple[str, ...], facts: Facts, answer: bool) -> None:
    assert allows(words, facts) is answer


def test_only_what_the_words_ask_for_is_looked_up() -> None:
    words = ("U0ADA", "S0OWNERS", "C0WEB", "members")
    assert groups_in(words) == ["S0OWNERS"]
    assert channels_in(words, "C1") == ["C0WEB", "C1"]
    assert channels_in(("U0ADA",), "C1") == []


def test_a_refusal_names_who_can() -> None:
    words = ("U0ADA", "S0OWNERS", "C0WEB", "requester", "members")
    names = {"U0ADA": "Ada", "S0OWNERS": "owners", "C0WEB": "web"}
    assert refusal("approve", "acme/web", words, names) == (
        "Only Ada, @owners, members of #web, whoever asked for it and members of this channel"
        " can decide about pull requests in acme/web."
    )
    assert refusal("logs", "acme/web", (), {}) == "Nobody can read the logs of acme/web."


async def test_the_pages_address_stays_here_where_logs_are_for_some(actions: Actions) -> None:
    life = await Life.begin(actions)
    task = await life.task()
    page = f"http://here/t/{task.id}/{task.share_token}"
    assert _open_page(Settings(), "http://here", task) == page
    settings = Settings(rules=(RuleSettings(match="demo/*", logs=("members",)),))
    assert _open_page(settings, "http://here", task) == ""


def test_words_that_mean_nothing_are_named() -> None:
    with pytest.raises(ValueError, match="rules acme/x: approve: @ada is no id of a person"):
        Settings(rules=(RuleSettings(match="acme/x", approve=("@ada", "U0ADA")),))
    assert load_settings(None, {}).rules == ()
