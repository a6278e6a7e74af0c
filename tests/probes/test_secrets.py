"""Planted secrets are searched for in everything that left the containers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from sandbox.llm.provider import ToolCall
from sandbox.spec import Setup
from tests.probes.ground import Ground, ground, says
from tests.sandbox.runners import SECRETS

pytestmark = pytest.mark.docker

VALUE = SECRETS["NPM_TOKEN"]
SHAPE = "ghp_" + "a1B2c3D4e5" * 4
FORMS = {
    "as it is": VALUE,
    "in base64": base64.b64encode(VALUE.encode()).decode(),
    "in base64 with something before it": base64.b64encode(f"x{VALUE}y".encode()).decode()[4:-4],
    "in a URL": quote(f"{VALUE}", safe=""),
    "in hexadecimal": VALUE.encode().hex(),
    "of a common form": SHAPE,
}
PRINT = """
v='{value}'; t='{shape}'
echo "plain $v"; printf 'env NPM_TOKEN=%s\\n' "$v"; echo "$t" >&2
printf %s "$v" | base64; printf 'x%sy' "$v" | base64; printf %s "$v" | od -An -tx1 | tr -d ' \\n'
echo
for i in $(seq 0 $((${{#v}} - 1))); do printf '%s' "${{v:$i:1}}"; sleep 0.02; done; echo
"""


def everything(here: Ground) -> Iterator[tuple[str, str]]:
    """What is stored, shown or sent of the run."""
    yield "events", json.dumps(here.recorder.events)
    yield "turns", "\n".join(here.recorder.stored_turns)
    for number, (data, _, _) in enumerate(here.recorder.patches):
        yield f"patch {number}", data.decode()
    for number, asked in enumerate(here.provider.asked):
        # What the model itself said was never a container's; here it was told to the test's model.
        blocks = [b for message in asked.messages for b in message.content]
        shown = [str(block) for block in blocks if not isinstance(block, ToolCall)]
        yield f"the model's input {number}", f"{asked.system}\n" + "\n".join(shown)
    for log in (here.directory / "runs" / here.spec.run_id).rglob("*.log"):
        yield f"log {log.name}", log.read_text()


def search(here: Ground) -> list[str]:
    return [
        f"{form} in {place}"
        for place, text in everything(here)
        for form, secret in FORMS.items()
        if secret in text
    ]


async def test_secrets_of_set_up_are_in_nothing_that_left_it(
    tmp_path: Path, agent_image: str
) -> None:
    script = PRINT.format(value="$NPM_TOKEN", shape=SHAPE).replace("'$NPM_TOKEN'", '"$NPM_TOKEN"')
    async with ground(tmp_path, agent_image, {"setup.sh": script, "a.txt": "1\n"}) as here:
        await here.run(["true"], setup=Setup(secrets=("NPM_TOKEN",)))
        assert "plain [redacted]" in here.said_by_setup()
        assert search(here) == []
        assert "redacted" in here.recorder.kinds()


async def test_secrets_that_an_agent_finds_reach_no_model_and_no_patch(
    tmp_path: Path, agent_image: str
) -> None:
    """They stand in the repository; the agent prints them, writes them, and claims them."""
    files = {"leaked.env": f"NPM_TOKEN={VALUE}\nGITHUB={SHAPE}\n", "a.txt": "1\n"}
    copy = "cat leaked.env; cp leaked.env copy.env; cat leaked.env >> a.txt; base64 < leaked.env"
    async with ground(tmp_path, agent_image, files) as here:
        words = f"I found {VALUE} and {SHAPE}."
        here.provider.replies = [
            says(("bash", {"command": copy})),
            says(
                ("plan", {"items": [{"title": words, "status": "complete"}]}),
                ("finish", {"title": words, "summary": words, "claimed": words}),
            ),
        ]
        outcome = await here.runner.run(here.spec, here.recorder)
        assert outcome.kind == "patch"
        assert VALUE not in str(outcome)
        assert SHAPE not in str(outcome)
        told = [place for place in search(here) if "turns" not in place]
        assert told == []
        # The model's own replies are kept as they came, to be told to it again.
        stored = [json.loads(turn) for turn in here.recorder.stored_turns]
        assert VALUE not in json.dumps([turn["messages"] for turn in stored])
        data = here.recorder.patches[-1][0].decode()
        assert "+NPM_TOKEN=[redacted]" in data
        places = {payload["where"] for payload in here.recorder.payloads("redacted")}
        assert {"turn", "patch", "outcome"} <= places


async def test_a_binary_file_with_a_secret_is_no_part_of_any_patch(
    tmp_path: Path, agent_image: str
) -> None:
    files = {"leaked.env": f"{VALUE}\n"}
    make = "python3 -c \"open('x.bin','wb').write(bytes(99)+open('leaked.env','rb').read())\""
    async with ground(tmp_path, agent_image, files) as here:
        await here.run([make, "true"])
        assert all(b"x.bin" not in data for data, _, _ in here.recorder.patches)
        assert search(here) == []
