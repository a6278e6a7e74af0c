"""mini-swe-agent: it has no stream of events, so a few lines in its Python tell what it does."""

from __future__ import annotations

import json
import os
from typing import Dict

from agent_image.agent.seat.adapter import (
    SEAT,
    Adapter,
    Ending,
    Json,
    Launch,
    Place,
    Telling,
    text_of,
)

_DRIVER = """
import json, os, sys
asked = json.load(sys.stdin)
out, sys.stdout = sys.stdout, sys.stderr
def tell(**event):
    print(json.dumps(event), file=out, flush=True)
from minisweagent.agents.default import DefaultAgent
from minisweagent.config import get_config_from_spec
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel
class Env(LocalEnvironment):
    count = 0
    def execute(self, action, *args, **kwargs):
        self.count += 1
        tell(type="begin", step=self.count, command=action.get("command", ""))
        output = {"returncode": 0, "output": ""}
        try:
            output = super().execute(action, *args, **kwargs)
            return output
        finally:
            tell(type="end", step=self.count, code=output["returncode"], output=output["output"])
class Agent(DefaultAgent):
    def query(self):
        message = super().query()
        tell(type="said", text=message.get("content") or "")
        return message
config = get_config_from_spec("mini.yaml")
config["agent"].update(cost_limit=0, step_limit=0)
config["agent"].pop("mode", None)
model = dict(config["model"], model_name=asked["model"], cost_tracking="ignore_errors")
model["model_kwargs"] = dict(model.get("model_kwargs") or {}, **asked["model_kwargs"])
env = Env(**dict(config.get("environment") or {}, timeout=asked["seconds"]))
result = Agent(LitellmModel(**model), env, **config["agent"]).run(asked["words"])
tell(type="result", status=result.get("exit_status", ""), words=result.get("submission", ""))
"""
_SUBMIT = """

To submit, run one command by itself that prints the line COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT \
first and your last message, as described above, on the lines behind it."""
_COMMAND_SECONDS = 300
_MARK = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


class MiniSweAgent(Adapter):
    """Speaks both protocols, through litellm."""

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def launch(self, words: str, place: Place) -> Launch:
        arguments: Dict[str, object] = {"api_key": place.key}
        if place.provider == "anthropic":
            model = "anthropic/" + place.model
            arguments["api_base"] = place.url + "/anthropic"
        else:
            model = "openai/" + place.model
            arguments["api_base"] = place.url + "/openai/v1"
        asked = {
            "words": words + _SUBMIT,
            "model": model,
            "model_kwargs": arguments,
            "seconds": _COMMAND_SECONDS,
        }
        variables = {
            "MSWEA_SILENT_STARTUP": "1",
            "MSWEA_CONFIGURED": "true",
            "MSWEA_GLOBAL_CONFIG_DIR": os.path.join(place.scratch, "mini"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        command = [os.path.join(SEAT, "bin", "python"), "-c", _DRIVER]
        return Launch(command, variables, json.dumps(asked).encode())

    def hear(self, event: Json, tell: Telling) -> None:
        kind, step = event.get("type"), str(event.get("step"))
        if kind == "said":
            tell.note(text_of(event.get("text")))
        elif _MARK in text_of(event.get("command")) or (kind == "end" and not tell.is_open(step)):
            pass  # no step, but the end
        elif kind == "begin":
            command = text_of(event.get("command"))
            tell.begin(step, "bash", "Running {}".format(command), command)
        elif kind == "end":
            tell.end(step, text_of(event.get("output")), failed=event.get("code") != 0)
        elif kind == "result":
            words, status = text_of(event.get("words")), text_of(event.get("status"))
            self.ending = Ending(words, "" if status == "Submitted" else status or "It gave up.")
