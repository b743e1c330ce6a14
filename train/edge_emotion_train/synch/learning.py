"""Unsupervised learning of a spiking network: presentations in random order, checkpoints, resume."""

import json
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import MAX_RATE, PERIOD
from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.simulator import Simulator, Spikes, open_simulator
from edge_emotion_train.models.synch_graph.state import (
    NetworkState,
    initial_state,
    read_state,
    with_shared_weights,
    write_state,
)
from edge_emotion_train.synch.presentations import Shown

RUN = 50  # presentations between two looks at the spikes: the most work that a stop loses
# Every run is full: in a rest without spikes theta would fall, and what is learned would hang on how the last run fell.
INTENSITY = 2.0  # of a first show; each further one adds 1 (Diehl and Cook)
STATE, CHECKPOINT, LOG = "network.npz", "checkpoint.npz", "learning.log"


@dataclass
class _Progress:
    """Where the learning is. again: presentations to be shown once more and how often they were, (n, 2)."""

    state: NetworkState
    learned: int
    runs: int
    again: NDArray[np.int64]


def learn(
    shown: Shown,
    which: NDArray[np.int64],
    settings: NetworkSettings,
    seed: int,
    presentations: int,
    folder: Path,
    backend: str = "cpp_standalone",
) -> NetworkState:
    """Teach a network of the presentations `which`; read it from the folder where that is done.

    presentations: how many at least; whole runs of RUN are shown, in which some are shown again.

    A stopped call goes on from its checkpoint. EdgeEmotionError for a folder of another network, seed or data.
    """
    for modality in settings.modalities:
        width = getattr(shown, modality).shape[1]
        if width != settings.inputs(modality):
            raise EdgeEmotionError(
                f"the {modality} is shown as {width} inputs, the network has {settings.inputs(modality)}: windows are "
                "part of how clips are encoded, leave window, face_across and sound_count as they are"
            )
    folder.mkdir(parents=True, exist_ok=True)
    mark = _mark(shown, which, settings, seed, presentations)
    done = folder / STATE
    if done.is_file():
        state, beside = read_state(done)
        _same(beside, mark, folder)
        return state
    progress = _resumed(folder / CHECKPOINT, mark, folder) or _Progress(
        initial_state(settings, seed), 0, 0, np.zeros((0, 2), np.int64)
    )
    with (
        tqdm(
            total=presentations, initial=progress.learned, desc=f"{folder.name}, compiling", unit="show"
        ) as bar,
        (folder / LOG).open("a") as log,
        closing(open_simulator(settings, RUN, backend)) as simulator,
    ):
        bar.set_description(folder.name)
        while progress.learned < presentations:
            learned = progress.learned
            spikes = _one_run(progress, simulator, shown, which, seed)
            _checkpoint(progress, folder / CHECKPOINT, mark)
            log.write(json.dumps(_line(progress, spikes)) + "\n")
            log.flush()
            bar.update(progress.learned - learned)
    state = progress.state.rested().frozen()
    write_state(state, done, mark=mark, shows=progress.runs * RUN)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return state


def _one_run(
    progress: _Progress,
    simulator: Simulator,
    shown: Shown,
    which: NDArray[np.int64],
    seed: int,
) -> dict[str, Spikes]:
    """Show RUN presentations: those to be shown again first, then new ones in random order."""
    settings = progress.state.settings
    again = progress.again[:RUN]
    fresh = RUN - len(again)
    new = np.random.default_rng((seed, 1, progress.runs)).choice(which, fresh)
    batch = np.concatenate([again, np.column_stack([new, np.zeros_like(new)])])
    rates = {m: _shown_rates(shown, batch, m) for m in settings.modalities}
    run_seed = int(np.random.default_rng((seed, 2, progress.runs)).integers(1 << 31))
    learned, spikes = simulator.run(progress.state, rates, run_seed)
    progress.state = with_shared_weights(learned)
    counts = {m: _counts(spikes[m], len(batch)) for m in spikes}
    few = np.any([count < settings.least_spikes for count in counts.values()], axis=0)
    # Deviation: Diehl and Cook raise the rates at once; a compiled program is looked into only between runs.
    retry = batch[few & (batch[:, 1] + 1 < settings.most_shows)] + (0, 1)
    progress.again = np.concatenate([progress.again[RUN:], retry])
    progress.learned += fresh
    progress.runs += 1
    return spikes


def _shown_rates(shown: Shown, batch: NDArray[np.int64], modality: str) -> NDArray[np.float32]:
    """(RUN, inputs) Hz; what is shown again comes with higher rates."""
    louder = (INTENSITY + batch[:, 1:]) / INTENSITY
    rates = shown.rates(batch[:, 0], modality) * louder.astype(np.float32)
    return np.minimum(rates, MAX_RATE * INTENSITY)


def _counts(spikes: Spikes, presentations: int) -> NDArray[np.int64]:
    """Spikes of each presentation of a run."""
    of = np.floor(spikes[1] / PERIOD + 1e-9).astype(np.int64)
    return np.bincount(of, minlength=presentations)[:presentations]


def _line(progress: _Progress, spikes: Mapping[str, Spikes]) -> dict[str, object]:
    """What the log says of a run."""
    return {
        "learned": progress.learned,
        "again": len(progress.again),
        "spikes": {m: len(spikes[m][0]) / RUN for m in spikes},
        "theta_mV": {m: round(1000 * float(t.mean()), 3) for m, t in progress.state.theta.items()},
        "largest_cross": {m: round(float(w.max()), 4) for m, w in progress.state.cross.items()},
    }


def _mark(
    shown: Shown, which: NDArray[np.int64], settings: NetworkSettings, seed: int, presentations: int
) -> str:
    """What a run was made from, as text."""
    data = zlib.crc32(which.tobytes())
    for modality in settings.modalities:
        data = zlib.crc32(getattr(shown, modality)[which[:: max(1, len(which) // 64)]].tobytes(), data)
    return json.dumps(
        {"settings": asdict(settings), "seed": seed, "presentations": presentations, "data": data},
        sort_keys=True,
    )


def _same(beside: Mapping[str, NDArray[np.generic]], mark: str, folder: Path) -> None:
    if str(beside.get("mark")) != mark:
        raise EdgeEmotionError(
            f"{folder} holds a network of other settings, seed or data; choose another --out or delete it"
        )


def _checkpoint(progress: _Progress, path: Path, mark: str) -> None:
    counts = np.array([progress.learned, progress.runs])
    write_state(progress.state, path, mark=mark, counts=counts, again=progress.again)


def _resumed(path: Path, mark: str, folder: Path) -> _Progress | None:
    if not path.is_file():
        return None
    state, beside = read_state(path)
    _same(beside, mark, folder)
    learned, runs = (int(n) for n in beside["counts"])
    return _Progress(state, learned, runs, beside["again"])
