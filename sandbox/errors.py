"""The error that speaks to three people: the thread, the log and the operator."""


class ThreadsmithError(Exception):
    """Something went wrong."""

    code = "internal"
    """A stable word for programs; subclasses set it."""
    resolution = ""
    """What to do about it, in one line; fit for the thread and the operator."""
    stage = ""
    """Where in a task it happened; set by whoever knows."""

    def __init__(
        self,
        brief: str | None = None,
        *,
        details: str = "",
        resolution: str | None = None,
        code: str | None = None,
    ) -> None:
        """``brief`` is one sentence without secrets; without one the docstring stands for it."""
        self.brief = brief or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        if resolution is not None:
            self.resolution = resolution
        if code is not None:
            self.code = code
        super().__init__(self.brief)

    def __str__(self) -> str:
        parts = [self.brief, self.details, self.resolution]
        return "\n".join(part for part in parts if part)


class EngineUnavailable(ThreadsmithError):
    """Docker does not answer."""

    code = "engine_unavailable"
    resolution = "Start Docker on the host (`systemctl start docker` or `make setup`), then retry."


class EngineError(ThreadsmithError):
    """The container engine refused the request."""

    code = "engine_error"


class ImageMissing(ThreadsmithError):
    """The container image does not exist on this host."""

    code = "image_missing"
    resolution = "Run `make setup` on the host, or set `sandbox.image` to an image it has."


class ImageUnfit(ThreadsmithError):
    """The container image lacks a program that every run needs."""

    code = "image_unfit"
    resolution = "Use an image that has python3 (3.8 or newer) and git."


class SourceError(ThreadsmithError):
    """The source could not be read."""

    code = "source_error"


class RepositoryNotFound(SourceError):
    """The repository does not exist, or this program may not read it."""

    code = "repository_not_found"
    resolution = "Check its name, and that the configured token may read it."


class RefNotFound(SourceError):
    """The branch, tag or commit does not exist."""

    code = "ref_not_found"
    resolution = "Name a branch, tag or commit that exists, or leave it out."


class ArchiveRefused(SourceError):
    """The zip archive was refused."""

    code = "archive_refused"


class PatchRefused(ThreadsmithError):
    """The patch was refused."""

    code = "patch_refused"


class ProviderError(ThreadsmithError):
    """The model's provider failed."""

    code = "provider_error"


class ProviderUnavailable(ProviderError):
    """The model's provider is overloaded or away, and stayed so through every retry."""

    code = "provider_unavailable"


class ContextTooLong(ProviderError):
    """The conversation is longer than the model can take."""

    resolution = "Start a new task, or name a model with a larger context."


class ProviderKeyMissing(ProviderError):
    """No key for the model's provider is configured."""

    code = "provider_key_missing"


class RunFailed(ThreadsmithError):
    """The run ended without a result."""

    code = "run_failed"
