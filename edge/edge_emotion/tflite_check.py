"""Refuses a TFLite network that is damaged, foreign or too large, before LiteRT sees it.

LiteRT checks offsets, but takes any shape, any operator and any memory that a file asks for. Here the file is walked
with the field numbers of TFLite's schema: one graph of the operators that our exporter emits, each tensor as large
as its constant or its operator says, and all of it bounded.
"""

import math
from dataclasses import dataclass

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.flatbuffer import Table
from edge_emotion.tflite_operators import INT8, OPERATORS, WIDTHS, Operator, Tensor, check_scales

MOST_CODES, MOST_TENSORS, MOST_OPERATORS = 64, 4096, 2048
MOST_RANK = 6
MOST_NUMBERS = 1 << 22  # of one tensor; 60,000 in the largest shipped one
MOST_COMPUTED = 1 << 25  # numbers of all computed tensors; 2 million in the largest shipped network
SCALES = (1e-15, 1e6)  # of whole numbers; 1e-6 to .4 in the shipped ones
MOST_WORK = 1 << 28  # multiply-accumulates of a run; 34 million in the largest shipped network


@dataclass(frozen=True)
class _Opened:
    operators: tuple[Operator, ...]
    buffers: tuple[memoryview, ...]
    graph: Table


def check_tflite(network: bytes, where: str) -> None:
    """Raise EdgeEmotionError when a .tflite file is not one that a bundle may hold; where: how the error names it."""
    try:
        _check_graph(_opened(network))
    except ValueError as reason:
        raise EdgeEmotionError(
            f"{where} does not open ({reason}); export it again or update edge-emotion"
        ) from reason


def _opened(network: bytes) -> _Opened:
    if network[4:8] != b"TFL3":
        raise ValueError("not a TFLite file")
    model = Table.root(network)
    if model.number(0, "I") != 3:
        raise ValueError("not version 3 of TFLite")
    if model.holds(8) or model.holds(9):
        raise ValueError("it refers to data outside the file")
    graphs = list(model.tables(2, 1))
    if not graphs:
        raise ValueError("no graph")
    # Walked for their offsets: LiteRT reads them when it opens the file.
    buffers = tuple(_buffer(buffer) for buffer in model.tables(4, 2 * MOST_TENSORS))
    for entry in model.tables(6, 64):
        entry.content(0)
        if entry.number(1, "I") >= len(buffers):
            raise ValueError("metadata without a buffer")
    _check_signatures(model, graphs[0].vector(0, 4)[1])
    return _Opened(tuple(_operator(code) for code in model.tables(1, MOST_CODES)), buffers, graphs[0])


def _check_signatures(model: Table, tensors: int) -> None:
    for signature in model.tables(7, 4):
        signature.content(2)
        ends = [end for slot in (0, 1) for end in signature.tables(slot, 64)]
        if signature.number(4, "I") or any(end.number(1, "I") >= tensors for end in ends):
            raise ValueError("a signature of what is not there")
        for end in ends:
            end.content(0)


def _operator(code: Table) -> Operator:
    # The newer field counts where it is larger, as for LiteRT.
    number = max(code.number(0, "b"), code.number(3, "i"))
    if code.holds(1) or number not in OPERATORS:
        raise ValueError(
            f"{'a custom operator' if code.holds(1) else f'operator {number}'}, which no bundle has"
        )
    return OPERATORS[number]


def _buffer(buffer: Table) -> memoryview:
    # Offset and size of data behind the FlatBuffer; the converters write 0 or 1 for none.
    if buffer.number(1, "Q") > 1 or buffer.number(2, "Q") > 1:
        raise ValueError("it refers to data outside its tables")
    return buffer.content(0)


def _check_graph(opened: _Opened) -> None:
    tensors = [_tensor(table, opened.buffers) for table in opened.graph.tables(0, MOST_TENSORS)]
    if sum(math.prod(tensor.shape) for tensor in tensors if tensor.values is None) > MOST_COMPUTED:
        raise ValueError(f"more than {MOST_COMPUTED} numbers to compute")
    known = {index for index, tensor in enumerate(tensors) if tensor.values is not None}
    for index in _ends(opened.graph, 1, len(tensors)):
        if index in known:
            raise ValueError("an input that is a constant or twice there")
        known.add(index)
    work = 0
    for table in opened.graph.tables(3, MOST_OPERATORS):
        work += _check_operator(table, opened.operators, tensors, known)
        if work > MOST_WORK:
            raise ValueError(f"more than {MOST_WORK} multiplications a run")
    if not known.issuperset(_ends(opened.graph, 2, len(tensors))):
        raise ValueError("an output that no operator computes")


