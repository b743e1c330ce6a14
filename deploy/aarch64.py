#!/usr/bin/env python3
"""Run the program on the device's processor, without the device: python3 deploy/aarch64.py

Builds the wheel of this clone, installs it from aarch64 wheels alone into an arm64 Debian with Python 3.11 (Bookworm)
and one with 3.13 (Trixie), runs it there under user-mode emulation of a Cortex-A72, and compares what it says of the
bundled recordings with what the same wheel says here. It proves that the program starts and computes the same; the
speed of an emulation means nothing. Needs qemu-aarch64-static (Debian: qemu-user-static) and a machine whose apt knows
a mirror of Debian. --out writes the table, stamped, as aarch64.md and aarch64.json. --synch-graph runs the model of
face and voice together instead, on demo.mp4 and two real talkers, compares its classes alone, and writes
aarch64-synch-graph.md and .json. Exit code 1 when they disagree, 3 when this machine's apt knows no mirror of Debian,
2 when anything else is missing.
"""

import argparse
import json
import platform
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from aarch64_agreement import TOLERANCE, Agreement, compare
from aarch64_install import Command, Install, RunError, install
from aarch64_proof import RECORDINGS, SUFFIX, SYNCH_GRAPH, Proof, synch_graph
from aarch64_report import Row, stamped, table, verdict, versions, write
from aarch64_sources import NoMirrorError
from aarch64_userland import PROCESSOR, emulator, user_land
from check_wheels import TARGETS, Target
from environment import SetupError, check_python, say
from installed_size import build
from kept_folders import add_folders, make_folders


def run_here(folder: Path, project: Path, proof: Proof) -> dict[str, list[str]]:
    """Command -> lines that this machine prints; raises SetupError, also when a command fails."""
    python, options = (sys.executable,), ["--only-binary=:all:"]
    ours = install(folder / "here", options, project, folder / "wheels-here", python, proof.extras)
    try:
        return {command.shown: ours.run(command) for command in proof.commands}
    except RunError as error:
        raise SetupError(f"the program does not run on this machine: {error}") from error


def emulated(target: Target, folder: Path, project: Path, proof: Proof) -> Install:
    """Install for `target`; raises SetupError."""
    system = user_land(target, folder / f"debian-{target.python}")
    place, wheels = folder / f"site-{target.python}", folder / f"wheels-{target.python}"
    made = install(place, target.pip_options(), project, wheels, tuple(system.command()), proof.extras)
    say(f"Python {target.python}: {target.name} for arm64 is there, running {len(proof.commands)} commands")
    return made


def run_target(
    target: Target,
    folder: Path,
    project: Path,
    proof: Proof,
    reference: Future[dict[str, list[str]]],
    stop: threading.Event,
) -> list[Row]:
    """Run every command on one Python under emulation and compare; SetupError when `stop` is set meanwhile."""
    theirs, expected = emulated(target, folder, project, proof), reference.result()
    rows = []
    for command in proof.commands:
        started, lines = time.monotonic(), list[str]()
        try:
            lines = theirs.run(command)
            agreement = agree(command, expected[command.shown], lines, proof.tolerance)
        except RunError as error:
            agreement = Agreement(0.0, (str(error),))
        if stop.is_set():
            raise SetupError("stopped")
        rows.append(Row(target.python, command, len(lines), agreement, time.monotonic() - started))
    return rows


def agree(
    command: Command, here: list[str], there: list[str], tolerance: float | None = TOLERANCE
) -> Agreement:
    """Compare what a command printed: events by what they say (tolerance: as compare), other lines by their words."""
    if command.events:
        return compare([json.loads(line) for line in here], [json.loads(line) for line in there], tolerance)
    wrong = [
        f"printed {other!r}, expected {one!r}"
        for one, other in zip(here, there, strict=False)
        if one != other
    ]
    if len(here) != len(there) or not here:
        wrong.append(f"printed {len(there)} lines, expected {len(here)}")
    return Agreement(0.0, tuple(wrong))


def parse() -> argparse.Namespace:
    """The arguments: targets, the model to run or None, the folders to keep things in and of result files or None."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [target.python for target in TARGETS]
    parser.add_argument("--python", nargs="+", choices=known, default=known, help="default %(default)s")
    parser.add_argument(
        "--synch-graph",
        nargs="?",
        const=SYNCH_GRAPH,
        metavar="MODEL",
        help=f"run this model of face and voice together, a shipped one or a {SUFFIX} file (default %(const)s), "
        "in place of the usual commands",
    )
    add_folders(parser, "systems and wheels")
    options = parser.parse_args()
    make_folders(parser, options)
    return options


def asked(options: argparse.Namespace) -> list[str]:
    """The arguments that decide what the result files say; where things are kept does not."""
    words = [] if options.python == [target.python for target in TARGETS] else ["--python", *options.python]
    if model := options.synch_graph:
        words += ["--synch-graph", *([Path(model).name] if model != SYNCH_GRAPH else [])]
    return [*words, "--out", options.out.name if options.out.is_absolute() else str(options.out)]


def prove(proof: Proof, pythons: list[str], folder: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows of the table, the systems made and run in `folder` side by side, and versions; raises SetupError."""
    targets = [target for target in TARGETS if target.python in pythons]
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as built, ThreadPoolExecutor(1 + len(targets)) as pool:
        project = build(Path(built))
        reference = pool.submit(run_here, folder, project, proof)
        runs = [
            pool.submit(run_target, target, folder, project, proof, reference, stop) for target in targets
        ]
        try:
            rows = [row for run in runs for row in run.result()]
        finally:
            stop.set()  # Ctrl-C, or one that cannot be made: the others end with the command that they are at
    places = [folder / "here", *(folder / f"site-{target.python}" for target in targets)]
    return rows, versions([place / part for place in places for part in ("plain", "-".join(proof.extras))])


def main() -> int:
    """Print the table and the verdict, and write them when told where."""
    options, started = parse(), time.monotonic()
    try:
        check_python()
        proof = synch_graph(options.synch_graph) if options.synch_graph else RECORDINGS
        found = emulator()
        with ExitStack() as stack:
            folder = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            say("fetching arm64 Debian and aarch64 wheels, then emulating: two minutes or so")
            rows, packages = prove(proof, options.python, folder.resolve())
        if options.out:
            write(options.out, stamped("aarch64.py", found, asked(options), versions=packages), rows, proof)
    except SetupError as error:
        print(f"aarch64.py: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoMirrorError) else 2
    here = f"{platform.machine()}, Python {platform.python_version()}"
    print(f"aarch64 ({PROCESSOR}, emulated by {Path(found).name}) against {here}")
    print("\n".join(table(rows)))
    print(f"{verdict(rows, proof.tolerance)}; {time.monotonic() - started:.0f} s")
    return 1 if any(row.agreement.wrong for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("aarch64.py: stopped", file=sys.stderr)
        sys.exit(130)
