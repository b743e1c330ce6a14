"""A trained Synch-Graph as a bundle: spiking network and decision, both in ONNX, proved against their origin."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge_emotion.archive import SUFFIX
from edge_emotion.bundle import Bundle, read_bundle, write_bundle
from edge_emotion.engine import open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import PERIOD, STEPS
from edge_emotion.spiking_contract import FACE_VOICE, SPIKES, SPIKES_VERSION
from edge_emotion.spiking_network import open_spiking
from edge_emotion_export.interface import Interface
from edge_emotion_export.onnx_file import onnx_bytes
from edge_emotion_export.spiking_onnx import spiking_network_onnx
from edge_emotion_export.synch_card import synch_card
from edge_emotion_train.models.synch_graph.decision import Decision
from edge_emotion_train.models.synch_graph.gcn import GcnSettings, SynchGcn, node_kinds
from edge_emotion_train.models.synch_graph.reference import drawn_events, drive_of, excitatory_spikes
from edge_emotion_train.models.synch_graph.state import NetworkState, read_state

LARGEST_DIFFERENCE = 1e-4  # of a logit between PyTorch and ONNX Runtime
PROVED = 12  # presentations that are drawn for the proof
PROOF_RATE = 24.0  # Hz, the highest of the random rates in it

Report = Callable[[str], None]


@dataclass(frozen=True)
class TrainedSynchGraph:
    """What `edge-emotion-train synch-graph` leaves in RUN/model. about: of model.json."""

    state: NetworkState
    gcn: SynchGcn
    about: Mapping[str, Any]

    @property
    def decision(self) -> Decision:
        """The decision over a window's presentations."""
        return Decision(self.gcn, int(self.about["presentations"]))


def load_synch_graph(run: Path) -> TrainedSynchGraph:
    """Read RUN/model; EdgeEmotionError when there is none, or when its parts do not fit."""
    folder = run / "model"
    try:
        about = json.loads((folder / "model.json").read_text())
        settings = {name: tuple(v) if isinstance(v, list) else v for name, v in about["gcn"].items()}
        state, _ = read_state(folder / "network.npz")
        gcn = SynchGcn(GcnSettings(**settings), node_kinds(state.settings), len(about["labels"]))
        gcn.load_state_dict(torch.load(folder / "gcn.pt", weights_only=True))
    except FileNotFoundError as reason:
        raise EdgeEmotionError(
            f"{run} holds no Synch-Graph to export ({reason.filename} is missing): expected the folder of a finished "
            "`edge-emotion-train synch-graph` run of the inductive protocol"
        ) from reason
    except (KeyError, TypeError, ValueError, RuntimeError, EOFError, UnpicklingError) as reason:
        raise EdgeEmotionError(
            f"{folder} is damaged ({' '.join(str(reason).split())[:160]}); train again"
        ) from reason
    if len(state.settings.modalities) != 2:
        raise EdgeEmotionError(f"{run} has one sense, {state.settings.modalities[0]}; a bundle needs both")
    return TrainedSynchGraph(state, gcn.eval(), about)


def export_synch_graph(
    run: Path, out: Path, name: str | None = None, report: Report = lambda line: None
) -> Bundle:
    """Export a run into a bundle; all of it or nothing.

    EdgeEmotionError when the run holds no such model, or when a written network, opened as a device opens it, differs
    from its origin: in any spike, or by more than LARGEST_DIFFERENCE in a logit.
    """
    if out.suffix != SUFFIX or not out.parent.is_dir():
        raise EdgeEmotionError(
            f"cannot write {out}: expected a file name that ends in {SUFFIX} in a folder that exists"
        )
    trained = load_synch_graph(run)
    settings = trained.state.settings
    report(f"{run}: {settings.neurons} neurons, GCN of {trained.gcn.parameter_count():,} parameters")
    decision = trained.decision
    interface = Interface(
        (decision.presentations, STEPS, settings.neurons),
        (1, len(trained.about["labels"])),
        "spikes",
        "logits",
    )
    files = {
        "spiking-fp32.onnx": spiking_network_onnx(trained.state),
        "decision-fp32.onnx": onnx_bytes(decision, interface),
    }
    manifest = _manifest(trained, name or out.stem)
    part = out.with_name(f".{out.stem}-proof{SUFFIX}")
    try:
        draft = write_bundle(part, manifest, {**files, "card.md": b"not yet\n"})
        proof = prove(trained, draft)
    finally:
        part.unlink(missing_ok=True)
    report(
        f"proof: {proof['spikes']:,} spikes of {proof['presentations']} presentations, none differs; "
        f"largest difference of a logit {proof['largest_difference']:.1e}"
    )
    manifest["about"]["proof"] = proof
    bundle = write_bundle(out, manifest, {**files, "card.md": synch_card(manifest).encode()})
    report(f"wrote {out}: {bundle.size / 1000:.0f} kB")
    return bundle


