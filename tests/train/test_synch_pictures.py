"""Pictures of a small spiking network: fields by hand, and PNGs of a size that can be looked at."""

from pathlib import Path

import cv2
import numpy as np

from edge_emotion_train.models.synch_graph.settings import network_settings
from edge_emotion_train.models.synch_graph.state import NetworkState, initial_state
from edge_emotion_train.synch.pictures import draw_cross, draw_fields, draw_raster, draw_synchrony, fields
from edge_emotion_train.synch.recording import Recording


def _state() -> NetworkState:
    return initial_state(network_settings("reduced", features=2, window=8, shared=()), seed=0)


def _size(path: Path) -> tuple[int, int]:
    picture = cv2.imread(str(path))
    assert picture is not None and picture.std() > 5  # something is drawn
    return picture.shape[1], picture.shape[0]


def test_a_field_is_the_weights_of_on_trains_minus_those_of_off_trains() -> None:
    state = _state()
    weights = state.inputs["face"]  # (windows, inputs, features): 64 ON trains, then 64 OFF trains
    field = fields(state, "face")
    assert field.shape == (4, 2, 8, 8)
    row, column = 3, 5
    expected = weights[2, row * 8 + column, 1] - weights[2, 64 + row * 8 + column, 1]
    assert field[2, 1, row, column] == expected


def test_the_pictures_of_a_network_are_written(tmp_path: Path) -> None:
    state = _state()
    recording = Recording(
        np.array([0, 1, 1, 1], np.int32),
        np.array([10, 20, 30, 640], np.int16),
        np.array([0, 3, 9, 15], np.int16),
        2,
        16,
    )
    draw_fields(state, tmp_path / "fields.png")
    draw_cross(state, tmp_path / "cross.png")
    draw_raster(recording, 1, state.settings, tmp_path / "raster.png")
    draw_synchrony(recording, np.array([4, 4]), 4, state.settings, tmp_path / "synchrony.png")
    for name in ("fields", "cross", "raster", "synchrony"):
        width, height = _size(tmp_path / f"{name}.png")
        assert 300 <= width <= 2500 and 250 <= height <= 1500, name


def test_a_network_without_cross_modal_synapses_is_drawn_too(tmp_path: Path) -> None:
    state = initial_state(network_settings("reduced", features=1, window=8, cross_sum=0.0), seed=0)
    draw_cross(state, tmp_path / "cross.png")
    draw_fields(state, tmp_path / "fields.png")
    assert _size(tmp_path / "cross.png")[0] > 300 and _size(tmp_path / "fields.png")[0] > 300
