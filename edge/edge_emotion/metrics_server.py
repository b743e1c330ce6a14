"""Gives the metrics to whoever asks on this machine: GET /metrics over HTTP on 127.0.0.1, and nothing else."""

import errno
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socketserver import ThreadingTCPServer
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.metrics_text import CONTENT_TYPE

ADDRESS = "127.0.0.1"
PATH = "/metrics"
# A page of a foreign site whose name was made to point to 127.0.0.1 (DNS rebinding) still sends that name.
LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
MOST_HEAD = 8192  # bytes of the request line and the headers
MOST_AT_ONCE = 4  # connections
PATIENCE = 2.0  # seconds for a whole connection, however slowly it sends
FRESH = 0.5  # seconds that an answer is given again, so that nobody can keep the device busy by asking
POLL = 0.2  # seconds between two looks at whether to stop
ENDS = (b"\r\n\r\n", b"\n\n")  # of a head
FULL = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class HeadTooLarge(Exception):  # noqa: N818 - the client's error, answered by a status
    """The request line and the headers are longer than they may be."""


def read_head(connection: Any, until: float, clock: Callable[[], float], most: int = MOST_HEAD) -> bytes:
    """All that a client sends up to the empty line after its headers, or up to its end; bytes after it may be there.

    until: on the clock, seconds; TimeoutError beyond it. HeadTooLarge beyond `most` bytes.
    """
    came = b""
    while not any(end in came for end in ENDS):
        if len(came) > most:
            raise HeadTooLarge
        left = until - clock()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(most + 1 - len(came))
        if not piece:
            break
        came += piece
    return came


class _Handler(BaseHTTPRequestHandler):
    """Answers one request: the standard library parses it, once it is known to be small and there."""

    server: "_Server"
    server_version, sys_version = "edge-emotion", ""  # tells nobody which Python runs
    command, requestline, request_version = "", "", "HTTP/1.0"  # until there is a request line

    def setup(self) -> None:
        """Take nothing from the connection yet, unlike the standard library, which would wait for ever."""
        self.connection = self.request
        self.rfile = BytesIO()
        self.wfile = self._answered = BytesIO()
        self._until = self.server.clock() + self.server.patience

    def handle(self) -> None:
        """Read, answer, and say goodbye."""
        try:
            self.rfile = BytesIO(read_head(self.connection, self._until, self.server.clock))
            self.raw_requestline = self.rfile.readline()
            if self.parse_request():
                self._answer()
        except TimeoutError:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT)
        except HeadTooLarge:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._give(self._answered.getvalue())

    def finish(self) -> None:
        """Leave closing to the server."""

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1:
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif not LOCAL.fullmatch(hosts[0].strip()):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            self._reply(HTTPStatus.OK, self.server.text(), CONTENT_TYPE)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with a status and its name; nothing that the client sent comes back to it."""
        status = HTTPStatus(code)
        self._reply(status, f"{status.value} {status.phrase}\n", "text/plain; charset=utf-8")

    def _reply(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode(errors="replace")
        # A request that is not understood counts as one of HTTP/0.9, which is answered without headers.
        self.request_version = self.protocol_version
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Name without versions."""
        return self.server_version

    def log_message(self, format: str, *given: Any) -> None:
        """Log nothing: a line for each time that a number is read would fill the journal."""

    def _give(self, answer: bytes) -> None:
        """Send all, and wait for the client's end: closing with something unread would cut off what it is to read."""
        self.connection.settimeout(max(0.0, self._until - self.server.clock()))
        self.connection.sendall(answer)
        self.connection.shutdown(socket.SHUT_WR)
        taken = 0
        while taken <= MOST_HEAD:
            self.connection.settimeout(max(0.0, self._until - self.server.clock()))
            piece = self.connection.recv(MOST_HEAD)
            if not piece:
                return
            taken += len(piece)


class _Server(ThreadingTCPServer):
    """One thread for each connection, a few at most. Not HTTPServer, which asks the DNS for its name as it starts."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 2 * MOST_AT_ONCE

    def __init__(
        self, port: int, render: Callable[[], str], patience: float, clock: Callable[[], float]
    ) -> None:
        self.patience, self.clock = patience, clock
        self._render = render
        self._rendering = threading.Lock()
        self._text: tuple[float, str] | None = None  # when it was rendered, and it
        self._changing = threading.Lock()
        self._open: set[Any] = set()  # connections
        super().__init__((ADDRESS, port), _Handler)

    def text(self) -> str:
        """The metrics, at most FRESH old."""
        with self._rendering:
            now = self.clock()
            if self._text is None or now - self._text[0] >= FRESH:
                self._text = now, self._render()
            return self._text[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, or turn the client away when there are enough."""
        with self._changing:
            free = len(self._open) < MOST_AT_ONCE
            if free:
                self._open.add(request)
        if free:
            super().process_request(request, client_address)
            return
        request.setblocking(False)  # its buffer is empty: this does not wait
        request.send(FULL)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._changing:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that has gone or does not listen; all else is a fault of ours, and is shown."""
        if not _has_gone(sys.exception()):
            super().handle_error(request, client_address)

    def cut_off(self) -> None:
        """End all connections: their threads end with them."""
        with self._changing:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError as error:
                    if not _has_gone(error):
                        raise


class MetricsServer:
    """Serves from the start until close()."""

    def __init__(
        self,
        render: Callable[[], str],
        port: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """render: the text, called by other threads. port: 0 picks a free one. patience: seconds for a connection.

        EdgeEmotionError for a port that cannot be had.
        """
        if not 0 <= port <= 65535:
            raise EdgeEmotionError(
                f"--metrics: expected a port from 1 to 65535, or 0 for a free one, got {port}"
            )
        try:
            self._server = _Server(port, render, patience, clock)
        except OSError as error:
            raise EdgeEmotionError(f"--metrics {port}: {_refused(error)}") from error
        self.port: int = self._server.server_address[1]
        """That it listens on."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop, and let go of the port and of every connection; may be called more than once."""
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_off()
        self._thread.join()


def _has_gone(error: BaseException | None) -> bool:
    """Whether an error says that a client has ended the connection, or does not take what it is sent."""
    quick = isinstance(error, OSError) and error.errno == errno.ENOTCONN
    return quick or isinstance(error, ConnectionError | TimeoutError | BlockingIOError)


def _refused(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; stop what listens there, give another, or 0 for a free one"
    if error.errno == errno.EACCES:
        return "the port is not for this user; give one above 1023, or 0 for a free one"
    return f"cannot listen on it ({error.strerror}); give another, or 0 for a free one"
