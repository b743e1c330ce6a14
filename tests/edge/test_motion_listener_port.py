"""Where motion is listened for: ports and addresses, closing, settings, and a network that fails."""

import socket
import sys
import threading
import time
from contextlib import closing

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.motion_datagrams import MotionListener
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.mvn_poses import MvnDecoder
from edge_emotion.sources.osc import VmcBody
from fake_suit import Suit, body


@pytest.fixture
def suit():
    with closing(Suit()) as made:
        yield made


@pytest.mark.parametrize("iterating", [True, False])
def test_close_ends_iteration_at_once_and_frees_the_port(iterating):
    source = MvnSuit(MotionNetworkSettings(0, stale=60.0))
    begun, ended = threading.Event(), threading.Event()

    def iterate():
        begun.set()
        assert list(source) == []
        ended.set()

    thread = threading.Thread(target=iterate, daemon=True)
    if iterating:
        thread.start()
        assert begun.wait(5)
    start = time.monotonic()
    source.close()
    source.close()
    if iterating:
        assert ended.wait(5)
    assert time.monotonic() - start < 2
    assert list(source) == []
    with closing(MvnSuit(MotionNetworkSettings(source.port))) as again:
        assert again.port == source.port


def test_close_in_the_midst_of_iterating(suit):
    suit.send(*(body(number) for number in range(10)))
    suit.next()
    suit.source.close()
    assert list(suit.items) == []


def test_a_port_in_use_is_named():
    with closing(MvnSuit(MotionNetworkSettings(0))) as first:
        with pytest.raises(EdgeEmotionError) as told:
            MvnSuit(MotionNetworkSettings(first.port))
        assert str(told.value) == (
            f"UDP port {first.port} of 127.0.0.1 is in use; close the other program, or choose another: "
            "--imu mvn:PORT"
        )


@pytest.mark.parametrize("listen", ["203.0.113.7", "no such host", "a" * 300])
def test_an_address_that_is_not_ours_is_refused(listen):
    with pytest.raises(EdgeEmotionError, match="expected an address of this device") as told:
        VmcBody(MotionNetworkSettings(0, listen))
    assert "\n" not in str(told.value)
    assert "--imu osc:PORT" in str(told.value)


def test_without_python_osc_its_install_is_told(monkeypatch):
    for name in ("edge_emotion.sources.vmc", "edge_emotion.sources.osc_messages"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pythonosc.osc_message", None)
    with pytest.raises(EdgeEmotionError, match="pip install python-osc"):
        VmcBody(MotionNetworkSettings(0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"port": -1}, "port: expected 0 to 65535, got -1"),
        ({"port": 65536}, "port"),
        ({"listen": ""}, "listen"),
        ({"unit": "inch"}, "unit: expected auto or m or cm, got 'inch'"),
        ({"stale": 0.0}, "stale"),
        ({"stale": float("nan")}, "stale"),
    ],
)
def test_settings_are_checked(wrong, said):
    with pytest.raises(EdgeEmotionError, match=said):
        MotionNetworkSettings(**wrong)


def test_a_failure_in_the_thread_is_raised_where_poses_are_taken_out():
    class Broken(MvnDecoder):
        def decode(self, datagram):
            raise ZeroDivisionError

    with closing(Suit()) as suit:
        suit.source._decoder = Broken()
        suit.send(body(0))
        with pytest.raises(ZeroDivisionError):
            suit.next()


def test_the_network_failing_is_one_line():
    class Gone(MvnDecoder):
        def decode(self, datagram):
            raise OSError(100, "Network is down")

    source = MotionListener(Gone(), MotionNetworkSettings(0), "mvn", 9763)
    with closing(source), closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        sender.sendto(b"x", ("127.0.0.1", source.port))
        with pytest.raises(
            EdgeEmotionError, match=r"mvn at .* failed \(Network is down\); check the network"
        ):
            list(source)
