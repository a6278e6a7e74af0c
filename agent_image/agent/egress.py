"""Lends a socket of the host to programs on the loopback: the egress as an ordinary HTTP proxy."""

from __future__ import annotations

import socket
import threading
import time
from typing import Dict

_CHUNK = 65_536
_BACKLOG = 128
_PAUSE_SECONDS = 0.25


class Forwarder:
    """Each connection is carried to the socket, after a line that says whose it is, if any."""

    def __init__(self, socket_path: str, token: str = "", *, patience: float = 0.0) -> None:
        """``patience`` are seconds in which a socket may be missing."""
        self._path = socket_path
        self._preamble = "THREADSMITH {}\r\n".format(token).encode() if token else b""
        self._patience = patience
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def start(self) -> int:
        """Listen, in a thread that ends with the process; answers the port."""
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        threading.Thread(target=self._accept, name="egress", daemon=True).start()
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        self._listener.close()

    def environment(self, port: int) -> Dict[str, str]:
        """The variables by which programs find a proxy."""
        address = "http://127.0.0.1:{}".format(port)
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        variables = dict.fromkeys(names, address)
        here = "localhost,127.0.0.1,::1"
        variables.update(
            no_proxy=here,
            NO_PROXY=here,
            npm_config_proxy=address,
            npm_config_https_proxy=address,
            npm_config_noproxy=here,
            YARN_HTTP_PROXY=address,
            YARN_HTTPS_PROXY=address,
            CARGO_HTTP_PROXY=address,
        )
        return variables

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as host:
            try:
                self._connect(host)
                host.sendall(self._preamble)
            except OSError:
                return
            back = threading.Thread(target=_pump, args=(host, client), daemon=True)
            back.start()
            _pump(client, host)
            back.join()

    def _connect(self, host: socket.socket) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                host.connect(self._path)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            data = source.recv(_CHUNK)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
