"""Whether a change, an answer or a review is asked for, in the many ways that people put it."""

from __future__ import annotations

import pytest

from chatbot.request import understand
from tests.chatbot.request.judging import CORPUS

LINES = [line.split("\t") for line in (CORPUS / "modes.tsv").read_text().splitlines()]


@pytest.mark.parametrize(("mode", "words"), LINES)
def test_what_is_asked_for_is_told_apart(mode: str, words: str) -> None:
    assert understand(words).mode == mode
