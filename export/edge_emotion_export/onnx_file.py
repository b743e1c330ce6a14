"""A folded network as the bytes of an ONNX file."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back
from edge_emotion_export.interface import Interface


def onnx_bytes(network: nn.Module, interface: Interface) -> bytes:
    """fp32 ONNX with the input and the output of an interface, under its names."""
    try:
        import onnx
        import onnxscript  # noqa: F401  torch.onnx needs it and says so less clearly
    except ImportError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason
    with held_back():
        program = torch.onnx.export(
            network,
            (torch.zeros(interface.input_shape),),
            input_names=[interface.input_name],
            output_names=[interface.output_name],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        model = program.model_proto
    _forget_origin(model)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _forget_origin(model: Any) -> None:
    """Remove stack traces and notes: paths of the exporting machine, of no use to a runtime."""
    for part in _parts(model):
        part.doc_string = ""
        del part.metadata_props[:]


def _parts(model: Any) -> Iterator[Any]:
    yield model
    graph = model.graph
    yield from (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for function in model.functions:
        yield from (function, *function.node, *function.value_info)
