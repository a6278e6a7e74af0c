"""The only door out: HTTP/1.1 over a Unix socket, one connection for each request.

A host that is restarted lays a new socket in the same place, so whatever breaks is tried again for
as long as the run may take; the gateway answers a repeated request like the first one.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any, BinaryIO, Dict, NamedTuple, Optional

from agent_image.agent.protocol import WAITED
from agent_image.agent.stop import Stop, wait_readable

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0
LONGEST_RETRY_AFTER_SECONDS = 30.0
LAST_SECONDS = 10.0
PATIENT_SECONDS = 24 * 3600.0
MAX_INTERNAL_ERRORS = 5
"""A host that breaks on a request over and over will not mend by itself."""


class Refused(Exception):
    """The gateway understood the request and said no."""

    def __init__(self, status: int, code: str, brief: str) -> None:
        self.status = status
        self.code = code
        self.brief = brief
        super().__init__("{} {}: {}".format(status, code, brief))


class Lost(Exception):
    """The gateway did not answer for as long as the run may take."""


class Answer(NamedTuple):
    status: int
    headers: Dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """Requests from any thread."""

    def __init__(self, path: str, token: str, *, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.path = path
        self.token = token

    @property
    def seconds_left(self) -> float:
        """Of the run; a few when its time is up, to say how it ended."""
        return max(LAST_SECONDS, self.deadline - time.monotonic())

    def ask(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        stop: Optional[Stop] = None,
        into: Optional[BinaryIO] = None,
        seconds: Optional[float] = None,
        patient: bool = False,
    ) -> Answer:
        """Send bytes or JSON; with ``into`` the answer's body goes to that file.

        ``patient``: as long as the host holds the request it keeps the clock, and says in the end
        how much of that was none of the run's time.

        Raises Refused, Lost after ``seconds`` without an answer, and Stopped if ``stop`` is given.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        deadline = time.monotonic() + (self.seconds_left if seconds is None else seconds)
        if not patient:
            return self._repeat(method, path, data, _Wait(stop, deadline), into, deadline)
        self.deadline += PATIENT_SECONDS
        try:
            wait = _Wait(stop, deadline + PATIENT_SECONDS)
            answer = self._repeat(method, path, data, wait, into, deadline)
        finally:
            self.deadline -= PATIENT_SECONDS
        self.deadline += _number(answer.headers.get(WAITED.lower(), ""))
        return answer

    def _repeat(
        self,
        method: str,
        path: str,
        data: bytes,
        wait: _Wait,
        into: Optional[BinaryIO],
        deadline: float,
    ) -> Answer:
        """Until there is an answer that stands; nobody answers: until ``deadline``."""
        pause, breaks = FIRST_PAUSE_SECONDS, 0
        while True:
            asked_pause = 0.0
            try:
                answer = self._exchange(method, path, data, wait, into)
            except (OSError, ValueError) as error:
                why = repr(error)
            else:
                breaks += answer.status == 500
                is_passing = answer.status in (429, 503) or (
                    answer.status == 500 and breaks < MAX_INTERNAL_ERRORS
                )
                if not is_passing:
                    return _checked(answer)
                why = str(answer.status)
                asked_pause = _retry_after(answer)
            left = deadline - time.monotonic()
            if left <= 0:
                raise Lost("{} {}: {}".format(method, path, why))
            _sleep(min(max(pause, asked_pause), left), wait.stop)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _exchange(
        self, method: str, path: str, data: bytes, wait: _Wait, into: Optional[BinaryIO]
    ) -> Answer:
        head = (
            "{} {} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {}\r\n"
            "Content-Length: {}\r\nConnection: close\r\n\r\n"
        ).format(method, path, self.token, len(data))
        if into is not None:
            into.seek(0)
            into.truncate()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60.0)
            connection.connect(self.path)
            stream = _Stream(connection, wait)
            try:
                connection.sendall(head.encode("latin-1") + data)
            except BrokenPipeError:
                pass  # refused before it was read to the end: the answer says why
            return stream.read_answer(into)


class _Wait(NamedTuple):
    stop: Optional[Stop]
    deadline: float


class _Stream:
    """Reads one answer; raises OSError or ValueError where it is cut off or makes no sense."""

    def __init__(self, connection: socket.socket, wait: _Wait) -> None:
        self._connection = connection
        self._wait = wait
        self._held = b""

    def read_answer(self, into: Optional[BinaryIO]) -> Answer:
        status = int(self._line().split(b" ", 2)[1])
        headers = {}
        while True:
            line = self._line()
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        sink = into if into is not None and status == 200 else None
        parts = []
        for part in self._body(headers, has_body=status not in (204, 304)):
            if sink is None:
                parts.append(part)
            else:
                sink.write(part)
        return Answer(status, headers, b"".join(parts))

    def _body(self, headers: Dict[str, str], *, has_body: bool) -> Any:
        if not has_body:
            return
        if headers.get("transfer-encoding", "").lower() != "chunked":
            yield from self._take(int(headers.get("content-length", "0")))
            return
        while True:
            size = int(self._line().split(b";")[0], 16)
            yield from self._take(size)
            self._line()
            if size == 0:
                return

    def _take(self, size: int) -> Any:
        while size > 0:
            if not self._held:
                self._more()
            part, self._held = self._held[:size], self._held[size:]
            size -= len(part)
            yield part

    def _line(self) -> bytes:
        while b"\r\n" not in self._held:
            self._more()
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    def _more(self) -> None:
        stop, deadline = self._wait
        if not wait_readable(self._connection.fileno(), stop=stop, deadline=deadline):
            raise TimeoutError("no answer in time")
        data = self._connection.recv(262_144)
        if not data:
            raise ConnectionError("the answer was cut off")
        self._held += data


def _checked(answer: Answer) -> Answer:
    if answer.status < 400:
        return answer
    try:
        error = answer.json()["error"]
        raise Refused(answer.status, str(error["code"]), str(error["brief"]))
    except (ValueError, LookupError, TypeError):
        brief = "The gateway answered {}.".format(answer.status)
        raise Refused(answer.status, "unknown", brief) from None


def _retry_after(answer: Answer) -> float:
    return min(_number(answer.headers.get("retry-after", "")), LONGEST_RETRY_AFTER_SECONDS)


def _number(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _sleep(seconds: float, stop: Optional[Stop]) -> None:
    if stop is None:
        time.sleep(seconds)
    else:
        stop.wait(seconds)
