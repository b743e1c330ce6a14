"""Runs a check in a process of its own: a driver that hangs or a library that crashes costs one check, no more."""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import NoReturn

from edge_emotion.doctor_check import Finding, fail

LIMIT = (
    60.0  # seconds a check may take: an import is slow on a small machine, and many times so under emulation
)
Ask = Callable[[], Finding]


def in_child(ask: Ask, limit: float = LIMIT) -> Finding:
    """What a check finds; "fail" when it raises, crashes or does not answer within so many seconds.

    Forks: for a process that runs no threads of its own yet, as the command line does.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where the process was started with the descriptor closed
            stream.flush()  # else the child would hold a copy of what still waits there
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(ask, writing)
    os.close(writing)
    ended = False
    try:
        said = _read(reading, limit)
        ended = said is not None
    finally:
        os.close(reading)
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, os.WNOHANG)  # one that hangs in a driver cannot be killed, nor waited for
    if said is None:
        return fail(
            f"no answer in {limit:g} s",
            "a driver or a program hangs: unplug the device, or restart the machine",
        )
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return fail(
            f"the check crashed, by {signal.Signals(-code).name}",
            "a native library does not fit this machine: install edge-emotion again, in a new 64-bit environment",
        )
    if code > 0:
        return fail(f"the check ended with exit code {code}", "run it again; its message is above")
    return Finding(**json.loads(said))


def guarded(ask: Ask) -> Finding:
    """What a check finds; "fail" with the exception's text when it raises one."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - the doctor tells what is broken, and goes on to the next check
        return fail(
            f"the check itself failed: {type(error).__name__}: {error}",
            "report this line and your machine to the authors of edge-emotion",
        )


def _answer(ask: Ask, writing: int) -> NoReturn:
    """The child's whole life."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(2, 1)  # stdout is the report's alone, whatever a native library has to say
        with os.fdopen(writing, "w") as pipe:
            json.dump(asdict(guarded(ask)), pipe)
        code = 0
    finally:
        os._exit(code)


def _read(reading: int, limit: float) -> bytes | None:
    """All that the child writes; None when it has not ended by then."""
    said = b""
    end = time.monotonic() + limit
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return None
        part = os.read(reading, 1 << 16)
        if not part:
            return said
        said += part
