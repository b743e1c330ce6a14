"""What is done to the fresh system, one step after the other, and what has to come of it."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from install_proof_root import ENTER, MEDIA, WHEELS

PATIENCE = 3600.0  # seconds; emulated, pip takes minutes
UNIT = "/etc/systemd/system/edge-emotion.service"
INSTALL = ("bash", f"{MEDIA}/install.sh", "--wheels", WHEELS)
LEFT = (  # nothing of it may be there after uninstalling with --purge
    *("/opt/edge-emotion", "/etc/edge-emotion.toml", "/etc/udev/rules.d/99-edge-emotion.rules", UNIT),
    *(f"{UNIT}.d", "/etc/systemd/system/multi-user.target.wants/edge-emotion.service"),
    *("/usr/local/bin/edge-emotion", "/var/lib/edge-emotion"),
)


@dataclass(frozen=True)
class Step:
    """A command in the system. expected: a line of what it prints has to hold it. codes: that it may end with."""

    title: str
    command: tuple[str, ...]
    expected: str = ""
    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Outcome:
    """What a step came to: the exit code, the lines of both its outputs, seconds, and what is wrong or ""."""

    step: Step
    code: int
    lines: tuple[str, ...]
    seconds: float
    wrong: str


NOTHING = ("sh", "-c", f"! ls -d {' '.join(LEFT)} 2>/dev/null && ! id edge-emotion")
STEPS = (
    Step("dry run", (*INSTALL, "--dry-run"), "a dry run: nothing was changed"),
    Step("nothing is there", NOTHING),
    Step("install", INSTALL, "done. Configuration: /etc/edge-emotion.toml"),
    Step("second run", INSTALL, "nothing to change: all of it is up to date"),
    Step("who the service is", ("id", "edge-emotion"), "(edge-emotion)"),
    Step("systemd-analyze verify", ("systemd-analyze", "verify", UNIT)),
    Step(
        "systemd-analyze security",
        ("systemd-analyze", "security", "--offline=true", UNIT),
        "Overall exposure",
    ),
    # Nothing is plugged in and no kernel of a Raspberry Pi is there: the doctor may find fault, but has to end.
    Step("doctor", ("runuser", "-u", "edge-emotion", "--", "edge-emotion", "doctor"), codes=(0, 1)),
    Step("uninstall", (*INSTALL[:2], "--uninstall", "--purge"), "removed"),
    Step("uninstall again", (*INSTALL[:2], "--uninstall", "--purge"), "nothing to remove"),
    Step("nothing is left", NOTHING),
)
# udevadm knows it from systemd 254 on: Trixie.
VERIFY_RULES = Step(
    "udevadm verify", ("udevadm", "verify", "/etc/udev/rules.d/99-edge-emotion.rules"), "Success: 1"
)


def steps(release: str) -> tuple[Step, ...]:
    """The steps for a Debian release."""
    if release == "Bookworm":
        return STEPS
    at = STEPS.index(next(step for step in STEPS if step.title == "doctor"))
    return (*STEPS[:at], VERIFY_RULES, *STEPS[at:])


def take(step: Step, root: Path) -> Outcome:
    """Run a step in the system at `root`."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*ENTER, str(root), *step.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Outcome(step, -1, (), PATIENCE, f"not done after {PATIENCE:.0f} s")
    lines = tuple(done.stdout.splitlines())
    return Outcome(
        step, done.returncode, lines, time.monotonic() - started, judge(step, done.returncode, lines)
    )


def judge(step: Step, code: int, lines: tuple[str, ...]) -> str:
    """What is wrong with how a step ended; "" for nothing."""
    if code not in step.codes:
        return f"exit code {code}, expected {' or '.join(map(str, step.codes))}"
    if not any(step.expected in line for line in lines) and step.expected:
        return f"did not say {step.expected!r}"
    return ""
