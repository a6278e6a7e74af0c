"""A forge with a repository for every word that people say: none of them is meant by chance."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chatbot.config import ChannelSettings, DataSettings, RepositorySettings, Settings
from chatbot.history.known import Known
from chatbot.history.store import History
from chatbot.models import Person, Thread
from chatbot.reader import Reader, Reading
from chatbot.repositories import Repositories
from tests.chatbot.request.judging import CORPUS, load, read

ENTRIES = [
    entry
    for path in sorted(CORPUS.glob("*.jsonl"))
    for entry in load(path.stem)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", entry.get("default") or "a/b")
]
WORDS = {
    word.strip(".-").lower()
    for entry in ENTRIES
    for word in re.findall(r"[A-Za-z0-9][\w.-]*", entry["say"])
}
NOISE = tuple(Known(name=f"noise/{word}") for word in sorted(WORDS) if word)
ADA = Person("U1", "Ada")
THREAD = Thread(team="T1", channel="C1", thread_ts="1.0", message_ts="1.0")


async def read_among(history: History, entry: dict[str, Any], listed: tuple[Known, ...]) -> Reading:
    known = [name for name in (entry.get("known") or "").split(",") if name]
    keywords = entry.get("keywords", {})
    settings = Settings(
        data=DataSettings(directory=Path("unused")),
        repositories=tuple(
            RepositorySettings(match=name, keywords=tuple(keywords.get(name, ())) or None)
            for name in dict.fromkeys([*known, *keywords])
        ),
        channels=(ChannelSettings(id="C1", repository=entry.get("default")),),
    )

    async def list_all() -> tuple[Known, ...]:
        return listed

    repositories = Repositories(settings, history, listed=list_all)
    return await Reader(settings, repositories).read(entry["say"], thread=THREAD, person=ADA)


async def test_no_word_of_the_corpus_becomes_a_repository(history: History) -> None:
    assert len(NOISE) > 1000
    for entry in ENTRIES:
        alone = read(entry)
        among = await read_among(history, entry, NOISE)
        if alone.request.unknown is not None:
            # Called a repository by its name: now there is one.
            found = among.resolution.repository or ""
            assert found == f"noise/{alone.request.unknown.lower()}" or among.resolution.question
            continue
        if among.request.unknown is not None:
            # Said by less than its name, and there are two: the one that is known better is first.
            assert among.request.candidates[0] == alone.resolution.repository, entry
            assert among.resolution.question, entry
            continue
        assert among.request == alone.request, entry
        assert among.resolution.repository == alone.resolution.repository, entry
