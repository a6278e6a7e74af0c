"""Why something could not be published."""

from __future__ import annotations

from sandbox.errors import ThreadsmithError


class PublishFailed(ThreadsmithError):
    """The pull request could not be made."""

    code = "publish_failed"
