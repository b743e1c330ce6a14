#!/usr/bin/env python3
"""Run install.sh on the device's system, without the device: python3 deploy/install_proof.py

Makes an arm64 Debian (Bookworm, Trixie) by debootstrap, emulates a Cortex-A72, and does there what a maker does: a dry
run, the install, a second one, the doctor, and the way back, each with what it has to come to. No service is started,
for no systemd runs there; no camera, no sound card and no Raspberry Pi's kernel are there, and picamera2 is in
Raspberry Pi's own archive alone. Needs root, Linux 6.7 or newer, debootstrap, qemu-aarch64-static (Debian:
qemu-user-static), 3 GB and half an hour a system. --out writes install.md and install.json, stamped. Exit code 1 when
a step failed, 3 when this machine's apt knows no mirror of Debian, 2 when anything else is missing.
"""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from aarch64_report import stamped
from aarch64_sources import NoMirrorError
from aarch64_userland import emulator
from check_wheels import TARGETS
from environment import SetupError, check_python, say
from install_proof_report import table, write
from install_proof_root import fresh
from install_proof_steps import Outcome, steps, take
from installed_size import build
from kept_folders import add_folders, make_folders


def prove(releases: list[str], folder: Path) -> dict[str, list[Outcome]]:
    """What each step came to on each system; raises SetupError."""
    found = {}
    with tempfile.TemporaryDirectory() as built:
        project = build(Path(built))
        for target in (target for target in TARGETS if target.name in releases):
            root, outcomes = (
                fresh(target, folder / target.name.lower(), project),
                found.setdefault(target.name, []),
            )
            for step in steps(target.name):
                outcomes.append(take(step, root))
                last = outcomes[-1]
                say(f"{target.name}: {step.title}: {last.wrong or 'passed'}, {last.seconds:.0f} s")
    return found


def parse() -> argparse.Namespace:
    """The arguments: releases, the folder to keep systems in and that of result files, or None."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [target.name for target in TARGETS]
    parser.add_argument("--release", nargs="+", choices=names, default=names, help="default %(default)s")
    add_folders(parser, "systems and wheels")
    options = parser.parse_args()
    make_folders(parser, options)
    return options


def main() -> int:
    """Print the table, and write it when told where."""
    options = parse()
    try:
        check_python()
        if os.geteuid():
            raise SetupError("only root may make a system: call it with sudo")
        found = emulator()
        with ExitStack() as stack:
            folder = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            outcomes = prove(options.release, folder.resolve())
        if options.out:
            words = [] if len(options.release) == len(TARGETS) else ["--release", *options.release]
            out = options.out.name if options.out.is_absolute() else str(options.out)
            write(options.out, stamped("install_proof.py", found, [*words, "--out", out]), outcomes)
    except SetupError as error:
        print(f"install_proof.py: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoMirrorError) else 2
    print("\n".join(table(outcomes)))
    return 1 if any(one.wrong for every in outcomes.values() for one in every) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("install_proof.py: stopped", file=sys.stderr)
        sys.exit(130)