def _ends(graph: Table, slot: int, tensors: int) -> tuple[int, ...]:
    ends = tuple(int(index) for index in graph.numbers(slot, "i", 8))
    if not ends or not all(0 <= index < tensors for index in ends):
        raise ValueError("inputs or outputs that are no tensors")
    return ends


def _tensor(table: Table, buffers: tuple[memoryview, ...]) -> Tensor:
    shape = tuple(int(side) for side in table.numbers(0, "i", MOST_RANK))
    kind, buffer = table.number(1, "b"), table.number(2, "I")
    if kind not in WIDTHS:
        raise ValueError(f"numbers of type {kind}, which no bundle has")
    if table.number(5, "?") or any(table.holds(slot) for slot in (6, 9, 10)):
        raise ValueError("a variable, sparse or external tensor")
    signature = table.numbers(7, "i", MOST_RANK)
    if min(shape, default=1) < 1 or math.prod(shape) > MOST_NUMBERS or (signature and signature != shape):
        raise ValueError(f"a tensor of shape {shape}, expected at most {MOST_NUMBERS} numbers")
    if buffer >= len(buffers):
        raise ValueError("a tensor without a buffer")
    table.content(3)  # its name: LiteRT reads it
    values = buffers[buffer] if len(buffers[buffer]) else None
    if values is not None and len(values) != math.prod(shape) * WIDTHS[kind]:
        raise ValueError(f"a constant of {len(values)} bytes whose shape is {shape}")
    scales = _scales(table.table(4), shape, kind)
    if len(scales) > 1 and values is None:
        raise ValueError(f"{len(scales)} scales for a tensor that is computed")
    return Tensor(shape, kind, values, scales)


def _scales(table: Table | None, shape: tuple[int, ...], kind: int) -> tuple[float, ...]:
    """The scale of a tensor, or those of each entry along an axis, each with a zero point; no other form is taken."""
    scales: tuple[int | float, ...] = ()
    zeros: tuple[int | float, ...] = ()
    axis = 0
    if table is not None:
        if table.number(4, "B") or table.holds(5):
            raise ValueError("an unknown quantisation")
        scales, zeros = table.numbers(2, "f", MOST_NUMBERS), table.numbers(3, "q", MOST_NUMBERS)
        axis = table.number(6, "i")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ValueError(f"{len(scales)} scales for a tensor of shape {shape}")
    least, most = SCALES
    if len(zeros) != len(scales) or not all(least <= scale <= most for scale in scales):
        raise ValueError("a quantisation that is none")
    # LiteRT's kernels divide by the scale, and end the process where there is none.
    if kind == INT8 and not (scales and all(-128 <= zero <= 127 for zero in zeros)):
        raise ValueError("whole numbers without the scale that they have")
    return scales


def _check_operator(
    table: Table, operators: tuple[Operator, ...], tensors: list[Tensor], known: set[int]
) -> int:
    """Check an operator, add what it gives to what is known, and give its multiply-accumulates."""
    number = table.number(0, "I")
    if number >= len(operators):
        raise ValueError("an operator without a code")
    operator = operators[number]
    inputs = [int(index) for index in table.numbers(1, "i", 64)]
    outputs = table.numbers(2, "i", 1)
    # The bias of a layer may be absent, as -1.
    if len(inputs) == 3 and inputs[2] == -1:
        inputs.pop()
    fewest, most = operator.inputs
    if not fewest <= len(inputs) <= most or len(outputs) != 1:
        raise ValueError(f"{operator.name} with {len(inputs)} inputs and {len(outputs)} outputs")
    output = int(outputs[0])
    if not known.issuperset(inputs) or output in known or not 0 <= output < len(tensors):
        raise ValueError(f"{operator.name} between tensors that are not there, or not yet")
    if any(table.holds(slot) for slot in (5, 7, 8, 9, 12)):
        raise ValueError(f"{operator.name} with parts that no bundle has")
    options = table.table(4)
    if options is not None and table.number(3, "B") != operator.options:
        raise ValueError(f"{operator.name} with the options of another operator")
    declared = tensors[output].shape
    try:
        shape, work = operator.rule([tensors[index] for index in inputs], options, declared)
    except ValueError as reason:
        raise ValueError(f"{operator.name}: {reason}") from reason
    check_scales(operator.name, [tensors[index] for index in inputs], tensors[output])
    if shape != declared:
        raise ValueError(f"{operator.name} gives {shape}, the file says {declared}")
    known.add(output)
    return work
