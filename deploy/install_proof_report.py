"""What install_proof.py found: a table and the words of the steps for people, and the same for programs."""

import json
import sys
from pathlib import Path

from aarch64_userland import PROCESSOR
from install_proof_steps import Outcome
from installed_size import ROOT

sys.path.insert(0, str(ROOT / "edge"))  # install_proof.py runs without an install

SHOWN = (
    "install",
    "second run",
    "systemd-analyze verify",
    "systemd-analyze security",
    "udevadm verify",
    "doctor",
    "uninstall",
)
LAST = {"systemd-analyze security": 1}  # lines that are shown of a long output, its last
HEADER = ("system", "step", "exit code", "seconds, emulated", "came to")
Found = dict[str, list[Outcome]]


def table(found: Found) -> list[str]:
    """Lines of the table: a row a step."""
    rows = [HEADER, ("---",) * len(HEADER)]
    for system, outcomes in found.items():
        rows += [
            (system, one.step.title, str(one.code), f"{one.seconds:.0f}", one.wrong or "passed")
            for one in outcomes
        ]
    return [f"| {' | '.join(row)} |" for row in rows]


def words(one: Outcome) -> list[str]:
    """What a step printed, as far as the page shows it."""
    return list(one.lines[-LAST.get(one.step.title, len(one.lines)) :])


def entry(system: str, one: Outcome) -> dict[str, object]:
    """What the JSON file keeps of a step."""
    return {
        "system": system,
        "step": one.step.title,
        "command": " ".join(one.step.command),
        "exit_code": one.code,
        "seconds": round(one.seconds, 1),
        "passed": not one.wrong,
        "wrong": one.wrong,
        "printed": words(one),
    }


def write(out: Path, stamp: dict[str, object], found: Found) -> None:
    """Write install.md and install.json."""
    rows = [entry(system, one) for system, outcomes in found.items() for one in outcomes]
    (out / "install.json").write_text(json.dumps({"stamp": stamp, "rows": rows}, indent=1) + "\n")
    lines = [
        "# install.sh on the device's system, emulated",
        "",
        "A fresh arm64 Debian, made by debootstrap and run by QEMU as a "
        f"{PROCESSOR}, the Raspberry Pi 4's processor; the wheel of this commit, with the files of `deploy/` beside it "
        "and all packages as wheels, without an index. What it does not show: no systemd runs there, so that the "
        "service is enabled and not started; no camera, sound card, sensor or Raspberry Pi's kernel is there; "
        "picamera2 is in Raspberry Pi's own archive alone, so that the environment is one without it. The seconds are "
        "an emulation's, on a machine that had other work, and say nothing of a device.",
        "",
        *table(found),
    ]
    for system, outcomes in found.items():
        for one in outcomes:
            if one.step.title in SHOWN or one.wrong:
                shown = words(one) or ["(nothing)"]
                lines += [
                    "",
                    f"## {system}: {one.step.title}",
                    "",
                    f"`{' '.join(one.step.command)}`, exit code {one.code}",
                ]
                lines += ["", "```text", *shown, "```"]
    lines += [
        "",
        f"{stamp['date']}, commit {stamp['commit']}, {stamp['machine']}, Python {stamp['python']}, "
        f"{stamp['emulator']}: `{stamp['command']}`",
        "",
    ]
    (out / "install.md").write_text("\n".join(lines))
