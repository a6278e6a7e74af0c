"""What a phase may reach. Pure.

A rule is `all`, `packages`, or a host with what goes before and after it:
`example.com`, `*.example.com` (its subdomains), `example.com:8443`, `GET,HEAD example.com`.
Without a port it means 80 and 443. Methods bind plain HTTP only: a tunnel hides them, so a rule
with methods opens none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from sandbox.errors import ThreadsmithError

# As of November 2026: where the common package managers fetch from.
PACKAGES: Final = (
    # Python
    *("pypi.org", "files.pythonhosted.org", "pypi.python.org", "conda.anaconda.org"),
    *("repo.anaconda.com",),
    # JavaScript
    *("registry.npmjs.org", "registry.yarnpkg.com", "repo.yarnpkg.com", "nodejs.org", "npm.jsr.io"),
    # Rust, Go, Ruby, PHP
    *("crates.io", "index.crates.io", "static.crates.io", "static.rust-lang.org"),
    *("proxy.golang.org", "sum.golang.org", "rubygems.org", "index.rubygems.org"),
    *("repo.packagist.org", "packagist.org"),
    # JVM, .NET, Elixir, Dart, Haskell, Swift
    *("repo.maven.apache.org", "repo1.maven.org", "plugins.gradle.org", "services.gradle.org"),
    *("downloads.gradle.org", "api.nuget.org", "hex.pm", "repo.hex.pm", "builds.hex.pm"),
    *("pub.dev", "hackage.haskell.org"),
    # Linux distributions
    *("deb.debian.org", "security.debian.org", "archive.ubuntu.com", "security.ubuntu.com"),
    *("ports.ubuntu.com", "*.archive.ubuntu.com", "dl-cdn.alpinelinux.org"),
    *("mirrors.fedoraproject.org", "dl.fedoraproject.org", "mirror.centos.org"),
)
DEFAULT_PORTS: Final = frozenset({80, 443})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WORD: Final = re.compile(
    r"(?:(?P<methods>[A-Z]+(?:,[A-Z]+)*)\s+)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?"
)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)")


class EgressRuleInvalid(ThreadsmithError):
    """An egress rule is not valid."""

    code = "config_invalid"
    resolution = (
        "Rules are `all`, `packages`, `example.com`, `*.example.com:8443`, `GET example.com`."
    )


def normal_host(text: str) -> str | None:
    """The host as it is compared: lower case, ASCII, addresses in their usual form.

    None for what is no host, and for the odd spellings of addresses that resolvers understand.
    """
    text = text.strip().removesuffix(".").lower()
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in bare:
        return None
    if ":" in bare:
        try:
            return str(IPv6Address(bare))
        except AddressValueError:
            return None
    try:
        text = text.encode("idna").decode() if not text.isascii() else text
    except UnicodeError:
        return None
    labels = text.split(".")
    if not text or len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(text))
        except AddressValueError:
            return None
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    host: str
    """Normal; after `*.` for subdomains; `*` for every host."""
    port: int | None = None
    methods: frozenset[str] | None = None

    def matches(self, host: str, port: int) -> bool:
        if self.host == "*":
            return True
        if port != self.port and (self.port is not None or port not in DEFAULT_PORTS):
            return False
        if self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return host == self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """The rules of one phase; without any nothing is reached."""

    words: tuple[str, ...] = ()
    """As they stand in the configuration."""
    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, words: Iterable[str]) -> EgressRules:
        """Raise EgressRuleInvalid at the first word that is no rule."""
        words = tuple(words)
        return cls(words=words, rules=tuple(rule for word in words for rule in _parse(word)))

    def allows(self, host: str, port: int, method: str) -> bool:
        """``host`` is normal; ``method`` is `CONNECT` for a tunnel."""
        return any(
            rule.matches(host, port) and (rule.methods is None or method in rule.methods)
            for rule in self.rules
        )

    def why_not(self, host: str, port: int, method: str) -> str:
        """The reason of a refusal, in words."""
        near = [rule for rule in self.rules if rule.matches(host, port)]
        if near and method == "CONNECT":
            return "the rule for it names methods, and a tunnel hides them"
        if near:
            return f"the rule for it does not allow {method}"
        if any(rule.matches(host, 443) for rule in self.rules):
            return f"the rule for it does not allow port {port}"
        return "no rule allows it"

    def with_host(self, host: str, port: int = 443) -> tuple[str, ...]:
        """The words with this host added: the configuration that would allow it."""
        shown = f"[{host}]" if ":" in host else host
        return (*self.words, shown if port in DEFAULT_PORTS else f"{shown}:{port}")


def _parse(word: str) -> list[Rule]:
    if word == "all":
        return [Rule(host="*")]
    if word == "packages":
        return [Rule(host=host) for host in PACKAGES]
    found = _WORD.fullmatch(word.strip())
    if found is None:
        raise _invalid(word)
    is_suffix = found["host"].startswith("*.")
    host = normal_host(found["host"].removeprefix("*."))
    methods = frozenset(found["methods"].split(",")) if found["methods"] else None
    port = int(found["port"]) if found["port"] else None
    if host is None or (methods and not methods <= _METHODS) or (port is not None and port > 65535):
        raise _invalid(word)
    if is_suffix and (":" in host or _NUMERIC.fullmatch(host.rpartition(".")[2])):
        raise _invalid(word)
    return [Rule(host=f"*.{host}" if is_suffix else host, port=port, methods=methods)]


def _invalid(word: str) -> EgressRuleInvalid:
    return EgressRuleInvalid(f"`{word[:100]}` is no egress rule.")
