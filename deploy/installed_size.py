"""Weigh the plain install on the device's platform: python deploy/installed_size.py

Fetches the wheels that the two Raspberry Pi OS releases would take on aarch64, and those of this machine, unpacks
them, compiles their Python as pip does (with this machine's Python), and prints megabytes (1e6 bytes) for each
package. Installs nothing. Exit code 1 when the sum for a device reaches BAR or torch came; this machine's own sum is
information, since wheels for other processors are larger. 2 when the wheels cannot be fetched.
"""

import argparse
import compileall
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from check_wheels import TARGETS
from environment import SetupError, check_python, last_line

ROOT = Path(__file__).resolve().parents[1]
BAR = 250.0  # MB, packages of the plain install on a device
PIP = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]


def fetch(folder: Path, pip_options: list[str], project: Path) -> list[Path]:
    """Download the wheels of the plain install into a folder; raises SetupError.

    pip_options: name the platform, none for this one. project: the wheel of the project itself.
    """
    command = [*PIP, "download", "-c", "constraints.txt", "-d", str(folder), *pip_options, str(project)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    if done.returncode:
        raise SetupError(f"cannot fetch the wheels: {last_line(done.stderr, 'ERROR: ')}")
    return sorted(folder.glob("*.whl"))


def build(folder: Path) -> Path:
    """Build the project's own wheel into a folder; raises SetupError."""
    done = subprocess.run(
        [*PIP, "wheel", "--no-deps", "-w", str(folder), "."], cwd=ROOT, text=True, capture_output=True
    )
    if done.returncode:
        raise SetupError(f"cannot build the project: {last_line(done.stderr, 'ERROR: ')}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def weigh(wheel: Path, place: Path) -> float:
    """MB of a wheel unpacked at `place`, compiled Python included."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    compileall.compile_dir(place, quiet=2)  # as pip: what does not compile is left as it is
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e6


def weigh_install(
    folder: Path, pip_options: list[str], project: Path, known: dict[str, float]
) -> dict[str, tuple[str, float]]:
    """Package -> (version, MB) of a plain install, fetched and unpacked under `folder`.

    known: wheel -> MB, of those weighed before; this adds to it. Many wheels serve several systems.
    """
    weights = {}
    for wheel in fetch(folder, pip_options, project):
        if wheel.name not in known:
            known[wheel.name] = weigh(wheel, folder / wheel.stem)
        name, version = wheel.name.split("-")[:2]
        weights[name.lower().replace("_", "-")] = (version, known[wheel.name])
    return weights


def table(installs: dict[str, dict[str, tuple[str, float]]]) -> list[str]:
    """Lines of a table: a row a package, heaviest first, a column an install."""
    heaviest = {
        name: max(one[name][1] for one in installs.values() if name in one)
        for name in set().union(*installs.values())
    }
    lines = [" " * 36 + "".join(f"{title:>24}" for title in installs)]
    for name in sorted(heaviest, key=lambda name: (-heaviest[name], name)):
        version = "/".join(sorted({one[name][0] for one in installs.values() if name in one}))
        cells = [f"{one[name][1]:.1f} MB" if name in one else "-" for one in installs.values()]
        lines.append(f"{name:24}{version:12}" + "".join(f"{cell:>24}" for cell in cells))
    sums = [f"{total(one):.1f} MB" for one in installs.values()]
    return [*lines, f"{'all':36}" + "".join(f"{cell:>24}" for cell in sums)]


def total(install: dict[str, tuple[str, float]]) -> float:
    """MB of all packages of an install."""
    return sum(size for _, size in install.values())


def failures(devices: dict[str, dict[str, tuple[str, float]]]) -> list[str]:
    """Why installs on devices do not pass, one line each."""
    wrong = []
    for title, install in devices.items():
        if total(install) >= BAR:
            wrong.append(f"{title}: {total(install):.1f} MB, expected under {BAR:.0f} MB")
        if "torch" in install:
            wrong.append(f"{title}: torch came along")
    return wrong


def main() -> int:
    """Print the table and the verdict."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print("fetching and unpacking the wheels of three systems: a minute or so", file=sys.stderr, flush=True)
    options = {f"{target.name} aarch64 {target.python}": target.pip_options() for target in TARGETS}
    here = f"here, {platform.machine()} {platform.python_version()}"
    installs, known = {}, dict[str, float]()
    try:
        check_python()
        with tempfile.TemporaryDirectory() as folder:
            project = build(Path(folder))
            for number, (title, chosen) in enumerate([*options.items(), (here, ["--only-binary=:all:"])]):
                with tempfile.TemporaryDirectory(dir=folder, prefix=str(number)) as place:
                    installs[title] = weigh_install(Path(place), chosen, project, known)
    except SetupError as error:
        print(f"installed_size.py: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(installs)))
    wrong = failures({title: installs[title] for title in options})
    print("\n".join(f"FAILED: {line}" for line in wrong) or f"passed: under {BAR:.0f} MB on every device")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
