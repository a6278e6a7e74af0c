"""Words with a slash in them that are no repositories, and addresses that are."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from chatbot.request.lists import words_of

FILE_ENDING = re.compile(
    r"\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|vue|svelte|go|rs|c|h|cc|cpp|hpp|cs|java|kt|swift|rb|php"
    r"|pl|lua"
    r"|ex|exs|scala|clj|md|rst|txt|toml|ya?ml|json|xml|html?|css|scss|less|sql|sh|bash|zsh|ps1|bat"
    r"|env|lock|lockfile|cfg|ini|conf|csv|tsv|log|png|jpe?g|gif|svg|pdf|zip|gz|tar|proto|graphql"
    r"|tf|ipynb"
    r"|gradle|mod|sum|map|snap|dockerfile)$",
    re.IGNORECASE,
)
DIRECTORIES = words_of(
    """
    src source sources test tests spec specs lib libs doc docs documentation app apps
    pkg cmd bin packages package internal scripts script config configs conf utils util
    helpers helper components component models model views view controllers controller
    services service handlers handler routes router middleware middlewares migrations
    templates template static public assets vendor node_modules dist build out target
    examples example fixtures include e2e unit integration hooks pages styles store
    stores schemas schema types common shared core modules plugins tools ci etc usr var
    tmp opt home dev proc sys mnt data media resources locales i18n images img icons
    server client frontend backend web ui infra deploy charts terraform ansible k8s
    docker usr __tests__ __init__ workflows workflow
    """
)
"""Folders; an owner by such a name is believed only where the repository is known or called one."""

BRANCHES = words_of(
    """
    feature feat fix bugfix hotfix release releases chore refs heads origin upstream
    refactor dependabot renovate remotes tags pull head
    """
)
_MIME = words_of(
    """
    application text image audio video multipart font model message
    """
)
_ZONES = words_of(
    """
    america europe asia africa australia pacific atlantic antarctica indian etc arctic
    """
)
_PAIRS = words_of(
    """
    and/or either/or he/she she/he his/her him/her s/he yes/no true/false on/off in/out
    up/down left/right top/bottom before/after start/stop start/end begin/end open/close
    opened/closed push/pull read/write write/read input/output get/set get/post
    put/patch post/put add/remove add/delete create/update insert/update create/delete
    client/server server/client request/response frontend/backend backend/frontend
    pass/fail success/failure success/error ok/error win/lose dev/prod dev/staging
    staging/prod staging/production ci/cd cd/ci tcp/ip tcp/udp udp/tcp i/o a/b w/o n/a
    b/w c/c r/w a/an if/else try/catch try/except try/finally async/await import/export
    enable/disable enabled/disabled show/hide login/logout signup/login sign-in/sign-up
    encode/decode encoder/decoder serialize/deserialize encrypt/decrypt lock/unlock
    mount/unmount old/new new/old min/max key/value name/value and/both user/password
    username/password email/password producer/consumer publisher/subscriber pub/sub
    master/slave primary/replica source/target linux/macos mac/linux windows/linux
    macos/linux linux/amd64 linux/arm64 windows/mac ios/android android/ios js/ts ts/js
    html/css css/js json/xml xml/json yaml/json json/yaml http/https ws/wss day/night
    light/dark dark/light and/then plus/minus more/less first/last previous/next
    next/prev prev/next next/previous back/forward undo/redo copy/paste cut/paste
    drag/drop hover/focus mr/pr pr/mr issue/pr bug/feature team/user row/column
    rows/columns width/height x/y lat/lng lat/lon utf-8/utf-16 int/float str/bytes
    list/tuple dict/list null/undefined none/null red/green blue/green ssl/tls tls/ssl
    sync/async async/sync stdin/stdout stdout/stderr ctrl/cmd cmd/ctrl alt/option
    upload/download download/upload import/require http/2 http/3 http/1 km/h req/s mb/s
    gb/s kb/s ops/s rows/s load/save save/load setup/teardown expect/actual
    """
)
_HOSTS = re.compile(
    r"(?:.+\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|gitea\.com|gitee\.com"
    r"|git\.sr\.ht"
    r"|dev\.azure\.com)|(?:git|github|gitlab|gitea|forgejo|ghe|code|scm)\..+|localhost"
    r"|127\.0\.0\.1",
)
_NO_FORGE = re.compile(
    r"atlassian|jira|confluence|notion|slack|sentry|google|stackoverflow|wiki|linear|trello|asana"
    r"|figma|docs?\.|blog|datadog|grafana|kibana|jenkins|circleci|zendesk|support|localhost|pypi"
    r"|npm"
)
_RESERVED = words_of(
    """
    orgs settings marketplace features topics search sponsors notifications login about
    apps enterprise users explore trending collections pricing security contact site
    join dashboard groups help api raw gist
    """
)
_LINKED_PAGE = re.compile(
    r"(?P<base>https?://[^/]+/[^/]+/[^/]+)/(?P<kind>issues/\d+|pull/(?P<number>\d+)"
    r"|commit/[0-9a-f]{7,40}|blob/[^/]+/.)"
)
_NUMBER = re.compile(r"[\d.]+")
_GITLAB_PAGES = {
    "tree",
    "blob",
    "issues",
    "merge_requests",
    "commit",
    "commits",
    "pipelines",
    "wikis",
}
"""Of old links, which have no "-" before them."""


MIN_ENDING = 4


def is_pair(owner: str, name: str) -> bool:
    """Words people write with a slash between them: and/or, 1/2, text/html, Europe/Berlin."""
    both = f"{owner}/{name}".lower()
    return (
        both in _PAIRS
        or _NUMBER.fullmatch(owner) is not None
        or _NUMBER.fullmatch(name) is not None
        or (owner[0].isdigit() and name[0].isdigit())
        or owner.lower() in _MIME
        or (owner.lower() in _ZONES and owner[:1].isupper())
        or min(len(owner), len(name)) == 1
        or (owner.isupper() and name.isupper())
        or _are_opposites(owner.lower(), name.lower())
    )


def _are_opposites(one: str, other: str) -> bool:
    """encode/decode, upload/download: words that end alike."""
    if not (one.isalpha() and other.isalpha()) or one == other:
        return False
    return any(
        one.endswith(ending) and other.endswith(ending) and len(ending) >= MIN_ENDING
        for ending in (one[2:], one[3:], other[2:], one, other)
    )


def is_path(owner: str, name: str) -> bool:
    """A file, a folder, or a branch."""
    return (
        FILE_ENDING.search(name) is not None
        or owner.lower() in DIRECTORIES
        or owner.lower() in BRANCHES
        or (
            name.lower() in DIRECTORIES - {"core", "web", "server", "client", "docs", "app", "ui"}
            and owner.lower() in DIRECTORIES
        )
    )


_ONLY_FOLDERS = words_of(
    """
    src source sources test tests spec specs lib dist build out target bin pkg cmd vendor
    node_modules usr etc var tmp opt home dev proc sys mnt __tests__ __init__ public static
    scripts migrations fixtures components pages utils helpers
    """
)


def may_be_repository(owner: str, name: str) -> bool:
    """Whether what looks like a folder could be one all the same, as `libs/payments`."""
    return (
        FILE_ENDING.search(name) is None
        and owner.lower() not in BRANCHES
        and owner.lower() not in _ONLY_FOLDERS
    )


_REPOSITORY = re.compile(
    r"[A-Za-z0-9][\w.-]*/[\w.-]+|(?:https?|ssh)://[^\s/]+/\S+|\w[\w.-]*@\w[\w.-]*:\S+", re.ASCII
)


def names_repository(name: str) -> bool:
    """Whether it is `owner/name`, or an address."""
    return _REPOSITORY.fullmatch(name) is not None


def may_be_forge(url: str) -> bool:
    """Whether a stranger's address could be a repository's at all."""
    return _NO_FORGE.search(url) is None


class Page:
    """What an address on a forge is of."""

    __slots__ = ("kind", "number", "ref", "repository")

    def __init__(self, repository: str, *, kind: str = "", ref: str | None = None) -> None:
        self.repository = repository
        self.kind = kind
        """Empty for the repository itself; `tree`, `blob`, `pull`, `issues`, `commit`, …"""
        self.ref = ref


def read_page(url: str, forge_url: str) -> Page | None:
    """None where the address is of no repository."""
    if re.match(r"[\w.-]+@[\w.-]+:", url):
        return Page(_shown(url, forge_url))
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    path = [part for part in parts.path.split("/") if part]
    if parts.scheme in {"ssh", "git"} or (path and path[-1].endswith(".git")):
        return Page(_shown(url, forge_url))
    if not _HOSTS.fullmatch(host) and may_be_forge(url) and (linked := _LINKED_PAGE.match(url)):
        kind = linked["kind"].partition("/")[0]
        ref = f"refs/pull/{linked['number']}/head" if linked["number"] else None
        return Page(_shown(linked["base"], forge_url), kind=kind, ref=ref)
    is_forge = url.startswith(f"{forge_url.rstrip('/')}/")
    if not is_forge and not _HOSTS.fullmatch(host):
        return None
    if is_forge:
        path = [
            part
            for part in url.removeprefix(forge_url.rstrip("/"))
            .split("?")[0]
            .split("#")[0]
            .split("/")
            if part
        ]
    if host.startswith(("gist.", "docs.", "raw.", "api.", "pages.")) or len(path) < 2:
        return None
    if path[0].lower() in _RESERVED:
        return None
    base = f"{parts.scheme}://{parts.netloc}"
    if is_forge:
        base = forge_url.rstrip("/")
    if "-" in path[2:]:
        # GitLab: groups may be nested, and "-" parts the repository from its pages.
        at = path.index("-", 2)
        owner_name, rest = path[:at], path[at + 1 :]
    elif "gitlab" in host and len(path) > 2 and path[2] not in _GITLAB_PAGES:
        owner_name, rest = path, []
    else:
        owner_name, rest = path[:2], path[2:]
    repository = _shown(f"{base}/{'/'.join(owner_name)}", forge_url)
    if not rest:
        return Page(repository, kind="" if not parts.fragment else "page")
    kind = rest[0]
    if kind in {"pull", "merge_requests"} and len(rest) > 1 and rest[1].isdecimal():
        ref = f"refs/pull/{rest[1]}/head"
        if kind == "merge_requests":
            ref = f"refs/merge-requests/{rest[1]}/head"
        return Page(repository, kind="pull", ref=ref)
    if kind == "tree" and len(rest) > 1:
        return Page(repository, kind="tree", ref=unquote("/".join(rest[1:])))
    if kind == "blob" and len(rest) > 1:
        return Page(repository, kind="blob", ref=_blob_ref(rest[1:]))
    return Page(repository, kind=kind)


def _blob_ref(parts: list[str]) -> str | None:
    """The branch a file is shown of; neither the usual one, nor a commit a link was fixed to."""
    first = unquote(parts[0])
    if first in {"main", "master", "HEAD"} or re.fullmatch(r"[0-9a-f]{40}", first):
        return None
    if first.lower() in BRANCHES and len(parts) > 1:
        # A branch with a slash in its name, as far as one can tell.
        return f"{first}/{unquote(parts[1])}"
    return first


def _shown(url: str, forge_url: str) -> str:
    """`owner/name` where the forge holds it, else the address."""
    forge = forge_url.rstrip("/")
    plain = url.rstrip("/").removesuffix(".git")
    if plain.startswith(f"{forge}/"):
        return plain.removeprefix(f"{forge}/")
    http = plain.replace("http://", "https://", 1)
    if http.startswith(f"{forge}/"):
        return http.removeprefix(f"{forge}/")
    return url.rstrip("/") if url.endswith(".git") else plain
