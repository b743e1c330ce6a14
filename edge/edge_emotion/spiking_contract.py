"""What a bundle of Synch-Graph says of its spiking network: the key "spiking" of a version 3 manifest, checked.

    seed      of the Poisson trains, 0 to 4294967295
    face      {side, across}: across x across windows of side x side pixels over the face crop
    sound     {side, count, mean, scale}: count windows of side x side over the MFCC image, which is standardised by the
              mean and the scale of its cepstra, 40 numbers each
    networks  [{file, engine, precision, sha256}]: the spiking network, in ONNX and fp32 only

The spiking network takes the events of one presentation, "steps" and "inputs", both int64 (events,), and gives
"spikes", float32 (STEPS, N) of 0 and 1. Inputs are numbered over the face's windows, then the sound's; so are the N
neurons, equally many a window. See features/spikes.py.

The manifest's "networks" are then the decision networks, in ONNX only: float32 (K, STEPS, N), the spikes of K
presentations, to logits (1, C). "window" says K as nodes and N as features. A graph of spikes is not standardised: mean
is all 0, scale all 1.
"""

from dataclasses import dataclass
from typing import Any

from edge_emotion.manifest_check import ManifestCheck, shown
from edge_emotion.network_file import NetworkFile, check_networks
from edge_emotion.window import WindowContract

SPIKES, SPIKES_VERSION = "spikes", 1  # the feature set whose nodes are presentations to a spiking network
FACE_VOICE = "face-voice"  # the modality of a model that judges both as one
ENGINE, PRECISION = "onnx", "fp32"  # LiteRT has no loop that a spiking network could be

MOST_PRESENTATIONS = 64  # of a decision, 32 s
MOST_NEURONS = 1024
MOST_SPIKES = 16384  # presentations times neurons of a decision: 1000 steps of so many are 66 MB
MOST_WINDOWS = 64  # across a face, and along the sound

_KEYS = ("seed", "face", "sound", "networks")
_FACE_KEYS, _SOUND_KEYS = ("side", "across"), ("side", "count", "mean", "scale")


@dataclass(frozen=True)
class SpikingContract:
    """What the spiking network of a bundle takes: which windows it sees, and the seed of its trains.

    seed: of the Poisson trains; with it a presentation's number and its modality.
    face_side, face_across: windows of face_windows(). sound_side, sound_count: windows of sound_windows().
    mean, scale: (CEPSTRA,) of the training speakers' loud frames, see sound_rates().
    networks: one, ONNX in fp32.
    """

    seed: int
    face_side: int
    face_across: int
    sound_side: int
    sound_count: int
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    networks: tuple[NetworkFile, ...]

    def face_neurons(self, neurons: int) -> int:
        """How many of so many neurons look at the face, the first ones; the others listen."""
        faces = self.face_across**2
        return neurons * faces // (faces + self.sound_count)


def check_spiking(check: ManifestCheck, found: Any, window: WindowContract) -> SpikingContract:
    """The key "spiking", and what a window of spikes has to be."""
    # Brings OpenCV, which manifests of sound do without.
    from edge_emotion.features.spikes import CEPSTRA, FRAMES, PICTURE

    _check_window(check, window)
    table = check.table(found, "spiking")
    check.keys(table, _KEYS, "spiking")
    face, sound = check.table(table["face"], "spiking.face"), check.table(table["sound"], "spiking.sound")
    check.keys(face, _FACE_KEYS, "spiking.face")
    check.keys(sound, _SOUND_KEYS, "spiking.sound")
    side = check.integer(face["side"], "spiking.face.side", 1, PICTURE)
    high = check.integer(sound["side"], "spiking.sound.side", 1, CEPSTRA)
    contract = SpikingContract(
        seed=check.integer(table["seed"], "spiking.seed", 0, (1 << 32) - 1),
        face_side=side,
        face_across=check.integer(
            face["across"], "spiking.face.across", 1, min(PICTURE // side, MOST_WINDOWS)
        ),
        sound_side=high,
        sound_count=check.integer(
            sound["count"], "spiking.sound.count", 1, min(FRAMES // high, MOST_WINDOWS)
        ),
        mean=_numbers(check, sound["mean"], "spiking.sound.mean", CEPSTRA, above_zero=False),
        scale=_numbers(check, sound["scale"], "spiking.sound.scale", CEPSTRA, above_zero=True),
        networks=_spiking_networks(check, table["networks"]),
    )
    windows = contract.face_across**2 + contract.sound_count
    if window.features % windows:
        check.fail(
            f"window.features: expected equally many neurons for each of {windows} windows, "
            f"got {window.features}"
        )
    return contract


def check_decision(check: ManifestCheck, networks: tuple[NetworkFile, ...], modality: str) -> None:
    """What the rest of a manifest has to say where there is a spiking network."""
    if modality != FACE_VOICE:
        check.fail(f"modality: expected {FACE_VOICE}, which spikes are of, got {shown(modality)}")
    for i, network in enumerate(networks):
        if network.engine != ENGINE:
            check.fail(
                f"networks[{i}].engine: expected {ENGINE} beside a spiking network, got {network.engine}"
            )


def _check_window(check: ManifestCheck, window: WindowContract) -> None:
    if window.nodes > MOST_PRESENTATIONS:
        check.fail(f"window.nodes: expected at most {MOST_PRESENTATIONS} presentations, got {window.nodes}")
    if window.features > MOST_NEURONS:
        check.fail(f"window.features: expected at most {MOST_NEURONS} neurons, got {window.features}")
    if window.nodes * window.features > MOST_SPIKES:
        check.fail(
            f"window: expected at most {MOST_SPIKES} presentations times neurons, "
            f"got {window.nodes} x {window.features}"
        )
    if window.hop != 1:
        check.fail(f"window.hop: expected 1, a decision at each presentation, got {window.hop}")
    for name, values, expected in (("mean", window.mean, 0.0), ("scale", window.scale, 1.0)):
        if set(values) != {expected}:
            check.fail(f"window.{name}: expected {expected:g} for every neuron, spikes are not standardised")


def _numbers(check: ManifestCheck, found: Any, field: str, count: int, above_zero: bool) -> tuple[float, ...]:
    values = check.array(found, field, count, count)
    return tuple(check.number(value, f"{field}[{i}]", above_zero) for i, value in enumerate(values))


def _spiking_networks(check: ManifestCheck, found: Any) -> tuple[NetworkFile, ...]:
    networks = check_networks(check, found, "spiking.networks")
    for i, network in enumerate(networks):
        if (network.engine, network.precision) != (ENGINE, PRECISION):
            check.fail(
                f"spiking.networks[{i}]: expected {ENGINE} {PRECISION}, the one form of a spiking network, "
                f"got {network.engine} {network.precision}"
            )
    return networks
