import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from edge_emotion import metrics_server
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.metrics_server import MOST_AT_ONCE, MOST_HEAD, HeadTooLarge, MetricsServer, read_head

TEXT = '# HELP a Ä.\n# TYPE a gauge\na{b="c"} 1\n'
HOST = b"Host: localhost\r\n"
ASKING = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
NEVER = 60.0  # seconds that no test takes


@contextmanager
def serving(
    render: Callable[[], str] = lambda: TEXT, patience: float = NEVER, **given: Callable[[], float]
) -> Iterator[MetricsServer]:
    with closing(MetricsServer(render, 0, patience, **given)) as server:
        yield server


@pytest.fixture(scope="module")
def one_server() -> Iterator[MetricsServer]:
    with serving() as server:
        yield server


def sent(server: MetricsServer, request: bytes) -> bytes:
    """All that a server answers to the bytes of a request."""
    with socket.create_connection(("127.0.0.1", server.port), NEVER) as client:
        client.sendall(request)
        return everything(client)


def everything(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_the_metrics_come_as_prometheus_wants_them() -> None:
    with serving() as server, closing(http.client.HTTPConnection("127.0.0.1", server.port, NEVER)) as client:
        client.request("GET", "/metrics")
        answer = client.getresponse()
        assert (answer.status, answer.read().decode()) == (200, TEXT)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Content-Length"] == str(len(TEXT.encode()))
        assert answer.headers["Server"] == "edge-emotion"
        assert answer.headers["Access-Control-Allow-Origin"] is None


def test_head_gives_the_headers_alone() -> None:
    with serving() as server:
        head, body = sent(server, b"HEAD /metrics HTTP/1.1\r\n" + HOST + b"\r\n").split(b"\r\n\r\n", 1)
    assert status(head) == 200 and body == b""
    assert f"Content-Length: {len(TEXT.encode())}".encode() in head


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9464", "[::1]:9464", "LOCALHOST:80"])
def test_names_of_this_machine_are_answered(one_server: MetricsServer, host: str) -> None:
    assert status(sent(one_server, f"GET /metrics?x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())) == 200


@pytest.mark.parametrize(
    "request_, expected",
    [
        (b"GET / HTTP/1.1\r\n" + HOST, 404),
        (b"GET /metrics/ HTTP/1.1\r\n" + HOST, 404),
        (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n" + HOST, 404),
        (b"GET http://localhost/metrics HTTP/1.1\r\n" + HOST, 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n" + HOST, 405),
        (b"OPTIONS /metrics HTTP/1.1\r\n" + HOST, 405),
        (b"UNHEARD /metrics HTTP/1.1\r\n" + HOST, 405),
        (b"GET /metrics HTTP/1.1\r\n", 400),  # no host
        (b"GET /metrics HTTP/1.1\r\n" + HOST + HOST, 400),
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n", 403),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n", 403),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost:1@evil.example\r\n", 403),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n", 403),
        (b"GET /metrics HTTP/1.1\r\nHost: \r\n", 403),
        (b"GET /metrics HTTP/9.9\r\n" + HOST, 505),
        (b"GET /metrics HTTP/one\r\n" + HOST, 400),
        (b"GET /metrics and more HTTP/1.1\r\n" + HOST, 400),
        (b"nonsense\r\n", 400),
        (b"GET /metrics\r\n", 400),  # from before HTTP/1.0
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n", 400),  # a TLS hello
        (b"GET /metrics HTTP/1.1\r\n" + HOST + b"a: b\r\n" * 200, 431),
    ],
)
def test_all_else_is_refused(one_server: MetricsServer, request_: bytes, expected: int) -> None:
    answer = sent(one_server, request_ + b"\r\n")
    assert status(answer) == expected
    assert b"evil" not in answer and b"Python" not in answer and TEXT.encode() not in answer
    assert (b"Allow: GET, HEAD" in answer) == (expected == 405)
    assert status(sent(one_server, ASKING)) == 200


def test_a_body_that_is_not_read_does_not_cut_off_the_answer() -> None:
    with serving() as server:
        posted = b"POST /metrics HTTP/1.1\r\nContent-Length: 4000\r\n" + HOST + b"\r\n" + b"x" * 4000
        assert status(sent(server, posted)) == 405


def test_a_long_head_is_refused() -> None:
    with serving() as server:
        long = b"GET /metrics HTTP/1.1\r\n" + HOST + b"X: " + b"x" * MOST_HEAD + b"\r\n\r\n"
        assert status(sent(server, long)) == 431
        assert status(sent(server, b"GET /" + b"m" * MOST_HEAD + b" HTTP/1.1\r\n\r\n")) == 431


def test_a_client_that_says_nothing_is_sent_away() -> None:
    with serving(patience=0.02) as server:
        assert status(sent(server, b"GET /metrics HTTP/1.1\r\n")) == 408


class Dripping:
    """A connection that gives a byte at a time, each after some seconds of the clock."""

    def __init__(self, data: bytes, seconds: float) -> None:
        self._data, self._seconds = data, seconds
        self.now, self.given = 0.0, 0

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, most: int) -> bytes:
        self.now += self._seconds
        self.given += 1
        return self._data[self.given - 1 : self.given]


def test_slow_drops_do_not_buy_time() -> None:
    slow = Dripping(b"GET /metrics HTTP/1.1\r\n" + HOST * 99, 0.3)
    with pytest.raises(TimeoutError):
        read_head(slow, 2.0, lambda: slow.now)
    assert slow.given == 7  # 2.1 s
    quick = Dripping(b"GET / HTTP/1.1\r\n\r\nmore", 0.01)
    assert read_head(quick, 2.0, lambda: quick.now) == b"GET / HTTP/1.1\r\n\r\n"
    endless = Dripping(b"x" * 100, 0.0)
    with pytest.raises(HeadTooLarge):
        read_head(endless, 2.0, lambda: 0.0, most=50)
    assert endless.given == 51


def test_too_many_connections_are_turned_away_and_let_in_again() -> None:
    with serving() as server:
        held = [socket.create_connection(("127.0.0.1", server.port), NEVER) for _ in range(MOST_AT_ONCE)]
        with socket.create_connection(("127.0.0.1", server.port), NEVER) as one_more:
            assert status(everything(one_more)) == 503
        held[0].sendall(ASKING)
        assert status(everything(held[0])) == 200
        for client in held:
            client.close()
        codes = iter(lambda: status(asked_again(server)), None)
        assert next(code for code in codes if code != 503) == 200


def asked_again(server: MetricsServer) -> bytes:
    """An answer, or 503 where the server has closed before it read what it was sent."""
    try:
        return sent(server, ASKING)
    except ConnectionError:
        return b"HTTP/1.0 503 "


def test_clients_that_go_at_once_leave_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        for request in (b"", b"GET", ASKING):
            client = socket.create_connection(("127.0.0.1", server.port), NEVER)
            client.sendall(request)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset
            client.close()
        codes = iter(lambda: status(asked_again(server)), None)
        assert next(code for code in codes if code != 503) == 200
    assert capsys.readouterr().err == ""


def test_a_fault_of_ours_is_shown_and_costs_one_answer_alone(capfd: pytest.CaptureFixture[str]) -> None:
    faults = [ValueError("a fault")]

    def render() -> str:
        if faults:
            raise faults.pop()
        return TEXT

    with serving(render) as server:
        assert sent(server, ASKING) == b""
        assert status(sent(server, ASKING)) == 200
    assert "ValueError: a fault" in capfd.readouterr().err


def test_asking_often_does_not_compute_often() -> None:
    now, asked = [0.0], []

    def render() -> str:
        asked.append(now[0])
        return TEXT

    with serving(render, clock=lambda: now[0]) as server:
        for at in (0.0, 0.1, 0.4, 0.5, 0.9, 1.1):
            now[0] = at
            assert status(sent(server, ASKING)) == 200
    assert asked == [0.0, 0.5, 1.1]


def test_only_this_machine_can_ask() -> None:
    with serving() as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(
            ("127.0.0.2", server.port), NEVER
        )  # what is bound to all addresses has it too


def test_a_port_in_use_is_told_in_one_line() -> None:
    with serving() as server, pytest.raises(EdgeEmotionError) as told:
        MetricsServer(lambda: TEXT, server.port)
    said = f"--metrics {server.port}: the port is in use; stop what listens there, give another, or 0 for a free one"
    assert str(told.value) == said


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_told(port: int) -> None:
    with pytest.raises(
        EdgeEmotionError, match=f"expected a port from 1 to 65535, or 0 for a free one, got {port}"
    ):
        MetricsServer(lambda: TEXT, port)


def test_a_port_for_root_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(metrics_server, "_Server", refuse)
    with pytest.raises(
        EdgeEmotionError, match="--metrics 80: the port is not for this user; give one above 1023"
    ):
        MetricsServer(lambda: TEXT, 80)


def test_the_end_frees_the_port_and_cuts_off_who_is_still_there() -> None:
    before = {thread.ident for thread in threading.enumerate()}
    server = MetricsServer(lambda: TEXT, 0, NEVER)
    with socket.create_connection(("127.0.0.1", server.port), NEVER) as held:
        held.sendall(b"GET /metrics HTTP/1.1\r\n")
        with socket.create_connection(
            ("127.0.0.1", server.port), NEVER
        ) as other:  # accepted after the one before
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert status(everything(other)) == 400
        server.close()
        assert everything(held) == b""
    server.close()
    for thread in threading.enumerate():
        if thread.ident not in before:
            thread.join(NEVER)
    assert {thread.ident for thread in threading.enumerate()} <= before
    MetricsServer(lambda: TEXT, server.port).close()
