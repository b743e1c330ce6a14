"""Spikes of the frozen network for all clips of a pairing, computed once and kept."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.features.spikes import STEPS
from edge_emotion_train.models.synch_graph.reference import drawn_events, drive_of, excitatory_spikes
from edge_emotion_train.models.synch_graph.state import NetworkState
from edge_emotion_train.synch.presentations import Shown

PIECE = 16  # presentations computed at once: more of them leave the caches, and are slower


@dataclass(frozen=True)
class Recording:
    """All excitatory spikes of the presentations of a pairing, in order of presentation, then step.

    presentation, step, neuron: (spikes,). presentations: how many there are. neurons: of the network.
    """

    presentation: NDArray[np.int32]
    step: NDArray[np.int16]
    neuron: NDArray[np.int16]
    presentations: int
    neurons: int

    def counts(self) -> NDArray[np.int64]:
        """(presentations, neurons) spikes."""
        code = self.presentation.astype(np.int64) * self.neurons + self.neuron
        return np.bincount(code, minlength=self.presentations * self.neurons).reshape(-1, self.neurons)


def record(
    state: NetworkState, shown: Shown, seed: int, file: Path, workers: int = 1, gains: "Gains | None" = None
) -> Recording:
    """Spikes of every presentation, read from `file` or computed there; seed: of the Poisson trains.

    gains: factors of the rates, (presentations,) for each modality; none when None.
    """
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        total = len(shown.clip)
        pieces = [np.arange(i, min(i + PIECE, total)) for i in range(0, total, PIECE)]
        jobs = [(state, _part(shown, piece), _gains(gains, piece), seed, int(piece[0])) for piece in pieces]
        with ProcessPoolExecutor(workers) as pool:
            parts = list(
                tqdm(
                    pool.map(_spikes, jobs),
                    total=len(jobs),
                    desc=f"{file.parent.name}: {file.stem}",
                    unit="piece",
                )
            )
        presentation, step, neuron = (np.concatenate([part[k] for part in parts]) for k in range(3))
        unfinished = file.with_suffix(".part.npz")
        np.savez_compressed(
            unfinished,
            presentation=presentation.astype(np.int32),
            step=step.astype(np.int16),
            neuron=neuron.astype(np.int16),
        )
        unfinished.replace(file)
    with np.load(file) as stored:
        return Recording(
            stored["presentation"], stored["step"], stored["neuron"], len(shown.clip), state.settings.neurons
        )


Gains = dict[str, NDArray[np.float32]]
_Job = tuple[NetworkState, Shown, Gains | None, int, int]


def _part(shown: Shown, piece: NDArray[np.int64]) -> Shown:
    return Shown(shown.face[piece], shown.voice[piece], shown.clip[piece], shown.number[piece])


def _gains(gains: Gains | None, piece: NDArray[np.int64]) -> Gains | None:
    return gains and {modality: factors[piece] for modality, factors in gains.items()}


def _spikes(job: _Job) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    state, shown, gains, seed, first = job
    all_of_them = np.arange(len(shown.clip))
    rates = {m: shown.rates(all_of_them, m) for m in state.settings.modalities}
    if gains is not None:
        rates = {m: r * gains[m][:, None] for m, r in rates.items()}
    drive = np.empty((len(all_of_them), STEPS, state.settings.neurons))
    for k in all_of_them:
        own = {m: r[k] for m, r in rates.items()}
        drive[k] = drive_of(state, drawn_events(state.settings, own, (seed, first + int(k))))
    which, step, neuron = np.nonzero(excitatory_spikes(state, drive))
    return which + first, step, neuron
