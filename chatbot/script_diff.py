"""Scripts as a person reads them before deciding: whole, or as a diff to what was approved."""

from __future__ import annotations

import difflib

from sqlite_utils import Database

from chatbot.history import setup_approvals
from chatbot.scripts import Scripts


def describe_scripts(db: Database, sha256: str, previous_sha256: str) -> str:
    """The scripts' text; with a version that was approved before, what differs from it."""
    scripts = Scripts.from_json(setup_approvals.get_scripts(db, sha256))
    if not previous_sha256:
        return scripts.text()
    before = Scripts.from_json(setup_approvals.get_scripts(db, previous_sha256))
    return diff_scripts(before, scripts)


def diff_scripts(before: Scripts, after: Scripts) -> str:
    lines = difflib.unified_diff(
        before.text().splitlines(),
        after.text().splitlines(),
        "approved before",
        "now",
        lineterm="",
        n=3,
    )
    return "\n".join(lines)
