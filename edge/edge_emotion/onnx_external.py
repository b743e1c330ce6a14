"""Refuses ONNX networks that point at other files (external tensor data), by walking their protobuf.

ONNX Runtime would open the files such a network names, wherever they are; a bundle's network holds all of its
own numbers. The plain install has no `onnx` package, so the few messages that can hold tensors are walked
here, with the field numbers of onnx.proto.
"""

from collections.abc import Iterator

from edge_emotion.errors import EdgeEmotionError

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
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types


def check_onnx_self_contained(network: bytes, where: str) -> None:
    """Raise EdgeEmotionError when an ONNX network refers to data outside itself, or is not protobuf.

    where: how errors name the file.
    """
    try:
        external = _refers_outside(memoryview(network), "model", 0)
    except (IndexError, ValueError) as reason:
        raise EdgeEmotionError(f"{where} is not an ONNX network ({reason})") from reason
    if external:
        raise EdgeEmotionError(f"{where} refused: it refers to data outside the bundle")


def _refers_outside(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    nested = _NESTED[kind]
    for field, value in _fields(message):
        if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)):
            return True
        if (
            field in nested
            and isinstance(value, memoryview)
            and _refers_outside(value, nested[field], depth + 1)
        ):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a protobuf message; numbers of fixed width are skipped as 0."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key >> 32:
            raise ValueError(
                "no protobuf message"
            )  # runtimes cut such a key to 32 bits and would see another
        field, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield field, value
        elif wire == _BYTES:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("cut short")
            yield field, message[at : at + length]
            at += length
        elif wire in (_FIXED32, _FIXED64):
            at += 4 if wire == _FIXED32 else 8
            yield field, 0
        else:
            raise ValueError("no protobuf message")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Number that begins at a byte, and where the next thing begins."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number of more than ten bytes")
