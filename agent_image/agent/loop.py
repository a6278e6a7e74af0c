"""The agent: ask the model, do what it calls for, tell it the results, until it finishes."""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional

from agent_image.agent import prompt
from agent_image.agent.asking import ask_people
from agent_image.agent.events import Events
from agent_image.agent.gateway import Gateway, Refused
from agent_image.agent.given import GivenThings
from agent_image.agent.inbox import Inbox
from agent_image.agent.keeper import PatchKeeper
from agent_image.agent.patch import PatchProblem
from agent_image.agent.patience import MAX_REPEATS, WARN_REPEATS, Patience
from agent_image.agent.results import result_blocks
from agent_image.agent.stop import Stop
from agent_image.agent.tools import MAX_CALLS, Result, Tools

Json = Dict[str, Any]

NEAR_END_TURNS = 3


class Ended(Exception):
    """The run has come to its end, with this outcome."""

    def __init__(self, kind: str, **fields: Any) -> None:
        self.outcome: Json = dict(fields, kind=kind)
        super().__init__(kind)


class Surroundings(NamedTuple):
    """What the agent speaks to."""

    gateway: Gateway
    events: Events
    inbox: Inbox
    stop: Stop
    tools: Tools
    patches: PatchKeeper
    given: GivenThings


class Agent:
    """One run."""

    def __init__(self, run: Json, around: Surroundings) -> None:
        self._mode = str(run["mode"])
        self._egress = bool(run["egress"])
        self._can_ask = bool(run["can_ask"])
        self._turn = int(run["turn"])
        self._first_turn = self._turn
        self._around = around
        self._patience = Patience()
        self._notes: List[str] = []
        self._problem: Optional[PatchProblem] = None
        """What stands against the newest patch."""
        self._told: Optional[str] = None
        """The one that the model was told of last."""
        self._said: List[str] = []
        """The pieces of an answer that was cut off at the length limit."""

    def work(self, news: List[Json]) -> Json:
        """From the first message to the outcome; raises Stopped."""
        try:
            while True:
                reply = self._ask(news)
                calls = [block for block in reply["content"] if block["type"] == "tool_call"]
                is_heard = not calls or reply["stop"] == "refusal"
                news = self._hear(reply) if is_heard else self._do(calls, reply["stop"])
        except Ended as end:
            return end.outcome

    def _ask(self, news: List[Json]) -> Json:
        """One turn: what is new goes to the model, and its reply comes back."""
        messages = self._around.inbox.take()
        told = self._tell_problem()
        notes = [_text(note) for note in (*told, *self._notes)]
        said: List[Json] = []
        for message in messages:
            said.append(_text(prompt.message_text(message)))
            said += self._around.given.blocks(message.given)
        self._around.given.next_turn()
        request: Json = {
            "messages": [{"role": "user", "content": news + notes + said}],
            "inbox": [message.id for message in messages],
        }
        if self._turn == self._first_turn:
            request["system"] = prompt.system_prompt(
                self._mode, egress=self._egress, can_ask=self._can_ask
            )
            request["tools"] = self._around.tools.schemas
        reply = self._put_turn(request)
        self._turn += 1
        self._notes = []
        if reply["turns_left"] <= NEAR_END_TURNS:
            self._notes.append(prompt.NEAR_END.format(reply["turns_left"]))
        # Behind the turn: it was made while the model thought.
        self._problem = self._around.patches.join()
        return reply

    def _put_turn(self, request: Json) -> Json:
        path = "/turns/{}".format(self._turn)
        try:
            answer = self._around.gateway.ask(
                "PUT", path, request, stop=self._around.stop, patient=True
            )
        except Refused as refusal:
            if refusal.status == 402:
                raise Ended("gave_up", brief=refusal.brief) from refusal
            if refusal.status == 502:
                raise Ended("failed", brief=refusal.brief) from refusal
            raise
        return dict(answer.json())

    def _do(self, calls: List[Json], stop: str) -> List[Json]:
        """Carry out the calls in their order, a finish after all others."""
        self._said = []
        results: Dict[int, Result] = {}
        finish = None
        for index, call in enumerate(calls):
            problem = self._around.tools.check(call)
            if stop == "length" and call["arguments"] is None:
                problem = prompt.CALL_CUT_OFF
            if index >= MAX_CALLS:
                results[index] = _refusal(prompt.TOO_MANY_CALLS.format(MAX_CALLS))
            elif problem is not None:
                results[index] = _refusal(problem)
            elif call["name"] == "finish":
                if finish is not None:
                    results[finish] = _refusal(prompt.NOT_ALONE)
                finish = index
            elif call["name"] == "ask":
                around = self._around
                results[index] = ask_people(
                    *(call["arguments"], around.events, around.inbox, around.stop),
                    seconds_left=around.gateway.seconds_left,
                )
            else:
                step = "{}.{}".format(self._turn - 1, index + 1)
                results[index] = self._around.tools.run(call, step)
        if self._around.tools.may_have_changed:
            self._around.tools.may_have_changed = False
            self._around.patches.begin()
        if finish is not None:
            results[finish] = self._finish(calls[finish]["arguments"])
        self._check_progress(calls, results)
        return result_blocks(calls, results)

    def _hear(self, reply: Json) -> List[Json]:
        """A reply without a call: the answer to a question, or a slip."""
        text = "".join(block["text"] for block in reply["content"] if block["type"] == "text")
        if reply["stop"] == "refusal":
            raise Ended("gave_up", brief="The model refused the task.", details=text, summary=text)
        self._said.append(text)
        whole = "".join(self._said).strip()
        if reply["stop"] == "end" and self._mode == "explain" and whole:
            if self._has_untold_problem():
                self._said = []
                return [_text(prompt.NOT_ANSWERED)]
            if not self._around.inbox.has_news():
                raise Ended("finished", answer=whole)
            self._said = []
            return []
        if not self._patience.heard_words():
            brief = "The model stopped calling tools without finishing."
            raise Ended("gave_up", brief=brief, details=whole[-8000:])
        if reply["stop"] == "length":
            return [_text(prompt.CUT_OFF)]
        self._said = []
        return [_text(prompt.NO_CALL)]

    def _finish(self, arguments: Json) -> Result:
        """Accept the end, unless the patch is refused or somebody has just written."""
        self._problem = self._around.patches.join()
        if self._has_untold_problem():
            return _refusal("Not finished: see below.")
        if self._around.inbox.has_news():
            return Result(prompt.NOT_FINISHED)
        raise Ended("finished", **arguments)

    def _check_progress(self, calls: List[Json], results: Dict[int, Result]) -> None:
        done = [
            (call["name"], json.dumps([call["arguments"], call["raw"]]), results[index].text)
            for index, call in enumerate(calls)
        ]
        repeats = self._patience.saw(done)
        if repeats >= MAX_REPEATS:
            brief = "The model repeated the same call without getting anywhere."
            raise Ended("gave_up", brief=brief, details="\n".join(done[0])[:4000])
        if repeats >= WARN_REPEATS:
            self._notes.append(prompt.LOOPING.format(repeats))

    def _has_untold_problem(self) -> bool:
        """Whether the patch has one that the model has not heard of."""
        return self._problem is not None and self._problem.brief != self._told

    def _tell_problem(self) -> List[str]:
        """Once for each: a model that ends all the same has been told."""
        told, self._told = self._told, self._problem.brief if self._problem else None
        if self._problem is None or self._problem.brief == told:
            return []
        return [prompt.patch_problem(self._problem.brief, self._problem.details)]


def _text(words: str) -> Json:
    return {"type": "text", "text": words}


def _refusal(text: str) -> Result:
    return Result(text, is_error=True)
