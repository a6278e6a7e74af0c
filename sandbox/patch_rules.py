"""Which files a person should look at twice before a patch becomes a pull request. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath

# Programs that the forge runs, with the repository's own rights.
_FOLDERS = (
    ".github/workflows/",
    ".github/actions/",
    ".gitlab/",
    ".circleci/",
    ".buildkite/",
    ".husky/",
)
_AT_THE_TOP = frozenset(
    {
        ".gitlab-ci.yml",
        ".travis.yml",
        ".drone.yml",
        ".pre-commit-config.yaml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "jenkinsfile",
        "setup.sh",
        ".threadsmith.toml",
    }
)
# Where GitHub and GitLab read it.
_CODEOWNERS = frozenset(f"{folder}codeowners" for folder in ("", ".github/", "docs/", ".gitlab/"))
# What steers git, or the next agent, wherever it lies.
_ANYWHERE = frozenset({".gitattributes", ".gitmodules", "agents.md", "claude.md"})


def is_sensitive(path: str) -> bool:
    """Compared without case: the forge's and the developers' file systems may do so too."""
    plain = path.casefold()
    return (
        plain.startswith(_FOLDERS)
        or plain in _AT_THE_TOP
        or plain in _CODEOWNERS
        or PurePosixPath(plain).name in _ANYWHERE
    )
