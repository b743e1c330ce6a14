"""A face run to a bundle of version 2: both networks in both formats, proven, and nothing written when one is wrong."""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import Engine, open_appearance, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import network_crop
from edge_emotion_export import export
from edge_emotion_export.appearance_parity import check_appearance_parity, probe_crops
from edge_emotion_export.card import write_card
from edge_emotion_export.cli import main
from edge_emotion_export.fold_appearance import FoldedAppearance
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.models.lgrin import LGrIN
from small_appearance import CROP, EMBEDDING, GRAPH, SMALL, face_config, small_appearance, write_face_run
from small_lgrin import run_config, write_run


@dataclass(frozen=True)
class ExportedFace:
    graph: LGrIN
    appearance: Appearance
    bundle: Bundle
    said: str


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> ExportedFace:
    folder = tmp_path_factory.mktemp("face")
    graph, appearance = write_face_run(folder / "run")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main([str(folder / "run"), "--out", str(folder / "face.emo")]) == 0
    return ExportedFace(graph, appearance, read_bundle(folder / "face.emo"), said.getvalue())


@pytest.mark.parametrize(
    "config",
    [AppearanceConfig(), SMALL, replace(SMALL, widths=(8,), blocks=(2,)), replace(SMALL, blocks=(2, 1, 3))],
    ids=["shipped", "small", "one stage", "many blocks"],
)
@torch.no_grad()
def test_folding_changes_no_number(config: AppearanceConfig) -> None:
    model = small_appearance(config)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    folded = FoldedAppearance(model)
    for side in (16, 48):
        crop = torch.randn(1, side, side, 1)
        expected = model.embedding(crop.permute(0, 3, 1, 2))
        torch.testing.assert_close(folded(crop), expected, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in folded.modules())


@torch.no_grad()
def test_the_batch_norms_of_these_tests_matter() -> None:
    model, crop = small_appearance(), torch.randn(1, 1, CROP, CROP)
    before = model.embedding(crop)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
    assert (model.embedding(crop) - before).abs().max() > 0.1


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_parity_of_both_networks(face: ExportedFace, engine: str) -> None:
    opened = open_appearance(face.bundle, engine)
    generator = np.random.default_rng(99)
    found = []
    for _ in range(5):
        picture = generator.integers(0, 256, (CROP, CROP), np.uint8)
        crop = network_crop(picture)[None, :, :, None]
        with torch.no_grad():
            expected = face.appearance.embedding(torch.from_numpy(crop).permute(0, 3, 1, 2)).numpy()
        got = opened.run(crop)
        assert got.dtype == np.float32 and got.shape == (1, EMBEDDING)
        assert np.abs(got - expected).max() <= 1e-4
        found.append(expected)
    assert np.ptp(np.concatenate(found), axis=0).min() > 0.05, "the embedding does not depend on the crop"
    window = generator.normal(size=(1, 12, 9)).astype(np.float32)
    with torch.no_grad():
        logits = face.graph(torch.from_numpy(window)).numpy()
    assert np.abs(open_engine(face.bundle, engine).run(window) - logits).max() <= 1e-4


