"""Refuses ONNX networks that point at other files (external tensor data), by walking their protobuf.

ONNX Runtime would open the files such a network names, wherever they are; a bundle's network holds all of its
own numbers. The plain install has no `onnx` package, so the few messages that can hold tensors are walked
here, with the field numbers of onnx.proto.
"""

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.protobuf import ProtobufReader

# message -> {field number: message type}, for the messages on the way to a tensor (onnx/onnx.proto)
_NESTED = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto
_MAX_DEPTH = 32


def check_onnx_self_contained(network: bytes, where: str) -> None:
    """Raise EdgeEmotionError when an ONNX network refers to data outside itself, or is not protobuf.

    where: how errors name the file.
    """
    try:
        external = _refers_outside(ProtobufReader(), memoryview(network), "model", 0)
    except ValueError as reason:
        raise EdgeEmotionError(f"{where} is not an ONNX network ({reason})") from reason
    if external:
        raise EdgeEmotionError(f"{where} refused: it refers to data outside the bundle")


def _refers_outside(reader: ProtobufReader, message: memoryview, kind: str, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    nested = _NESTED[kind]
    for field, value in reader.fields(message):
        if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)):
            return True
        if (
            field in nested
            and isinstance(value, memoryview)
            and _refers_outside(reader, value, nested[field], depth + 1)
        ):
            return True
    return False
