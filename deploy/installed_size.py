"""Weigh the plain install: python deploy/installed_size.py

Makes a fresh virtual environment, installs the project into it without extras, and prints megabytes (1e6
bytes) for each package, compiled Python files included. Exit code 1 when the sum reaches BAR or torch came.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import SetupError, check_python, last_line

ROOT = Path(__file__).resolve().parents[1]
BAR = 250.0  # MB, packages of the plain install
TOOLS = {"pip", "setuptools"}  # what venv itself puts into an empty environment

WEIGH = """
import importlib.metadata as metadata
for distribution in metadata.distributions():
    size = sum(f.locate().stat().st_size for f in distribution.files or () if f.locate().is_file())
    print(distribution.name, distribution.version, size)
"""


def plain_install(place: Path) -> Path:
    """Install the project without extras into a new environment at `place`; return its Python."""
    python = place / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-c",
        "constraints.txt",
        ".",
    ]
    for step in ([sys.executable, "-m", "venv", str(place)], install):
        done = subprocess.run(step, cwd=ROOT, text=True, capture_output=True)
        if done.returncode:
            raise SetupError(f"the plain install failed: {last_line(done.stderr, 'ERROR: ')}")
    return python


def main() -> int:
    """Print the table, the sums and the verdict."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(
        "installing the plain package into a new environment: a minute or more", file=sys.stderr, flush=True
    )
    try:
        check_python()
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "venv"
            lines = subprocess.check_output([plain_install(place), "-c", WEIGH], text=True).splitlines()
            on_disk = (
                sum(f.stat().st_size for f in place.rglob("*") if f.is_file() and not f.is_symlink()) / 1e6
            )
    except SetupError as error:
        print(f"installed_size.py: {error}", file=sys.stderr)
        return 2
    found = {name: (version, int(size) / 1e6) for name, version, size in map(str.split, lines)}
    packages = {name: what for name, what in found.items() if name not in TOOLS}
    for name, (version, size) in sorted(packages.items(), key=lambda item: -item[1][1]):
        print(f"{name:20} {version:12} {size:6.1f} MB")
    total = sum(size for _, size in packages.values())
    torch = any(name == "torch" for name in packages)
    passed = total < BAR and not torch
    verdict = f"{total:.1f} MB in {len(packages)} packages (bar: < {BAR:.0f} MB)"
    print(f"plain install on Python {sys.version.split()[0]}: {verdict}")
    print(f"whole environment, pip included: {on_disk:.1f} MB; torch: {'PRESENT' if torch else 'absent'}")
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
