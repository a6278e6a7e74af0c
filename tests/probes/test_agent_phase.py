"""An agent, or what it runs, tries to leave its container, to rise in it, or to see the host."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.probes.ground import Observed, observe

pytestmark = pytest.mark.docker

PYTHON = "python3 - <<'END'\n{}\nEND"


def connect(address: str, family: str = "AF_INET") -> str:
    return PYTHON.format(
        f"import socket\ns = socket.socket(socket.{family}, socket.SOCK_STREAM)\ns.settimeout(3)\n"
        f"try:\n    s.connect({address})\n    print('CONNECTED')\n"
        "except OSError as error:\n    print(type(error).__name__, error)"
    )


def syscall(number: int, *args: int) -> str:
    given = ", ".join(map(str, (number, *args)))
    return PYTHON.format(
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"result = libc.syscall({given})\n"
        "print('DONE' if result >= 0 else os.strerror(ctypes.get_errno()))"
    )


COMMANDS = {
    "the outside by its address": connect("('1.1.1.1', 443)"),
    "the host by its bridge": connect("('172.17.0.1', 22)"),
    "the metadata service": connect("('169.254.169.254', 80)"),
    "the outside by IPv6": connect("('2606:4700:4700::1111', 443)", "AF_INET6"),
    "the name service": PYTHON.format(
        "import socket\ntry:\n    print('FOUND', socket.getaddrinfo('example.com', 80))\n"
        "except OSError as error:\n    print('no name:', error)"
    ),
    "interfaces": "ls /sys/class/net | grep -v -e '^lo$' -e tunl -e sit -e gre -e erspan -e ip_vti"
    " -e ip6 -e bonding; wc -l < /proc/net/route",
    "raw sockets": PYTHON.format(
        "import socket\nfor kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET,"
        " socket.SOCK_RAW, 1)):\n    try:\n        socket.socket(*kind)\n        print('OPEN')\n"
        "    except PermissionError as error:\n        print('refused')"
    ),
    "sockets of others": "find / -xdev -type s 2>/dev/null; find /run /var/run /tmp -type s",
    "what is mounted": "grep -v -E ' (proc|sysfs|tmpfs|devpts|mqueue|cgroup2?|overlay|shm) '"
    " /proc/mounts | cut -d' ' -f2,4 | cut -d, -f1",
    "its own program": "for f in /opt/threadsmith/agent_image/agent/loop.py; do"
    " echo x >> $f; rm -f $f; mv $f /tmp/; done",
    "rights": "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'",
    "becoming root": "id -u; su -c 'id -u' </dev/null 2>&1; cp /bin/sh /tmp/sh; chmod 4755 /tmp/sh;"
    " /tmp/sh -p -c 'id -u'; find / -xdev -perm -4000 -type f 2>/dev/null | grep -c .;"
    " python3 -c 'import os; os.setuid(0)' 2>&1 | tail -1",
    "a user namespace": "unshare --user --map-root-user echo IN 2>&1; unshare --net echo IN 2>&1",
    "mounting": "mount -t tmpfs none /mnt 2>&1; mount --bind / /mnt 2>&1; ls /mnt | wc -l",
    "device nodes": "mknod /tmp/disk b 8 0 2>&1;"
    " ls /dev | grep -c -E '^(sd|vd|nvme|mem|kmem|kmsg)'",
    "bpf": syscall(321, 0, 0, 0),
    "the kernel's keys": syscall(250, 0, 0, 0),
    "a kernel module": syscall(175, 0, 0, 0),
    "another kernel": syscall(246, 0, 0, 0, 0),
    "the kernel's settings": "echo 1 > /proc/sys/kernel/panic; echo b > /proc/sysrq-trigger;"
    " echo x > /proc/sys/kernel/core_pattern; head -c 4 /proc/kcore",
    "cgroups": "find /sys/fs/cgroup -name release_agent -exec sh -c 'echo /x > {}' \\; 2>&1;"
    " find /sys/fs/cgroup -maxdepth 3 -writable -type f | wc -l",
    "the token in environments": "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep TOKEN",
    "the agent's memory": "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null"
    " | grep -q '^python3 .*agent_image/agent' && cat $p/environ $p/mem $p/maps 2>&1; done; true",
    "tracing the agent": PYTHON.format(
        "import ctypes, glob, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "for path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    command = open(path, 'rb').read()\n"
        "    if command.startswith(b'python3') and b'agent_image/agent' in command:\n"
        "        pid = int(path.split('/')[2])\n"
        "        print('ATTACHED' if libc.ptrace(16, pid, 0, 0) == 0 else "
        "os.strerror(ctypes.get_errno()))"
    ),
    "the first process's files": "ls /proc/1/root/ >/dev/null 2>&1 && cat /proc/1/root/etc/hostname"
    " | cmp -s - /etc/hostname && echo the same root || echo closed; ls /proc/1/fd 2>&1 | tail -1",
    "the first process's memory": PYTHON.format(
        "import re\nfound = 0\n"
        "for line in open('/proc/1/maps'):\n"
        "    start, end = (int(part, 16) for part in line.split()[0].split('-'))\n"
        "    if line.split()[1].startswith('rw'):\n"
        "        with open('/proc/1/mem', 'rb') as memory:\n"
        "            memory.seek(start)\n"
        "            data = memory.read(end - start)\n"
        "        found += len(re.findall(b'THREADSMITH' + b'_TOKEN=', data))\n"
        "print('tokens:', found)"
    ),
    "the engine": "for f in /var/run/docker.sock /run/docker.sock /run/containerd; do"
    " [ -e $f ] && echo $f; done; echo end",
    "the host's name and processes": "hostname; ps -e -o pid= | sort -n | tail -1;"
    " cat /etc/machine-id",
    "a core dump": "ulimit -c; cat /proc/self/limits | grep -i core | tr -s ' '",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, agent_image: str) -> Observed:
    return observe(tmp_path_factory.mktemp("agent"), agent_image, COMMANDS)


@pytest.mark.parametrize(
    "name",
    [
        "the outside by its address",
        "the host by its bridge",
        "the metadata service",
        "the outside by IPv6",
    ],
)
def test_no_address_is_reached(seen: Observed, name: str) -> None:
    assert "CONNECTED" not in seen[name]
    assert "Network is unreachable" in seen[name] or "Cannot assign" in seen[name]


def test_no_name_is_known(seen: Observed) -> None:
    assert seen["the name service"].startswith("no name:")


def test_there_is_no_interface_and_no_route(seen: Observed) -> None:
    assert seen["interfaces"].split() == ["1", "[exit", "0]"]


def test_raw_sockets_are_refused(seen: Observed) -> None:
    assert seen["raw sockets"].split()[:2] == ["refused", "refused"]


def test_the_only_socket_is_the_run_s_own(seen: Observed) -> None:
    found = {line for line in seen["sockets of others"].splitlines() if line.startswith("/")}
    assert found <= {"/run/threadsmith/gateway.sock", "/var/run/threadsmith/gateway.sock"}
    assert found


def test_nothing_of_the_host_is_mounted_to_be_written(seen: Observed) -> None:
    mounts = dict(line.split(" ") for line in seen["what is mounted"].splitlines() if " r" in line)
    named = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
    ours = {name for name in mounts if name not in named and not name.endswith("docker-init")}
    assert ours == {"/opt/threadsmith/agent_image", "/run/threadsmith"}
    assert {mounts[name] for name in ours} == {"ro"}


def test_the_agent_s_program_cannot_be_changed(seen: Observed) -> None:
    text = seen["its own program"]
    assert text.count("Read-only file system") + text.count("Permission denied") == 3


def test_there_are_no_capabilities_and_seccomp_is_on(seen: Observed) -> None:
    facts = dict(line.split(":") for line in seen["rights"].splitlines() if ":" in line)
    assert {facts[name] for name in facts if name.startswith("Cap")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


def test_nobody_becomes_root(seen: Observed) -> None:
    lines = seen["becoming root"].splitlines()
    assert "0" not in lines
    assert lines.count("1000") == 2
    assert "PermissionError: [Errno 1] Operation not permitted" in lines


def test_no_namespace_is_made(seen: Observed) -> None:
    assert seen["a user namespace"].count("Operation not permitted") == 2


def test_nothing_is_mounted(seen: Observed) -> None:
    assert seen["mounting"].splitlines()[-2] == "0"


def test_there_are_no_devices(seen: Observed) -> None:
    assert "Operation not permitted" in seen["device nodes"]
    assert seen["device nodes"].splitlines()[1] == "0"


@pytest.mark.parametrize("name", ["bpf", "the kernel's keys", "a kernel module", "another kernel"])
def test_dangerous_system_calls_are_refused(seen: Observed, name: str) -> None:
    assert seen[name].startswith("Operation not permitted")


def test_the_kernel_s_settings_are_closed(seen: Observed) -> None:
    text = seen["the kernel's settings"]
    assert text.count("Read-only file system") + text.count("Permission denied") >= 2
    assert "ELF" not in text
    assert "cannot open '/proc/kcore'" in text or text.count("Permission denied") > 0


def test_cgroups_are_closed(seen: Observed) -> None:
    assert seen["cgroups"].splitlines()[-2] == "0"


def test_no_environment_shows_the_token(seen: Observed) -> None:
    assert "THREADSMITH_TOKEN=" not in seen["the token in environments"]


def test_the_agent_s_memory_is_closed(seen: Observed) -> None:
    assert seen["the agent's memory"].count("Permission denied") >= 2


def test_the_agent_cannot_be_traced(seen: Observed) -> None:
    assert seen["tracing the agent"].splitlines()[0] == "Operation not permitted"


def test_the_first_process_has_forgotten_the_token(seen: Observed) -> None:
    """It was given the same environment, and may be read by its own user."""
    text = seen["the first process's memory"]
    assert text.startswith("tokens: 0") or "PermissionError" in text


def test_the_first_process_leads_nowhere(seen: Observed) -> None:
    first, _, rest = seen["the first process's files"].partition("\n")
    assert first in ("the same root", "closed")
    assert "Permission denied" in rest or rest.split()[0].isdigit()


def test_the_engine_is_out_of_sight(seen: Observed) -> None:
    assert seen["the engine"].splitlines()[0] == "end"


def test_the_host_s_processes_are_out_of_sight(seen: Observed) -> None:
    name, newest, *_ = seen["the host's name and processes"].splitlines()
    assert name != socket.gethostname()
    assert int(newest) < 10_000
    machine = Path("/etc/machine-id")
    if machine.exists() and machine.stat().st_size:
        assert machine.read_text().strip() not in seen["the host's name and processes"]


def test_nothing_is_dumped_to_the_host(seen: Observed) -> None:
    assert seen["a core dump"].splitlines()[0] == "0"


def test_the_run_went_on_all_the_same(seen: Observed) -> None:
    assert seen.outcome.kind == "nothing"
