"""How much a TFLite network computes and holds, counted from its operators."""

from dataclasses import dataclass
from math import prod
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back

MULTIPLYING = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_MATMUL")


@dataclass(frozen=True)
class NetworkSize:
    """multiply_accumulates: of one run. parameters: weights and biases of the operators that multiply."""

    multiply_accumulates: int
    parameters: int


def network_size(network: bytes) -> NetworkSize:
    """Count over the operators of a .tflite file; EdgeEmotionError when LiteRT does not open it."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as reason:
        raise EdgeEmotionError(
            "ai-edge-litert is not installed or does not load here: pip install ai-edge-litert"
        ) from reason
    # Without delegates, which would take operators together and hide them.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with held_back(show_on_failure=False):
            interpreter: Any = Interpreter(model_content=network, experimental_op_resolver_type=plain)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as reason:
        line = " ".join(str(reason).split())[:160]
        raise EdgeEmotionError(f"expected a TFLite network, LiteRT says: {line}") from reason
    shapes = {detail["index"]: tuple(detail["shape"].tolist()) for detail in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()  # the only way to the operators that the runtime has
    made = {int(detail["index"]) for detail in interpreter.get_input_details()}
    for operator in operators:
        if operator["op_name"] != "DEQUANTIZE":  # of weights kept in float16
            made |= {int(index) for index in operator["outputs"]}
    count, weights = 0, set()
    for operator in operators:
        if operator["op_name"] in MULTIPLYING:
            inputs = [int(index) for index in operator["inputs"] if index >= 0]
            count += _multiply_accumulates(
                operator["op_name"], shapes[inputs[0]], shapes[inputs[1]], shapes[int(operator["outputs"][0])]
            )
            weights |= {index for index in inputs if index not in made}
    return NetworkSize(count, sum(prod(shapes[index]) for index in weights))


def _multiply_accumulates(
    name: str, left: tuple[int, ...], weights: tuple[int, ...], output: tuple[int, ...]
) -> int:
    """Numbers of the output times what is summed for each.

    Weights: CONV_2D (out, h, w, in a group), DEPTHWISE_CONV_2D (1, h, w, out), FULLY_CONNECTED (out, in);
    BATCH_MATMUL sums over one side of the left matrix: the one that is no side of the output.
    """
    if name == "BATCH_MATMUL":
        rows = output[-2]
        return prod(output) * (prod(left[-2:]) // rows)
    if name == "DEPTHWISE_CONV_2D":
        return prod(output) * weights[1] * weights[2]
    return prod(output) * prod(weights[1:])
