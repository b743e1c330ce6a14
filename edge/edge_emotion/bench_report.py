"""A bench result for people: the page that its sections make, and the result files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_emotion.bench_network_report import networks_section, peers_section
from edge_emotion.bench_path_report import face_section, voice_section
from edge_emotion.bench_synch_report import synch_graph_section
from edge_emotion.bench_table import Section
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.machine_state import MachineState
from edge_emotion.spiking_contract import FACE_VOICE

SECTIONS: dict[str, Callable[[dict[str, Any]], Section]] = {
    "voice": voice_section,
    "face": face_section,
    FACE_VOICE: synch_graph_section,
    "networks": networks_section,
    "peers": peers_section,
}


def markdown(result: dict[str, Any]) -> str:
    """Write a result as a page: title, stamp, sections."""
    title = {
        "voice": "Voice: latency",
        "face": "Face: latency",
        FACE_VOICE: "Synch-Graph: latency",
        "bench": "Latency",
    }[name(result)]
    parts = [f"# {title} and cost on a device", made_with(result["stamp"])]
    return "\n\n".join([*parts, *(section.markdown() for section in _sections(result))])


def plain(result: dict[str, Any]) -> str:
    """Write a result for a terminal: stamp, then the tables in columns."""
    return "\n\n".join([made_with(result["stamp"]), *(section.plain() for section in _sections(result))])


def name(result: dict[str, Any]) -> str:
    """The sense that a result is about, "face-voice" for both as one, "bench" for both."""
    senses = [sense for sense in ("voice", "face", FACE_VOICE) if sense in result]
    return senses[0] if len(senses) == 1 else "bench"


def made_with(stamp: dict[str, Any]) -> str:
    """Say in one line when, where and by what a result was made."""
    versions = ", ".join(f"{package} {version}" for package, version in stamp["versions"].items())
    states = {moment: str(MachineState(**stamp[moment])) for moment in ("before", "after")}
    shown = "; ".join(f"{moment}: {state}" for moment, state in states.items() if state)
    return (
        f"{stamp['date']}, commit {stamp['commit']}, {stamp['machine']}, {stamp['kernel']}, "
        f"Python {stamp['python']}; {versions}; threads: {stamp['threads']}, "
        f"warm-up: {stamp['warm_up_windows']} windows{f'; {shown}' if shown else ''}. "
        f"Written by `{stamp['command']}`."
    )


def write_result(result: dict[str, Any], folder: Path) -> None:
    """Write folder/voice-latency, face-latency, face-voice-latency or bench: .json for programs and .md for people.

    EdgeEmotionError when it cannot.
    """
    about = name(result)
    file = about if about == "bench" else f"{about}-latency"
    texts = {f"{file}.json": json.dumps(result, indent=1) + "\n", f"{file}.md": markdown(result) + "\n"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for written, text in texts.items():
            part = folder / f".{written}.part"
            part.write_text(text)
            part.replace(folder / written)
    except OSError as error:
        raise EdgeEmotionError(
            f"--out: cannot write to {folder} ({error.strerror}); give a folder that you may write to"
        ) from error


def _sections(result: dict[str, Any]) -> list[Section]:
    return [section(result) for part, section in SECTIONS.items() if part in result]
