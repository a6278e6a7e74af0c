"""What a phase may reach, in the words of the configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.rules import PACKAGES, EgressRuleInvalid, EgressRules, normal_host


@pytest.mark.parametrize(
    ("words", "host", "port", "method", "allowed"),
    [
        ([], "example.com", 443, "CONNECT", False),
        (["all"], "example.com", 8443, "CONNECT", True),
        (["example.com"], "example.com", 443, "CONNECT", True),
        (["example.com"], "example.com", 80, "GET", True),
        (["example.com"], "example.com", 22, "CONNECT", False),
        (["example.com"], "www.example.com", 443, "CONNECT", False),
        (["example.com"], "notexample.com", 443, "CONNECT", False),
        (["*.example.com"], "www.example.com", 443, "CONNECT", True),
        (["*.example.com"], "a.b.example.com", 443, "CONNECT", True),
        (["*.example.com"], "example.com", 443, "CONNECT", False),
        (["*.example.com"], "evilexample.com", 443, "CONNECT", False),
        (["Example.COM."], "example.com", 443, "CONNECT", True),
        (["example.com:8443"], "example.com", 8443, "CONNECT", True),
        (["example.com:8443"], "example.com", 443, "CONNECT", False),
        (["GET,HEAD example.com"], "example.com", 80, "GET", True),
        (["GET,HEAD example.com"], "example.com", 80, "POST", False),
        (["GET example.com"], "example.com", 443, "CONNECT", False),
        (["GET example.com", "example.com:443"], "example.com", 443, "CONNECT", True),
        (["packages"], "pypi.org", 443, "CONNECT", True),
        (["packages"], "github.com", 443, "CONNECT", False),
        (["packages", "github.com"], "github.com", 443, "CONNECT", True),
        (["bücher.example"], "xn--bcher-kva.example", 443, "CONNECT", True),
        (["[2606:4700::1111]"], "2606:4700::1111", 443, "CONNECT", True),
        (["203.0.113.7"], "203.0.113.7", 80, "GET", True),
    ],
)
def test_rules(words: list[str], host: str, port: int, method: str, allowed: bool) -> None:
    assert EgressRules.parse(words).allows(host, port, method) is allowed


@pytest.mark.parametrize(
    "word",
    [
        *("", " ", "https://example.com", "example.com/path", "a b c", "get example.com"),
        *("FETCH example.com", "example.com:99999", "*", "*.", "**.example.com", "a..b"),
        *("-a.example", "exa mple.com", "*.10.0.0.1", "[::1", "0x7f.1", "127.1", "GET,", "\x00"),
    ],
)
def test_what_is_no_rule_is_named(word: str) -> None:
    with pytest.raises(EgressRuleInvalid) as caught:
        EgressRules.parse(["packages", word])
    assert word[:50] in caught.value.brief


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.com.", "example.com"),
        ("[::1]", "::1"),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1"),
        ("127.0.0.1", "127.0.0.1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a_b.example", "a_b.example"),
        *((odd, None) for odd in ("", ".", "127.1", "0177.0.0.1", "2130706433", "0x7f000001")),
        *((odd, None) for odd in ("1.2.3.4.5", "a b", "a%2eb", "a/b", "[::1", "[1.2.3.4]", "a@b")),
        *((odd, None) for odd in ("x" * 64 + ".com", ("a." * 130) + "com", "\x00", "a\r\nb")),
    ],
)
def test_hosts_have_one_spelling(text: str, host: str | None) -> None:
    assert normal_host(text) == host


@given(st.text(max_size=40))
def test_any_text_has_a_normal_form_or_none(text: str) -> None:
    host = normal_host(text)
    if host is not None:
        assert normal_host(host if ":" not in host else f"[{host}]") == host
        assert not set(host) & set(" /@%\\\r\n\t\0[]")


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_words_are_rules_or_refused(words: list[str]) -> None:
    try:
        rules = EgressRules.parse(words)
    except EgressRuleInvalid:
        return
    assert not rules.allows("nothing.of-the-kind.example", 22, "CONNECT") or "all" in words


@given(st.sampled_from(PACKAGES), st.sampled_from([80, 443, 8080]))
def test_the_line_that_would_allow_it_does(host: str, port: int) -> None:
    host = host.removeprefix("*.")
    rules = EgressRules.parse(["GET only.example"])
    assert not rules.allows(host, port, "CONNECT")
    assert EgressRules.parse(rules.with_host(host, port)).allows(host, port, "CONNECT")


def test_a_refusal_says_why() -> None:
    rules = EgressRules.parse(["GET a.example", "b.example"])
    assert rules.why_not("c.example", 443, "CONNECT") == "no rule allows it"
    assert "a tunnel hides them" in rules.why_not("a.example", 443, "CONNECT")
    assert rules.why_not("a.example", 80, "POST") == "the rule for it does not allow POST"
    assert rules.why_not("b.example", 22, "CONNECT") == "the rule for it does not allow port 22"
