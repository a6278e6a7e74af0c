"""Stories for tests: events as the actions write them, plain or as nasty as they can be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatbot.models import Event, Person, Source, Status, Task, Thread

THREAD = Thread(team="T1", channel="C1", thread_ts="100.000001", message_ts="100.000001")


def make_task(**changes: Any) -> Task:
    values: dict[str, Any] = {
        "id": "t_000000001abcdef",
        "created_at": 1.0,
        "updated_at": 1.0,
        "status": Status.RUNNING,
        "deadline_at": None,
        "origin": "slack",
        "mode": "change",
        "model": "replay:demo",
        "request": "fix the failing test",
        "author": Person("U1", "Ada"),
        "source": Source(kind="git", repository="demo/shop", forge=True),
        "share_token": "share",
        "thread": THREAD,
    }
    return Task(**(values | changes))


def make_events(*told: tuple[str, dict[str, Any]], start: float = 1000.0) -> list[Event]:
    return [
        Event(id=seq, task_id="t_000000001abcdef", seq=seq, at=start + seq, kind=kind, payload=data)
        for seq, (kind, data) in enumerate(told, start=1)
    ]


def queued(run: str = "r_1", number: int = 1, position: int = 0) -> tuple[str, dict[str, Any]]:
    return "run_queued", {"run_id": run, "number": number, "position": position}


def resolved(run: str = "r_1", branch: str | None = "main") -> tuple[str, dict[str, Any]]:
    return "run_resolved", {"run_id": run, "branch": branch, "base_commit": "0123456789abcdef"}


def preparing(run: str = "r_1") -> tuple[str, dict[str, Any]]:
    return "run_preparing", {"run_id": run}


def started(run: str = "r_1") -> tuple[str, dict[str, Any]]:
    return "container_started", {"run_id": run, "phase": "agent"}


def finished(run: str = "r_1", outcome: str = "patch", **more: Any) -> tuple[str, dict[str, Any]]:
    return "run_finished", {"run_id": run, "outcome": outcome, **more}


# Nasty words

TRAPS = (
    "<!channel>", "<!here>", "<@U123ABC>", "<#C123|x>", "<https://evil.example|safe>", "@channel",
    "[safe](https://evil.example)", "[a][b]\n[b]: https://evil.example", "![x](https://e.example)",
    "```", "`", "~~~\n", "\u202e", "\u200b", "\x00", "&", "&lt;!channel&gt;", "<", ">", "|", "*",
    "\n", "\n\n", "\t", " ", "é", "日本語", "🙂", "]", "(", "[", "!", "x" * 300,
    "y z " * 200, "line\n" * 100,
)  # fmt: skip
words = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(max_size=20)), max_size=12).map("".join)
long_words = st.one_of(words, st.builds(lambda part, n: part * n, words, st.integers(1, 400)))
ids = st.sampled_from(["1", "2", "3", "a"])
json_value = st.one_of(st.none(), st.integers(), st.booleans(), words, st.lists(words, max_size=2))
statuses = st.sampled_from(["pending", "in_progress", "complete", "error"])


def _loose(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Fields as they should be, or missing, or anything else."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(field, field, json_value) for name, field in fields.items()}
    )


plans = _loose(
    items=st.lists(_loose(id=ids, title=long_words, status=statuses), max_size=70),
    run_id=st.just("r_1"),
)
steps = _loose(
    step=ids, tool=words, title=long_words, details=long_words, output=long_words, status=statuses
)
files = st.lists(
    _loose(
        path=words,
        change=st.sampled_from(["added", "modified", "deleted", "renamed", "mode"]),
        added=st.integers(0, 10**6),
        removed=st.integers(0, 10**6),
        binary=st.booleans(),
        sensitive=st.booleans(),
    ),
    max_size=40,
)
patches = _loose(files=files, added=st.integers(0, 10**6), removed=st.integers(0, 10**6))
outcomes = st.sampled_from(["patch", "answer", "findings", "nothing", "stopped", "failed", "odd"])
endings = st.fixed_dictionaries(
    {"outcome": outcomes},
    optional={
        name: st.one_of(long_words, json_value)
        for name in ("title", "summary", "claimed", "answer", "stage", "brief", "resolution")
    }
    | {
        "verification": _loose(
            state=st.sampled_from(["verified", "failed", "unverified", "odd"]),
            reason=long_words,
            checks=st.lists(
                _loose(
                    command=long_words,
                    exit_code=st.sampled_from([0, 1, None]),
                    summary=long_words,
                    output=long_words,
                    seconds=st.floats(),
                ),
                max_size=8,
            ),
        )
    }
    | {
        "findings": st.lists(
            _loose(
                severity=st.sampled_from(["high", "medium", "low"]),
                file=words,
                line=st.integers(),
                title=long_words,
                detail=long_words,
                suggestion=long_words,
            ),
            max_size=20,
        )
    },
)
egress = _loose(
    host=words,
    port=st.integers(),
    verdict=st.sampled_from(["refused", "refused", "allowed", "failed"]),
    reason=long_words,
    allow=long_words,
)
scripts = _loose(
    path=words,
    lines=st.integers(),
    network=st.lists(words, max_size=30),
    secrets=st.lists(words, max_size=30),
    previous_sha256=st.one_of(st.none(), st.just("0" * 64)),
)
environments = _loose(
    state=st.sampled_from(["hit", "miss", "building", "none"]), age_seconds=st.floats()
)
feedback = _loose(
    number=st.integers(),
    checks=st.lists(_loose(name=words, url=words, summary=long_words), max_size=12),
    remarks=st.lists(
        _loose(
            author=words,
            kind=st.sampled_from(["comment", "review", "approval", "words"]),
            path=words,
            line=st.integers(),
            text=long_words,
            url=words,
        ),
        max_size=12,
    ),
    conflict=st.booleans(),
    capped=st.booleans(),
)
ended = _loose(
    number=st.integers(),
    state=st.sampled_from(["merged", "closed"]),
    by=words,
    url=words,
    branch_removed=st.booleans(),
)
edits = _loose(title=long_words, body=long_words, branch=words, draft=st.booleans())
gates = _loose(
    edits=edits,
    draft=st.booleans(),
    branch_only=st.booleans(),
    second_person=st.booleans(),
    expires_at=st.floats(0, 4e9),
)
inner = st.lists(
    st.one_of(
        st.tuples(st.just("egress"), egress),
        st.tuples(st.just("environment"), environments),
        st.tuples(st.just("setup_started"), _loose(path=long_words)),
        st.tuples(st.just("source_notes"), _loose(notes=st.lists(long_words, max_size=12))),
        st.tuples(st.just("image_pulling"), _loose(image=long_words)),
        st.tuples(st.just("redacted"), _loose(where=words)),
        st.tuples(st.just("check_started"), _loose(command=long_words)),
        st.tuples(
            st.just("question"),
            _loose(question=long_words, options=st.lists(long_words, max_size=6)),
        ),
        st.tuples(st.just("question_closed"), _loose(answered=st.booleans())),
        st.tuples(st.just("model_waiting"), _loose(model=long_words, waiting=st.integers())),
        st.tuples(st.just("model_fallback"), _loose(brief=long_words, to=long_words)),
        st.tuples(st.just("budget_warning"), _loose(name=long_words, used=st.floats())),
        st.tuples(st.just("plan"), plans),
        st.tuples(st.just("step_started"), steps),
        st.tuples(st.just("step_finished"), steps),
        st.tuples(st.just("note"), _loose(text=long_words)),
        st.tuples(st.just("patch"), patches),
        st.tuples(
            st.just("turn"), _loose(usage=_loose(input_tokens=st.integers()), cost_usd=words)
        ),
    ),
    max_size=25,
)


@st.composite
def attempts_story(draw: st.DrawFn) -> list[Event]:
    """A request that is tried several times, with whatever people then do about it."""
    told: list[tuple[str, dict[str, Any]]] = []
    made = draw(st.integers(1, 10))
    by = {"id": draw(st.sampled_from(["U12345", "threadsmith", "<!here>"])), "name": draw(words)}
    for number in range(1, made + 1):
        run = f"r_{number}"
        queueing = {"run_id": run, "number": number, "attempt": number, "attempts": made}
        told += [("run_queued", queueing), resolved(run, "main"), preparing(run), started(run)]
        told.append(("patch", {**draw(patches), "run_id": run}))
        spent = {"run_id": run, "usage": {"input_tokens": 9}, "cost_usd": draw(st.floats(0, 1e6))}
        told.append(("turn", spent))
        told.append(("run_finished", {**draw(endings), "run_id": run}))
    if draw(st.booleans()):
        state = draw(st.sampled_from(["choose", "chosen", "none", "odd"]))
        told.append(("attempts_ended", {"run_id": f"r_{made}", "state": state}))
        said = {"text": draw(long_words), "key": None, "message_id": 1}
        told += [("message_received", said)] * draw(st.integers(0, 3))
        for _ in range(draw(st.integers(0, 2))):
            number = draw(st.integers(1, made))
            why = draw(st.sampled_from(["", "only", "same", "odd"]))
            chosen = {"run_id": f"r_{number}", "attempt": number, "by": by, "why": why}
            told.append(("attempt_chosen", chosen))
        if draw(st.booleans()):
            told.append(("attempts_discarded", {"by": by}))
        if draw(st.booleans()):
            told.append(queued(f"r_{made + 1}", made + 1))
    return make_events(*told)


@st.composite
def story(draw: st.DrawFn) -> list[Event]:
    """A whole task: one run, its end, a gate and its record, a publishing."""
    begun: list[tuple[str, dict[str, Any]]] = [
        queued(position=draw(st.integers(0, 3))),
        resolved(branch=draw(words)),
        preparing(),
    ]
    if draw(st.booleans()):
        begun.append(started())
    if draw(st.booleans()):
        asked = {**draw(scripts), "approval_id": "s_1", "run_id": "r_1"}
        begun.append(("setup_approval_requested", asked))
        if draw(st.booleans()):
            by = {"id": draw(st.sampled_from(["U12345", "<!here>"])), "name": draw(words)}
            state = draw(st.sampled_from(["approved", "skipped", "void", "odd"]))
            settled = {"approval_id": "s_1", "run_id": "r_1", "state": state, "by": by}
            begun.append(("setup_approval_settled", settled))
    middle = [(kind, {**payload, "run_id": "r_1"}) for kind, payload in draw(inner)]
    end: list[tuple[str, dict[str, Any]]] = []
    if draw(st.booleans()):
        end.append(("run_finished", {**draw(endings), "run_id": "r_1"}))
        gate = {
            "approval_id": "a_1",
            "run_id": "r_1",
            "pull_number": draw(st.sampled_from([None, 4])),
            **draw(gates),
        }
        end.append(("approval_requested", gate))
        if draw(st.booleans()):
            by = {"id": draw(st.sampled_from(["U12345", "<!here>"])), "name": draw(words)}
            edited = {"approval_id": "a_1", "edits": draw(edits), "revision": 1, "by": by}
            end.append(("approval_edited", edited))
    is_settled = draw(st.booleans())
    if end and is_settled:
        by = {"id": draw(st.sampled_from(["U12345", "api", "<!here>"])), "name": draw(words)}
        state = draw(st.sampled_from(["approved", "discarded", "changes", "void", "expired"]))
        why = draw(st.sampled_from(["", "verified", "autofix", "odd"]))
        settled = {"approval_id": "a_1", "state": state, "by": by, "why": why}
        end.append(("approval_settled", settled))
        end.append(("message_received", {"text": draw(long_words), "key": None, "message_id": 1}))
        end.append(("publish_failed", {"brief": draw(long_words), "resolution": draw(long_words)}))
        if state == "expired" and draw(st.booleans()):
            again = {**gate, **draw(gates), "approval_id": "a_2", "by": by}
            end.append(("approval_requested", again))
        link = {"url": "http://forge.example/demo/shop/pull/4", "number": 4, "created": True}
        end.append(("published", link))
        end.append(("feedback", draw(feedback)))
        end.append(("fix_asked", {"seq": draw(st.integers(1, 40)), "by": by}))
        end.append(("pull_ended", draw(ended)))
    return make_events(*begun, *middle, *end)
