"""A set-up script, which is root and has a way out, tries to get further than it may."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.outside import Outside
from sandbox.spec import Setup
from tests.probes.ground import FINISH, Observed, ground, observe, says
from tests.sandbox.runners import SECRETS

pytestmark = pytest.mark.docker

PROXY = """python3 - <<'END'
import os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["http_proxy"])
def ask(line):
    s = socket.create_connection((proxy.hostname, proxy.port))
    s.settimeout(8)
    s.sendall(line.encode() + b"\\r\\nHost: x\\r\\n\\r\\n")
    try:
        return s.recv(200).split(b"\\r\\n")[0].decode()
    except OSError as error:
        return type(error).__name__
for target in {targets!r}:
    print(target, "->", ask(f"CONNECT {{target}} HTTP/1.1"))
    host = target.rpartition(":")[0]
    print("http", host, "->", ask(f"GET http://{{target}}/latest/meta-data HTTP/1.1"))
END
"""
TARGETS = [
    "169.254.169.254:80",
    "127.0.0.1:22",
    "localhost:80",
    "[::1]:80",
    "2130706433:80",
    "0x7f.1:80",
    "0177.0.0.1:80",
    "127.1:80",
    "[::ffff:127.0.0.1]:80",
    "[64:ff9b::7f00:1]:80",
    "0.0.0.0:80",
    "172.17.0.1:2375",
    "10.0.0.1:80",
    "192.168.0.1:443",
    "100.64.0.1:443",
    "[fd00::1]:443",
    "[fe80::1]:443",
    "metadata.google.internal:80",
]


async def run_setup(
    directory: Path, image: str, script: str, *, network: tuple[str, ...] = ("all",)
) -> tuple[str, list[dict[str, object]]]:
    """What the script printed, and what was told of its ways out."""
    async with ground(directory, image, {"setup.sh": script}, outside=Outside()) as here:
        await here.run(setup=Setup(network=network))
        return here.said_by_setup(), here.recorder.payloads("egress")


async def test_no_private_address_is_reached_through_the_proxy(
    tmp_path: Path, agent_image: str
) -> None:
    """Not even where everything is allowed, and however the address is spelt."""
    said, told = await run_setup(tmp_path, agent_image, PROXY.format(targets=TARGETS))
    answers = [line for line in said.splitlines() if " -> " in line]
    assert len(answers) == 2 * len(TARGETS)
    bad = [line for line in answers if not line.endswith(("403 Forbidden", "400 Bad Request"))]
    # A name that nobody knows is no way either.
    assert [line for line in bad if "metadata.google.internal" not in line] == []
    assert {attempt["verdict"] for attempt in told} <= {"refused", "failed"}


async def test_there_is_no_way_beside_the_proxy(tmp_path: Path, agent_image: str) -> None:
    script = """python3 - <<'END'
import socket
for address in (("1.1.1.1", 443), ("172.17.0.1", 22), ("169.254.169.254", 80)):
    try:
        socket.create_connection(address, 3)
        print("CONN" "ECTED", address)
    except OSError as error:
        print(error)
try:
    print("FOU" "ND", socket.gethostbyname("example.com"))
except OSError as error:
    print("no name")
END
ip link 2>/dev/null | grep -c UP; ls /sys/class/net | grep -c eth; true
"""
    said, _ = await run_setup(tmp_path, agent_image, script)
    assert "CONNECTED" not in said
    assert "FOUND" not in said
    assert said.count("Network is unreachable") == 3


async def test_without_rules_there_is_no_proxy_at_all(tmp_path: Path, agent_image: str) -> None:
    script = "env | grep -ci proxy; ls /run/threadsmith\n"
    said, told = await run_setup(tmp_path, agent_image, script, network=())
    assert said.split() == ["0", "gateway.sock"]
    assert told == []


async def test_only_what_the_rules_name_is_reached(tmp_path: Path, agent_image: str) -> None:
    targets = ["example.com:443", "evil-example.com:443", "sub.allowed.example:443"]
    said, told = await run_setup(
        tmp_path, agent_image, PROXY.format(targets=targets), network=("allowed.example",)
    )
    assert said.count("403 Forbidden") == 6
    assert {attempt["verdict"] for attempt in told} == {"refused"}
    assert told[0]["allow"] == 'setup_network = ["allowed.example", "example.com"]'


async def test_the_proxy_s_socket_asks_for_the_run_s_token(
    tmp_path: Path, agent_image: str
) -> None:
    script = """python3 - <<'END'
