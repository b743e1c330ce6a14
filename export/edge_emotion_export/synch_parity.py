"""Spike parity: the same input spikes to Brian2, to the NumPy reference and to the exported ONNX graph, counted."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.engine import open_named
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import MAX_RATE, RATE_UNIT, STEPS
from edge_emotion.spiking_network import INPUTS, OnnxSpikingNetwork
from edge_emotion_export.spiking_onnx import spiking_network_onnx
from edge_emotion_export.synch_parity_page import draw_overlay, markdown
from edge_emotion_train.models.synch_graph.frozen import brian2_spikes
from edge_emotion_train.models.synch_graph.reference import Events, drawn_events, drive_of, excitatory_spikes
from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.state import NetworkState, read_state
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.synch.material import paired_material
from edge_emotion_train.whole_file import write_text

RUNTIMES = ("Brian2", "NumPy", "ONNX Runtime")
MEAN_RATE = 6.0  # Hz, of random inputs: about 50 000 input spikes a presentation, as of real clips
NAME = "synch-graph-parity"

Spikes = NDArray[np.bool_]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Parity:
    """The excitatory spikes of each runtime, (presentations, STEPS, N), and its mean CPU time a presentation; s.

    onnx_bytes: size of the exported graph.
    """

    spikes: dict[str, Spikes]
    seconds: dict[str, float]
    onnx_bytes: int

    def differences(self) -> dict[tuple[str, str], int]:
        """For each two runtimes the spikes that only one of them has."""
        return {
            (a, b): int((self.spikes[a] != self.spikes[b]).sum()) for a, b in combinations(self.spikes, 2)
        }


def write_synch_parity(
    network: Path,
    presentations: int,
    data: tuple[Path, Path] | None,
    out: Path,
    command: str,
    cache: Path = Path("cache"),
    seed: int = 0,
    report: Report = lambda line: None,
) -> list[str]:
    """Compare the runtimes on a network's file; write synch-graph-parity .json, .md and .png in `out`.

    Gives a line for each two runtimes that differ.
    data: RAVDESS and FER2013, of whose pairs test clips are shown; None: seeded random rates. EdgeEmotionError for a
    file that is no network, for a folder that is missing and for data that the network does not see.
    """
    if not out.is_dir():
        raise EdgeEmotionError(f"there is no folder {out}: make it, or name another with --out")
    state = read_state(network)[0].frozen()
    shown = "seeded random rates" if data is None else "test clips of FER2013 x RAVDESS"
    report(f"{presentations} presentations of {shown}, drawn with seed {seed}")
    if data is None:
        events = random_events(state.settings, presentations, seed)
    else:
        events = clip_events(state.settings, presentations, data, seed, cache)
    parity = compared(state, events, report)
    made = stamp(command.split())
    rows = [_row(state, events, parity, network, shown, seed)]
    picture = f"{NAME}.png"
    draw_overlay(parity.spikes, state.settings, out / picture)
    write_text(out / f"{NAME}.json", json.dumps({"stamp": made, "rows": rows}, indent=1) + "\n")
    text = markdown(rows, made, picture)
    write_text(out / f"{NAME}.md", text)
    report(text)
    report(f"wrote {out / NAME}.md, .json and .png")
    return [f"{a} and {b} differ in {n} spikes" for (a, b), n in parity.differences().items() if n]


def compared(
    state: NetworkState, events: list[Events], report: Report = lambda line: None, target: str = "numpy"
) -> Parity:
    """Show a frozen network the same events in the three runtimes; target: of Brian2's code."""
    content = spiking_network_onnx(state)
    neurons = state.settings.neurons
    opened = open_named(
        content, INPUTS, {"spikes": ("float32", (STEPS, neurons))}, "the exported spiking network"
    )
    onnx = OnnxSpikingNetwork(opened, neurons, "the exported spiking network")
    of_each: dict[str, Callable[[], list[Spikes]]] = {
        "Brian2": lambda: brian2_spikes(state, events, target),
        "NumPy": lambda: [excitatory_spikes(state, drive_of(state, given)[None])[0] for given in events],
        "ONNX Runtime": lambda: [onnx.run(given) > 0 for given in events],
    }
    spikes, seconds = {}, {}
    for runtime, presented in of_each.items():
        report(f"{runtime} ...")
        before = time.thread_time()
        spikes[runtime] = np.stack(presented())
        seconds[runtime] = (time.thread_time() - before) / len(events)
    return Parity(spikes, seconds, len(content))


def random_events(settings: NetworkSettings, presentations: int, seed: int) -> list[Events]:
    """Input spikes of random rates, of which few are high, as those of pictures."""
    drawn = []
    for number in range(presentations):
        random = np.random.default_rng((seed, number))
        rates = {
            modality: _on_grid(random.exponential(MEAN_RATE, settings.inputs(modality)))
            for modality in settings.modalities
        }
        drawn.append(drawn_events(settings, rates, (seed, number)))
    return drawn


def _on_grid(rates: NDArray[np.float64]) -> NDArray[np.float32]:
    return (np.rint(np.minimum(rates, MAX_RATE) / RATE_UNIT) * RATE_UNIT).astype(np.float32)


def clip_events(
    settings: NetworkSettings, presentations: int, data: tuple[Path, Path], seed: int, cache: Path
) -> list[Events]:
    """Input spikes of presentations spread over the test clips of FER2013 faces paired with RAVDESS sentences."""
    material = paired_material(*data, seed, cache)
    for modality in settings.modalities:
        found = getattr(material.shown, modality).shape[1]
        if found != settings.inputs(modality):
            raise EdgeEmotionError(
                f"the network sees {settings.inputs(modality)} inputs of the {modality}, the clips have {found}: "
                "leave out --ravdess and --fer2013 for random rates"
            )
    of_test = material.shown.of(material.split().test)
    chosen = of_test[np.linspace(0, len(of_test) - 1, presentations).astype(np.int64)]
    rates = {modality: material.shown.rates(chosen, modality) for modality in settings.modalities}
    return [
        drawn_events(settings, {modality: r[k] for modality, r in rates.items()}, (seed, int(number)))
        for k, number in enumerate(chosen)
    ]


def _row(
    state: NetworkState, events: list[Events], parity: Parity, network: Path, shown: str, seed: int
) -> dict[str, Any]:
    return {
        "corpus": shown,
        "model": f"synch-graph {state.settings.name}",
        "network": network.name,
        "neurons": state.settings.neurons,
        "presentations": len(events),
        "seed": seed,
        "events": sum(len(steps) for steps, _ in events),
        "spikes": {runtime: int(spikes.sum()) for runtime, spikes in parity.spikes.items()},
        "differences": [
            {"between": list(two), "spikes": count} for two, count in parity.differences().items()
        ],
        "mean_seconds": parity.seconds,
        "onnx_bytes": parity.onnx_bytes,
    }
