"""A TFLite file without what no runtime reads, and its constants where a microcontroller can read them."""

from typing import Any

from edge_emotion_export.tflite_graph import read_tflite_model

ALIGNMENT = 16  # bytes, of constants: the schema's force_align, which the Python builder does not heed


def compact(content: bytes) -> bytes:
    """The same network, its inner tensors named by number, without the converter's metadata.

    Constants lie inside the flatbuffer: TensorFlow Lite Micro knows none behind its end, where quantisers put them.
    """
    import flatbuffers

    schema, model = read_tflite_model(content)
    for graph in model.subgraphs:
        ends = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in ends:
                tensor.name = str(index).encode()
    model.metadata = None
    used = [0, *sorted({tensor.buffer for graph in model.subgraphs for tensor in graph.tensors} - {0})]
    numbers = {old: new for new, old in enumerate(used)}
    model.buffers = [_Constant(schema, model.buffers[old].data) for old in used]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = numbers[tensor.buffer]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Constant:
    """A Buffer of the schema that packs its bytes aligned."""

    def __init__(self, schema: Any, data: Any) -> None:
        self.schema, self.data = schema, bytes(data) if data is not None else b""

    def Pack(self, builder: Any) -> Any:  # noqa: N802  the schema's name
        if self.data:
            builder.StartVector(1, len(self.data), ALIGNMENT)
            builder.head = builder.Head() - len(self.data)
            builder.Bytes[builder.Head() : builder.Head() + len(self.data)] = self.data
            vector = builder.EndVector()
        self.schema.BufferStart(builder)
        if self.data:
            self.schema.BufferAddData(builder, vector)
        return self.schema.BufferEnd(builder)