def _manifest(trained: TrainedSynchGraph, name: str) -> dict[str, Any]:
    about, settings = trained.about, trained.state.settings
    labels = list(about["labels"])
    learned = sum(w.size for w in trained.state.inputs.values()) + sum(
        w.size for w in trained.state.cross.values()
    )
    return {
        "name": name,
        "modality": FACE_VOICE,
        "labels": labels,
        "label_map": {label: label for label in labels},
        "window": {
            "nodes": int(about["presentations"]), "period": PERIOD, "hop": 1, "feature_set": SPIKES,
            "feature_version": SPIKES_VERSION, "features": settings.neurons, "mean": [0.0] * settings.neurons,
            "scale": [1.0] * settings.neurons,
        },
        "temperature": float(about["temperature"]),
        "spiking": {
            "seed": int(about["seed"]),
            "face": {"side": settings.window, "across": settings.face_across},
            "sound": {"side": settings.window, "count": settings.sound_count, **about["sound"]},
            "networks": [{"file": "spiking-fp32.onnx", "engine": "onnx", "precision": "fp32"}],
        },
        "networks": [{"file": "decision-fp32.onnx", "engine": "onnx", "precision": "fp32"}],
        "card": {"file": "card.md"},
        "about": {
            "architecture": f"Synch-Graph {about['size']}: {settings.neurons} excitatory neurons, "
            f"{about['gcn']['layers']}-layer GCN",
            "parameters": trained.gcn.parameter_count(),
            "synapses": learned,
            "licence": about["licence"],
            "split": about["described"],
            "metrics": [{"model": model, **row} for model, row in about["rows"].items()],
            **{key: about["stamp"][key] for key in ("date", "commit", "versions")},
        },
    }  # fmt: skip


def prove(trained: TrainedSynchGraph, bundle: Bundle) -> dict[str, Any]:
    """Compare the written networks, opened as on a device, with the reference and with PyTorch.

    EdgeEmotionError when a spike differs, or a logit by more than LARGEST_DIFFERENCE.
    """
    spiking, engine = open_spiking(bundle), open_engine(bundle, "onnx")
    decision = trained.decision
    random = np.random.default_rng(0)
    settings = trained.state.settings
    presentations: list[NDArray[np.float32]] = []
    for number in range(PROVED):
        rates = {m: _random_rates(random, settings.inputs(m)) for m in settings.modalities}
        events = drawn_events(settings, rates, (0, number))
        wanted = excitatory_spikes(trained.state, drive_of(trained.state, events)[None])[0]
        given = spiking.run(events)
        if (given != wanted).any():
            raise EdgeEmotionError(
                f"the written spiking network differs from the reference in {int((given != wanted).sum())} of "
                f"{int(wanted.sum())} spikes; nothing was written"
            )
        presentations.append(given)
    largest = 0.0
    for first in range(PROVED - decision.presentations + 1):
        spikes = np.stack(presentations[first : first + decision.presentations])
        with torch.no_grad():
            wanted_logits = decision(torch.from_numpy(spikes)).numpy()
        largest = max(largest, float(np.abs(engine.run(spikes) - wanted_logits).max()))
    if largest > LARGEST_DIFFERENCE:
        raise EdgeEmotionError(
            f"the written decision differs by {largest:.1e} in a logit, more than {LARGEST_DIFFERENCE:.0e}; "
            "nothing was written"
        )
    total = int(sum(spikes.sum() for spikes in presentations))
    return {"presentations": PROVED, "spikes": total, "spikes_that_differ": 0, "largest_difference": largest}


def _random_rates(random: np.random.Generator, inputs: int) -> NDArray[np.float32]:
    """(inputs,) Hz: half of the inputs silent, as one sign of each is."""
    rates = random.random(inputs) * PROOF_RATE * (random.random(inputs) < 0.5)
    return rates.astype(np.float32)


def verify_synch_graph(path: Path, run: Path, report: Report = lambda line: None) -> None:
    """Repeat the proof on a written bundle; EdgeEmotionError when it fails."""
    proof = prove(load_synch_graph(run), read_bundle(path))
    report(
        f"{path}: {proof['spikes']:,} spikes, none differs; largest logit difference {proof['largest_difference']:.1e}"
    )
