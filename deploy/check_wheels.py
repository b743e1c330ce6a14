"""Look for aarch64 wheels of all that a device may install: python deploy/check_wheels.py

Resolves the dependencies of pyproject.toml, the device's extras among them, under constraints.txt for the two
Raspberry Pi OS releases, from wheels alone, installing nothing, and prints which wheel each system would take.
Exit code 1 when one is missing, 3 when no package index answers. pip matches `--platform` tags exactly, so every
glibc up to the target's is named; it reads environment markers by the Python that runs it, so constraints.txt has
none.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from environment import last_line

ROOT = Path(__file__).resolve().parents[1]
OLDEST_GLIBC = 17  # manylinux2014; every aarch64 wheel is at least that new
DEVICE_EXTRAS = ("onnx", "video")
PROBE = "rich"  # a pure Python dependency: when even this has no wheel, the index is out of reach


@dataclass(frozen=True)
class Target:
    """A system to install on: its name, Python ("3.11"), and glibc 2.x, x alone."""

    name: str
    python: str
    glibc: int

    def pip_options(self) -> list[str]:
        """Options that make pip choose this system's wheels."""
        digits = self.python.replace(".", "")
        options = ["--only-binary=:all:", "--python-version", self.python, "--implementation", "cp"]
        for abi in (f"cp{digits}", "abi3", "none"):
            options += ["--abi", abi]
        for minor in range(self.glibc, OLDEST_GLIBC - 1, -1):
            options += ["--platform", f"manylinux_2_{minor}_aarch64"]
        return [*options, "--platform", "manylinux2014_aarch64"]


TARGETS = (Target("Bookworm", "3.11", 36), Target("Trixie", "3.13", 41))


class UnresolvedError(Exception):
    """pip found no set of wheels; its own last line."""


def resolve(requirements: list[str], target: Target) -> dict[str, tuple[str, str]]:
    """Package name -> (version, wheel file) that pip would install on `target`; raises UnresolvedError."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "-q", "--disable-pip-version-check"]
        command += [
            "--ignore-installed",
            "--target",
            folder,
            "--report",
            str(report),
            "-c",
            "constraints.txt",
        ]
        done = subprocess.run(
            [*command, *target.pip_options(), *requirements], cwd=ROOT, text=True, capture_output=True
        )
        if done.returncode:
            raise UnresolvedError(last_line(done.stderr, "ERROR: "))
        chosen = json.loads(report.read_text())["install"]
    return {
        item["metadata"]["name"].lower().replace("_", "-"): (
            item["metadata"]["version"],
            item["download_info"]["url"].rsplit("/", 1)[-1],
        )
        for item in chosen
    }


def tag(wheel: str) -> str:
    """Python, ABI and platform of a wheel's file name."""
    return "-".join(wheel.removesuffix(".whl").split("-")[-3:])


def main() -> int:
    """Print a table of wheels, a row a package, a column a system."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + [line for extra in DEVICE_EXTRAS for line in extras[extra]]
    try:
        resolve([PROBE], TARGETS[0])
    except UnresolvedError as error:
        print(f"check_wheels.py: no package index answers: {error}", file=sys.stderr)
        return 3
    found = []
    for target in TARGETS:
        try:
            found.append(resolve(requirements, target))
        except UnresolvedError as error:
            print(f"check_wheels.py: {target.name}, Python {target.python}: {error}", file=sys.stderr)
            return 1
    print("| package | version | " + " | ".join(f"{t.name}, Python {t.python}" for t in TARGETS) + " |")
    print("|---|---|" + "---|" * len(TARGETS))
    for name in sorted(set().union(*found)):
        rows = [one.get(name, ("", "-")) for one in found]
        versions = "/".join(sorted({version for version, _ in rows if version}))
        print(f"| {name} | {versions} | " + " | ".join(tag(wheel) for _, wheel in rows) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