import socket
for words in (b"CONNECT example.com:443 HTTP/1.1\\r\\n\\r\\n", b"THREADSMITH guess\\r\\n" * 3):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect("/run/threadsmith/egress.sock")
    s.sendall(words)
    try:
        print("answer:", s.recv(100))
    except OSError as error:
        print("answer: b''", error)
END
"""
    said, told = await run_setup(tmp_path, agent_image, script)
    assert [line[:11] for line in said.splitlines()] == ["answer: b''"] * 2
    assert told == []


async def test_root_in_set_up_is_a_small_root(tmp_path: Path, agent_image: str) -> None:
    script = """
mount -t tmpfs none /mnt 2>/dev/null && echo MOUNTED
mknod /tmp/disk b 8 0 2>/dev/null && echo DISK
python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' 2>/dev/null && echo RAW
echo b > /proc/sysrq-trigger 2>/dev/null && echo SYSRQ
echo x > /proc/sys/kernel/core_pattern 2>/dev/null && echo CORE
for f in $(find /sys/fs/cgroup -name release_agent 2>/dev/null); do
  (echo /x > "$f") 2>/dev/null && echo CGROUP; done
unshare --mount true 2>/dev/null && echo NAMESPACE
dmesg >/dev/null 2>&1 && echo DMESG
date -s 2001-01-01 >/dev/null 2>&1 && echo CLOCK
chroot /proc/1/root/../../../../ /bin/ls /etc/hostname >/dev/null 2>&1; hostname evil 2>/dev/null
echo x >> /opt/threadsmith/agent_image/agent/loop.py 2>/dev/null && echo PROGRAM
rm -f /run/threadsmith/gateway.sock 2>/dev/null && echo SOCKET
grep CapEff /proc/self/status
"""
    said, _ = await run_setup(tmp_path, agent_image, script)
    *lines, last = said.splitlines()
    assert [line for line in lines if line.isupper()] == []
    held = int(last.split()[1], 16)
    refused = {"NET_RAW": 13, "SYS_MODULE": 16, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "MKNOD": 27}
    assert not any(held >> number & 1 for number in refused.values())


async def test_what_it_leaves_running_is_gone(tmp_path: Path, agent_image: str) -> None:
    script = "setsid sh -c 'while :; do sleep 1; date >> /tmp/alive; done' >/dev/null 2>&1 &\n"
    async with ground(tmp_path, agent_image, {"setup.sh": script}) as here:
        await here.run(
            [
                "pgrep -f alive | wc -l; cat /tmp/alive 2>/dev/null | wc -l; sleep 2;"
                " cat /tmp/alive 2>/dev/null | wc -l"
            ],
            setup=Setup(),
        )
        running, before, after = here.results()[0].split()[:3]
        assert (running, before) == ("0", after)


TRAPS = """
mkdir -p .git/hooks
for hook in pre-commit post-checkout post-index-change; do
  printf '#!/bin/sh\\ntouch /tmp/trap-%s\\n' $hook > .git/hooks/$hook
  chmod +x .git/hooks/$hook
done
git config core.fsmonitor 'sh -c "touch /tmp/trap-fsmonitor"'
git config core.hooksPath .git/hooks
git config filter.x.clean 'sh -c "touch /tmp/trap-filter; cat"'
git config diff.external 'touch /tmp/trap-diff'
git config core.pager 'touch /tmp/trap-pager'
git config alias.diff-index '!touch /tmp/trap-alias'
git config remote.origin.url 'ext::sh -c touch% /tmp/trap-remote'
git config include.path /tmp/trap-include
echo '* filter=x diff=x' > .git/info/attributes
echo 'touch /tmp/trap-bashrc' >> /home/agent/.bashrc
python3 - <<'END'
import site
with open(site.getsitepackages()[0] + "/trap.pth", "w") as file:
    file.write("import os; os.system('touch /tmp/trap-pth')\\n")
