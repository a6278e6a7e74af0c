"""The agent's own copy of the wire's names; a contract test holds them to the gateway's."""

PROTOCOL_VERSION = 1
EVENT_KINDS = frozenset(
    {
        *("plan", "step_started", "step_finished", "note", "setup_output"),
        *("check_started", "check_finished", "question", "question_closed"),
    }
)
PLAN_STATUSES = frozenset({"pending", "in_progress", "complete", "error"})
SEVERITIES = frozenset({"high", "medium", "low"})
WAITED = "X-Waited-Seconds"
MAX_TURN_BYTES = 8 * 1024**2
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MAX_IMAGE_BYTES = 3_750_000
MAX_TURN_IMAGES = 10
MAX_EVENTS_BYTES = 1024**2
MAX_INBOX_WAIT_SECONDS = 30.0
