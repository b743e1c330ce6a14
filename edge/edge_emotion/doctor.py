"""`edge-emotion doctor`: checks what a device needs, in order, and says what to do about what is not well.

As JSON it is one object, whose names and states stay the same from version to version, while texts may change:

    {"v": 1, "version": "0.1.0", "machine": "Raspberry Pi 5 Model B Rev 1.0, 4 CPUs, aarch64", "state": "warn",
     "checks": [{"name": "python", "state": "ok", "found": "CPython 3.13.5, 64 bit, aarch64", "do": null},
                {"name": "cameras", "state": "warn", "found": "...", "do": "one line of what to do"}]}

state: "ok", "warn" or "fail"; that of the whole is the worst of its checks. do: null where a check is "ok". Names, in
order: python, "wheel NAME" for each wheel of the plain install (one "wheels" where there is no metadata), "extra
onnx", "extra video", portaudio, cameras, microphones, sensors, sources, temperature, throttling, governor, "bundle
NAME" for each shipped bundle (one "bundles" where there is none), "face networks", "speech detector", memory, disk,
"temporary files", clock, user.
"""

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edge_emotion import (
    __version__,
    doctor_cameras,
    doctor_heat,
    doctor_networks,
    doctor_python,
    doctor_sensors,
    doctor_sound,
    doctor_system,
)
from edge_emotion.doctor_check import FAIL, NONE, OK, STATES, WARN, Check, Finding, fail, ok, one_line, warn
from edge_emotion.doctor_isolation import Ask, in_child
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.machine import processor

VERSION = 1  # of the JSON object


@dataclass(frozen=True)
class DoctorSettings:
    """What is examined."""

    quick: bool = False
    """Leave out running the networks."""
    root: Path = Path("/")
    """Where /dev, /proc and /sys are."""
    folder: Path = Path()
    """The working directory, whose room is checked."""
    models: Path = doctor_networks.MODELS
    """Where the bundles are."""
    picamera2: Any = None
    """The module, or a stand-in for it."""
    portaudio: Any = None
    """The module sounddevice, or a stand-in for it."""


def examine(settings: DoctorSettings, run: Callable[[Ask], Finding] = in_child) -> Iterator[Check]:
    """Give each check as soon as it is done. run: how one is run, in a process of its own or guarded in this one."""
    seen: dict[str, Finding] = {}
    for name, ask in plan(settings, seen):
        seen[name] = finding = run(ask)
        yield Check(name, finding.state, finding.found, finding.do)


def plan(settings: DoctorSettings, seen: Mapping[str, Finding]) -> list[tuple[str, Ask]]:
    """Every check in order, by name. seen: what those before have found."""
    root = settings.root
    bundles: list[tuple[str, Ask]] = [
        (f"bundle {path.stem}", partial(doctor_networks.bundle, path, settings.quick))
        for path in doctor_networks.bundles(settings.models)
    ]
    return [
        ("python", lambda: doctor_python.python(doctor_python.python_asked())),
        *_wheels(),
        *[(f"extra {name}", partial(doctor_python.extra, name)) for name in doctor_python.EXTRAS],
        ("portaudio", lambda: doctor_sound.portaudio(settings.portaudio)),
        ("cameras", lambda: doctor_cameras.cameras(root, settings.picamera2)),
        ("microphones", lambda: doctor_sound.microphones(root, settings.portaudio)),
        ("sensors", lambda: doctor_sensors.sensors(root)),
        ("sources", lambda: sources(seen)),
        ("temperature", lambda: doctor_heat.temperature(root)),
        ("throttling", doctor_heat.throttled),
        ("governor", lambda: doctor_heat.governor(root)),
        *(bundles or [("bundles", doctor_networks.no_bundle)]),
        ("face networks", lambda: doctor_networks.front_end(settings.quick, settings.models)),
        ("speech detector", lambda: doctor_networks.speech_detector(settings.quick)),
        ("memory", lambda: doctor_system.memory(root)),
        ("disk", lambda: doctor_system.disk(settings.folder)),
        ("temporary files", doctor_system.temporary),
        ("clock", lambda: doctor_system.clock(root)),
        ("user", doctor_system.user),
    ]


def _wheels() -> list[tuple[str, Ask]]:
    """A check for each wheel that the metadata asks for; one for all where it says nothing that can be read."""
    try:
        asked = doctor_python.wheels_asked()
    except EdgeEmotionError as error:
        return [("wheels", partial(fail, str(error), doctor_networks.AGAIN))]
    return [(f"wheel {each.name}", partial(doctor_python.wheel, each)) for each in asked] or [
        ("wheels", doctor_python.no_metadata)
    ]


def sources(seen: Mapping[str, Finding]) -> Finding:
    """Check that something can be watched or listened to; one of both is enough."""
    working = {"cameras": (OK, WARN), "microphones": (OK,)}  # cameras that warn: others of them work
    kinds = [
        kind for kind, states in working.items() if seen[kind].state in states and seen[kind].found != NONE
    ]
    if kinds:
        return ok(" and ".join(kinds))
    return warn(
        "nothing to watch or listen to", "plug in a camera or a microphone; a suit needs neither: --imu mvn"
    )


def worst(checks: Iterable[Check]) -> str:
    """The worst state of all."""
    return max((check.state for check in checks), key=STATES.index, default=OK)


def exit_code(checks: Iterable[Check]) -> int:
    """1 when something failed, else 0."""
    return int(worst(checks) == FAIL)


def lines_of(check: Check) -> list[str]:
    """A check for people: what was found, and below it what to do."""
    return [f"{check.state:<4}  {check.name}: {check.found}", *([f"      -> {check.do}"] if check.do else [])]


def summary(checks: list[Check]) -> str:
    """The last line for people."""
    counts = {state: sum(check.state == state for check in checks) for state in STATES}
    if counts[OK] == len(checks):
        return f"{len(checks)} checks, all well"
    said = [f"{counts[FAIL]} failed"] * bool(counts[FAIL]) + [f"{counts[WARN]} to look at"] * bool(
        counts[WARN]
    )
    return f"{len(checks)} checks: {', '.join(said)}, {counts[OK]} well"


def as_json(checks: list[Check]) -> str:
    """Give the object that the module's docstring describes, in one line."""
    machine = one_line(f"{processor()}, {os.cpu_count()} CPUs, {platform.machine()}")
    head = {"v": VERSION, "version": __version__, "machine": machine, "state": worst(checks)}
    return json.dumps({**head, "checks": [asdict(check) for check in checks]})
