"""Containers that stay after a run: halted, alone, for some minutes, for the same task's next run.

When a run has ended, its agent program ends every other process, brings the workspace to exactly
what a new container would show (`agent_image/agent/stay.py`), begins anew without a token, and
connects to a socket that is laid for this alone. Once it is certain that nothing else is alive in
there, the container is halted. The next run sends its token over that connection; where anything
does not match, or anything goes wrong, it starts cold, as if nothing had been kept.

Each has a folder beside the runs', locked by this process: whoever sweeps sees by the lock whether
the owner is alive. The folder that the container is shown goes from run to run; its mount follows.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from sandbox.engines.engine import Engine, Handle
from sandbox.errors import ThreadsmithError
from sandbox.gateway.journal import Journal
from sandbox.locks import is_locked
from sandbox.outcomes import Facts
from sandbox.spec import OWN_AGENT, RunSpec
from sandbox.unix_socket import bind_unix

log = structlog.get_logger(__name__)

PREFIX: Final = "warm-"
"""Of the folders; the rest of a name is the run for which the container was started."""
SOCKET: Final = "rest.sock"
READY: Final = b"ready\n"
READY_SECONDS: Final = 45.0
"""For the agent program to end everything and begin anew."""
TAKE_SECONDS: Final = 2.0
"""A next run waits no longer for that: cold it would have started by then."""
POLL_SECONDS: Final = 0.5
CLOSE_SECONDS: Final = 10.0
"""An engine that hangs must not hold up the program's end; what is left goes at the next start."""
PROCESSES: Final = 2
"""The container's first one and the agent program."""
DISK_SHARE: Final = 0.1
"""Of its limit: a container that has written more is not kept, so that the next run has its due."""
_LOCK: Final = "lock"
_ENDINGS: Final = frozenset({"finished", "gave_up", "stopped"})


@dataclass(eq=False, kw_only=True)
class Guest:
    """One container that stays."""

    task_id: str
    ground: str
    """What the next run has to agree with, see `find_ground`."""
    handle: Handle
    place: Path
    lock: TextIO
    peer: socket.socket | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    stay: asyncio.Task[None] | None = None

    async def move(self, gateway: Path) -> None:
        """Give the folder that the container is shown to its next run; this place ends."""
        await asyncio.to_thread((self.place / "gateway").rename, gateway)
        await self._leave()

    async def give(self, token: str) -> None:
        """Send the next run's token; OSError where nobody is there."""
        if self.peer is None:
            raise ConnectionError
        with self.peer as peer:
            self.peer = None
            if not _is_open(peer):
                raise ConnectionError
            await asyncio.get_running_loop().sock_sendall(peer, token.encode() + b"\n")

    async def close(self) -> None:
        """Let go of whatever is still held; may be repeated."""
        if self.peer is not None:
            self.peer.close()
        await self._leave()

    async def _leave(self) -> None:
        if not self.lock.closed:
            await asyncio.to_thread(shutil.rmtree, self.place, ignore_errors=True)
            self.lock.close()


