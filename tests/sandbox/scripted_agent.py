# ruff: noqa: PTH123, PTH110, PTH208
"""A program for containers that does what its request says. Standard library only.

It is copied to where the agent is mounted; it shows the edges that a well-behaved agent never does.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time


class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/threadsmith/gateway.sock")


def call(method, path, body=None):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    for _ in range(200):
        door = Door("gateway")
        try:
            headers = {"Authorization": "Bearer " + os.environ["THREADSMITH_TOKEN"]}
            door.request(method, path, body=data, headers=headers)
            answer = door.getresponse()
            return answer.status, answer.read()
        except OSError:
            time.sleep(0.05)
        finally:
            door.close()
    sys.exit(70)


def git(*args):
    return subprocess.run(["git", *args], check=True, cwd="/workspace", capture_output=True).stdout


def fetch():
    with open("/tmp/base.bundle", "wb") as file:
        file.write(call("GET", "/source")[1])
    git("init", "-q")
    git("fetch", "-q", "/tmp/base.bundle", "refs/heads/base")
    git("reset", "-q", "--hard", "FETCH_HEAD")


def work(run):
    fetch()
    turn = {
        "system": "s",
        "tools": [],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "# Task\nMend it."}]}],
    }
    status, _ = call("PUT", "/turns/0", turn)
    with open("/workspace/a.txt", "w") as file:
        file.write("two\n")
    git("add", "--all")
    call("PUT", "/patch?final=1", git("diff", "--binary", "--cached", "HEAD"))
    return {"kind": "finished", "title": str(status)}


def look(run):
    interfaces = sorted(os.listdir("/sys/class/net"))
    facts = {
        "uid": os.getuid(),
        "interfaces": [name for name in interfaces if name == "lo" or name.startswith("eth")],
        "environment": sorted(name for name in os.environ if "THREADSMITH" in name),
        "prepared": run["prepared_commit"] is not None,
        "marker": os.path.exists("/usr/local/marker"),
        "program_writable": os.access("/opt/threadsmith/agent_image/agent", os.W_OK),
        "gateway": os.listdir("/run/threadsmith"),
    }
    return {"kind": "finished", "answer": json.dumps(facts)}


def leave(run):
    print("I am off.")
    sys.exit(3)


def hang(run):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    fetch()
    with open("/workspace/a.txt", "w") as file:
        file.write("half\n")
    git("add", "--all")
    call("PUT", "/patch", git("diff", "--binary", "--cached", "HEAD"))
    time.sleep(600)


def wait(run):
    """Ends when a person says something, however often the host restarts."""
    while True:
        status, body = call("GET", "/inbox?after=0&wait=5")
        if status == 200 and json.loads(body)["items"]:
            return {"kind": "finished", "answer": json.loads(body)["items"][0]["text"]}


def devour(run):
    hoard = []
    while True:
        hoard.append(bytearray(b"x" * 10_000_000))


def flood(run):
    for number in range(40):
        text = "x" * 4000
        events = [{"id": number * 200 + n, "kind": "note", "text": text} for n in range(1, 201)]
        call("POST", "/events", {"events": events})
    for _ in range(20_000):
        print("y" * 500)
    sys.exit(0)


def prepare(run):
    open("/usr/local/marker", "w").close()
    call("POST", "/events", {"events": [{"id": 1, "kind": "setup_output", "text": "marked\n"}]})
    return {"kind": "finished", "exit_code": 0}


def main():
    run = json.loads(call("GET", "/run")[1])
    name = "prepare" if run["phase"] == "setup" else run["request"]
    outcome = globals()[name](run)
    call("PUT", "/outcome", outcome)


main()
