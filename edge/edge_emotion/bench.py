"""Measures what the recogniser costs on this machine: each sense's path, every network, and peers beside them."""

from dataclasses import asdict, replace
from typing import Any

from edge_emotion.bench_networks import measure_networks
from edge_emotion.bench_process import in_own_process, one_matrix_thread
from edge_emotion.bench_stamp import stamp
from edge_emotion.bundle import read_bundle
from edge_emotion.machine_state import MachineState, machine_state
from edge_emotion.settings import BenchSettings
from edge_emotion.spiking_contract import FACE_VOICE

__all__ = ["bench"]


def bench(settings: BenchSettings) -> dict[str, Any]:
    """Measure what the settings ask for; all times in seconds, all memory in bytes.

    Gives {"stamp": ..., "voice": [rows], "face": [rows], "networks": ..., "peers": [rows]}, without what was not
    measured; of one model for both senses {"stamp": ..., "face-voice": [rows]}, whose stages are its networks.
    EdgeEmotionError for a wrong model or a missing peer before anything is measured.
    """
    _check(settings)
    before, made = machine_state(), stamp(settings)
    result: dict[str, Any] = {"stamp": made}
    if "voice" in settings.senses:
        result["voice"] = [_voice(settings, engine) for engine in settings.engines]
    if "face" in settings.senses:
        made |= _face_stamp()
        result["face"] = [_face(settings, engine) for engine in settings.engines]
    if FACE_VOICE in settings.senses:
        with one_matrix_thread():
            result[FACE_VOICE] = [_face_voice(settings, engine) for engine in settings.engines]
        made["before"], made["after"] = _shown(before), _shown(machine_state())
        return result
    with one_matrix_thread():
        result["networks"] = asdict(in_own_process(measure_networks, _measured_alone(settings)))
        if settings.compare:
            from edge_emotion.bench_peers import measure_peers

            result["peers"] = [asdict(cost) for cost in in_own_process(measure_peers, settings)]
    made["before"], made["after"] = _shown(before), _shown(machine_state())
    return result


def _check(settings: BenchSettings) -> None:
    """Find a wrong model and a missing peer here, not in the processes that measure."""
    for model in (settings.model, settings.face_model):
        if model is not None:
            read_bundle(model)
    if settings.compare:
        from edge_emotion.peers import find_peer

        for asked in settings.compare:
            find_peer(asked)


def _measured_alone(settings: BenchSettings) -> BenchSettings:
    """The settings with the models of the senses that are measured, not one that is there for the memory alone."""
    return replace(
        settings,
        model=settings.model if "voice" in settings.senses else None,
        face_model=settings.face_model if "face" in settings.senses else None,
    )


def _voice(settings: BenchSettings, engine: str) -> dict[str, Any]:
    from edge_emotion.bench_voice import measure_voice

    return asdict(in_own_process(measure_voice, settings, engine))


def _face(settings: BenchSettings, engine: str) -> dict[str, Any]:
    from edge_emotion.bench_face import (  # it brings OpenCV: the voice does without
        measure_face,
        measure_memory,
    )

    cost = asdict(in_own_process(measure_face, settings, engine))
    cost["peak_memory"] = in_own_process(measure_memory, settings, engine)
    cost["memory_of"] = "face" if settings.model is None else "face and voice"
    return cost


def _face_voice(settings: BenchSettings, engine: str) -> dict[str, Any]:
    from edge_emotion.bench_synch_graph import measure_memory, measure_synch_graph

    cost = asdict(in_own_process(measure_synch_graph, settings, engine))
    cost["peak_memory"] = in_own_process(measure_memory, settings, engine)
    return cost


def _face_stamp() -> dict[str, Any]:
    from edge_emotion.bench_clip import CLIP
    from edge_emotion.bench_face import FPS

    return {"clip": CLIP, "fps": FPS}


def _shown(state: MachineState) -> dict[str, Any]:
    """What the machine shows, without what it does not."""
    return {name: value for name, value in asdict(state).items() if value is not None}
