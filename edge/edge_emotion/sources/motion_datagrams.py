"""A UDP port as a source of motion, whatever the protocol: one thread reads, a bounded queue holds the poses."""

import contextlib
import errno
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose
from edge_emotion.sources.datagram_warnings import LATE, OTHER_SENDERS, REFUSED, TOO_FAST, DatagramWarnings
from edge_emotion.sources.motion import MotionNetworkSettings, Silence
from edge_emotion.sources.motion_decoder import DatagramError, MotionDecoder, SentPose
from edge_emotion.sources.sender_clock import SenderClock

WAITING = 512  # poses that may wait; 2 s of the fastest suits
MOST_A_SECOND = 2000  # datagrams that are looked at, of a protocol that tells of a whole body in one or two
BUFFER = 1 << 20  # bytes, of the socket
SILENCES = 0.5  # seconds between two tellings of silence
LONG = 5.0  # seconds of silence until a user is told
LEAVING = 2.0  # seconds that close() waits for the thread
_BATCH = 64  # datagrams read before the thread looks whether it is to end
_MOST = 65535  # bytes of a datagram


class MotionListener:
    """Receives datagrams and gives the poses they tell, and `Silence` while none come; it ends by close() alone.

    One sender's one body is followed until it has been silent for `stale` seconds: the first that sent a pose.
    Pose.time is the sender's from its first pose on (see SenderClock): 0 there, or the time of silence before it.
    What is refused, late, too much or another sender's is counted, and told in `warnings`.
    EdgeEmotionError: the address cannot be listened at, or the network fails.
    """

    def __init__(
        self,
        decoder: MotionDecoder,
        settings: MotionNetworkSettings,
        option: str,
        port: int,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_A_SECOND,
    ) -> None:
        """option: what chooses the protocol, as "mvn" of --imu mvn:PORT. port: its own. most: datagrams a second."""
        self._most = most
        self._decoder, self._stale, self._now = decoder, settings.stale, clock
        self._socket = _bound(settings.listen, port if settings.port is None else settings.port, option)
        address = self._socket.getsockname()
        self.port: int = address[1]
        """The port that is listened at, also when any was asked for."""
        self.name = f"{option} at {address[0]}:{self.port}"
        self._wake, self._woken = socket.socketpair()
        self._changed = threading.Condition()  # holds all below
        self._poses: deque[Pose] = deque()
        self._dropped = 0
        self._closed = False
        self._error: Exception | None = None
        self._told: float | None = None  # the time of the last silence since the last pose
        self._silent_since = self._begun = 0.0
        self._next_silence = 0.0
        self._clock = SenderClock()
        self._counts: Counter[str] = Counter()
        self._warnings = DatagramWarnings(decoder.name, f"{address[0]}:{self.port}", most)
        self._followed: tuple[Any, int] | None = None  # address and character
        self._decoded: Any = None  # the address that the decoder's state is of
        self._second, self._in_second = 0, 0
        self._reader = threading.Thread(target=self._read, name="motion", daemon=True)

    def __iter__(self) -> Iterator[Pose | Silence]:
        """Start to receive and give what comes until it is closed."""
        with self._changed:
            if not self._closed:
                self._silent_since = self._begun = self._now()
                self._next_silence = self._silent_since + self._stale
                self._reader.start()
        return self._items()

    def close(self) -> None:
        """Stop receiving and give back the port."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._wake.close()  # at its other end the thread sees that
        if self._reader.ident is None:
            self._give_back()
        elif threading.current_thread() is not self._reader:
            self._reader.join(LEAVING)

    @property
    def dropped(self) -> int:
        """Poses dropped because computing was too slow."""
        return self._dropped

    @property
    def started(self) -> float | None:
        """What time.monotonic() was at time 0; None before the first pose."""
        return self._clock.started

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of trouble came, exactly; see DatagramWarnings."""
        with self._changed:
            return self._counts + self._decoder.counts

    @property
    def warnings(self) -> list[str]:
        """A line for each kind of trouble; the numbers in them are rounded down from 10 on, `counts` has them whole."""
        with self._changed:
            return self._warnings.lines(self._counts + self._decoder.counts)

    def _items(self) -> Iterator[Pose | Silence]:
        while (item := self._next()) is not None:
            yield item

    def _next(self) -> Pose | Silence | None:
        """What comes next; None once closed."""
        with self._changed:
            while not self._closed:
                if self._poses:
                    return self._poses.popleft()
                if self._error is not None:
                    raise self._error
                now = self._now()
                if now >= self._next_silence:
                    return self._silence(now)
                self._changed.wait(self._next_silence - now)
            return None

    def _silence(self, now: float) -> Silence:
        self._next_silence = now + SILENCES
        if now - self._silent_since >= LONG:
            self._warnings.silent(None if self._followed is None else self._followed[0])
        newest = self._clock.time
        time = now - self._begun if newest is None else newest + (now - self._clock.arrived)
        self._told = time if self._told is None else max(time, self._told)
        return Silence(self._told)

    def _read(self) -> None:
        """Body of the thread."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while not any(key.fileobj is self._woken for key, _ in selector.select()):
                    self._read_batch()
        except OSError as error:
            self._fail(EdgeEmotionError(f"{self.name} failed ({error.strerror}); check the network"))
        except Exception as error:  # noqa: BLE001 - raised again where the poses are taken out
            self._fail(error)
        finally:
            self._give_back()

    def _read_batch(self) -> None:
        with contextlib.suppress(BlockingIOError):  # nothing more has come
            for _ in range(_BATCH):
                datagram, sender = self._socket.recvfrom(_MOST)
                with self._changed:
                    self._take(datagram, sender, self._now())

    def _take(self, datagram: bytes, sender: Any, arrived: float) -> None:
        """One datagram, the lock being held."""
        free = self._followed is None or arrived - self._clock.arrived > self._stale
        if not free and self._followed is not None and sender != self._followed[0]:
            self._counts[OTHER_SENDERS] += 1
            return
        if int(arrived) != self._second:
            self._second, self._in_second = int(arrived), 0
        self._in_second += 1
        if self._in_second > self._most:
            self._counts[TOO_FAST] += 1
            return
        if sender != self._decoded:
            self._decoder.reset()
            self._decoded = sender
        try:
            told = self._decoder.decode(datagram)
        except DatagramError as error:
            self._counts[f"{REFUSED}{error}"] += 1
            return
        for pose in told:
            self._follow(pose, (sender, pose.character), arrived)

    def _follow(self, sent: SentPose, body: tuple[Any, int], arrived: float) -> None:
        if body != self._followed:
            if self._followed is not None and arrived - self._clock.arrived <= self._stale:
                self._counts[OTHER_SENDERS] += 1
                return
            self._followed = body
            self._clock.begin_anew()
        seconds = arrived if sent.seconds is None else sent.seconds
        if self._clock.time is None and self._told is not None:  # time goes on from the silence before
            self._told = max(self._told, arrived - self._begun)
        time = self._clock.take(seconds, arrived, self._told)
        if time is None:
            self._counts[LATE] += 1
            return
        self._warnings.came(body[0], int(np.isfinite(sent.rotations[1:, 0]).sum()), self._clock)
        self._told = None
        self._silent_since = arrived
        self._next_silence = arrived + self._stale
        if len(self._poses) == WAITING:
            self._poses.popleft()
            self._dropped += 1
        self._poses.append(Pose(time, sent.rotations, sent.position))
        self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _give_back(self) -> None:
        self._socket.close()
        self._woken.close()


def _bound(host: str, port: int, option: str) -> socket.socket:
    """A UDP socket that does not wait; EdgeEmotionError where it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _refused(host, port, option, error) from error
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _refused(host, port, option, error) from error
    return bound


def _refused(host: str, port: int, option: str, error: Exception) -> EdgeEmotionError:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return EdgeEmotionError(
            f"UDP port {port} of {host} is in use; close the other program, or choose another: --imu {option}:PORT"
        )
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return EdgeEmotionError(
        f"cannot listen at {host}:{port} ({reason}); expected an address of this device, such as 0.0.0.0, "
        f"and a port as in --imu {option}:PORT"
    )
