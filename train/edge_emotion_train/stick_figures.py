"""Pictures of poses as stick figures: one pose as several sources tell it, side by side."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import about, heading, product, rotated
from edge_emotion.skeleton import HIPS_ABOVE_FLOOR, PARENTS, SEGMENTS, Pose, joint_positions, to_world
from edge_emotion_train.figures import pyplot_for_files

COLOURS = {"Left": "tab:blue", "Right": "tab:red", "": "black"}
UNKNOWN = "0.7"  # grey
# What hangs on the last joints in the neutral pose, metres, so that their turning is seen.
TIPS = {
    "Head": (0, 0.18, 0), "LeftHand": (0, -0.17, 0), "RightHand": (0, -0.17, 0), "LeftToe": (0, 0, 0.07),
    "RightToe": (0, 0, 0.07),
}  # fmt: skip
# Name -> factors on x (left), y (up), z (forward) that give the picture's right and up.
VIEWS = {
    "front": np.array([[1.0, 0, 0], [0, 1, 0]]),
    "from its right": np.array([[0.0, 0, 1], [0, 1, 0]]),
}
SIDE = 0.9  # metres that are seen to either side
WIDTH, HEIGHT = 2.5, 7.2  # inches, of a source and of the picture


def draw_stick_figures(poses: Mapping[str, Pose], path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Draw each source's pose from the front and from its right as PNG; left blue, right red, not known grey, dashed.

    poses: name of a source -> its pose. All stand on one place, as bodies of 1.75 m, and are turned by the heading of
    the first of them, so that where the others look otherwise it is seen. notes: name -> a second line of its title.
    """
    if not poses:
        raise EdgeEmotionError("expected a pose or more to draw, got none")
    pyplot = pyplot_for_files()
    turn = _turn(next(iter(poses.values())))
    figure, table = pyplot.subplots(
        len(VIEWS), len(poses), figsize=(WIDTH * len(poses), HEIGHT), layout="constrained", squeeze=False
    )
    for column, (name, pose) in enumerate(poses.items()):
        drawn = list(bones(pose, turn))
        for axes, (view, factors) in zip(table[:, column], VIEWS.items(), strict=True):
            for line, side, known in drawn:
                across, up = factors @ line.T
                style = {"color": COLOURS[side]} if known else {"color": UNKNOWN, "linestyle": "--"}
                axes.plot(across, up, linewidth=3, solid_capstyle="round", **style)
            axes.axhline(0, color="0.85", zorder=0)
            axes.set(aspect="equal", xlim=(-SIDE, SIDE), ylim=(-0.3, 2.2), xticks=[], yticks=[])
            note = (notes or {}).get(name, "")
            axes.set_title(f"{name}, {view}" + f"\n{note}" * bool(note), fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def bones(pose: Pose, turn: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], str, bool]]:
    """Give each bone: (2, 3) its ends, metres; its side, "Left", "Right" or ""; whether its turning is known.

    turn: (4,) of the whole body.
    """
    rotations = pose.rotations.copy()
    if pose.known[0]:
        rotations[0] = product(turn, rotations[0])
    places = joint_positions(rotations, np.array([0.0, HIPS_ABOVE_FLOOR, 0.0]))
    world = to_world(rotations)
    for number, name in enumerate(SEGMENTS):
        side = next(side for side in COLOURS if name.startswith(side))
        if number:  # what lies between two joints turns with the upper one
            yield places[[PARENTS[number], number]], side, bool(pose.known[PARENTS[number]])
        if name in TIPS:
            tip = places[number] + rotated(world[number], np.array(TIPS[name], np.float64))
            yield np.stack([places[number], tip]), side, bool(pose.known[number])


def _turn(pose: Pose) -> NDArray[np.float64]:
    """(4,) that makes a pose look forward; the identity where its pelvis is not known."""
    return about(1, -heading(pose.rotations[0])) if pose.known[0] else about(1, 0.0)
