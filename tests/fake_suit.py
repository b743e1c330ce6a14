"""A suit that sends over real loopback sockets to a listener, by a clock that the test sets."""

import socket

import numpy as np

from edge_emotion.skeleton import Pose
from edge_emotion.sources.motion import MotionNetworkSettings, Silence
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.mvn_packets import QUATERNION, MvnDatagram, build


class SetClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def body(milliseconds, character=0, segments=23):
    values = np.zeros((segments, 7))
    values[:, 3] = 1
    ids = np.arange(1, segments + 1)[:, None]
    sample = milliseconds
    return build(MvnDatagram(QUATERNION, sample, 0, True, milliseconds, character, ids, values))


class Suit:
    """A listener at any free port with a sender to it."""

    def __init__(self, clock=None, **settings):
        self.clock = clock or SetClock()
        self.source = MvnSuit(MotionNetworkSettings(0, **settings), self.clock)
        self.items = iter(self.source)
        self.senders = [self.socket(), self.socket()]

    def socket(self):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        return made

    def send(self, *datagrams, sender=0):
        for datagram in datagrams:
            self.senders[sender].sendto(datagram, ("127.0.0.1", self.source.port))

    def pose(self, milliseconds, **how):
        """Send a pose and await it: all that was sent before by the same has been dealt with."""
        self.send(body(milliseconds, **how))
        return self.next_pose()

    def next(self):
        return next(self.items)

    def next_pose(self):
        """The next pose; silence may be told before it has come."""
        return next(item for item in self.items if isinstance(item, Pose))

    def silence(self, after):
        self.clock.now += after
        item = self.next()
        assert isinstance(item, Silence)
        return item.time

    def close(self):
        self.source.close()
        for sender in self.senders:
            sender.close()
