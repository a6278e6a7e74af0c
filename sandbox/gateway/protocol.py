"""The wire between the agent in a container and the gateway, version 1.

HTTP/1.1 over the Unix socket that is mounted at `/run/threadsmith/gateway.sock`. Every request
carries `Authorization: Bearer <run token>`; the agent program keeps its own copy of these names,
and a contract test holds both together. Where the phase may reach the outside there is a second
socket, `egress.sock`: see `sandbox.egress`.

    GET  /run                 what to do: see `describe_run`
    GET  /source?have=        a git bundle that holds the commit under the ref `refs/heads/base`;
                              with a commit that is there already, only what came after it (204:
                              nothing did)
    GET  /patch               the work so far, to lay over the commit (204: none)
    GET  /given/{id}          the bytes of an image or file that was given along
    PUT  /turns/{n}           one turn of the model: see below
    POST /events              {"events": [{"id": int, "kind": str, ...}]}; ids grow by one from 1
                              within the run's phase; repeated ids are ignored -> {"last": int}
    GET  /inbox?after=&wait=  {"items": [{"id", "kind": "message"|"stop", "text", "author",
                              "enclosed": [given, ...]}]};
                              waits `wait` seconds at the most (30 is the ceiling)
    PUT  /patch               the body is the output of `git diff --binary`; `?final=1` on the last
                              one -> {"sha256", "files", "added", "removed"}: the last three are
                              counts; or 422
    PUT  /outcome             how the run ended: see below; the last request of the agent

Known secret values and what looks like a token are taken out of every text, and of the lines that
a patch adds, before anything else is done with them: what is kept, told and sent to the model is
what is left. The answer to `PUT /patch` is of the patch as it is kept; one with a known value in a
file's name or in a binary file is refused.

`PUT /turns/{n}` sends only what is new:
    {"system": str, "tools": [{"name", "description", "parameters"}],   a run's first turn only
     "messages": [{"role": "user", "content": [block, ...]}],
     "inbox": [ids of the inbox items that these messages hold]}
and answers {"turn": n, "content": [block, ...], "stop": "tool_calls"|"end"|"length"|"refusal",
             "turns_left": int}.
The same n with the same content gets the stored reply; with other content 409. A run's first
message begins with a text block whose first line starts with "# Task", or with "# Follow-up" in a
later run of the task: recorded replies are found by it. The tools `bash`, `read`, `edit`, `write`
and `apply_patch`, with the arguments that our agent gives them, are offered to each model
in the form that it was trained on, and come back in ours; a result of `bash` ends with a line
`[exit <code>…]` or `[killed after …]`. Results go to the calls of the newest
reply, each once; calls without a result count as stopped.

Blocks:
    {"type": "text", "text": str}
    {"type": "image", "media_type": IMAGE_TYPES, "data": str}    base64, from the container alone;
                              beside text or, for what a tool found, behind the results
    {"type": "tool_call", "id": str, "name": str, "arguments": object | null, "raw": str}
    {"type": "tool_result", "call_id": str, "text": str, "is_error": bool}
    {"type": "opaque", "provider": str, "data": object}    never sent to or by the container

`GET /run` answers:
    {"protocol": 1, "run_id", "task_id", "phase": "setup"|"agent"|"verify", "mode", "agent",
     "model" (`provider:name`), "earlier": [{"request", "summary"}] (of the task's runs before, for
     agents of another make), "repository",
     "branch": str|null, "base_commit", "request": str, "author": str, "turn": int (the next one),
     "prepared_commit": str|null (the image holds the workspace at that commit),
     "stays": bool (the container may stay for the task's next run: see `sandbox.warm`),
     "has_patch": bool, "egress": bool (the egress socket is open), "notes": [str],
     "script": null | {"path": str, "content": str, "is_own": bool}   set-up phase: what to run, as
                                     it was approved, or the host's own, which needs no workspace
     "variables": {name: value}                       set-up phase: for that script alone
     "given": [given, ...]                            agent phase: what came along with the task
     "can_ask": bool                                  somebody may answer a question
     "checks": [str]                                  verification: the commands to be run
     "limits": {"turns", "command_seconds", "output_bytes", "patch_bytes", "wall_seconds"}}

given: {"id", "kind": "image"|"file"|"text", "name", "author", "media_type", "bytes": int,
        "text": str (of a text), "missing": str (why it cannot be had), "is_new": bool (the model
        has not heard of it)}

Event kinds from the container (every other kind is refused):
    plan          {"items": [{"id": str, "title": str, "status": PLAN_STATUSES}]}
    step_started  {"step": str, "tool": str, "title": str, "details": str}
    step_finished {"step": str, "status": "complete"|"error", "title": str, "output": str,
                   "seconds": float}
    note          {"text": str}
    question        {"question": str, "options": [str]}   the agent waits for the inbox
    question_closed {"answered": bool}
    setup_output  {"text": str}   setup phase: the script's output as it comes, at most 4 KiB each
    check_started   {"check": int}   verification alone: which of the commands
    check_finished  {"check": int, "exit_code": int|null (its time was up), "summary": str,
                     "output": str, "seconds": float}

`PUT /outcome`:
    agent phase: {"kind": "finished"|"gave_up"|"stopped"|"failed", "title", "summary", "claimed",
                  "answer", "findings": [{"severity": "high"|"medium"|"low", "file", "line",
                  "title", "detail", "suggestion"}], "checks": [str], "brief", "details"}
    setup and verification: {"kind": "finished"|"failed", "exit_code": int, "brief", "details"}

Errors are {"error": {"code": str, "brief": str}}:
    400 bad_request    401 unauthorized   404 not_found      409 conflict
    413 too_large      408 bad_request (too slow)
    422 patch_refused, read_only (mode explain or review)
    402 budget_exceeded (the run's turns are used up, or a budget that it stands under)
    429, 503           try again after `Retry-After` seconds; so too when nobody listens
    500 internal       something broke on the host
    502 provider_error the model cannot be reached any more: end the run with what there is
An agent of another make has native routes in the place of `PUT /turns/{n}`, those of its model's
provider: `/anthropic/v1/messages`, `/anthropic/v1/messages/count_tokens`, `/openai/v1/responses`,
`/openai/v1/chat/completions`, and `models` of both. Their key is derived from the token, see
`sandbox.passing.door`, and their errors are of the provider's own form. It marks the messages that
it was given by `POST /inbox` {"taken": [ids]}.

In the set-up phase there are no turns and no patch, in verification no turns, and the patch is
only to be read: 404.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 1
WAITED: Final = "X-Waited-Seconds"
"""Header of an answer to `PUT /turns/{n}`: how long the request stood in a queue for the provider's
rates. None of that is the run's own time; the request itself has no limit of time."""
MAX_TURN_BYTES: Final = 8 * 1024**2
"""A turn holds tool results that the agent has already cut; more than this is an attack."""
IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What every provider takes."""
MAX_IMAGE_BYTES: Final = 3_750_000
"""Of one picture's own bytes; its base64 is then as large as providers take."""
MAX_TURN_IMAGES: Final = 10
MAX_EVENTS_BYTES: Final = 1024**2
MAX_INBOX_WAIT_SECONDS: Final = 30.0
_WORK: Final = frozenset({"plan", "step_started", "step_finished", "note"})
_ASKING: Final = frozenset({"question", "question_closed"})
_CHECKS: Final = frozenset({"check_started", "check_finished"})
PHASE_EVENTS: Final = {
    "agent": _WORK | _ASKING,
    "setup": _WORK | {"setup_output"},
    "verify": _CHECKS | {"note"},
}
"""What each phase may tell: none may speak for another."""
EVENT_KINDS: Final = frozenset().union(*PHASE_EVENTS.values())
MAX_CHECKS: Final = 5
CHECK_CHARACTERS: Final = 1000
PLAN_STATUSES: Final = frozenset({"pending", "in_progress", "complete", "error"})
