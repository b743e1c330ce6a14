"""Feeds hostile datagrams of both protocols to the decoders, then floods a real port; exit 1 on a crash or growth.

Run: python tests/fuzz_motion.py --count 1000000 --seed 0
"""

import argparse
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from edge_emotion.skeleton import COUNT, PARENTS, Pose
from edge_emotion.skeleton_names import UNITY
from edge_emotion.sources.motion import MotionNetworkSettings, Silence
from edge_emotion.sources.motion_datagrams import MOST_A_SECOND, WAITING
from edge_emotion.sources.motion_decoder import DatagramError, MotionDecoder, SentPose
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, QUATERNION, MvnDatagram, build
from edge_emotion.sources.mvn_poses import MvnDecoder
from edge_emotion.sources.sender_clock import SenderClock
from edge_emotion.sources.vmc import VmcDecoder

GROWTH = 16.0  # MiB that the process may grow after its first tenth
FLOOD = 10 * MOST_A_SECOND  # datagrams a second
MOST_WARNINGS = 40


@dataclass
class Figures:
    """What a run did."""

    datagrams: int = 0
    accepted: int = 0
    poses: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    growth: float = 0.0
    seconds: float = 0.0
    computing: float = 0.0  # CPU seconds

    def text(self) -> str:
        lines = [
            f"datagrams {self.datagrams}, accepted {self.accepted}, poses {self.poses}, "
            f"refused {sum(self.refused.values())}, exceptions {sum(self.exceptions.values())}",
            f"{self.seconds:.1f} s, of the processor {self.computing:.1f} s, {self.datagrams / self.computing:.0f} "
            f"datagrams a CPU second, grown by {self.growth:.1f} MiB",
        ]
        lines += [f"  refused, {reason}: {count}" for reason, count in self.refused.most_common()]
        lines += [f"  EXCEPTION {error}: {count}" for error, count in self.exceptions.most_common()]
        return "\n".join(lines)


