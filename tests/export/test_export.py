"""From a run folder to a bundle: parity in the real runtimes, and nothing written when anything is wrong."""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export import export
from edge_emotion_export.cli import main
from edge_emotion_export.export import export_bundle, read_results
from edge_emotion_export.parity import probe_windows
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig
from small_lgrin import FREE, LABELS, TIED, run_config, write_run


@dataclass(frozen=True)
class Exported:
    model: LGrIN
    bundle: Bundle
    said: str  # by the command line


def exported_by_command(folder: Path, config: LGrINConfig) -> Exported:
    model = write_run(folder / "run", config)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main([str(folder / "run"), "--out", str(folder / "small.emo")]) == 0
    return Exported(model, read_bundle(folder / "small.emo"), said.getvalue())


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported_by_command(tmp_path_factory.mktemp("tied"), TIED)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported_by_command(tmp_path_factory.mktemp("free"), FREE)


@pytest.fixture(params=["tied", "free"])
def exported(request: pytest.FixtureRequest) -> Exported:
    both: Exported = request.getfixturevalue(request.param)
    return both


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_parity_with_the_trained_model(exported: Exported, engine: str) -> None:
    opened = open_engine(exported.bundle, engine)
    generator = np.random.default_rng(99)
    spread = []
    for width in (0.1, 1.0, 2.0, 4.0):
        window = generator.normal(0, width, (1, 12, 5)).astype(np.float32)
        with torch.no_grad():
            expected = exported.model(torch.from_numpy(window)).numpy()
        got = opened.run(window)
        assert got.dtype == np.float32 and got.shape == (1, 3)
        assert np.abs(got - expected).max() <= 1e-4
        spread.append(expected)
    assert np.ptp(np.concatenate(spread), axis=0).min() > 0.1, "the logits do not depend on the window"


def test_the_engines_agree_and_repeat_themselves(exported: Exported) -> None:
    engines = [open_engine(exported.bundle, name) for name in ("onnx", "litert")]
    for name, window in probe_windows(12, 5, seed=5):
        first, second = (engine.run(window) for engine in engines)
        assert np.abs(first - second).max() <= 1e-4, name
        assert np.array_equal(first, engines[0].run(window)) and np.array_equal(
            second, engines[1].run(window)
        )


def test_more_threads_give_the_same_logits(exported: Exported) -> None:
    window = np.random.default_rng(3).normal(size=(1, 12, 5)).astype(np.float32)
    for engine in ("onnx", "litert"):
        one, two = (open_engine(exported.bundle, engine, threads=threads).run(window) for threads in (1, 2))
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_what_the_bundle_says(exported: Exported) -> None:
    bundle = exported.bundle
    assert (bundle.name, bundle.modality, bundle.labels, bundle.temperature) == (
        "small",
        "voice",
        tuple(LABELS),
        1.4,
    )
    assert [(n.engine, n.precision) for n in bundle.networks] == [("onnx", "fp32"), ("litert", "fp32")]
    assert bundle.about["parameters"] == sum(p.numel() for p in exported.model.parameters())
    assert bundle.about["seed"] == 7 and bundle.about["commit"] == "0123456789"
    for engine in ("onnx", "litert"):
        assert 0 <= bundle.about["export"]["parity"][engine]["logits"] <= 1e-4
        assert f"in {engine}, logits differ from torch by at most" in exported.said
    assert exported.said.splitlines()[-1].startswith(f"wrote {bundle.path}")
    for words in ("CC BY-NC-SA 4.0", "free for research", "65.4 ± 2.1", "Article 5(1)(f)", "not** report what", "acted",
                  "English and German", "calm (as neutral)", "speakers 1 and 2 apart"):  # fmt: skip
        assert words in bundle.card


def test_networks_hold_no_paths_of_the_exporting_machine(exported: Exported) -> None:
    for network in exported.bundle.networks:
        content = exported.bundle.network(network.engine, network.precision)
        assert str(Path(export.__file__).parent).encode() not in content
        assert b".py" not in content


def test_the_same_run_gives_the_same_bytes(tied: Exported, tmp_path: Path) -> None:
    again = export_bundle(tied.bundle.path.parent / "run", tmp_path / "small.emo", formats=["onnx", "tflite"])
    assert again.path.read_bytes() == tied.bundle.path.read_bytes()


Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def converter(network: bytes, change: Change | None = None) -> Callable[..., bytes]:
    """A converter that gives an ONNX network already made, its largest constant changed."""
    model = onnx.load_from_string(network)
    numbers = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    largest = max(numbers, key=lambda tensor: int(np.prod(tensor.dims)))
    if change is not None:
        largest.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(largest).copy()), largest.name))
    return lambda *arguments: model.SerializeToString()


