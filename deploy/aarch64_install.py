"""The project's wheel with its requirements, from wheels of one system alone, in folders to be run from.

The plain install and what extras add to it lie apart, so that what a plain install does is done without it.
"""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from environment import SetupError, fingerprint, last_line
from installed_size import PIP, ROOT, fetch

PATIENCE = 900.0  # seconds; a command that takes longer hangs


@dataclass(frozen=True)
class Command:
    """What is run: the arguments, how they are shown, and whether it takes what extras bring."""

    shown: str
    arguments: tuple[str, ...]
    extra: bool = False

    @property
    def events(self) -> bool:
        """Whether it prints events, not lines for people."""
        return "--json" in self.arguments


class RunError(Exception):
    """A command failed: one line that says how."""


@dataclass(frozen=True)
class Install:
    """An install: how its Python is called, the folder of the plain install, and that of the extras beside it."""

    python: tuple[str, ...]
    plain: Path
    extra: Path

    def run(self, command: Command) -> list[str]:
        """Lines that the command prints; raises RunError."""
        path = f"{self.plain}:{self.extra}" if command.extra else str(self.plain)
        kept = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.plain.parent)}
        words = [*self.python, str(self.plain / "bin" / "edge-emotion"), *command.arguments]
        try:
            done = subprocess.run(
                words,
                env={**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
                cwd=self.plain.parent,
                stdin=subprocess.DEVNULL,
                text=True,
                capture_output=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"not done after {PATIENCE:.0f} s") from error
        if done.returncode < 0:
            raise RunError(f"ended by {signal.Signals(-done.returncode).name}")
        if done.returncode:
            raise RunError(f"exit code {done.returncode}: {last_line(done.stderr)}")
        return done.stdout.splitlines()


def install(
    place: Path,
    options: list[str],
    project: Path,
    wheels: Path,
    python: tuple[str, ...],
    extras: tuple[str, ...] = ("video",),
) -> Install:
    """Install the project's wheel, and what `extras` add beside it, into folders of `place`; raises SetupError.

    options: of pip, which system's wheels to take. wheels: where they are kept from one call to the next.
    """
    kept = fingerprint(ROOT, ["--editable", *options])  # of what decides which wheels they are
    beside = "-".join(extras)
    for folder, wanted in (("plain", str(project)), (beside, f"{project}[{','.join(extras)}]")):
        stamp = wheels / folder / "made-from"
        if not stamp.is_file() or stamp.read_text() != kept:
            shutil.rmtree(wheels / folder, ignore_errors=True)
            (wheels / folder).mkdir(parents=True)
            fetch(wheels / folder, options, Path(wanted))
            stamp.write_text(kept)
    plain, full = ({wheel.name: wheel for wheel in (wheels / one).glob("*.whl")} for one in ("plain", beside))
    extra = [full[name] for name in full.keys() - plain.keys()]
    plain[project.name] = project  # today's, not the kept one
    unpack(place / "plain", options, list(plain.values()))
    unpack(place / beside, options, extra)
    return Install(python, place / "plain", place / beside)


def unpack(site: Path, options: list[str], wheels: list[Path]) -> None:
    """Install wheels into a folder, without an index and without compiling for this machine's Python."""
    shutil.rmtree(site, ignore_errors=True)
    how = ["install", "--no-deps", "--no-index", "--no-compile", "--target", str(site), *options]
    done = subprocess.run([*PIP, *how, *map(str, wheels)], cwd=ROOT, text=True, capture_output=True)
    if done.returncode:
        raise SetupError(f"cannot install the wheels: {last_line(done.stderr, 'ERROR: ')}")