END
"""


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory, agent_image: str) -> Observed:
    commands = {
        "look": "rm -f /tmp/trap-*; echo two > a.txt; git status --short; ls /tmp | grep trap"
    }
    directory = tmp_path_factory.mktemp("trap")

    return observe(
        directory,
        agent_image,
        commands,
        files={"a.txt": "one\n", "setup.sh": TRAPS},
        run={"setup": Setup()},
    )


def test_traps_in_an_environment_do_not_reach_the_host(trapped: Observed) -> None:
    assert list(Path("/tmp").glob("trap-*")) == []
    assert trapped.outcome.kind == "patch"


def test_traps_in_an_environment_do_not_change_the_patch(trapped: Observed) -> None:
    data, summary, _ = trapped.recorder.patches[-1]
    assert [file.path for file in summary.files] == ["a.txt"]
    assert b"-one\n+two\n" in data


async def test_secrets_of_set_up_are_nowhere_in_the_agent_s_container(
    tmp_path: Path, agent_image: str
) -> None:
    value = SECRETS["NPM_TOKEN"]
    script = (
        'echo "//registry/:_authToken=$NPM_TOKEN" > /home/agent/.npmrc; env > /var/tmp/env\n'
        'printf %s "$NPM_TOKEN" | base64 > token.b64; echo "$NPM_TOKEN" > /etc/token\n'
        'printf %s "$NPM_TOKEN" > /usr/local/lib/token; ( sleep 60 & )\n'
    )
    search = (
        f"grep -rls -e '{value[:6]}''{value[6:]}' / --exclude-dir=proc --exclude-dir=sys"
        " --exclude-dir=threadsmith* 2>/dev/null; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'"
        " | grep NPM; env | grep NPM; cat /home/agent/.npmrc; echo end"
    )
    async with ground(tmp_path, agent_image, {"setup.sh": script}) as here:
        await here.run([search], setup=Setup(secrets=("NPM_TOKEN",)))
        lines = here.results()[0].splitlines()
        assert lines[:2] == [f"//registry/:_authToken={'*' * len(value)}", "end"]
        [image] = await here.engine.images()
        shown = subprocess.run(
            ["docker", "inspect", image.id], capture_output=True, text=True, check=True
        )
        history = subprocess.run(
            ["docker", "history", "--no-trunc", image.id],
            capture_output=True,
            text=True,
            check=True,
        )
        assert value not in shown.stdout + history.stdout


async def test_only_the_approved_script_has_the_network(tmp_path: Path, agent_image: str) -> None:
    """Hooks, packages and test files of the repository run in the agent phase alone: without it."""
    async with ground(tmp_path, agent_image, {"a.txt": "1\n"}, outside=Outside()) as here:
        command = "env | grep -ci -e proxy; ls /run/threadsmith"
        await here.run([command], setup=Setup(network=("all",)))
        assert here.results()[0].split()[:2] == ["0", "gateway.sock"]


async def test_a_closed_agent_phase_stays_closed_after_an_open_set_up(
    tmp_path: Path, agent_image: str
) -> None:
    files = {"setup.sh": 'echo "$http_proxy" > /tmp/proxy\n'}
    async with ground(tmp_path, agent_image, files, outside=Outside()) as here:
        command = (
            "python3 -c 'import sys, urllib.parse, socket; u = urllib.parse.urlsplit(open("
            '"/tmp/proxy").read().strip()); socket.create_connection((u.hostname, u.port), 3)\''
            " 2>&1 | tail -1; ls /run/threadsmith"
        )
        here.provider.replies = [says(("bash", {"command": command})), FINISH]
        await here.run([command], setup=Setup(network=("all",)))
        first, second, *_ = here.results()[0].splitlines()
        assert "refused" in first
        assert second == "gateway.sock"