def one_moved(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    weights.flat[np.abs(weights).argmax()] += 0.01
    return weights


def all_nan(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    return weights * np.float32(np.nan)


@pytest.mark.parametrize("change", [one_moved, all_nan])
@pytest.mark.parametrize("before", [None, b"an older bundle"])
def test_a_parity_failure_writes_no_file(
    tied: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    before: bytes | None,
) -> None:
    write_run(tmp_path / "run", TIED)
    out = tmp_path / "small.emo"
    if before:
        out.write_bytes(before)
    monkeypatch.setitem(export.FORMATS, "onnx", ("onnx", converter(tied.bundle.network("onnx"), change)))
    assert main([str(tmp_path / "run"), "--out", str(out), "--formats", "onnx"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "parity failed, nothing written" in said.err
    assert (out.read_bytes() if out.exists() else None) == before
    assert {path.name for path in tmp_path.iterdir()} == {"run"} | ({"small.emo"} if before else set())


def test_name_and_formats(tied: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "run", TIED)
    monkeypatch.setitem(export.FORMATS, "onnx", ("onnx", converter(tied.bundle.network("onnx"))))
    model_folder, out = (
        str(tmp_path / "run" / "model"),
        tmp_path / "other.emo",
    )  # the model folder itself will do
    assert main([model_folder, "--out", str(out), "--name", "voice", "--formats", "onnx"]) == 0
    bundle = read_bundle(out)
    assert (bundle.name, [n.file for n in bundle.networks]) == ("voice", ["voice-fp32.onnx"])
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["manifest.json", "card.md", "voice-fp32.onnx"]


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for words in ("compared with the trained model", "examples:", "--formats", "--name"):
        assert words in text


def damage(run: Path, what: str) -> None:
    """Make one thing wrong with a run folder."""
    model, config = run / "model", run_config(TIED)
    weights = torch.load(model / "weights.pt", weights_only=True)
    if what == "no weights":
        (model / "weights.pt").unlink()
    elif what == "no config":
        (model / "config.json").unlink()
    elif what == "foreign weights":
        (model / "weights.pt").write_bytes(b"not weights")
    elif what == "empty weights":
        (model / "weights.pt").write_bytes(b"")
    elif what == "pickled code":
        torch.save({"x": Path}, model / "weights.pt")
    elif what == "a list":
        torch.save([1, 2], model / "weights.pt")
    elif what == "other network":
        torch.save(torch.nn.Linear(2, 2).state_dict(), model / "weights.pt")
    elif what == "other sizes":
        torch.save({**weights, "graph.weight": torch.ones(9)}, model / "weights.pt")
    elif what == "nan weights":
        torch.save({**weights, "graph.weight": weights["graph.weight"] * torch.nan}, model / "weights.pt")
    elif what == "not json":
        (model / "config.json").write_text("{")
    else:
        edits: dict[str, Callable[[], object]] = {
            "no labels": lambda: config.pop("labels"),
            "unknown field": lambda: config["lgrin"].update(attention=True),
            "unknown kind": lambda: config["lgrin"].update(adjacency="dense"),
            "no sizes": lambda: config["lgrin"].pop("nodes"),
            "text for a size": lambda: config["lgrin"].update(nodes="many"),
            "other labels": lambda: config["labels"].append("bored"),
            "other window": lambda: config["window"].update(nodes=13),
            "bad scale": lambda: config["window"].update(scale=[0.0] * 5),
            "bad target": lambda: config["label_map"].update(calm="serenity"),
            "bad temperature": lambda: config.update(temperature=0),
        }
        edits[what]()
        (model / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("no weights", "holds no trained model"),
        ("no config", "holds no trained model"),
        ("foreign weights", "not weights that torch can load"),
        ("empty weights", "not weights that torch can load"),
        ("pickled code", "not weights that torch can load"),
        ("a list", "expected a state_dict"),
        ("other network", "weights of another architecture"),
        ("other sizes", "graph.weight has shape (9,), expected (4,)"),
        ("nan weights", "graph.weight holds NaN"),
        ("not json", "cannot be read as JSON"),
        ("no labels", "it lacks labels"),
        ("unknown field", "not an L-GrIN that this version knows (unknown: attention)"),
        ("unknown kind", "unknown adjacency 'dense'"),
        ("no sizes", "not the sizes of an L-GrIN"),
        ("text for a size", "not the sizes of an L-GrIN"),
        ("other labels", "gives 3 classes, window and labels say 12, 5 and 4"),
        ("other window", "window and labels say 13, 5 and 3"),
        ("bad scale", "window.scale[0]: expected a finite number above zero"),
        ("bad target", "'calm' is mapped to 'serenity'"),
        ("bad temperature", "temperature: expected a finite number above zero"),
    ],
)
def test_a_run_that_cannot_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, expected: str
) -> None:
    write_run(tmp_path / "run", TIED)
    damage(tmp_path / "run", what)
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "small.emo"), "--formats", "onnx"]) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1 and said.startswith("edge-emotion-export: ")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["RUN", "--out", "TMP/small.zip"], "ends in .emo"),
        (["RUN", "--out", "TMP/absent/small.emo"], "there is no folder"),
        (["RUN", "--out", "TMP/small.emo", "--formats", "onnx,coreml"], "unknown format 'coreml'"),
        (["RUN", "--out", "TMP/small.emo", "--formats", ","], "unknown format"),
        (["RUN", "--out", "TMP/small.emo", "--name", "../x"], "name: expected a plain name"),
        (["TMP/nothing", "--out", "TMP/small.emo"], "no run folder"),
        (["RUN"], "--out"),
        ([], "see `edge-emotion-export --help`"),
    ],
)
def test_a_wrong_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    write_run(tmp_path / "run", TIED)
    filled = [a.replace("RUN", str(tmp_path / "run")).replace("TMP", str(tmp_path)) for a in arguments]
    assert main(filled) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"rows": 1, "stamp": {}}', '{"rows": [1], "stamp": {"commit": "", "date": ""}}']
)
def test_a_foreign_result_table_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "voice.json"
    path.write_text(content)
    with pytest.raises(EdgeEmotionError, match=r"voice\.json as a result table") as caught:
        read_results(path)
    assert "\n" not in str(caught.value)
