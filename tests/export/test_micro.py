"""What a microcontroller would need: operators of a real file, and an arena worked out by hand."""

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export import micro
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.interface import window_interface
from edge_emotion_export.micro import arena_bytes, micro_needs
from edge_emotion_export.tflite_file import tflite_bytes
from edge_emotion_export.tflite_graph import TFLiteGraph, TFLiteOperator, TFLiteTensor
from small_lgrin import TIED, small_lgrin


@pytest.fixture(scope="module")
def content() -> bytes:
    return tflite_bytes(FoldedLGrIN(small_lgrin(TIED)), window_interface(TIED))


def tensor(size: int, constant: bool = False) -> TFLiteTensor:
    return TFLiteTensor("", (size,), "INT8", size, constant)


def chain(*sizes: int) -> TFLiteGraph:
    """Tensors that are made one from the other, by an operator with weights of 100 bytes each."""
    tensors = (*(tensor(size) for size in sizes), tensor(100, constant=True))
    weights = len(sizes)
    operators = tuple(TFLiteOperator("ADD", (i, weights), (i + 1,)) for i in range(len(sizes) - 1))
    return TFLiteGraph(tensors, operators, (0,), (len(sizes) - 1,))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((32, 64, 16), 96),  # 64 at 0; both neighbours at 64, the one dead when the other is born
        ((33, 64, 16), 112),  # 33 bytes take 48
        ((64, 64, 64, 64), 128),  # by turns
        ((16, 64, 32, 48), 96),  # 64 at 0, 48 at 0 when it is dead, 32 and 16 at 64
    ],
)
def test_arena_of_a_chain(sizes: tuple[int, ...], expected: int) -> None:
    assert arena_bytes(chain(*sizes)) == expected


def test_arena_keeps_what_is_read_again_later() -> None:
    # 0 -> 1 -> 2, and 3 = 0 + 2: tensor 0 lives through all three, so 64 + 64 + 64.
    operators = (
        TFLiteOperator("RELU", (0,), (1,)),
        TFLiteOperator("RELU", (1,), (2,)),
        TFLiteOperator("ADD", (0, 2), (3,)),
    )
    graph = TFLiteGraph(tuple(tensor(64) for _ in range(4)), operators, (0,), (3,))
    assert arena_bytes(graph) == 192


def test_needs_of_a_network(content: bytes) -> None:
    needs = micro_needs(content)
    assert {"FULLY_CONNECTED", "CONCATENATION", "TRANSPOSE"} <= set(needs.operators)
    assert needs.operators == tuple(sorted(needs.operators)) and needs.unsupported == ()
    # The last concatenation of nodes, 12 x (10 + 10 + 5) numbers, lives beside what it is made of.
    assert 2 * 12 * 25 * 4 <= needs.arena_bytes < 20_000
    assert 1000 < needs.weights_bytes < len(content)


def test_an_operator_that_micro_lacks_is_named(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "PUBLISHED", micro.PUBLISHED - {"CONCATENATION"})
    assert micro_needs(content).unsupported == ("CONCATENATION",)


@pytest.mark.parametrize("keep", [0, 6, 200])
def test_a_damaged_file(content: bytes, keep: int) -> None:
    with pytest.raises(EdgeEmotionError, match="expected a TFLite network, got a file that is damaged"):
        micro_needs(content[:keep])
