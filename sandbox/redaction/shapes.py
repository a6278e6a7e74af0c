"""What looks like a token or a key, whoever it belongs to.

Each shape begins with words that hardly anything else has and is bounded in length: searching
takes time in proportion to the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from sandbox.redaction.spans import REDACTED, Span

MAX_CHARACTERS: Final = 20_000
"""No match is longer."""

_WORD: Final = re.compile(r"[A-Za-z0-9]")
_BREAKS: Final = {"token": " \t\r\n\v\f\"'<>", "line": "\r\n"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of secret."""

    starts: tuple[str, ...]
    """A match begins with one of these."""
    rest: re.Pattern[str]
    """What must follow; where it has a group, that alone is secret."""
    before: re.Pattern[str] | None = _WORD
    """What may not stand right before it."""
    reach: str = "token"
    """What a text that breaks off must hold to be sure that no match goes on: see `_BREAKS`."""
    is_secret: Callable[[re.Match[str]], bool] = lambda _: True


def _shape(starts: str, rest: str, **options: re.Pattern[str] | str | None) -> Shape:
    return Shape(tuple(starts.split()), re.compile(rest), **options)  # type: ignore[arg-type]


def _is_real_password(match: re.Match[str]) -> bool:
    """Not one of the words that stand for a password in examples, or a variable's place."""
    user, password, host = match["user"], match["password"], match["host"].lower()
    return not (
        password in (user, REDACTED)
        or _LOCAL_HOST.fullmatch(host)
        or _PLACEHOLDER.fullmatch(password)
    )


_LOCAL_HOST: Final = re.compile(r"localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?")
_PLACEHOLDER: Final = re.compile(
    r"(?:my|your|some|the|a|db|user|new|old|test)?[-_]?"
    r"(?:pass|passwd|password|passw0rd|pwd|secret|token|key|changeme|example|[x*.]+)[-_]?\d{0,4}"
    r"(?:here)?"
    r"|.*(?:%[sdr(]|\$\w|\[redacted\]).*",
    re.IGNORECASE,
)
_END: Final = r"(?![A-Za-z0-9])"
_KEY_BREAK: Final = r"(?:\\[nrt]|[\s0-9\"'+,:;.>|()])"
_KEY_TEXT: Final = r"(?:[A-Za-z0-9+/=\s\\\"',;:.()>|]|-(?!-))"