class Warm:
    """The containers of one engine that stay. Safe to use for many runs at once."""

    def __init__(
        self, engine: Engine, directory: Path, *, seconds: float = 0.0, count: int = 0
    ) -> None:
        """``directory`` is the runs' own; with 0 nothing stays."""
        self._engine = engine
        self._directory = directory
        self._seconds = seconds
        self._count = count
        self._guests: dict[str, Guest] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_on(self) -> bool:
        return self._count > 0 and self._seconds > 0

    def holds(self, handle: Handle) -> bool:
        return any(guest.handle == handle for guest in self._guests.values())

    async def rest(self, spec: RunSpec, directory: Path, facts: Facts, *, image: str) -> bool:
        """Let the run's container stay; False: it is still to be removed.

        It settles in the background. ``image`` is the id of what it was started from.
        """
        claim, handle = facts.claim, facts.handle
        if not self.is_on or spec.agent != OWN_AGENT:
            return False
        if handle is None or claim is None or facts.patch is None:
            return False
        if facts.end.kind != "claim" or claim.kind not in _ENDINGS or facts.fault is not None:
            return False
        place = self._directory / f"{PREFIX}{handle['run_id']}"
        try:
            # At once, so that no cancellation comes between the folder and its owner.
            lock = _make_place(place, directory / "gateway")
        except OSError as error:
            log.info("not_warm", run_id=spec.run_id, error=str(error))
            return False
        guest = Guest(
            task_id=spec.task_id,
            ground=find_ground(spec, image=image, patch_sha256=facts.patch["sha256"]),
            handle=handle,
            place=place,
            lock=lock,
        )
        if (earlier := self._guests.get(spec.task_id)) is not None:
            self._let_go(earlier)
        while len(self._guests) >= self._count:
            self._let_go(next(iter(self._guests.values())))
        self._guests[spec.task_id] = guest
        guest.stay = asyncio.create_task(self._stay(guest), name=f"warm {spec.task_id}")
        return True

    async def take(self, spec: RunSpec, *, image: str, patch_sha256: str) -> Guest | None:
        """The task's container, where everything agrees; what does not agree ends."""
        guest = self._guests.get(spec.task_id)
        if guest is None or guest.stay is None:
            return None
        ground = find_ground(spec, image=image, patch_sha256=patch_sha256)
        is_fit = guest.ground == ground and not spec.own_container
        if is_fit:
            with suppress(TimeoutError):
                await asyncio.wait_for(guest.ready.wait(), TAKE_SECONDS)
        if not is_fit or not guest.ready.is_set() or guest.stay.done():
            self._let_go(guest)
            return None
        guest.stay.cancel()
        await asyncio.wait([guest.stay])
        self._guests.pop(spec.task_id, None)
        return guest

    async def close(self) -> None:
        """Remove all of them."""
        self._count = 0
        for guest in list(self._guests.values()):
            self._let_go(guest)
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_SECONDS)

    def _let_go(self, guest: Guest) -> None:
        """End it in the background."""
        if self._guests.get(guest.task_id) is guest:
            del self._guests[guest.task_id]
        ending = asyncio.create_task(self._dismiss(guest), name=f"end warm {guest.task_id}")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _dismiss(self, guest: Guest) -> None:
        if guest.stay is not None:
            guest.stay.cancel()
            await asyncio.wait([guest.stay])
        await self._end(guest)

    async def _stay(self, guest: Guest) -> None:
        """Until its time is up or it turns out unfit; whoever cancels this sees to the rest."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._settle(guest)
            guest.ready.set()
            await asyncio.sleep(self._seconds)
        except (ThreadsmithError, OSError) as error:
            log.info("not_warm", task_id=guest.task_id, error=repr(error))
        if self._guests.get(guest.task_id) is guest:
            del self._guests[guest.task_id]
        await self._end(guest)

    async def _settle(self, guest: Guest) -> None:
        with bind_unix(guest.place / "gateway", SOCKET) as listener:
            listener.listen(8)
            listener.setblocking(False)
            while guest.peer is None:
                peer = await self._accept(listener, guest.handle)
                try:
                    if await self._is_alone(peer, guest.handle):
                        guest.peer = peer
                finally:
                    if guest.peer is None:
                        peer.close()
        (guest.place / "gateway" / SOCKET).unlink(missing_ok=True)
        usage = await self._engine.disk_usage(guest.handle)
        limit = json.loads(guest.ground)["disk_bytes"]
        if usage is not None and usage.size_bytes > DISK_SHARE * limit:
            raise ThreadsmithError("It has written much.")
        await self._engine.halt(guest.handle)

    async def _accept(self, listener: socket.socket, handle: Handle) -> socket.socket:
        """The next connection; raises ThreadsmithError once the container has ended."""
        loop, knocked = asyncio.get_running_loop(), asyncio.Event()
        # Taken in one step: what is accepted is never lost to a cancellation in between.
        loop.add_reader(listener, knocked.set)
        try:
            while True:
                with suppress(BlockingIOError):
                    return listener.accept()[0]
                knocked.clear()
                try:
                    await asyncio.wait_for(knocked.wait(), POLL_SECONDS)
                except TimeoutError:
                    if (await self._engine.poll(handle)).name in ("exited", "gone"):
                        raise ThreadsmithError("It has ended.") from None
        finally:
            loop.remove_reader(listener)

    async def _is_alone(self, peer: socket.socket, handle: Handle) -> bool:
        """Whether it is the agent program, and nothing else lives: only then is it given a token.

        Were it another program, there would be three.
        """
        peer.setblocking(False)
        loop, heard = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                while len(heard) < len(READY) and (part := await loop.sock_recv(peer, 16)):
                    heard += part
        except (TimeoutError, OSError):
            return False
        if heard != READY or await self._engine.processes(handle) != PROCESSES:
            return False
        return _is_open(peer)

    async def _end(self, guest: Guest) -> None:
        """Remove it; what cannot go now goes at the next start."""
        with suppress(ThreadsmithError):
            await self._engine.remove(guest.handle)
        await guest.close()


def find_ground(spec: RunSpec, *, image: str, patch_sha256: str) -> str:
    """All that a container cannot change any more, and what its workspace must hold."""
    tree, limits = spec.tree, spec.limits
    ground: dict[str, Any] = {
        "task_id": spec.task_id,
        "agent": spec.agent == OWN_AGENT,
        "mode": spec.mode,
        "mirror": tree.mirror,
        "commit": tree.commit,
        "branch": tree.branch,
        "image": image,
        "network": list(spec.agent_network),
        "memory_bytes": limits.memory_bytes,
        "cpus": limits.cpus,
        "processes": limits.processes,
        "disk_bytes": limits.disk_bytes,
        "disk_files": limits.disk_files,
        "patch_bytes": limits.patch_bytes,
        "patch": patch_sha256,
    }
    return json.dumps(ground, sort_keys=True)


async def find_kept(directory: Path, keep: set[str]) -> set[str]:
    """The runs whose containers and folders must stay besides ``keep``.

    First the places: one that has just been given to a run stands in that run's journal by then.
    """
    found = await asyncio.to_thread(_locked_places, directory)
    for run_id in keep:
        journal = await Journal.find(directory / run_id)
        if journal is not None and journal.entry.container:
            found.add(journal.entry.container)
    return found


def _locked_places(directory: Path) -> set[str]:
    found = set()
    for place in directory.glob(f"{PREFIX}*"):
        if is_locked(place / _LOCK):
            found |= {place.name, place.name.removeprefix(PREFIX)}
    return found


def _make_place(place: Path, gateway: Path) -> TextIO:
    """The folder, locked, with what the container is shown; emptied of the run's sockets."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    lock = (place / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gateway.rename(place / "gateway")
        for path in (place / "gateway").iterdir():
            path.unlink()
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        lock.close()
        raise
    return lock


def _is_open(peer: socket.socket) -> bool:
    """Whether the other end is still there; it says nothing more."""
    try:
        peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
