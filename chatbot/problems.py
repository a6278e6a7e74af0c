"""Why a request cannot even begin."""

from __future__ import annotations

from chatbot.changes import NOTHING, EmptyRequest
from chatbot.config import Settings
from chatbot.models import NewTask
from chatbot.named import ModelRefused, RepositoryUnnamed
from chatbot.reader import Reading
from chatbot.repository_rules import rules_for
from sandbox.errors import SourceError, ThreadsmithError
from sandbox.seats import AgentRefused, check_agent
from sandbox.sources.addresses import check_address


def find_problem(settings: Settings, reading: Reading, new: NewTask) -> ThreadsmithError | None:
    """What it is; None: it may begin."""
    source = new.source
    if new.request == NOTHING:
        # The repository is not what is missing.
        return EmptyRequest()
    if not source.repository:
        return RepositoryUnnamed(reading.resolution.question or "")
    if not reading.request.task.strip():
        return EmptyRequest()
    try:
        check_agent(new.agent or rules_for(settings, source.repository).agent, new.model)
    except AgentRefused as error:
        return error
    if new.origin == "cli":
        return None
    if new.model.startswith("replay:") and new.model != settings.model.default:
        # A recording is a file of the host.
        return ModelRefused(f"The model `{new.model[:80]}` cannot be named here.")
    try:
        if source.kind == "git":
            check_address(source.url)
    except SourceError as error:
        return error
    return None