SHAPES: Final = (
    _shape("sk-ant-", r"[\w-]{16,8192}"),
    _shape("sk-proj- sk-svcacct- sk-admin-", r"[\w-]{32,8192}"),
    _shape("sk-or-v1-", r"[0-9a-f]{32,128}"),
    _shape("sk-", r"[A-Za-z0-9]{32,128}"),
    _shape("ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,8192}"),
    _shape("github_pat_", r"\w{30,8192}"),
    _shape(
        "glpat- gldt- glrt- glptt- glft- glimt- glagent- gloas- glcbt- glsoat-", r"[\w.-]{20,8192}"
    ),
    _shape(
        "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp- xoxe.xoxp- xoxe.xoxb-",
        r"(?=[\w-]{0,40}\d)[\w-]{10,8192}",
    ),
    _shape(
        "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/",
        r"([A-Z0-9]{8,16}/[A-Z0-9]{8,16}/[A-Za-z0-9/]{16,64})",
    ),
    _shape("discord.com/api/webhooks/ discordapp.com/api/webhooks/", r"(\d{17,20}/[\w-]{60,100})"),
    _shape("AKIA ASIA", r"[0-9A-Z]{16}" + _END),
    _shape(
        "secret_access_key SECRET_ACCESS_KEY secretAccessKey SecretAccessKey",
        r"[\"']?[ \t]{0,8}[:=]?>?[ \t]{0,8}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        before=None,
        reach="line",
    ),
    _shape(
        "session_token SESSION_TOKEN sessionToken SessionToken",
        r"[\"']?[ \t]{0,8}[:=]?>?[ \t]{0,8}[\"']?([A-Za-z0-9/+]{100,4096}={0,2})",
        before=None,
        reach="line",
    ),
    _shape("AIza", r"[\w-]{35}(?![\w-])"),
    _shape("ya29.", r"[\w-]{30,2048}"),
    _shape("GOCSPX-", r"[\w-]{28}(?![\w-])"),
    _shape("sk_live_ rk_live_", r"[A-Za-z0-9]{16,8192}"),
    _shape("whsec_", r"[A-Za-z0-9+/=]{32,100}"),
    # Not within a word of its own signs: else a row of starts would be read again from each.
    _shape(
        "eyJ",
        r"[\w-]{10,4096}+\.eyJ[\w-]{5,8192}+\.[\w-]{10,2048}",
        before=re.compile(r"[\w-]"),
    ),
    _shape("npm_", r"[A-Za-z0-9]{36}" + _END),
    _shape("pypi-AgE", r"[\w-]{50,1024}"),
    _shape("SG.", r"[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _shape("SK", r"[0-9a-f]{32}" + _END),
    _shape("key-", r"[0-9a-f]{32}" + _END),
    _shape("dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
    _shape("shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    _shape("hf_", r"[A-Za-z0-9]{34,40}" + _END),
    _shape("dckr_pat_ dckr_oat_", r"[\w-]{27,100}"),
    _shape("AccountKey= SharedAccessKey=", r"([A-Za-z0-9+/]{40,90}={0,2})", before=None),
    _shape("sig=", r"([A-Za-z0-9%]{43,70}(?:%3[Dd]|=))", before=None),
    _shape("dapi", r"[0-9a-f]{32}(?:-\d)?" + _END),
    _shape("lin_api_", r"[A-Za-z0-9]{40}"),
    _shape("hvs. hvb.", r"[\w-]{24,8192}"),
    _shape("ATATT3", r"[\w=-]{50,8192}"),
    _shape("gsk_", r"[A-Za-z0-9]{52}" + _END),
    _shape("xai-", r"[A-Za-z0-9]{80}" + _END),
    _shape("pplx-", r"[A-Za-z0-9]{48}" + _END),
    _shape("r8_", r"[A-Za-z0-9]{37}" + _END),
    _shape("rubygems_", r"[0-9a-f]{48}"),
    _shape("glsa_", r"[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    _shape("AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    _shape(
        "Authorization: authorization: AUTHORIZATION:",
        r"[ \t]{0,4}(?i:basic|bearer|token)[ \t]{1,4}"
        r"((?=[\w+/=.~-]{0,200}\d)[\w+/=.~-]{16,8192})",
        before=None,
        reach="line",
    ),
    Shape(
        ("://",),
        re.compile(
            r"(?P<user>[^\s/:@\"'<>`{}\\]{0,100}):"
            r"(?P<password>[^\s/@\"'<>`{}\\]{6,256})@"
            r"(?P<host>[\w.-]{1,255}|\[[0-9a-fA-F:.]{2,45}\])"
        ),
        before=None,
        is_secret=_is_real_password,
    ),
)
"""The URL's shape names its secret by the group `password`, the others by their only group."""

_KEY_START: Final = "-----BEGIN "
_KEY: Final = re.compile(
    r"[A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----"
    # Code speaks of such blocks too: only with a line of a key behind it is it one.
    rf"(?={_KEY_BREAK}{{1,40}}(?:[A-Z][A-Za-z-]{{3,20}}:[^\r\n\\]{{0,100}}{_KEY_BREAK}{{1,40}}){{0,6}}"
    r"[A-Za-z0-9+/=]{16})"
    rf"{_KEY_TEXT}{{1,16000}}"
    r"(?:-----END\ [A-Z0-9\ ]{0,40}-----)?"
)
_KEY_HEAD: Final = 500
"""Behind so many characters it is sure whether a key's block follows."""
_KEY_FOOT: Final = 64


def _finders() -> tuple[re.Pattern[str], ...]:
    """One expression for each first letter: far faster than one for all, or one for each start."""
    starts = sorted({start for shape in SHAPES for start in shape.starts}, reverse=True)
    return tuple(
        re.compile(re.escape(letter) + f"(?:{'|'.join(re.escape(start[1:]) for start in group)})")
        for letter, group in groupby(starts, key=itemgetter(0))
    )


_BY_START: Final = {start: shape for shape in SHAPES for start in shape.starts}
_FINDERS: Final = _finders()


def shape_spans(text: str) -> list[Span]:
    """Where something stands that looks like a secret; places may overlap."""
    return [span for _, span in shape_matches(text)]


def shape_matches(text: str) -> list[tuple[int, Span]]:
    """The same, each with where that begins by which it is known."""
    found = [match for finder in _FINDERS for match in _places(finder, text)]
    if _KEY_START in text:
        found += _keys(text)
    return found


def shapes_held_from(text: str) -> int:
    """Where something may begin that the text breaks off in; its length where nothing does."""
    held = min(len(text), _held_key(text))
    latest = {
        reach: max(text.rfind(sign, max(0, len(text) - MAX_CHARACTERS)) for sign in signs) + 1
        for reach, signs in _BREAKS.items()
    }
    for shape in SHAPES:
        floor = max(latest[shape.reach], len(text) - MAX_CHARACTERS)
        for start in shape.starts:
            at = text.find(start, max(0, floor - len(start)), held)
            # A start may hold no break itself, so one before the floor was decided by it.
            while 0 <= at < floor:
                at = text.find(start, at + 1, held)
            held = min(held, at if at >= 0 else held, _broken_off(start, text))
    return held


def _broken_off(start: str, text: str) -> int:
    """Where the text ends with a part of ``start``."""
    for length in range(min(len(start) - 1, len(text)), 0, -1):
        if text.endswith(start[:length]):
            return len(text) - length
    return len(text)


def _places(finder: re.Pattern[str], text: str) -> Iterator[tuple[int, Span]]:
    done = 0
    for found in finder.finditer(text):
        at, begin = found.span()
        if at < done:
            continue
        shape = _BY_START[found[0]]
        if shape.before is not None and at > 0 and shape.before.match(text, at - 1):
            continue
        match = shape.rest.match(text, begin)
        if match is None or not shape.is_secret(match):
            continue
        done = match.end()
        if match.re.groups:
            yield at, match.span("password" if "password" in match.re.groupindex else 1)
        else:
            yield at, (at, done)


def _keys(text: str) -> Iterator[tuple[int, Span]]:
    at = text.find(_KEY_START)
    while at >= 0:
        match = _KEY.match(text, at + len(_KEY_START))
        if match is not None:
            yield at, (at, match.end())
        at = text.find(_KEY_START, match.end() if match is not None else at + 1)


def _held_key(text: str) -> int:
    at = text.rfind(_KEY_START, max(0, len(text) - MAX_CHARACTERS))
    if at < 0:
        return _broken_off(_KEY_START, text)
    match = _KEY.match(text, at + len(_KEY_START))
    if match is None:
        is_open = len(text) - at < _KEY_HEAD
    else:
        is_open = match.end() > len(text) - _KEY_FOOT and not match[0].endswith("-----")
    return at if is_open else _broken_off(_KEY_START, text)
