"""The command line of the doctor; `python -m edge_emotion.doctor_cli` also starts where numpy does not load."""

import argparse
import sys
from typing import Any


def add_doctor(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command `doctor`."""
    doctor = commands.add_parser("doctor", help="check what this device needs, and say what to do")
    _add_options(doctor)


def doctor_command(options: argparse.Namespace) -> int:
    """Examine the machine; 1 when something failed, 0 when nothing did, warnings or not."""
    from edge_emotion.doctor import DoctorSettings, as_json, examine, exit_code, lines_of, summary

    checks = []
    for check in examine(DoctorSettings(quick=options.quick)):
        checks.append(check)
        if not options.json:
            for line in lines_of(check):
                _say(line)
    _say(as_json(checks) if options.json else summary(checks))
    return exit_code(checks)


def _add_options(to: argparse.ArgumentParser) -> None:
    to.add_argument("--quick", action="store_true", help="read the models, do not run them")
    to.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")
    to.set_defaults(command=doctor_command)


def _say(line: str) -> None:
    """Print a line at once, in what characters the terminal has: names of devices may have others."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the doctor alone."""
    alone = argparse.ArgumentParser("edge-emotion doctor", description="Check what this device needs.")
    _add_options(alone)
    return doctor_command(alone.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
