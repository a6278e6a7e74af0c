"""Forms, the home, lists and options: whatever people and repositories are called."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chatbot.slack
from chatbot.config import Settings
from chatbot.demo.workspace.elements import check_option
from chatbot.demo.workspace.faults import Faults
from chatbot.demo.workspace.limits import check_message as check_of_workspace
from chatbot.demo.workspace.limits import check_view
from chatbot.history.defaults import Defaults
from chatbot.history.home import Mended
from chatbot.models import Person, PullRequest, SetupApproval, Source, Status, Task
from chatbot.slack import slots
from chatbot.slack.blocks.change import make_change_form
from chatbot.slack.blocks.defaults import holds_here, make_defaults
from chatbot.slack.blocks.elements import stamp
from chatbot.slack.blocks.home import SHOWN, HomeView, make_home
from chatbot.slack.blocks.listing import Row, make_listing
from chatbot.slack.blocks.new_task import Filled, make_new_task
from chatbot.slack.blocks.picker import repository_options
from chatbot.slack.command_line import HELP
from chatbot.slack.commands import PAGE
from chatbot.slack.faults import explain
from sandbox.errors import ThreadsmithError
from tests.chatbot.slack.limits import assert_no_control, check_message
from tests.chatbot.slack.stories import THREAD, long_words, make_task, words

slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
WORKSPACE = "https://acme.slack.com/"
PULL = PullRequest(
    number=7, url="https://forge.example/a/b/pull/7", branch="b", head_commit="0" * 40
)


def people() -> st.SearchStrategy[Person]:
    return st.builds(Person, st.sampled_from(["U0ADA", "api", ""]), words)


tasks = st.builds(
    lambda title, request, repository, author, status, outcome, thread, pull: make_task(
        title=title,
        request=request,
        source=Source(kind="git", repository=repository, ref=request[:300], url=request),
        author=author,
        status=status,
        outcome=outcome,
        thread=thread,
        pull_request=pull,
    ),
    long_words,
    long_words,
    long_words,
    people(),
    st.sampled_from(list(Status)),
    st.sampled_from([None, "patch", "answer", "findings", "nothing"]),
    st.sampled_from([None, THREAD]),
    st.sampled_from([None, PULL]),
)
rows = st.builds(
    lambda task, cost: Row(task=task, cost_usd=cost),
    tasks,
    st.one_of(st.none(), st.floats(0, 10**6)),
)
lists = st.lists(rows, max_size=SHOWN + 1)
setups = st.builds(
    lambda repository: SetupApproval(
        id="s_1",
        task_id="t_1",
        run_id="r_1",
        repository=repository,
        sha256="f" * 64,
        state="approved",
        created_at=1.0,
        settled_at=5.0,
    ),
    long_words,
)
allowances = st.builds(
    lambda repository: Mended(task_id="t_1", repository=repository, number=7), long_words
)


def no_control(view: Any) -> None:
    """Nothing in any mrkdwn pings or leads anywhere of its own."""
    match view:
        case {"type": "mrkdwn", "text": text}:
            assert_no_control(text)
        case dict():
            for inner in view.values():
                no_control(inner)
        case list():
            for inner in view:
                no_control(inner)


@slow
@given(
    lists=st.tuples(lists, lists, lists, lists),
    offset=st.sampled_from([0, 10, 1000]),
    defaults=st.builds(Defaults, repository=long_words, model=long_words),
    model=long_words,
    names=st.lists(long_words, max_size=40),
    allowed=st.tuples(st.lists(setups, max_size=12), st.lists(allowances, max_size=12)),
    spent=st.floats(0, 10**9),
    url=st.sampled_from(["", WORKSPACE]),
)
def test_every_home_keeps_the_limits(
    lists: tuple[list[Row], ...],
    offset: int,
    defaults: Defaults,
    model: str,
    names: list[str],
    allowed: tuple[list[SetupApproval], list[Mended]],
    spent: float,
    url: str,
) -> None:
    at_work, waiting, others, ended = lists
    view = HomeView(
        at_work=at_work,
        waiting=waiting,
        others=others,
        ended=ended,
        offset=offset,
        defaults=defaults,
        model=model,
        repositories=names,
        setups=allowed[0],
        mended=allowed[1],
        spent_today=spent,
    )
    home = make_home(view, url)
    check_view(home)
    no_control(home)


def test_a_home_with_everything_in_it_keeps_the_limits() -> None:
    full = [Row(task=make_task(title="&" * 5000), cost_usd=1.0)] * (SHOWN + 1)
    setup = SetupApproval(
        id="s_1", task_id="t", run_id="r", repository="a/b", sha256="f" * 64, state="approved",
        created_at=1.0, settled_at=2.0,
    )  # fmt: skip
    view = HomeView(
        at_work=full,
        waiting=full,
        others=full,
        ended=full,
        offset=10,
        repositories=["<!here>/" + "&" * 200] * 1000,
        setups=[setup] * 20,
        mended=[Mended(task_id="t", repository="a/b", number=7)] * 20,
        spent_today=3.0,
    )
    home = make_home(view, WORKSPACE)
    check_view(home)
    no_control(home)


@slow
@given(found=st.lists(rows, max_size=PAGE), title=words, more=st.booleans())
def test_every_list_keeps_the_limits(found: list[Row], title: str, more: bool) -> None:
    listed = make_listing(found, WORKSPACE, title="Tasks", more=more)
    check_message(listed.text, stamp(listed.blocks, "list", 1))


filled = st.builds(
    Filled,
    channel=st.sampled_from(["", "C1"]),
    repository=long_words,
    model=long_words,
    usual_model=long_words,
    words=long_words,
    thread_ts=st.sampled_from(["", "100.000001"]),
    message_ts=st.sampled_from(["", "100.000002"]),
    author=st.tuples(st.sampled_from(["", "U0ADA"]), words),
    files=st.integers(0, 50),
)


@slow
@given(given_form=filled)
def test_every_form_for_a_task_keeps_the_limits(given_form: Filled) -> None:
    view = make_new_task(given_form)
    check_view(view)
    no_control(view)


@slow
@given(task=tasks)
def test_every_form_for_a_change_keeps_the_limits(task: Task) -> None:
    view = make_change_form(task)
    check_view(view)
    no_control(view)


@slow
@given(own=st.builds(Defaults, repository=long_words, model=long_words), model=long_words)
def test_every_form_for_defaults_keeps_the_limits(own: Defaults, model: str) -> None:
    for channel in ("", "C1"):
        told = holds_here(Settings()) if channel else ()
        view = make_defaults(own, model, channel=channel, channel_repository=model, told=told)
        check_view(view)
        no_control(view)


@slow
@given(names=st.lists(long_words, max_size=120), typed=long_words)
def test_every_option_that_is_offered_keeps_the_limits(names: list[str], typed: str) -> None:
    faults = Faults()
    options = repository_options(names, typed)
    assert len(options) <= 100
    for option in options:
        check_option(faults, option, "/options", plain=True)
    assert faults.found == []


def test_the_help_holds_no_control_sequence() -> None:
    assert_no_control(HELP)


@given(brief=words, resolution=words)
def test_what_people_are_told_of_a_fault_is_words(brief: str, resolution: str) -> None:
    told = explain(ThreadsmithError(brief or "x", resolution=resolution))
    assert_no_control(told)
    if told.strip():
        check_of_workspace({"text": told})


def _builders() -> dict[str, Path]:
    """Everything that makes a message or a view."""
    found = {}
    for path in Path(chatbot.slack.__file__).with_name("blocks").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("make_"):
                made = ast.unparse(node.returns) if node.returns else ""
                if re.search(r"Content|Block", made):
                    found[node.name] = path
    return found


@pytest.mark.parametrize("name", sorted(_builders()))
def test_no_message_and_no_view_is_left_out(name: str) -> None:
    """Each is made by a slot of any story, or is held to the limits here by its name."""
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    by_hand = re.search(rf"\b{name}\(", tests)
    by_slot = re.search(rf"\b{name}\b", Path(slots.__file__).read_text())
    # A piece of another message is made with it.
    package = "\n".join(path.read_text() for path in set(_builders().values()))
    inside = len(re.findall(rf"\b{name}\(", package)) > 1
    assert by_hand or by_slot or inside