def test_no_transpose_between_the_layers(face: ExportedFace) -> None:
    """LiteRT keeps channels last; a network exported carelessly turns its maps around at every layer."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=face.bundle.appearance_network("litert"),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert "CONV_2D" in names and "TRANSPOSE" not in names


def test_what_the_face_bundle_says(face: ExportedFace) -> None:
    bundle = face.bundle
    assert (bundle.name, bundle.modality, bundle.window.feature_set) == ("face", "face", "face")
    assert bundle.appearance is not None
    contract = bundle.appearance
    assert (contract.crop, contract.embedding, contract.period) == (CROP, EMBEDDING, 0.2)
    files = [network.file for network in (*bundle.networks, *contract.networks)]
    assert files == [
        "face-fp32.onnx", "face-fp32.tflite", "face-appearance-fp32.onnx", "face-appearance-fp32.tflite"
    ]  # fmt: skip
    with zipfile.ZipFile(bundle.path) as archive:
        assert json.loads(archive.read("manifest.json"))["version"] == 2
    exported = sum(p.numel() for n, p in face.appearance.named_parameters() if not n.startswith("head."))
    assert bundle.about["appearance"]["parameters"] == exported
    assert bundle.about["parameters"] == sum(p.numel() for p in face.graph.parameters())
    for engine in ("onnx", "litert"):
        assert 0 <= bundle.about["export"]["appearance_parity"][engine]["embedding"] <= 1e-4
        assert f"in {engine}, the embedding differs from torch by at most" in face.said
    assert face.said.splitlines()[-1].startswith(f"wrote {bundle.path}")
    for words in ("expressed emotion from face", "FER2013", "no licence for commercial use", "written motion model",
                  "## How sequences were made\n\nEach still is held", "about 65 of 100",
                  "as people named it in pictures", "12 nodes of 33.33 ms",
                  "**not measured**",
                  "4 numbers from an aligned grey crop of 16 x 16 pixels, computed every 0.2 s",
                  "| appearance alone |", "| fer2013 | the same | held-out stills | face | 7 | 66.1 | 69.1 |",
                  "the stills held back for it: 8.4 % raw, 2.1 %", "onnx's appearance network"):  # fmt: skip
        assert words in bundle.card
    for words in ("English and German", "twin", "68 points", "ravdess"):
        assert words not in bundle.card


def test_networks_hold_no_paths_of_the_exporting_machine(face: ExportedFace) -> None:
    for engine in ("onnx", "litert"):
        content = face.bundle.appearance_network(engine)
        assert str(Path(export.__file__).parent).encode() not in content and b".py" not in content


def converters(face: ExportedFace, change: Callable[[nn.Module], None]) -> Callable[..., bytes]:
    """A converter that gives the ONNX files already made, the appearance network converted anew after a change."""

    def convert(network: nn.Module, interface: Any) -> bytes:
        if interface.input_name == "window":
            return face.bundle.network("onnx")
        change(network)
        return original(network, interface)

    original = export.FORMATS["onnx"][1]
    return convert


@torch.no_grad()
def move_a_weight(network: nn.Module) -> None:
    network.projection.bias[1] += 2e-4


@torch.no_grad()
def lose_a_shortcut(network: nn.Module) -> None:
    network.blocks[1].shortcut[1].weight.zero_()


@pytest.mark.parametrize("change", [move_a_weight, lose_a_shortcut])
def test_a_parity_failure_of_the_appearance_writes_no_file(
    face: ExportedFace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[nn.Module], None],
) -> None:
    write_face_run(tmp_path / "run")
    monkeypatch.setitem(export.FORMATS, "onnx", ("onnx", converters(face, change)))
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "face.emo"), "--formats", "onnx"]) == 2
    said = capsys.readouterr().err
    assert "parity failed, nothing written" in said and "a number of the embedding (crop: " in said
    assert said.count("\n") == 1 and [path.name for path in tmp_path.iterdir()] == ["run"]


class Fake:
    """An engine that gives what a function gives."""

    name = "fake"
    version = "0"

    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        self.answer = answer

    def run(self, x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.answer(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()


def test_parity_itself() -> None:
    model = small_appearance()

    def proof(answer: Callable[[Tensor], Tensor]) -> Any:
        engine: Engine = Fake(answer)
        return check_appearance_parity(model, engine, CROP)

    same = proof(model.embedding)
    assert same.embedding == 0 and same.crops == len(list(probe_crops(CROP))) + 2
    assert 4e-5 < proof(lambda crop: model.embedding(crop) + 5e-5).embedding < 6e-5
    with pytest.raises(EdgeEmotionError, match=r"differs from the trained model by 2\.0e-04"):
        proof(lambda crop: model.embedding(crop) + 2e-4)
    with pytest.raises(EdgeEmotionError, match="by nan"):
        proof(lambda crop: model.embedding(crop) * torch.nan)
    with pytest.raises(EdgeEmotionError, match="breaks on a crop 1000 deviations out"):
        proof(lambda crop: model.embedding(crop.clamp(-100, 100)))


def test_probe_crops_are_what_the_device_gives() -> None:
    crops = dict(probe_crops(CROP))
    assert all(crop.shape == (1, CROP, CROP, 1) and crop.dtype == np.float32 for crop in crops.values())
    black_and_white = np.tile(np.where(np.arange(CROP) < CROP // 2, 0, 255).astype(np.uint8), (CROP, 1))
    np.testing.assert_allclose(
        crops["half black, half white"][0, :, :, 0], network_crop(black_and_white), atol=1e-6
    )
    assert not crops["one grey"].any()


def test_landmarks_alone_make_a_bundle_of_version_1(
    face: ExportedFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "run", GRAPH)
    config = run_config(GRAPH)
    config["window"]["feature_set"] = "face-landmarks"
    config["about"]["corpora"] = ["fer2013"]
    (tmp_path / "run" / "model" / "config.json").write_text(json.dumps(config))
    monkeypatch.setitem(
        export.FORMATS, "onnx", ("onnx", lambda network, interface: face.bundle.network("onnx"))
    )
    out = tmp_path / "face-landmarks.emo"
    assert main([str(tmp_path / "run"), "--out", str(out), "--formats", "onnx"]) == 0
    bundle = read_bundle(out)
    assert (bundle.name, bundle.modality, bundle.appearance) == ("face-landmarks", "face", None)
    assert "68 points and nothing else" in bundle.card and "aligned grey crop" not in bundle.card
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("manifest.json"))["version"] == 1


def test_the_card_says_whose_rows_those_of_action_units_are() -> None:
    config = face_config()
    row = {"corpus": "ravdess-face-au", "protocol": "loso", "model": "L-GrIN of action units", "classes": 8,
           "uar_mean": 0.5, "uar_std": 0.1, "accuracy_mean": 0.5, "folds": 5, "seeds": 3}  # fmt: skip
    config["about"]["metrics"].append(row)
    manifest = {"name": "face", "modality": "face", "networks": [], **config}
    card = write_card(manifest)
    assert "| L-GrIN of action units | 8 | 50.0 ± 10.0 | 50.0 | 5 | 3 |" in card
    assert "measure other networks" in card


def damage(run: Path, what: str) -> None:
    """Make one thing wrong with a face run."""
    model, config = run / "model", face_config()
    appearance = config["appearance"]
    if what == "no weights":
        (model / "appearance.pt").unlink()
    elif what == "other weights":
        torch.save(small_appearance(replace(SMALL, widths=(8, 12, 20))).state_dict(), model / "appearance.pt")
    elif what == "nan weights":
        weights = small_appearance().state_dict()
        weights["head.bias"] *= torch.nan
        torch.save(weights, model / "appearance.pt")
    elif what == "pickled code":
        torch.save({"x": Path}, model / "appearance.pt")
    else:
        edits: dict[str, Callable[[], object]] = {
            "not stated": lambda: config.pop("appearance"),
            "no use": lambda: config["window"].update(feature_set="face-landmarks"),
            "unknown set": lambda: (config["window"].update(feature_set="gait"), config.pop("appearance")),
            "a list": lambda: config.update(appearance=[1]),
            "no crop": lambda: appearance.pop("crop"),
            "crop of 20": lambda: appearance.update(crop=20),
            "crop as text": lambda: appearance.update(crop="16"),
            "huge crop": lambda: appearance.update(crop=1024),
            "no period": lambda: appearance.update(period=0),
            "other embedding": lambda: appearance.update(embedding=5),
            "unknown field": lambda: appearance["config"].update(attention=True),
            "text for widths": lambda: appearance["config"].update(widths="wide"),
            "number for widths": lambda: appearance["config"].update(widths=3),
            "no sizes": lambda: appearance.update(config=None),
        }
        edits[what]()
        (model / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("no weights", "holds no appearance.pt, which config.json needs"),
        ("other weights", "weights of another architecture than config.json says"),
        ("nan weights", "head.bias holds NaN"),
        ("pickled code", "not weights that torch can load"),
        ("not stated", "the feature set 'face' needs an appearance network, none is stated"),
        ("no use", "the feature set 'face-landmarks' has no use for an appearance network, one is stated"),
        ("unknown set", "the feature set 'gait' is of no known modality: say --modality"),
        ("a list", "appearance: expected config, crop, embedding, period"),
        ("no crop", "appearance: expected config, crop, embedding, period"),
        ("crop of 20", "appearance.crop: expected a multiple of 8 pixels, got 20"),
        ("crop as text", "appearance.crop: expected a multiple of 8 pixels, got '16'"),
        ("huge crop", "appearance.crop: expected a whole number from 8 to 512"),
        ("no period", "appearance.period: expected a finite number above zero"),
        ("other embedding", "gives 4 numbers, appearance.embedding says 5"),
        ("unknown field", "not an appearance network that this version knows (unknown: attention)"),
        ("text for widths", "as many widths as blocks"),
        ("number for widths", "not the sizes of an appearance network"),
        ("no sizes", "appearance: expected config, crop, embedding, period"),
    ],
)
def test_a_face_run_that_cannot_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, expected: str
) -> None:
    write_face_run(tmp_path / "run")
    damage(tmp_path / "run", what)
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "face.emo"), "--formats", "onnx"]) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1 and said.startswith("edge-emotion-export: ")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
