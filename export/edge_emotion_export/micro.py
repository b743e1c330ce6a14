"""What a microcontroller would need to run a TFLite network with TensorFlow Lite Micro: operators and memory."""

from dataclasses import dataclass

from edge_emotion_export.tflite_graph import TFLiteGraph, read_tflite_graph

PUBLISHED = frozenset([
    "ABS", "ADD", "ADD_N", "ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "AVERAGE_POOL_2D", "BATCH_MATMUL",
    "BATCH_TO_SPACE_ND", "BROADCAST_ARGS", "BROADCAST_TO", "CALL_ONCE", "CAST", "CEIL", "CONCATENATION",
    "CONV_2D", "COS", "CUMSUM", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV",
    "DYNAMIC_UPDATE_SLICE", "ELU", "EMBEDDING_LOOKUP", "EQUAL", "EXP", "EXPAND_DIMS", "FILL", "FLOOR",
    "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED", "GATHER", "GATHER_ND", "GREATER", "GREATER_EQUAL",
    "HARD_SWISH", "IF", "L2_NORMALIZATION", "L2_POOL_2D", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG",
    "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "LOG_SOFTMAX", "MAXIMUM", "MAX_POOL_2D", "MEAN",
    "MINIMUM", "MIRROR_PAD", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PADV2", "PRELU", "QUANTIZE",
    "READ_VARIABLE", "REDUCE_ALL", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RESHAPE",
    "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "ROUND", "RSQRT", "SELECT_V2", "SHAPE",
    "SIN", "SLICE", "SOFTMAX", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQRT", "SQUARE",
    "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "SVDF", "TANH", "TRANSPOSE",
    "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNPACK", "VAR_HANDLE", "WHILE", "ZEROS_LIKE",
])  # fmt: skip
"""Built-in operators of TensorFlow Lite Micro, those that MicroMutableOpResolver has an AddXxx for: as registered in
the package tflite-micro 0.dev20261023182759 (built on 2026-10-23), whose Register_XXX symbols these are."""

ALIGNMENT = 16  # bytes, of tensors in the arena


@dataclass(frozen=True)
class MicroNeeds:
    """What a network asks of TensorFlow Lite Micro.

    operators: built-in ones it uses, by name, sorted; unsupported: those of them that Micro lacks.
    arena_bytes: RAM for its activations, planned as Micro's greedy planner does; kernels' and tensors' records come
    on top.
    weights_bytes: constants, which stay in flash.
    """

    operators: tuple[str, ...]
    unsupported: tuple[str, ...]
    arena_bytes: int
    weights_bytes: int


def micro_needs(content: bytes) -> MicroNeeds:
    """The needs of a TFLite network; EdgeEmotionError when the file is none."""
    graph = read_tflite_graph(content)
    names = {operator.name for operator in graph.operators}
    return MicroNeeds(
        tuple(sorted(names)),
        tuple(sorted(names - PUBLISHED)),
        arena_bytes(graph),
        sum(tensor.bytes for tensor in graph.tensors if tensor.constant),
    )


def arena_bytes(graph: TFLiteGraph) -> int:
    """Bytes of the arena by a greedy plan: the largest tensors first, each at the lowest place free while it lives."""
    placed: list[tuple[int, int, int, int]] = []  # place, end, first use, last use
    for size, first, last in sorted(_lifetimes(graph), key=lambda life: (-life[0], life[1])):
        place = 0
        for other, end, begun, done in sorted(placed):
            if begun <= last and done >= first:
                if other - place >= size:
                    break
                place = max(place, end)
        placed.append((place, place + size, first, last))
    return max((end for _, end, _, _ in placed), default=0)


def _lifetimes(graph: TFLiteGraph) -> list[tuple[int, int, int]]:
    """(aligned bytes, first, last operator) of each tensor that is no constant."""
    last_step = len(graph.operators) - 1
    first = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.outputs, last_step)
    for step, operator in enumerate(graph.operators):
        for index in operator.outputs:
            first.setdefault(index, step)
            last[index] = max(last.get(index, step), step)
        for index in operator.inputs:
            last[index] = max(last.get(index, step), step)
    return [
        (-(-graph.tensors[index].bytes // ALIGNMENT) * ALIGNMENT, begun, last.get(index, begun))
        for index, begun in first.items()
        if not graph.tensors[index].constant
    ]
