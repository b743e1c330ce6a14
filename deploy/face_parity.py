"""Compare our FaceMesh with MediaPipe's own on the clips of a folder, and write docs/results/face-parity.*.

`python deploy/face_parity.py CLIPS` makes a virtual environment with mediapipe 0.10.18 (or takes the one that --venv
names), runs its FaceMesh there in a process of its own, ours here, and compares the points of every frame in which both
see a face. Needs Python 3.11 or 3.12, for which that wheel exists, and matplotlib for the picture.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.landmarks68 import landmarks68, outer_eye_distance
from edge_emotion.machine import commit, now, processor

BAR = 0.02  # mean difference, as a share of the outer-eye distance
FRAMES = 400  # of a clip, at most
RATE = 25.0  # frames/s that both are told
CLIPS = (".mp4", ".mpg", ".mov", ".avi", ".mkv", ".webm")
MEDIAPIPE = "mediapipe==0.10.18"
BESIDE = (
    "numpy<2",
    "protobuf<5",
    "flatbuffers",
    "attrs",
    "absl-py",
    "matplotlib",
    "opencv-python-headless==4.11.0.86",
)

# Runs under the other environment's Python, which knows nothing of this project.
REFERENCE = """
import sys
import cv2, numpy as np, mediapipe
clip, most, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
mesh = mediapipe.solutions.face_mesh.FaceMesh(
    static_image_mode=False, refine_landmarks=False, max_num_faces=1)
reader, points = cv2.VideoCapture(clip), []
while len(points) < most:
    taken, frame = reader.read()
    if not taken:
        break
    height, width = frame.shape[:2]
    faces = mesh.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).multi_face_landmarks
    points.append([(p.x * width, p.y * height, p.z * width) for p in faces[0].landmark] if faces
                  else np.full((468, 3), np.nan))
