#!/usr/bin/env python3
"""How long a live run takes to its first capture, to its first estimate, and from SIGTERM to its end.

Starts the program again and again on a clip that is played as a camera and on ALSA's file plugin as a microphone; --out
also writes start-up.md and start-up.json. Needs an installed package: .venv-dev/bin/python deploy/start_up_time.py
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from alsa_microphone import make_home
from edge_emotion.machine import commit, now, processor

SAID = re.compile(r"after the start: first capture ([\d.]+) s, (?:first estimate ([\d.]+) s|no estimate)")
RUNS = {"face": ["camera"], "voice": ["mic"], "face and voice": ["camera", "mic"]}


def once(senses: list[str], clip: Path, home: Path) -> dict[str, float]:
    """Seconds of one run: capture, estimate, end (from SIGTERM)."""
    flags = {"camera": ["--camera", str(clip)], "mic": ["--mic", "default"]}
    given = [flag for sense in senses for flag in flags[sense]]
    environment = {name: value for name, value in os.environ.items() if name != "ALSA_CONFIG_PATH"}
    with subprocess.Popen(
        [sys.executable, "-m", "edge_emotion.cli", *given, "--json", "--allow-root"],
        env={**environment, "HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            # ALSA's file plugin is faster than real time: sound is dropped, and the voice abstains for that.
            if told.get("emotion") or ("camera" not in senses and "notice" not in told):
                break
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        ended = time.monotonic() - began
    found = SAID.search(said)
    if process.returncode != 0 or found is None:
        raise SystemExit(f"start_up_time: the program ended with {process.returncode}: {said}")
    times = {"capture": float(found[1]), "end": ended}
    return times if found[2] is None else {**times, "estimate": float(found[2])}


def measure(times: int) -> dict[str, Any]:
    """Median and most of some runs of each kind."""
    table: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        resources.as_file(resources.files("edge_emotion") / "data" / "demo.mp4") as clip,
    ):
        home = make_home(Path(folder))
        for name, senses in RUNS.items():
            found = [once(senses, clip, home) for _ in range(times + 1)][
                1:
            ]  # the first one fills the disk's cache
            table[name] = {
                kind: {"median": round(statistics.median(run[kind] for run in found), 2),
                       "most": round(max(run[kind] for run in found), 2)}
                for kind in ("capture", "estimate", "end") if kind in found[0]
            }  # fmt: skip
    return table


def markdown(told: dict[str, Any]) -> str:
    """The page."""
    rows = []
    for name, row in told["runs"].items():
        cells = [
            f"{row[kind]['median']:.2f} ({row[kind]['most']:.2f})" if kind in row else "-"
            for kind in ("capture", "estimate", "end")
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    stamp = told["stamp"]
    return "\n".join(
        [
            "# Start-up and end of a live run", "",
            f"Written by `{told['command']}` on {stamp['date']}, commit {stamp['commit']}, {stamp['machine']}.", "",
            f"Seconds, median of {told['times']} runs, in brackets the most: from the start of the process to what",
            "it captures first and to the first estimate that does not abstain, and from SIGTERM to the end with exit",
            "code 0. The camera is a clip at its own pace, whose face has to be there for 1 s. The microphone is",
            "ALSA's file plugin, faster than real time, so that the voice drops sound and abstains; with a real one",
            "the first estimate comes 3.6 s, a window, after the first capture.", "",
            "| live run | first capture | first estimate | SIGTERM to end |", "|---|---|---|---|", *rows, "",
        ]
    )  # fmt: skip


def main() -> int:
    """Measure as the flags say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5, help="runs of each kind (default %(default)s)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write DIR/start-up.md and start-up.json"
    )
    arguments = parser.parse_args()
    told = {
        "stamp": {"commit": commit(), "date": now(), "machine": processor()},
        "command": " ".join(["deploy/start_up_time.py", *sys.argv[1:]]),
        "times": arguments.times,
        "runs": measure(arguments.times),
    }
    page = markdown(told)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "start-up.json").write_text(json.dumps(told, indent=1) + "\n")
        (arguments.out / "start-up.md").write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
