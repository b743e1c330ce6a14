"""The gates of an export, repeated on a bundle that is already there."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle, NetworkFile, read_bundle
from edge_emotion.engine import Engine, open_appearance, open_engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.appearance_parity import probe_crops
from edge_emotion_export.calibration import Calibration, calibration_file, load_calibration
from edge_emotion_export.gates import agreement, check_finite, outputs
from edge_emotion_export.network_files import FORMATS, FP32, Report, Subject
from edge_emotion_export.parity import TOLERANCE, probe_windows
from edge_emotion_export.subjects import crop_subject, far_inputs, window_subject
from edge_emotion_export.trained_model import TrainedModel, load_trained_model

Array = NDArray[np.float32]


def verify_bundle(
    bundle: str | Path,
    run: str | Path | None = None,
    calibrate: str | Path | None = None,
    report: Report = lambda line: None,
) -> list[str]:
    """Repeat the gates; give what failed, nothing when all passed.

    run: of the export; with it fp32 is compared with the trained model, and the others on the windows held out.
    calibrate: where these windows are, when not in the run. EdgeEmotionError when something cannot be read.
    """
    read = read_bundle(bundle)
    if calibrate is not None and run is None:
        raise EdgeEmotionError("--calibrate needs --run: the windows are standardised as the run says")
    trained = None if run is None else load_trained_model(run)
    data = None
    if trained is not None and run is not None:
        _check_same(read, trained, Path(run))
        data = load_calibration(calibration_file(run, calibrate), trained)
    problems: list[str] = []
    for crops in (False, True) if read.appearance else (False,):
        problems += _verify_networks(read, crops, trained, data, report)
    return problems


def _verify_networks(
    bundle: Bundle, crops: bool, trained: TrainedModel | None, data: Calibration | None, report: Report
) -> list[str]:
    name = "appearance network" if crops else "network"
    entries = bundle.appearance.networks if crops and bundle.appearance else bundle.networks
    opening: Callable[..., Engine] = open_appearance if crops else open_engine
    shape = _shape(bundle, crops)
    problems: list[str] = []
    subject = None
    if trained is not None:
        appearance = trained.appearance
        subject = crop_subject(appearance, "") if crops and appearance else window_subject(trained, "")

    def attempt(what: str, gate: Callable[[], str]) -> None:
        try:
            report(f"{what}: {gate()}")
        except EdgeEmotionError as failure:
            problems.append(str(failure).replace(", nothing written", ""))

    for engine, group in groupby(_by_engine(entries), lambda entry: entry.engine):
        opened = {entry.precision: opening(bundle, engine, entry.precision) for entry in group}
        plain = opened.get(FP32)
        if plain is None and subject is not None:
            plain = converted(subject, engine)
            report(f"{name}, {engine}: no fp32 in the bundle, judged against the run's own")
        if plain is not None and subject is not None:
            prove, proven = subject.prove, plain
            attempt(f"{name}, {engine} fp32", lambda prove=prove, proven=proven: prove(proven)[1])  # type: ignore[misc]
        for precision, network in opened.items():
            what = f"{name}, {engine} {precision}"
            attempt(what, lambda n=network, p=precision: _finite(n, shape, crops, p))  # type: ignore[misc]
            if plain is None or precision == FP32:
                continue
            if data is None or subject is None:
                report(f"{what}: NOT judged against fp32: name the run with --run")
                continue
            check = data.check_crops if crops else data.check
            found = agreement(
                subject.logits(outputs(plain, check)), subject.logits(outputs(network, check)), data.truth, engine,
                precision,
            )  # fmt: skip
            if found.problem:
                problems.append(f"the {name} {found.problem}")
            else:
                report(
                    f"{what}: first answer as fp32's in {100 * found.agreement:.2f} % of {found.windows}, "
                    f"UAR {100 * found.uar:.2f} against {100 * found.uar_fp32:.2f} %"
                )
    problems += _across_engines(bundle, entries, opening, shape, crops, name, report)
    return problems


def converted(subject: Subject, engine: str) -> Engine:
    """The run's network in fp32, for an engine."""
    (convert,) = (convert for name, convert in FORMATS.values() if name == engine)
    content = convert(subject.folded, subject.interface)
    return open_network(content, engine, subject.interface.shapes, f"the run's {engine} network")


def _across_engines(
    bundle: Bundle,
    entries: Sequence[NetworkFile],
    opening: Callable[..., Engine],
    shape: tuple[int, ...],
    crops: bool,
    name: str,
    report: Report,
) -> list[str]:
    """fp32 in one engine against fp32 in the other, where a bundle has both."""
    engines = [entry.engine for entry in entries if entry.precision == FP32]
    if len(engines) < 2:
        return []
    first, second = (opening(bundle, engine, FP32) for engine in engines)
    worst = max(float(np.abs(first.run(x) - second.run(x)).max()) for _, x in _probes(shape, crops))
    if not worst <= 2 * TOLERANCE:
        return [f"the fp32 {name} differs by {worst:.1e} between {' and '.join(engines)}"]
    report(f"{name}: fp32 in {' and '.join(engines)} differs by at most {worst:.1e}")
    return []


def _by_engine(entries: Sequence[NetworkFile]) -> list[NetworkFile]:
    return sorted(entries, key=lambda entry: entry.engine)


def _shape(bundle: Bundle, crops: bool) -> tuple[int, ...]:
    if crops and bundle.appearance is not None:
        return 1, bundle.appearance.crop, bundle.appearance.crop, 1
    return 1, bundle.window.nodes, bundle.window.features


def _probes(shape: tuple[int, ...], crops: bool) -> Iterator[tuple[str, Array]]:
    yield from probe_crops(shape[1]) if crops else probe_windows(shape[1], shape[2])


def _finite(network: Engine, shape: tuple[int, ...], crops: bool, precision: str) -> str:
    probes = [*_probes(shape, crops), *far_inputs(shape)]
    return f"finite on {check_finite(network, probes, precision)} inputs, extreme ones among them"


def _check_same(bundle: Bundle, trained: TrainedModel, run: Path) -> None:
    """Refuse a run that is not the bundle's."""
    window: dict[str, Any] = dict(trained.window)
    stated = (bundle.window.feature_set, bundle.window.nodes, bundle.window.features, list(bundle.labels))
    theirs = (window["feature_set"], window["nodes"], window["features"], list(trained.labels))
    if stated != theirs or not np.allclose(bundle.window.mean, window["mean"]):
        raise EdgeEmotionError(f"{run} is not the run that {bundle.path} was exported from")
