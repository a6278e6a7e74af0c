"""Text on its way in: escaped, with mentions and links marked as Slack marks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace.state import State
from chatbot.demo.workspace.text import as_sent, as_typed


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("see https://e.org/a?b=1&c=2.", "see <https://e.org/a?b=1&amp;c=2>."),
        ("(https://e.org/a)", "(<https://e.org/a>)"),
        ("@grace and @Ada Young, @nobody", "<@U0GRACE> and <@U0ADA>, @nobody"),
        ("mail@ada.org", "mail@ada.org"),
        ("in #shop, not a#shop", "in <#C0SHOP|shop>, not a#shop"),
        ("`@ada #shop https://e.org`", "`@ada #shop https://e.org`"),
        ("```\n@ada < b\n```", "```\n@ada &lt; b\n```"),
        ("fix README.md now", "fix <http://README.md|README.md> now"),
        ("github.com/acme/api.", "<http://github.com/acme/api|github.com/acme/api>."),
        ("in demo/shop.py and test_it.py", "in demo/shop.py and test_it.py"),
        ("@threadsmith hi", "<@U0BOT> hi"),
    ],
)
def test_what_people_type(typed: str, stored: str) -> None:
    assert as_typed(typed, State()) == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a & b < c", "a &amp; b &lt; c"),
        ("a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
        ("<@U0ADA> <#C0SHOP|shop> <!here>", "<@U0ADA> <#C0SHOP|shop> <!here>"),
        ("<https://e.org|words & more>", "<https://e.org|words & more>"),
        ("see https://e.org/x, and", "see <https://e.org/x>, and"),
        ("<script>", "&lt;script&gt;"),
        ("<!date^1^{time}|10:00 UTC>", "<!date^1^{time}|10:00 UTC>"),
    ],
)
def test_what_apps_send(sent: str, stored: str) -> None:
    assert as_sent(sent) == stored
    assert as_sent(stored) == stored


@given(st.text())
def test_no_text_slips_through_unescaped(text: str) -> None:
    stored = as_typed(text, State())
    outside = stored.replace("<http", "").replace("<@", "").replace("<#", "")
    assert "<" not in outside
    assert as_sent(as_sent(text)) == as_sent(text)


async def test_a_cursor_is_opaque_and_checked(client: AsyncWebClient) -> None:
    for number in range(3):
        await client.chat_postMessage(channel="C0SHOP", text=str(number))
    page = await client.conversations_history(channel="C0SHOP", limit=2)
    assert page["has_more"]
    rest = await client.conversations_history(
        channel="C0SHOP", limit=2, cursor=page["response_metadata"]["next_cursor"]
    )
    assert [message["text"] for message in rest["messages"]] == ["0"]
    newest = page["messages"][0]["ts"]
    older = await client.conversations_history(channel="C0SHOP", latest=newest)
    assert [message["text"] for message in older["messages"]] == ["1", "0"]
    with pytest.raises(SlackApiError, match="invalid_cursor"):
        await client.conversations_history(channel="C0SHOP", cursor="nonsense")
