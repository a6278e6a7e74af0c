"""A container's options, compared whole."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

from sandbox.engines.docker_options import (
    SETUP_CAPABILITIES,
    container_options,
    home_archive,
    snapshot_config,
)
from sandbox.spec import ContainerSpec, Limits, Mount

SPEC = ContainerSpec(
    run_id="r_1",
    phase="agent",
    image="node:22",
    command=("python3", "-I", "agent"),
    environment={"THREADSMITH_TOKEN": "t"},
    mounts=(
        Mount(source="/host/run", target="/run/threadsmith"),
        Mount(source="/host/out", target="/out", read_only=False),
    ),
    limits=Limits(memory_bytes=1024**3, cpus=1.5, processes=99),
    labels={"dev.threadsmith.task": "t_1", "dev.threadsmith.run": "another"},
)

COMMON = {
    "name": "threadsmith-r_1-agent",
    "labels": {
        "dev.threadsmith.task": "t_1",
        "dev.threadsmith.run": "r_1",
        "dev.threadsmith.phase": "agent",
    },
    "image": "node:22",
    "entrypoint": [""],
    "healthcheck": {"test": ["NONE"]},
    "command": ["python3", "-I", "agent"],
    "environment": {"HOME": "/home/agent", "THREADSMITH_TOKEN": "t"},
    "working_dir": "/workspace",
    "network_mode": "none",
    "mounts": [
        {"Type": "bind", "Source": "/host/run", "Target": "/run/threadsmith", "ReadOnly": True},
        {"Type": "bind", "Source": "/host/out", "Target": "/out", "ReadOnly": False},
    ],
    "init": True,
    "stop_signal": "SIGTERM",
    "mem_limit": 1024**3,
    "memswap_limit": 1024**3,
    "nano_cpus": 1_500_000_000,
    "pids_limit": 99,
    "ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
    "log_config": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "1"}},
}


def test_agent_phase_holds_nothing() -> None:
    assert container_options(SPEC) == {
        **COMMON,
        "user": "1000:1000",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }


def test_setup_phase_is_root_with_what_package_managers_need() -> None:
    spec = replace(SPEC, phase="setup", privileged_user=True)
    options = container_options(spec, runtime="runsc")
    assert options.pop("cap_add") == list(SETUP_CAPABILITIES)
    assert options == {
        **COMMON,
        "name": "threadsmith-r_1-setup",
        "labels": {**COMMON["labels"], "dev.threadsmith.phase": "setup"},
        "user": "0:0",
        "cap_drop": ["ALL"],
        "runtime": "runsc",
    }
    assert not {"NET_RAW", "MKNOD", "SYS_ADMIN", "SYS_PTRACE"} & set(SETUP_CAPABILITIES)


def test_home_archive_holds_two_owned_directories() -> None:
    with tarfile.open(fileobj=io.BytesIO(home_archive())) as archive:
        entries = [(e.name, e.isdir(), e.mode, e.uid, e.gid) for e in archive.getmembers()]
    assert entries == [
        ("workspace", True, 0o755, 1000, 1000),
        ("home/agent", True, 0o755, 1000, 1000),
    ]


def test_snapshot_config_empties_what_setup_brought() -> None:
    config = snapshot_config(
        ["PATH=/odd", "TOKEN=secret", "HOME=/home/agent"],
        ["PATH=/bin", "LANG=C.UTF-8"],
        {"note": "1"},
    )
    assert sorted(config["Env"]) == ["HOME=", "LANG=C.UTF-8", "PATH=/bin", "TOKEN="]
    assert config["User"] == ""
    assert config["Labels"]["dev.threadsmith.run"] == ""
    assert config["Labels"]["note"] == "1"