np.save(out, np.array(points, np.float32).reshape(-1, 468, 3))
"""


@dataclass(frozen=True)
class ClipParity:
    """One clip. mesh, landmarks: mean distance of the 468 and the 68 points as a share of the outer-eye distance."""

    clip: str
    frames: int
    both: int  # frames in which both see a face
    mediapipe_alone: int
    ours_alone: int
    mesh: float | None
    landmarks: float | None
    worst_frame: float | None  # the largest mean of one frame, of the 68


def reference_environment(folder: Path) -> Path:
    """Return the Python of a virtual environment with mediapipe's FaceMesh; makes what is missing of it.

    EdgeEmotionError on a Python without that wheel and when pip fails.
    """
    python = folder / "bin" / "python"
    if python.exists() and _runs(python):
        return python
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        version = ".".join(map(str, sys.version_info[:2]))
        raise EdgeEmotionError(
            f"{MEDIAPIPE} has wheels for Python 3.11 and 3.12, this is {version}: call it with one"
        )
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for step in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "--no-deps", MEDIAPIPE],
        [*pip, *BESIDE],
    ):
        done = subprocess.run(step, text=True, capture_output=True)
        if done.returncode:
            last = ([line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"])[-1]
            raise EdgeEmotionError(f"cannot make {folder} with {MEDIAPIPE}: {last.strip()}")
    if not _runs(python):
        raise EdgeEmotionError(
            f"{folder}: mediapipe is installed but does not load; delete the folder and try again"
        )
    return python


def _runs(python: Path) -> bool:
    asked = "import cv2, mediapipe; mediapipe.solutions.face_mesh.FaceMesh"
    return subprocess.run([str(python), "-c", asked], capture_output=True).returncode == 0


def reference_points(python: Path, clip: Path, most: int = FRAMES) -> NDArray[np.float32]:
    """MediaPipe's points of a clip's frames, (frames, 468, 3) pixels; NaN where it sees no face."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "points.npy"
        quiet = {**os.environ, "GLOG_minloglevel": "3", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLCONFIGDIR": folder}
        done = subprocess.run(
            [str(python), "-c", REFERENCE, str(clip), str(most), str(out)],
            text=True,
            capture_output=True,
            env=quiet,
        )
        if done.returncode:
            last = ([line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"])[-1]
            raise EdgeEmotionError(f"mediapipe failed on {clip.name}: {last.strip()}")
        points: NDArray[np.float32] = np.load(out)
        return points


def our_points(clip: Path, most: int = FRAMES) -> NDArray[np.float32]:
    """Our points of a clip's frames, as reference_points gives them."""
    front_end, reader, points = FaceFrontEnd(), cv2.VideoCapture(str(clip)), []
    while len(points) < most:
        taken, frame = reader.read()
        if not taken:
            break
        faces = front_end.find(np.asarray(frame, np.uint8), len(points) / RATE)
        points.append(faces[0].mesh if faces else np.full((468, 3), np.nan, np.float32))
    return np.array(points, np.float32).reshape(-1, 468, 3)


def differences(theirs: NDArray[np.float32], ours: NDArray[np.float32]) -> NDArray[np.float64]:
    """(frames, 2): mean distance in the picture of the 468 and of the 68 points, over the outer-eye distance."""
    shares = []
    for reference, mesh in zip(theirs, ours, strict=True):
        known, found = landmarks68(reference)[:, :2], landmarks68(mesh)[:, :2]
        far = np.linalg.norm(reference[:, :2] - mesh[:, :2], axis=1).mean()
        shares.append(
            (far, np.linalg.norm(known - found, axis=1).mean()) / np.float64(outer_eye_distance(known))
        )
    return np.array(shares, np.float64).reshape(-1, 2)


def compare(
    clip: Path, theirs: NDArray[np.float32], ours: NDArray[np.float32]
) -> tuple[ClipParity, NDArray[np.float64]]:
    """Parity of one clip, and the differences of the frames in which both see a face."""
    if len(theirs) != len(ours):
        raise EdgeEmotionError(
            f"{clip.name}: mediapipe's OpenCV reads {len(theirs)} frames of it, ours {len(ours)}"
        )
    seen, found = np.isfinite(theirs[:, 0, 0]), np.isfinite(ours[:, 0, 0])
    shares = differences(theirs[seen & found], ours[seen & found])
    mesh, landmarks = shares.mean(0).tolist() if len(shares) else (None, None)
    worst = float(shares[:, 1].max()) if len(shares) else None
    alone = int((seen & ~found).sum()), int((found & ~seen).sum())
    return ClipParity(clip.name, len(ours), len(shares), *alone, mesh, landmarks, worst), shares


def draw(theirs: NDArray[np.float32], ours: NDArray[np.float32], clip: str, path: Path) -> None:
    """Both sets of 68 points, and both meshes faintly, of one frame, on white: the clips may not be shown."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 6.5), layout="constrained")
    axes.scatter(*theirs[:, :2].T, s=3, color="0.8", label="mediapipe, 468 points")
    axes.scatter(
        *landmarks68(theirs)[:, :2].T,
        s=60,
        facecolors="none",
        edgecolors="tab:blue",
        label="mediapipe 0.10.18",
    )
    axes.scatter(*landmarks68(ours)[:, :2].T, s=14, color="tab:red", marker="x", label="ours")
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set(title=f"68 landmarks, one frame of {clip}", xlabel="pixels", ylabel="pixels")
    axes.legend(loc="upper right")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write(out: Path, stamp: dict[str, object], rows: list[ClipParity], every: NDArray[np.float64]) -> None:
    """Write face-parity.json and face-parity.md."""
    mesh, landmarks = every.mean(0).tolist()
    whole = {
        "clip": "all",
        "frames": sum(row.frames for row in rows),
        "both": len(every),
        "mesh": mesh,
        "landmarks": landmarks,
        "worst_frame": float(every[:, 1].max()),
    }
    listed = [{key: value for key, value in vars(row).items() if value is not None} for row in rows]
    report = {"stamp": stamp, "bar": BAR, "rows": [*listed, whole]}
    out.mkdir(parents=True, exist_ok=True)
    (out / "face-parity.json").write_text(json.dumps(report, indent=1) + "\n")
    lines = [
        "# FaceMesh: ours against MediaPipe's",
        "",
        "Mean distance in the picture between our points and those of the FaceMesh of "
        f"{MEDIAPIPE.replace('==', ' ')} (its video mode, not refined) on the same frames, as a share of the outer-eye "
        f"distance. Bar: mean <= {BAR:.0%}. Here: {mesh:.3%} (468 points), {landmarks:.3%} (68 landmarks).",
        "",
        "| clip | frames | both see a face | only mediapipe | only ours | 468 points | 68 landmarks | worst frame |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [
            f"{share:.3%}" if share is not None else ""
            for share in (row.mesh, row.landmarks, row.worst_frame)
        ]
        counts = [row.frames, row.both, row.mediapipe_alone, row.ours_alone]
        lines.append(f"| {row.clip} | {' | '.join(map(str, counts))} | {' | '.join(shares)} |")
    lines.append(
        f"| all | {whole['frames']} | {len(every)} | | | {mesh:.3%} | {landmarks:.3%} | {every[:, 1].max():.3%} |"
    )
    lines += [
        "",
        "![both sets of landmarks](face-parity.png)",
        "",
        f"{stamp['date']}, commit {stamp['commit']}, {stamp['machine']}, Python {stamp['python']}, "
        f"{', '.join(f'{name} {version}' for name, version in dict(stamp['versions']).items())}: "
        f"`{stamp['command']}`",
        "",
    ]
    (out / "face-parity.md").write_text("\n".join(lines))


def stamped(python: Path, arguments: list[str]) -> dict[str, object]:
    """Date, commit, machine, versions and command, as every result file has them."""
    ours = {name: metadata.version(name) for name in ("edge-emotion", "numpy", "ai-edge-litert")}
    asked = "from importlib.metadata import version as v; print(v('mediapipe'), v('numpy'))"
    theirs = subprocess.run(
        [str(python), "-c", asked], text=True, capture_output=True, check=True
    ).stdout.split()
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {
            **ours,
            "opencv": cv2.__version__,
            "mediapipe": theirs[0],
            "mediapipe's numpy": theirs[1],
        },
        "command": " ".join(["python deploy/face_parity.py", *arguments]),
    }


def run(clips: Path, venv: Path | None, out: Path, stamped_as: list[str]) -> float:
    """Compare on every clip of a folder, write the results; gives the mean difference of the 468 points."""
    found = sorted(clip for clip in clips.glob("*") if clip.suffix.lower() in CLIPS) if clips.is_dir() else []
    if not found:
        raise EdgeEmotionError(f"{clips}: expected a folder with clips ({', '.join(CLIPS)}), found none")
    with tempfile.TemporaryDirectory() as folder:
        python = reference_environment(venv or Path(folder) / "venv")
        rows, every, example = [], [], None
        for clip in found:
            theirs, ours = reference_points(python, clip), our_points(clip)
            row, shares = compare(clip, theirs, ours)
            rows.append(row)
            every.append(shares)
            both = np.flatnonzero(np.isfinite(theirs[:, 0, 0]) & np.isfinite(ours[:, 0, 0]))
            if example is None and both.size:
                example = (theirs[both[both.size // 2]], ours[both[both.size // 2]], clip.name)
            said = f"{row.mesh:.3%} / {row.landmarks:.3%}" if row.mesh is not None else "no face in both"
            print(f"{row.clip}: {row.both} of {row.frames} frames, 468 / 68 points {said}", flush=True)
        if example is None:
            raise EdgeEmotionError(f"{clips}: no frame in which both see a face")
        shares = np.concatenate(every)
        print("all: {:.3%} / {:.3%}".format(*shares.mean(0)))
        write(out, stamped(python, stamped_as), rows, shares)
    draw(*example, out / "face-parity.png")
    return float(shares[:, 0].mean())


def main() -> int:
    """Run from the command line; 1 when the mean difference is above the bar, 2 on bad input."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, help="folder of clips")
    parser.add_argument(
        "--venv", type=Path, help="virtual environment with mediapipe, kept; made when missing"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/results"), help="folder of the result files")
    given = parser.parse_args()
    try:
        mean = run(given.clips, given.venv, given.out, [str(given.clips)])
    except EdgeEmotionError as reason:
        print(f"face_parity: {reason}", file=sys.stderr)
        return 2
    return 0 if mean <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
