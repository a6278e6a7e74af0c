"""What every engine must do, shown on real containers.

A subclass gives the fixtures ``engine`` and ``image``, and the means to act behind the engine's
back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.engines.engine import Engine, Handle, State
from sandbox.errors import EngineError, ImageMissing, ImageUnfit
from sandbox.spec import AGENT_HOME, AGENT_UID, WORKSPACE, ContainerSpec, Limits, Mount

MakeSpec = Callable[..., ContainerSpec]

SLEEP = ("sleep", "300")
LOOK_AROUND = """
import json, os, socket
def reaches(address):
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError as error:
        return type(error).__name__
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "capabilities": sorted({status[name] for name in
                            ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}),
    "no_new_privileges": status["NoNewPrivs"],
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "home": os.environ["HOME"], "cwd": os.getcwd(),
    "owners": [os.stat("/workspace").st_uid, os.stat("/home/agent").st_uid],
    "reaches": [reaches(("192.0.2.1", 80)), reaches(("172.17.0.1", 22))],
    "children_reaped": os.readlink("/proc/1/exe").rsplit("/", 1)[-1] != "python3.11",
}))
"""


async def ended(engine: Engine, handle: Handle) -> State:
    """The state of a container that ends by itself."""
    async with asyncio.timeout(60):
        while (state := await engine.poll(handle)).name in ("starting", "running"):
            await asyncio.sleep(0.05)
    return state


class EngineContract:
    """Inherited by one test class per engine."""

    @pytest.fixture
    def prefix(self) -> str:
        """Of this test's runs: others may be at work on the same engine."""
        return f"r_test{uuid4().hex[:12]}"

    @pytest.fixture
    def make_spec(self, image: str, prefix: str) -> MakeSpec:
        def make(*command: str, **changes: object) -> ContainerSpec:
            spec = ContainerSpec(
                run_id=f"{prefix}-{uuid4().hex[:4]}",
                phase="agent",
                image=image,
                command=command,
                environment={},
                mounts=(),
                limits=Limits(memory_bytes=256 * 1024**2, cpus=1.0, processes=64),
            )
            return replace(spec, **changes)

        return make

    @pytest.fixture(autouse=True)
    async def leaves_nothing(self, engine: Engine, prefix: str) -> AsyncIterator[None]:
        """Every container of the test is found by its label, removed, and stays away."""
        yield
        for handle in await self.ours(engine, prefix):
            await engine.remove(handle)
        assert await self.ours(engine, prefix) == []

    async def ours(self, engine: Engine, prefix: str) -> list[Handle]:
        return [each for each in await engine.list() if each["run_id"].startswith(prefix)]

    async def test_run_to_the_end(self, engine: Engine, make_spec: MakeSpec) -> None:
        await engine.check()
        handle = await engine.start(make_spec("sh", "-c", "echo out; echo err >&2; exit 7"))
        assert json.loads(json.dumps(handle)) == handle
        assert await ended(engine, handle) == State("exited", code=7)
        assert sorted((await engine.logs(handle)).split()) == ["err", "out"]
        await engine.stop(handle)
        await engine.remove(handle)
        assert await engine.poll(handle) == State("gone")

    async def test_what_is_halted_stands_still(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec(*SLEEP))
        assert await engine.processes(handle) == 2
        with pytest.raises(EngineError):
            await engine.resume(handle)
        await engine.halt(handle)
        assert await engine.poll(handle) == State("running")
        await engine.resume(handle)
        await engine.halt(handle)
        await engine.remove(handle)
        assert await engine.poll(handle) == State("gone")
        assert await engine.processes(handle) is None
        with pytest.raises(EngineError):
            await engine.resume(handle)

    async def test_gone_is_success(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec(*SLEEP))
        await asyncio.gather(engine.remove(handle), engine.remove(handle))
        await engine.remove(handle)
        await engine.stop(handle)
        assert await engine.logs(handle) == ""
        assert await engine.poll(handle) == State("gone")

    async def test_logs_keep_the_end(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec("sh", "-c", "seq 1 5000"))
        await ended(engine, handle)
        assert await engine.logs(handle, limit_bytes=15) == "4998\n4999\n5000\n"

    async def test_second_start_finds_the_first(self, engine: Engine, make_spec: MakeSpec) -> None:
        spec = make_spec(*SLEEP)
        handles = await asyncio.gather(*(engine.start(spec) for _ in range(3)))
        assert handles == [handles[0]] * 3
        assert await engine.poll(handles[0]) == State("running")

    async def test_start_after_the_end_is_a_new_one(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        spec = make_spec("true")
        first = await engine.start(spec)
        await ended(engine, first)
        second = await engine.start(spec)
        assert second != first
        assert await engine.poll(first) == State("gone")

    async def test_list_finds_by_label(self, engine: Engine, make_spec: MakeSpec) -> None:
        spec = make_spec(*SLEEP)
        handles = [await engine.start(replace(spec, phase=phase)) for phase in ("setup", "agent")]
        found = [handle for handle in await engine.list() if handle["run_id"] == spec.run_id]
        assert sorted(found, key=str) == sorted(handles, key=str)
        await asyncio.gather(*(engine.remove(handle) for handle in found))

    async def test_agent_phase_is_sealed(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec("python3", "-c", LOOK_AROUND))
        await ended(engine, handle)
        assert json.loads(await engine.logs(handle)) == {
            "uid": AGENT_UID,
            "gid": AGENT_UID,
            "groups": [AGENT_UID],
            "capabilities": ["0000000000000000"],
            "no_new_privileges": "1",
            "interfaces": ["lo"],
            "home": AGENT_HOME,
            "cwd": WORKSPACE,
            "owners": [AGENT_UID, AGENT_UID],
            "reaches": ["OSError", "OSError"],
            "children_reaped": True,
        }

    async def test_setup_phase_is_root_without_a_network(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        script = "import os, socket; print(os.getuid(), [n for _, n in socket.if_nameindex()])"
        spec = make_spec("python3", "-c", script, phase="setup", privileged_user=True)
        handle = await engine.start(spec)
        await ended(engine, handle)
        assert await engine.logs(handle) == "0 ['lo']\n"

    async def test_setup_phase_may_do_what_package_managers_do(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        script = (
            "set -e; useradd -m worker; echo 1 > /etc/made; chown worker /etc/made;"
            " su worker -c 'id -un; cat /etc/made'; chmod 4755 /etc/made;"
            " mknod /tmp/disk b 8 0 2>/dev/null && echo a disk;"
            " mount -t tmpfs none /mnt 2>/dev/null && echo mounted; echo end"
        )
        spec = make_spec("sh", "-c", script, phase="setup", privileged_user=True)
        handle = await engine.start(spec)
        await ended(engine, handle)
        assert await engine.logs(handle) == "worker\n1\nend\n"

    async def test_what_a_container_wrote_is_counted(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        script = "head -c 5000000 /dev/urandom > /tmp/blob; mkdir /tmp/many; cd /tmp/many;"
        script += " for n in 1 2 3 4 5 6 7 8 9; do : > $n; done; ln -s / all; sleep 300"
        handle = await engine.start(make_spec("sh", "-c", script))
        used = None
        async with asyncio.timeout(60):
            while used is None or used.size_bytes < 5_000_000 or (used.files or 99) < 10:
                await asyncio.sleep(0.1)
                used = await engine.disk_usage(handle)
        assert used.size_bytes < 20_000_000
        await engine.remove(handle)
        assert await engine.disk_usage(handle) is None

    async def test_socket_works_on_a_read_only_mount(
        self, engine: Engine, make_spec: MakeSpec, tmp_path: Path
    ) -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        path = tmp_path / "gateway.sock"
        server = await asyncio.start_unix_server(answer, path)
        path.chmod(0o666)
        tmp_path.chmod(0o755)
        script = (
            "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/mnt/gateway.sock');"
            "print(s.recv(9)); open('/mnt/new', 'w')"
        )
        spec = make_spec(
            "python3", "-c", script, mounts=(Mount(source=str(tmp_path), target="/mnt"),)
        )
        async with server:
            handle = await engine.start(spec)
            assert (await ended(engine, handle)).code == 1
        logs = await engine.logs(handle)
        assert "b'hello'" in logs
        assert "Read-only file system" in logs
        assert [entry.name for entry in tmp_path.iterdir()] == ["gateway.sock"]

    async def test_too_much_memory_is_named(self, engine: Engine, make_spec: MakeSpec) -> None:
        limits = Limits(memory_bytes=64 * 1024**2, cpus=1.0, processes=64)
        spec = make_spec("python3", "-c", "print(len(b'x' * 500_000_000))", limits=limits)
        handle = await engine.start(spec)
        assert await ended(engine, handle) == State("exited", code=137, reason="out of memory")

    async def test_too_many_processes_are_refused(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        limits = Limits(memory_bytes=256 * 1024**2, cpus=1.0, processes=16)
        script = "for i in $(seq 40); do sleep 60 & done; exit 0"
        handle = await engine.start(make_spec("sh", "-c", script, limits=limits))
        await ended(engine, handle)
        assert "ork" in await engine.logs(handle)

    async def test_stop_is_quick_and_then_hard(self, engine: Engine, make_spec: MakeSpec) -> None:
        polite = await engine.start(make_spec("sh", "-c", "trap 'exit 3' TERM; sleep 300 & wait"))
        deaf = await engine.start(make_spec("sh", "-c", "trap '' TERM; sleep 300 & wait; wait"))
        await asyncio.sleep(0.3)
        await asyncio.gather(*(engine.stop(each, grace_seconds=2.0) for each in (polite, deaf)))
        assert await engine.poll(polite) == State("exited", code=3)
        assert await engine.poll(deaf) == State("exited", code=137, reason="killed")

    async def test_killed_from_outside(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec(*SLEEP))
        self.kill_outside(handle)
        assert await ended(engine, handle) == State("exited", code=137, reason="killed")
        self.remove_outside(handle)
        assert await engine.poll(handle) == State("gone")

    async def test_missing_image_is_named(self, engine: Engine, make_spec: MakeSpec) -> None:
        for image in ("threadsmith-no-such-image:1", "No Image At All"):
            with pytest.raises(ImageMissing, match=image):
                await engine.check_image(image)
            with pytest.raises(ImageMissing, match=image):
                await engine.start(make_spec(*SLEEP, image=image))

    async def test_program_that_is_not_there(self, engine: Engine, make_spec: MakeSpec) -> None:
        handle = await engine.start(make_spec("/no/such/program"))
        assert await ended(engine, handle) == State("exited", code=127)
        assert "/no/such/program" in await engine.logs(handle)

    async def test_failed_start_leaves_nothing(self, engine: Engine, make_spec: MakeSpec) -> None:
        spec = make_spec(*SLEEP, mounts=(Mount(source="/no/such/directory", target="/mnt"),))
        with pytest.raises(EngineError) as caught:
            await engine.start(spec)
        assert "/no/such/directory" in caught.value.details
        assert [each for each in await engine.list() if each["run_id"] == spec.run_id] == []

    async def test_snapshot_keeps_files_and_nothing_else(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        tag = f"threadsmith-env:test-{uuid4().hex[:12]}"
        script = "echo kept > /workspace/file; sleep 300"
        environment = {"THREADSMITH_TOKEN": "secret-of-the-setup", "PATH": "/odd:/usr/bin:/bin"}
        spec = make_spec(
            *("sh", "-c", script), phase="setup", privileged_user=True, environment=environment
        )
        handle = await engine.start(spec)
        await asyncio.sleep(0.3)
        with pytest.raises(EngineError):
            await engine.snapshot(handle, tag=tag, labels={})
        await engine.stop(handle, grace_seconds=0)
        assert await engine.snapshot(handle, tag=tag, labels={"note": "1"}) == tag
        await engine.remove(handle)
        try:
            with pytest.raises(ImageUnfit, match="holds somebody's tree"):
                await engine.check_image(tag)
            [image] = [each for each in await engine.images() if each.tag == tag]
            assert image.id == await engine.image_id(tag)
            with pytest.raises(ImageUnfit):
                await engine.check_image(image.id)
            assert (image.labels["note"], image.size_bytes > 0) == ("1", True)
            script = "cat /workspace/file; id -u; env | sort"
            after = await engine.start(make_spec("sh", "-c", script, image=tag))
            await ended(engine, after)
            kept, uid, *variables = (await engine.logs(after)).splitlines()
            assert (kept, uid) == ("kept", str(AGENT_UID))
            assert "THREADSMITH_TOKEN=" in variables
            assert "/odd" not in "\n".join(variables)
            with pytest.raises(EngineError):
                await engine.remove_image(tag)
            await engine.remove(after)
        finally:
            await engine.remove_image(tag)
        await engine.remove_image(tag)
        assert tag not in [each.tag for each in await engine.images()]
        with pytest.raises(ImageMissing):
            await engine.image_id(tag)

    async def test_a_newer_snapshot_takes_the_name(
        self, engine: Engine, make_spec: MakeSpec
    ) -> None:
        tag = f"threadsmith-env:test-{uuid4().hex[:12]}"
        first = await engine.start(make_spec("true"))
        await ended(engine, first)
        await engine.snapshot(first, tag=tag, labels={"mark": tag})
        second = await engine.start(make_spec("touch", "/tmp/two", phase="setup", image=tag))
        await ended(engine, second)
        await engine.snapshot(second, tag=tag, labels={"mark": tag})
        await engine.remove(first)
        await engine.remove(second)
        before = await engine.image_id(tag)
        third = await engine.start(make_spec("true"))
        await ended(engine, third)
        await engine.snapshot(third, tag=tag, labels={"mark": tag})
        await engine.remove(third)
        ours = {e.id: e.tag for e in await engine.images() if e.labels.get("mark") == tag}
        assert ours == {before: "", await engine.image_id(tag): tag}
        for image in ours:
            await engine.remove_image(image)
        assert [e for e in await engine.images() if e.labels.get("mark") == tag] == []

    async def test_only_snapshots_can_be_removed(self, engine: Engine, image: str) -> None:
        with pytest.raises(EngineError):
            await engine.remove_image(image)
        await engine.check_image(image)

    def kill_outside(self, handle: Handle) -> None:
        raise NotImplementedError

    def remove_outside(self, handle: Handle) -> None:
        raise NotImplementedError
