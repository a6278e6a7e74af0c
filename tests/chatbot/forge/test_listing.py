"""What the forge shows us: all pages of every installation, or of a person; unchanged ones free."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from chatbot.catalogue import Catalogue
from chatbot.config import DataSettings, ForgeSettings, Settings
from chatbot.demo.forge import Forge
from chatbot.demo.forge.access import ForgeApp
from chatbot.doctor import examine
from chatbot.forge.errors import ForgeError
from chatbot.forge.identity import AppIdentity, PersonalToken
from chatbot.forge.listing import Listing
from chatbot.history.store import History

APP = ForgeApp()


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    """Two accounts; one repository is there on disk, the others share it."""
    APP.repositories, APP.suspended = set(), set()
    forge = Forge(directory=tmp_path / "forge", app=APP)
    await forge.start()
    one = await forge.add_repository("acme/api", {"a.txt": b"one\n"}, private=True)
    one.description = "The shop's  interface\nfor partners"
    for number in range(230):
        name = f"acme/r{number:03}"
        forge.repositories[name] = replace(one, name=name, description="", private=False)
    forge.repositories["other/site"] = replace(one, name="other/site", pushed_at=5.0)
    forge.repositories["acme/old"] = replace(one, name="acme/old", archived=True)
    copy = replace(one, name="threadsmith-bot/api", fork_of="acme/api")
    forge.repositories[copy.name] = copy
    yield forge
    await forge.stop()


@pytest.fixture
async def personal(forge: Forge) -> AsyncIterator[PersonalToken]:
    identity = PersonalToken(forge.api_url, forge.token)
    yield identity
    await identity.close()


@pytest.fixture
async def app(forge: Forge) -> AsyncIterator[AppIdentity]:
    APP.repositories = set(forge.repositories) - {"acme/r000", "threadsmith-bot/api"}
    identity = AppIdentity(forge.api_url, str(APP.id), APP.private_key)
    yield identity
    await identity.close()


async def test_a_person_sees_all_pages_but_what_is_archived_and_our_own_copies(
    forge: Forge, personal: PersonalToken
) -> None:
    listing = Listing(personal)
    found = {one.name: one for one in await listing.read()}
    assert len(found) == 232
    assert "acme/old" not in found
    assert "threadsmith-bot/api" not in found
    api = found["acme/api"]
    assert (api.description, api.is_private) == ("The shop's interface for partners", True)
    assert not found["acme/r000"].is_private
    assert found["other/site"].pushed_at == 5.0
    pages = [asked for asked in forge.requests if "/user/repos" in asked]
    assert len(pages) == 3
    assert all("per_page=100" in asked for asked in pages)


async def test_the_doctor_looks_at_the_first_page_alone(forge: Forge, tmp_path: Path) -> None:
    settings = Settings(
        data=DataSettings(directory=tmp_path / "data"),
        forge=ForgeSettings(token=SecretStr(forge.token), api_url=forge.api_url),
    )
    (found,) = [one for one in await examine(settings) if one.name == "forge"]
    assert found.said == "answers as threadsmith-bot, sees more than 100 repositories"
    assert len([asked for asked in forge.requests if "/user/repos" in asked]) == 1


async def test_unchanged_pages_are_asked_for_by_their_etag(
    forge: Forge, personal: PersonalToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(personal)
    before = await listing.read()
    unchanged = []
    ask = type(personal._client).ask

    async def counted(self: object, *given: object, **more: object) -> object:
        answer = await ask(self, *given, **more)  # type: ignore[arg-type]
        unchanged.append(answer.is_unchanged)
        return answer

    monkeypatch.setattr(type(personal._client), "ask", counted)
    assert await listing.read() == before
    assert unchanged == [True, True, True]
    forge.repositories["acme/r150"].archived = True
    after = await listing.read()
    assert unchanged[3:] == [True, False, True]
    assert {one.name for one in before} - {one.name for one in after} == {"acme/r150"}


async def test_an_app_sees_every_installation_with_tokens_that_may_only_look(
    forge: Forge, app: AppIdentity
) -> None:
    listing = Listing(app)
    found = {one.name for one in await listing.read()}
    assert len(found) == 231
    assert {"other/site", "acme/api"} <= found
    assert "acme/r000" not in found
    assert [each.permissions for each in forge.access.minted] == [{"metadata": "read"}] * 2
    assert await listing.count() == "sees 232 repositories"
    APP.suspended = {"other"}
    assert {one.name for one in await listing.read()} == found - {"other/site"}


async def test_what_was_known_stays_where_the_forge_does_not_answer(
    forge: Forge, personal: PersonalToken, history: History
) -> None:
    catalogue = Catalogue(history, Listing(personal), clock=lambda: 7.0)
    assert await catalogue.all() == ()
    await catalogue.look()
    known = await catalogue.all()
    assert len(known) == 232
    # Another process, and a forge that is down for the second page.
    again = Catalogue(history, Listing(personal))
    assert await again.all() == known
    forge.fail_next("GET", "*/user/repos", 422)
    with pytest.raises(ForgeError):
        await Listing(personal).read()
    forge.fail_next("GET", "*/user/repos", 422)
    await again.look()
    assert await again.all() == known
    rows = await history.read(lambda db: {row["seen_at"] for row in db["repositories"].rows})
    assert rows == {7.0}
