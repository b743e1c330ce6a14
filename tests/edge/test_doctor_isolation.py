import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from edge_emotion.doctor_check import FAIL, OK, Finding, ok
from edge_emotion.doctor_isolation import guarded, in_child


def test_a_finding_comes_back_from_its_own_process() -> None:
    assert in_child(lambda: ok("ä 😀")) == Finding(OK, "ä 😀")
    assert in_child(lambda: ok(str(os.getppid()))) == Finding(OK, str(os.getpid()))


def test_a_long_finding_does_not_fill_the_pipe() -> None:
    assert in_child(lambda: ok("x" * 300_000)).found == "x" * 300_000


def broken() -> Finding:
    raise ValueError("no\nsuch thing")


def test_an_exception_is_a_failure_with_its_text() -> None:
    for finding in (guarded(broken), in_child(broken)):
        assert finding.state == FAIL
        assert finding.found == "the check itself failed: ValueError: no such thing"
        assert finding.do


def crash() -> Finding:
    os.kill(os.getpid(), signal.SIGKILL)
    return ok("not reached")


def test_a_crash_costs_one_check() -> None:
    finding = in_child(crash)
    assert (finding.state, finding.found) == (FAIL, "the check crashed, by SIGKILL")


def leave() -> Finding:
    sys.exit(3)


def test_a_library_that_ends_the_process_costs_one_check() -> None:
    assert in_child(leave).found == "the check ended with exit code 1"


def hang() -> Finding:
    threading.Event().wait()
    return ok("not reached")


def test_a_driver_that_hangs_costs_one_check() -> None:
    finding = in_child(hang, limit=0.05)
    assert (finding.state, finding.found) == (FAIL, "no answer in 0.05 s")


def test_what_a_check_prints_is_kept_out_of_the_report(capfd: pytest.CaptureFixture[str]) -> None:
    def talk() -> Finding:
        os.write(1, b"ALSA lib says something\n")
        return ok("fine")

    assert in_child(talk) == Finding(OK, "fine")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "ALSA lib says something\n")


def test_no_descriptor_is_left_open() -> None:
    before = list(Path("/proc/self/fd").iterdir())
    in_child(lambda: ok("x"))
    in_child(hang, limit=0.01)
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)
