"""No line of the log shows a secret, whoever writes it; seen from outside, on standard error."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
import structlog
from chatbot.log import configure_log
from sandbox.redaction import Redactor

configure_log(verbose="-v" in sys.argv)
configure_log(verbose="-v" in sys.argv, quiet="-q" in sys.argv, redactor=Redactor(["hunter22"]))
log = structlog.get_logger("x")
log.debug("small", token="hunter22")
log.warning("seen hunter22", url="https://h/?t=aHVudGVyMjI=", data={"deep": ["hunter22"]})
try:
    raise ValueError("bad hunter22")
except ValueError:
    log.exception("broke")
    logging.getLogger("library").exception("broke with %s", "hunter22")
logging.getLogger("library").warning("see %s", {"key": "hunter22"})
logging.getLogger("library").info("small hunter22")
"""


def run(*options: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options], check=True, capture_output=True, text=True
    )
    assert ended.stdout == ""
    assert "hunter22" not in ended.stderr
    assert "aHVudGVyMjI" not in ended.stderr
    return ended.stderr


def test_every_line_is_redacted() -> None:
    lines = run().splitlines()
    first = json.loads(lines[0])
    assert first["event"] == "seen [redacted]"
    assert first["data"] == {"deep": ["[redacted]"]}
    assert "ValueError: bad [redacted]" in json.loads(lines[1])["exception"]
    assert "ERROR library broke with [redacted]" in lines
    assert "ValueError: bad [redacted]" in lines
    assert lines[-1] == "WARNING library see {'key': '[redacted]'}"
    assert lines.count("ERROR library broke with [redacted]") == 1


def test_verbose_and_quiet() -> None:
    assert "small" not in run()
    assert run("-v").count("small") == 2
    assert "seen" not in run("-q")
    assert "broke" in run("-q")
