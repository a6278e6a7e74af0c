"""Addresses and ref names that people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import RefNotFound, SourceError
from sandbox.sources.addresses import check_address, check_ref, hide_credentials


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://github.com/acme/api", "github.com"),
        ("https://github.com/acme/api.git", "github.com"),
        ("http://127.0.0.1:8080/acme/api.git", "127.0.0.1:8080"),
        ("https://[::1]:8443/acme/api", "[::1]:8443"),
        ("ssh://git@forge.example:2222/acme/api.git", "git@forge.example:2222"),
        ("git@github.com:acme/api.git", "github.com"),
        ("https://forge.example/gruppe/unter-gruppe/größe", "forge.example"),
    ],
)
def test_addresses_that_are_taken(url: str, host: str) -> None:
    address = check_address(url)
    assert (address.url, address.host) == (url, host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme/api",
        "/srv/git/api.git",
        "file:///srv/git/api.git",
        "../api.git",
        "-uhttps://github.com/acme/api",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "fd::17/foo",
        "git://github.com/acme/api",
        "ftp://github.com/acme/api",
        "ssh://-oProxyCommand=touch%20x/acme/api",
        "ssh://git@-oProxyCommand=x/acme/api",
        "ssh://-l@forge.example/acme/api",
        "-oProxyCommand=x@host:acme/api",
        "git@-oProxyCommand=x:acme/api",
        "git@host:-acme/api",
        "https:///acme/api",
        "https://github.com",
        "https://github.com/",
        "https://github.com/acme/api?x=1",
        "https://github.com/acme/api#readme",
        "https://github.com/acme/api\nx",
        "https://github.com/ac me/api",
        "https://github.com:99999/acme/api",
        "https://user:secret@github.com/acme/api",
        "https://secret@github.com/acme/api",
        "ssh://git:secret@forge.example/acme/api",
        "http::https://github.com/acme/api",
        "git@github.com:http://127.0.0.1/x",
    ],
)
def test_addresses_that_are_refused_without_their_secret(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        check_address(url)
    assert caught.value.code == "address_refused"
    assert "secret" not in str(caught.value)


def test_local_directories_only_when_allowed() -> None:
    for url in ("/srv/git/api.git", "file:///srv/git/api.git"):
        address = check_address(url, allow_local=True)
        assert (address.url, address.host) == ("/srv/git/api.git", "")
    with pytest.raises(SourceError):
        check_address("ext::sh -c x", allow_local=True)


def test_slug_is_one_per_repository() -> None:
    def slug(url: str) -> str:
        return check_address(url).slug

    assert slug("https://github.com/acme/api.git") == slug("https://github.com/acme/api/")
    assert slug("https://github.com/acme/api") != slug("https://github.com/acme-api")
    assert slug("https://github.com/acme/api").startswith("acme-api-")
    assert "/" not in slug("https://github.com/a/" + "ö" * 300)


@given(st.text())
def test_whatever_is_typed_is_taken_or_refused(url: str) -> None:
    try:
        address = check_address(url)
    except SourceError:
        return
    assert not address.url.startswith("-")
    assert address.url.partition(":")[0] in ("https", "http", "ssh") or "@" in address.url


def test_credentials_are_hidden_in_any_text() -> None:
    text = "fatal: https://ada:secret@host/x and ssh://git@host/y, mail ada@example.com"
    assert hide_credentials(text) == (
        "fatal: https://***@host/x and ssh://***@host/y, mail ada@example.com"
    )


@pytest.mark.parametrize("ref", ["main", "feature/a.b", "v1.0", "HEAD", "1a2b3c4", "größe"])
def test_refs_that_may_exist(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-x", "--upload-pack=x", "a..b", "a b", "a\nb", "a~1", "a^", "a:b", "a?", "*", "[a]"),
        *("a\\b", "a@{1}", "a//b", "a/", "a.", "a.lock", "x" * 251),
    ],
)
def test_refs_that_cannot_exist(ref: str) -> None:
    with pytest.raises(RefNotFound):
        check_ref(ref)
