"""Git's own smart-HTTP server on loopback, with a token, and with ways to misbehave."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class GitServer:
    """Serves every repository under one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token: str | None = None
        self.refusal = 401
        self.redirect: str | None = None
        self.silent = threading.Event()
        """While set, fetches are accepted and get no answer."""
        self.stall_after: int | None = None
        """After so many bytes, answers to fetches stop in the middle until this is None again."""
        self.stalled = threading.Event()
        """An answer stands still."""
        self.requests: list[tuple[str, str | None]] = []
        """Path with query, and the Authorization header."""
        self.port = 0

    @property
    def fetches(self) -> int:
        return sum(
            path.endswith("git-upload-pack") and "?" not in path for path, _ in self.requests
        )

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


@contextmanager
def serve_git(root: Path) -> Iterator[GitServer]:
    state = GitServer(root)

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.silent.clear()
        state.stall_after = None
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: GitServer

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._answer(self._chunks())
        else:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        state = self.server_state
        state.requests.append((self.path, self.headers.get("Authorization")))
        if state.redirect is not None:
            self._plain(301, ("Location", state.redirect + self.path))
            return
        if state.token is not None and not self._is_allowed(state.token):
            self._plain(state.refusal, ("WWW-Authenticate", 'Basic realm="git"'))
            return
        if state.silent.is_set() and body:
            while state.silent.is_set():
                threading.Event().wait(0.05)
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(state.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_ADDR": "127.0.0.1",
            },
        )
        self._relay(done.stdout)

    def _is_allowed(self, token: str) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(value).decode().endswith(f":{token}")

    def _relay(self, output: bytes) -> None:
        head, _, content = output.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        # Whoever was killed does not listen any more.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._write(content)

    def _write(self, content: bytes) -> None:
        state, sent = self.server_state, 0
        if state.stall_after is not None and len(content) > state.stall_after:
            sent = state.stall_after
            self.wfile.write(content[:sent])
            self.wfile.flush()
            state.stalled.set()
            while state.stall_after is not None:
                threading.Event().wait(0.02)
        self.wfile.write(content[sent:])

    def _plain(self, status: int, header: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header(*header)
        self.send_header("Content-Length", "0")
        self.end_headers()
