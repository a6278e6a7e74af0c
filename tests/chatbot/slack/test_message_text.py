"""What a message says: a person's own words, and what apps put into blocks and attachments."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatbot.slack.message_text import MAX_CHARACTERS, words_of

ALERT = {
    "bot_id": "B9",
    "text": "",
    "attachments": [
        {
            "color": "danger",
            "fallback": "unit tests failed",
            "title": "acme/api: unit tests failed on main",
            "title_link": "https://ci.example.com/runs/7",
            "text": "`test_retry` &lt;flaky&gt;: expected 3, got 2",
            "fields": [{"title": "Branch", "value": "main"}, {"title": "", "value": "2m 3s"}],
        }
    ],
}
BUILD = {
    "bot_id": "B9",
    "text": "Build failed",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Build failed"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*acme/api* at <https://x.y/c|abc>"},
        },
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Step*: lint"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by ada"}]},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": "E501 line too long\nE999"}],
                },
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "see "},
                        {"type": "link", "url": "https://x.y/log", "text": "the log"},
                    ],
                },
            ],
        },
        {"type": "actions", "elements": [{"type": "button", "text": {"text": "Retry"}}]},
    ],
}


def test_an_alert_of_attachments_alone() -> None:
    assert words_of(ALERT).splitlines() == [
        "acme/api: unit tests failed on main",
        "https://ci.example.com/runs/7",
        "`test_retry` <flaky>: expected 3, got 2",
        "Branch: main",
        "2m 3s",
    ]
    assert words_of({"bot_id": "B9", "attachments": [{"fallback": "down"}]}) == "down"


def test_an_alert_of_blocks_says_nothing_twice_and_no_button() -> None:
    assert words_of(BUILD).splitlines() == [
        "Build failed",
        "*acme/api* at https://x.y/c",
        "*Step*: lint",
        "by ada",
        "E501 line too long",
        "E999",
        "see the log (https://x.y/log)",
    ]


def test_a_persons_words_are_their_text_and_what_they_passed_on() -> None:
    shown = {"from_url": "https://x.y", "title": "Some page", "text": "of somebody"}
    passed_on = {"from_url": "https://s.c", "is_share": True, "text": "it is broken"}
    message = {"user": "U1", "text": "look &amp; mend", "blocks": [{"type": "rich_text"}]}
    message["attachments"] = [shown, passed_on]
    assert words_of(message) == "look & mend\nit is broken"


def test_it_is_bounded() -> None:
    assert len(words_of({"text": "x" * 100_000})) == MAX_CHARACTERS
    lines = [{"type": "section", "text": {"text": f"line {n}"}} for n in range(5000)]
    assert len(words_of({"bot_id": "B", "blocks": lines})) <= MAX_CHARACTERS


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "elements",
                    "fields",
                    "title",
                    "url",
                    "rows",
                    "accessory",
                    "element",
                ]
            ),
            inner | st.sampled_from(["rich_text_section", "link", "text", "table", "actions"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_json, _json)
def test_whatever_an_app_sent(blocks: Any, attachments: Any) -> None:
    message = {"bot_id": "B", "text": None, "blocks": blocks, "attachments": attachments}
    assert isinstance(words_of(message), str)