def resident() -> float:
    """MiB of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def mvn_datagrams(rng: np.random.Generator) -> list[bytes]:
    """Good ones: whole, partial and split bodies of the three types, and types that are not read."""
    made = []
    joints = np.array([[256 * (PARENTS[child] + 1), 256 * (child + 1)] for child in range(1, COUNT)])
    for sample in range(40):
        turns = rng.normal(size=(COUNT, 4))
        turns /= np.linalg.norm(turns, axis=1, keepdims=True)
        places = rng.normal(size=(COUNT, 3))
        ids = np.arange(1, COUNT + 1)[:, None]
        kind = (QUATERNION, QUATERNION, EULER, JOINT_ANGLES)[sample % 4]
        values = {
            QUATERNION: np.concatenate([places, turns], axis=1),
            EULER: np.concatenate([places, 90 * places], axis=1),
            JOINT_ANGLES: 30 * places[1:],
        }[kind]
        ids = joints if kind == JOINT_ANGLES else ids
        if sample % 5 == 0:
            few = np.sort(rng.permutation(len(ids))[: 1 + sample % 20])
            ids, values = ids[few], values[few]
        if sample % 3 == 0 and len(ids) > 2:
            for index, rows in enumerate(np.array_split(np.arange(len(ids)), 2)):
                made.append(
                    build(
                        MvnDatagram(kind, sample, index, index == 1, 20 * sample, 0, ids[rows], values[rows])
                    )
                )
        else:
            made.append(build(MvnDatagram(kind, sample, 0, True, 20 * sample, 0, ids, values)))
    made += [made[1].replace(b"MXTP02", kind, 1) for kind in (b"MXTP12", b"MXTP24", b"MXTP99")]
    return made


def vmc_datagrams(rng: np.random.Generator) -> list[bytes]:
    """Good ones: loose messages, small bundles and a few whole bodies."""

    def message(address: str, *arguments: str | float) -> object:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument, "s" if isinstance(argument, str) else "f")
        return builder.build()

    def bone(name: str, address: str = "/VMC/Ext/Bone/Pos") -> object:
        turn = rng.normal(size=4)
        return message(address, name, *rng.normal(size=3).tolist(), *(turn / np.linalg.norm(turn)).tolist())

    def bundle(*contents: object) -> bytes:
        builder = OscBundleBuilder(IMMEDIATELY)
        for content in contents:
            builder.add_content(content)  # type: ignore[arg-type]
        return bytes(builder.build().dgram)

    names, made = list(UNITY), []
    for sample in range(60):
        now = message("/VMC/Ext/T", sample / 60)
        loose = [bone(names[sample % len(names)]), now, message("/VMC/Ext/Blend/Val", "Joy", 0.5)]
        made += [bytes(each.dgram) for each in loose]  # type: ignore[attr-defined]
        made.append(bundle(now, bone("Hips"), bone("Head")))
        if sample % 20 == 0:
            made.append(bundle(now, bone("root", "/VMC/Ext/Root/Pos"), *map(bone, names)))
            made.append(bundle(*map(bone, names[:8])))
    nested = made[-1]
    for _ in range(6):
        nested = b"#bundle\0" + bytes(8) + struct.pack(">i", len(nested)) + nested
        made.append(nested)
    return made


def stream(good: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Datagrams without end: good ones in and out of order and twice, broken ones, and noise."""
    held: list[bytes] = []
    number = 0
    while True:
        number += 1
        datagram = good[number % len(good)]
        what = chance.random()
        if datagram[:4] == b"MXTP" and what < 0.9:  # on with the sender's counter and time
            sample = number - (datagram[10] & 0x7F)  # the parts of a sample follow each other
            counter, milliseconds = struct.pack(">I", sample), struct.pack(">I", 4 * sample)
            datagram = datagram[:6] + counter + datagram[10:12] + milliseconds + datagram[16:]
        if what < 0.35:
            yield datagram
        elif what < 0.40:
            yield datagram
            yield datagram
        elif what < 0.45:
            held.append(datagram)
            if len(held) > 20:
                yield held.pop(chance.randrange(len(held)))
        elif what < 0.70:
            broken = bytearray(datagram)
            for _ in range(chance.choice((1, 1, 2, 4, 16))):
                broken[chance.randrange(len(broken))] = chance.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
            yield bytes(broken)
        elif what < 0.80:
            yield datagram[: chance.randrange(len(datagram) + 1)]
        elif what < 0.85:
            yield datagram + chance.randbytes(chance.randrange(1, 40))
        elif what < 0.90:
            other = chance.choice(good)
            cut = chance.randrange(len(datagram))
            yield datagram[:cut] + other[min(cut, len(other)) :]
        elif what < 0.94:
            at = chance.randrange(0, max(len(datagram) - 4, 1), 4)
            yield (
                datagram[:at]
                + struct.pack(">i", chance.choice((-1, -4, 0, 4, 2**31 - 1, -(2**31))))
                + datagram[at + 4 :]
            )
        elif what < 0.9995:
            yield datagram[: chance.choice((0, 4, 6, 8, 16, 20, 24))] + chance.randbytes(
                chance.randrange(200)
            )
        else:
            size = chance.choice((1500, 9000, 65507, 70000))
            yield (datagram * (size // len(datagram) + 1))[:size] if what < 0.9998 else chance.randbytes(size)


def check(sent: SentPose) -> None:
    """Whether a pose is one: unit quaternions or none, a finite place or none."""
    lengths = np.linalg.norm(sent.rotations, axis=-1)
    assert sent.rotations.shape == (COUNT, 4)
    assert np.allclose(lengths[~np.isnan(lengths)], 1, atol=1e-5), lengths
    assert not np.isinf(sent.position).any(), sent.position


def decode(count: int, seed: int) -> Figures:
    """Datagrams straight to the decoders and the sender's clock."""
    rng, chance, figures = np.random.default_rng(seed), random.Random(seed), Figures()
    decoders: list[tuple[MotionDecoder, SenderClock, Iterator[bytes]]] = [
        (MvnDecoder(), SenderClock(), stream(mvn_datagrams(rng), chance)),
        (VmcDecoder(), SenderClock(), stream(vmc_datagrams(rng), chance)),
    ]
    begun, computing, memory = time.perf_counter(), time.process_time(), 0.0
    for number in range(count):
        if number == count // 10:
            memory = resident()
        decoder, clock, datagrams = decoders[chance.random() < 0.5]
        datagram = next(datagrams)
        figures.datagrams += 1
        try:
            told = decoder.decode(datagram)
            figures.accepted += 1
            for sent in told:
                arrived = number / 1000
                figures.poses += (
                    clock.take(arrived if sent.seconds is None else sent.seconds, arrived) is not None
                )
                if figures.poses % 16 == 0:
                    check(sent)
        except DatagramError as error:
            figures.refused[f"{decoder.name}: {error}"] += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            figures.exceptions[f"{decoder.name}: {type(error).__name__}: {error}"[:200]] += 1
    figures.seconds, figures.computing = time.perf_counter() - begun, time.process_time() - computing
    figures.growth = resident() - memory
    for decoder, _, _ in decoders:
        figures.refused.update({f"{decoder.name}, later: {what}": n for what, n in decoder.counts.items()})
    return figures


def flood(seconds: float, seed: int) -> Figures:
    """Datagrams to a real port, at ten times the rate that is looked at, while poses are taken out."""
    chance, figures = random.Random(seed), Figures()
    good = stream(mvn_datagrams(np.random.default_rng(seed)), chance)
    datagrams = [next(good)[:65507] for _ in range(20_000)]
    source, over = MvnSuit(MotionNetworkSettings(0)), threading.Event()
    last: list[float] = []

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            begun = time.monotonic()
            while not over.is_set() and time.monotonic() - begun < seconds:
                due = int((time.monotonic() - begun) * FLOOD)
                for _ in range(min(due - figures.datagrams, 1000)):
                    sender.sendto(datagrams[figures.datagrams % len(datagrams)], ("127.0.0.1", source.port))
                    figures.datagrams += 1
                over.wait(0.002)
            last.append(time.monotonic())

    begun, computing, memory = time.perf_counter(), time.process_time(), 0.0
    thread = threading.Thread(target=send)
    try:
        with closing(source):
            thread.start()
            for item in source:
                if not memory and time.perf_counter() - begun > seconds / 4:
                    memory = resident()
                figures.poses += isinstance(item, Pose)
                assert len(source._poses) <= WAITING
                if last and isinstance(item, Silence):
                    break
            assert len(source.warnings) <= MOST_WARNINGS, source.warnings
            figures.refused = source.counts
            figures.growth = resident() - memory
    except Exception as error:  # noqa: BLE001 - what is looked for
        figures.exceptions[f"{type(error).__name__}: {error}"[:200]] += 1
    finally:
        over.set()
        thread.join()
    figures.accepted = figures.poses  # the socket's buffer lost more than was refused
    figures.seconds, figures.computing = time.perf_counter() - begun, time.process_time() - computing
    return figures


def main(arguments: list[str]) -> int:
    """Both parts; 1 where something broke or grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="datagrams to the decoders")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--flood", type=float, default=3.0, help="seconds of flood through a real port, 0 for none"
    )
    options = parser.parse_args(arguments)
    bad = False
    for name, figures in (
        ("decoders", decode(options.count, options.seed)),
        *([("flood", flood(options.flood, options.seed))] if options.flood else []),
    ):
        print(f"{name}: {figures.text()}")
        bad |= bool(figures.exceptions) or figures.growth > GROWTH
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
