"""A frozen spiking network as an ONNX graph: the events of one presentation in, its excitatory spikes out.

    steps, inputs (events,) int64 --ScatterElements--> drive (STEPS, N) --Scan over steps--> spikes (STEPS, N) float32

Inside all is float64 and in the order of reference.excitatory_spikes, with which the spikes agree. In the loop the
excitatory and the inhibitory neurons stand in one vector of 2N, since a node costs more than what it computes here.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph.reference import recurrent_weights, spike_limit
from edge_emotion_train.models.synch_graph.state import GRID, NetworkState

OPSET, IR_VERSION = 18, 9
BOOL, DOUBLE, FLOAT, INT64 = TensorProto.BOOL, TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.INT64

Values = NDArray[np.float64]
Constants = dict[str, NDArray[np.generic]]
Part = tuple[list[onnx.NodeProto], Constants]
"""Nodes, and the constants that they take."""

node = helper.make_node


def spiking_network_onnx(state: NetworkState) -> bytes:
    """A frozen state -> ONNX: steps, inputs (events,) int64 -> spikes (STEPS, N) float32 of 0 and 1.

    Inputs and the N neurons are numbered over the windows of each modality in turn, as drawn_events does. Events may
    come in any order. EdgeEmotionError for a state that is not frozen (NetworkState.frozen) or not finite.
    """
    weights = [*state.inputs.values(), *state.cross.values()]
    if not all(np.isfinite(w).all() for w in (*weights, *state.theta.values())):
        raise EdgeEmotionError(
            "expected finite weights and thresholds, got others: the network did not learn"
        )
    if any((w / GRID != np.rint(w / GRID)).any() for w in weights):
        raise EdgeEmotionError("expected frozen weights, on a grid of 2^-20, got finer ones: state.frozen()")
    neurons = state.settings.neurons
    parts = _drive(state), _synapses(state), _loop(state)
    nodes = [made for part in parts for made in part[0]]
    constants = {name: value for part in parts for name, value in part[1].items()}
    graph = helper.make_graph(
        nodes,
        f"synch-graph {state.settings.name}",
        [helper.make_tensor_value_info(name, INT64, ["events"]) for name in ("steps", "inputs")],
        [helper.make_tensor_value_info("spikes", FLOAT, [STEPS, neurons])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _drive(state: NetworkState) -> Part:
    """What the events add to the excitatory conductances of all 2N neurons in each step: drive (STEPS, 2N)."""
    settings = state.settings
    windows = [w for modality in settings.modalities for w in state.inputs[modality]]
    per_window, features = windows[0].shape
    kept: dict[bytes, int] = {}  # windows that share their weights: one copy
    place = np.array([kept.setdefault(w.tobytes(), len(kept)) for w in windows])
    distinct = [windows[int(np.argmax(place == k))] for k in range(len(kept))]
    constants: Constants = {
        "weights": _compact(np.concatenate(distinct)),
        "per_window": np.array(per_window),
        "windows": np.array(len(windows)),
        "skipped": (np.arange(len(windows)) - place) * per_window,
        "last": np.array([1]),
        "row_shape": np.array([1, features]),
        "no_drive": np.zeros((STEPS * len(windows), features)),
        "drive_shape": np.array([STEPS, settings.neurons]),
        "to_both": np.array([0, 0, 0, settings.neurons]),
    }
    nodes = [
        node("Div", ["inputs", "per_window"], ["window"]),
        node("Gather", ["skipped", "window"], ["skip"]),
        node("Sub", ["inputs", "skip"], ["input_row"]),
        node("Cast", ["weights"], ["exact_weights"], to=DOUBLE),
        node("Gather", ["exact_weights", "input_row"], ["added"]),
        node("Mul", ["steps", "windows"], ["step_row"]),
        node("Add", ["step_row", "window"], ["row"]),
        node("Unsqueeze", ["row", "last"], ["row_column"]),
        node("Expand", ["row_column", "row_shape"], ["rows"]),
        # Not ScatterND, four times as quick: in ONNX Runtime with several threads its sums race.
        node("ScatterElements", ["no_drive", "rows", "added"], ["by_window"], axis=0, reduction="add"),
        node("Reshape", ["by_window", "drive_shape"], ["excitatory_drive"]),
        node("Pad", ["excitatory_drive", "to_both"], ["drive"]),
    ]
    return nodes, constants


def _synapses(state: NetworkState) -> Part:
    """What a spike of each of 2N neurons adds to the conductances of all: excite and inhibit, (2N, 2N) each."""
    settings = state.settings
    inhibit, excite = recurrent_weights(state)
    constants: Constants = {
        "cross": _compact(excite),
        "to_inhibitory": np.array(settings.to_inhibitory, np.float64),
        "inhibitory": _compact(inhibit),
        "below": np.array([0, 0, settings.neurons, 0]),
        "above_and_right": np.array([settings.neurons, 0, 0, settings.neurons]),
    }
    nodes = [
        node("Cast", ["cross"], ["exact_cross"], to=DOUBLE),
        node("EyeLike", ["exact_cross"], ["one_to_one"], dtype=DOUBLE),
        node("Mul", ["one_to_one", "to_inhibitory"], ["onto_inhibitory"]),
        node("Concat", ["exact_cross", "onto_inhibitory"], ["onto_both"], axis=1),
        node("Pad", ["onto_both", "below"], ["excite"]),
        node("Cast", ["inhibitory"], ["exact_inhibitory"], to=DOUBLE),
        node("Pad", ["exact_inhibitory", "above_and_right"], ["inhibit"]),
    ]
    return nodes, constants


def _loop(state: NetworkState) -> Part:
    """The Scan over steps, from rest, and the spikes of its excitatory neurons."""
    settings = state.settings
    neurons = settings.neurons
    one, other = settings.excitatory, settings.inhibitory

    def both(excitatory: float, inhibitory: float) -> Values:
        return np.repeat([float(excitatory), float(inhibitory)], neurons)

    constants: Constants = {
        "at_rest": both(one.rest, other.rest),
        "nothing": np.zeros(2 * neurons),
        "zero": np.array(0.0),
        "one": np.array(1.0),
        "reversal": both(one.reversal, other.reversal),
        "reset": both(one.reset, other.reset),
        "limit": np.concatenate([spike_limit(state), np.full(neurons, other.threshold)]),
        "rate": both(-TIME_STEP / one.tau, -TIME_STEP / other.tau),
        "held": both(*(max(round(kind.refractory / TIME_STEP) - 1, 0) for kind in (one, other))),
        "decay_excitation": np.array(np.exp(-TIME_STEP / settings.tau_excitation)),
        "decay_inhibition": np.array(np.exp(-TIME_STEP / settings.tau_inhibition)),
        "spiking": np.array([0, 1]),
        "first": np.array([0]),
        "neurons": np.array([neurons]),
        "across": np.array([1]),
    }
    nodes = [
        node(
            "Scan",
            ["at_rest", "nothing", "nothing", "nothing", "drive"],
            ["v_last", "ge_last", "gi_last", "left_last", "all_spikes"],
            body=_step(neurons),
            num_scan_inputs=1,
        ),
        node("Slice", ["all_spikes", "first", "neurons", "across"], ["excitatory_spikes"]),
        node("Cast", ["excitatory_spikes"], ["spikes"], to=FLOAT),
    ]
    return nodes, constants


def _step(neurons: int) -> onnx.GraphProto:
    """One step of 2N neurons; left: steps for which a neuron stays refractory."""
    nodes = [
        # Equation (1), exact while the conductances are constant within a step.
        node("Add", ["ge", "one"], ["leak_and_ge"]),
        node("Add", ["leak_and_ge", "gi"], ["total"]),
        node("Mul", ["gi", "reversal"], ["pull"]),
        node("Add", ["pull", "at_rest"], ["all_pull"]),
        node("Div", ["all_pull", "total"], ["goal"]),
        node("Mul", ["total", "rate"], ["exponent"]),
        node("Exp", ["exponent"], ["stays"]),
        node("Sub", ["v", "goal"], ["away"]),
        node("Mul", ["away", "stays"], ["still_away"]),
        node("Add", ["still_away", "goal"], ["moved"]),
        node("LessOrEqual", ["left", "zero"], ["awake"]),
        node("Where", ["awake", "moved", "v"], ["reached"]),
        node("Greater", ["reached", "limit"], ["above"]),
        node("And", ["awake", "above"], ["fired"]),
        node("Where", ["fired", "reset", "reached"], ["v_next"]),
        node("Sub", ["left", "one"], ["less"]),
        node("Where", ["fired", "held", "less"], ["left_next"]),
        # Equation (2), and what the spikes add: the rows of those that fired, few in most steps.
        node("NonZero", ["fired"], ["which"]),
        node("Gather", ["excite", "which"], ["excite_rows"]),
        node("ReduceSum", ["excite_rows", "spiking"], ["excitation"], keepdims=0),
        node("Gather", ["inhibit", "which"], ["inhibit_rows"]),
        node("ReduceSum", ["inhibit_rows", "spiking"], ["inhibition"], keepdims=0),
        node("Mul", ["ge", "decay_excitation"], ["ge_left"]),
        node("Add", ["ge_left", "drive_now"], ["ge_driven"]),
        node("Add", ["ge_driven", "excitation"], ["ge_next"]),
        node("Mul", ["gi", "decay_inhibition"], ["gi_left"]),
        node("Add", ["gi_left", "inhibition"], ["gi_next"]),
        node("Identity", ["fired"], ["fired_now"]),
    ]
    loop = ("v", "ge", "gi", "left")
    shape = [2 * neurons]
    return helper.make_graph(
        nodes,
        "step",
        [helper.make_tensor_value_info(name, DOUBLE, shape) for name in (*loop, "drive_now")],
        [
            *(helper.make_tensor_value_info(f"{name}_next", DOUBLE, shape) for name in loop),
            helper.make_tensor_value_info("fired_now", BOOL, shape),
        ],
    )


def _compact(weights: Values) -> NDArray[np.generic]:
    """Weights in float32 where that is exact: on their grid below 16, which they are."""
    half = weights.astype(np.float32)
    return half if np.array_equal(half, weights) else weights
