"""Writes what fuzzing found as JSON and as a page; a run of one kind of file leaves those of the others."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_emotion.machine import commit, now, processor

if TYPE_CHECKING:
    from fuzz_files import Figures

PACKAGES = ("ai-edge-litert", "onnxruntime", "soundfile", "soxr", "numpy", "opencv-python-headless")
READERS = {
    "bundles": "`read_bundle`, then `open_engine`, `open_appearance`, `open_spiking` and one inference of each network",
    "configs": "`read_config` with the parser of the command line",
    "sounds": "`AudioFile`, of which up to 3 s are read",
}
INTRODUCTION = """# Hostile files

Mutated files through the real readers, in child processes that are watched. A case is well when the file is read, or
refused by an `EdgeEmotionError` of one printable line; any other exception, a crash of native code, more than 1 s of
CPU, more memory than the limit (the address space, by RLIMIT_AS, 1 GiB over what the child has after its first reads)
or a write outside the child's own folder is a failure. What would be written is looked for in three ways: an audit
hook in the child (files, folders, links, processes, sockets, unpickling), the child's folder after each case (HOME and
TMPDIR too), and sizes and times of every file of the checkout before and after a run.
"""


def write_results(path: Path, runs: list["Figures"], seconds: float) -> None:
    """Write path (JSON) and the page beside it; seconds: that all the runs took."""
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for figures in runs:
        known[figures.what] = {**_stamp(figures, seconds), **_numbers(figures)}
    known = {what: known[what] for what in READERS if what in known}
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    page = [INTRODUCTION, *(_section(what, run) for what, run in known.items())]
    path.with_suffix(".md").write_text("\n".join(page), encoding="utf-8")


def _stamp(figures: "Figures", seconds: float) -> dict[str, Any]:
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} CPUs, {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "command": f"python tests/fuzz_files.py --what {figures.what} --count {figures.cases} --seed {figures.seed}",
        "seconds": round(seconds, 1),
    }


def _numbers(figures: "Figures") -> dict[str, Any]:
    return {
        "cases": figures.cases,
        "read": figures.ended["read"],
        "refused": figures.ended["refused"],
        "failed": figures.ended["failed"],
        "failures": figures.failures,
        "files_changed_outside": figures.changed,
        "cpu_ms_mean": round(1000 * figures.computing / figures.cases, 3),
        "cpu_ms_slowest": round(1000 * figures.slowest, 1),
        "slowest_case": figures.slowest_case,
        "peak_memory_mib": round(figures.peak),
        "kinds": {kind: dict(sorted(ended.items())) for kind, ended in sorted(figures.kinds.items())},
    }


def _section(what: str, run: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in run["versions"].items())
    rows = [
        f"| {kind} | {sum(ended.values())} | {ended.get('read', 0)} | {ended.get('refused', 0)} "
        f"| {ended.get('failed', 0)} |"
        for kind, ended in run["kinds"].items()
    ]
    changed = ", ".join(run["files_changed_outside"]) or "none"
    failures = [
        f"- failed: {each['kind']}, number {each['number']}: {each['said']}" for each in run["failures"]
    ]
    return "\n".join(
        [
            f"## {what.capitalize()}",
            "",
            f"{run['date']}, commit {run['commit']}, {run['machine']}, Python {run['python']}; {versions}. "
            f"Written by `{run['command']}`.",
            "",
            f"Readers: {READERS[what]}.",
            "",
            f"{run['cases']} files: {run['read']} read, {run['refused']} refused, {run['failed']} failed; "
            f"CPU {run['cpu_ms_mean']} ms on average, {run['cpu_ms_slowest']} ms the slowest; peak resident memory "
            f"{run['peak_memory_mib']} MiB; files changed outside: {changed}.",
            "",
            "| mutation | files | read | refused | failed |",
            "|---|---:|---:|---:|---:|",
            *rows,
            *(["", *failures] if failures else []),
            "",
        ]
    )
