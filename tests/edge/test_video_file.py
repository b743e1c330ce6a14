import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import VideoFileSettings
from edge_emotion.sources import video_file
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.sources.video_file import VideoFile, due

av: Any = pytest.importorskip("av")
SOUND_RATE = 44100


def write_video(
    path: Path,
    images: Iterable[NDArray[Any]] = (),
    pts: Sequence[int] | None = None,
    sound: NDArray[np.float32] | None = None,
    sound_pts: Sequence[int] | None = None,
    codec: str = "ffv1",
    pixels: str = "bgr0",
    given: str = "bgr24",
    base: int = 1000,
    rate: int = 25,
) -> Path:
    """A video of these images; pts in 1/base s. sound: mono; sound_pts: in samples, of each piece of 1024."""
    images = list(images)
    with av.open(str(path), "w") as container:
        video = audio = None
        if images:
            video = container.add_stream(codec, rate=rate)
            video.height, video.width = images[0].shape[:2]
            video.pix_fmt = pixels
            video.time_base = Fraction(1, base)
            video.codec_context.time_base = Fraction(1, base)
        if sound is not None:
            audio = container.add_stream("pcm_s16le" if path.suffix != ".mp4" else "aac", rate=SOUND_RATE)
            audio.layout = "mono"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format=given)
            frame.pts = number * base // rate if pts is None else pts[number]
            frame.time_base = Fraction(1, base)
            container.mux(video.encode(frame))
        if video is not None:
            container.mux(video.encode())
        if audio is not None and sound is not None:
            for number, begin in enumerate(range(0, len(sound), 1024)):
                piece = np.round(sound[begin : begin + 1024] * 32767).astype(np.int16)
                block = av.AudioFrame.from_ndarray(piece[np.newaxis], format="s16", layout="mono")
                block.sample_rate = SOUND_RATE
                block.pts = begin if sound_pts is None else sound_pts[number]
                block.time_base = Fraction(1, SOUND_RATE)
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def grey(count: int, height: int = 32, width: int = 48) -> list[NDArray[np.uint8]]:
    return [np.full((height, width, 3), 20 + n % 200, np.uint8) for n in range(count)]


def tone(seconds: float) -> NDArray[np.float32]:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    wave: NDArray[np.float32] = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    return wave


def play(path: Path, **settings: Any) -> tuple[list[Frame], list[TimedSound], VideoFile]:
    """Frames and sound of a file to its end; checks what holds for every file."""
    video = VideoFile(VideoFileSettings(path, **settings))
    items = list(video)
    video.close()
    frames = [item for item in items if isinstance(item, Frame)]
    sound = [item for item in items if isinstance(item, TimedSound)]
    assert [due(item) for item in items] == sorted(due(item) for item in items)
    assert min(item.time for item in items) == 0
    assert all(frame.image.dtype == np.uint8 and frame.image.shape[2:] == (3,) for frame in frames)
    clock = 0.0  # the voice's: what it was pushed, and what it was told is lost
    for item in sound:
        clock += item.block.lost
        assert item.time == pytest.approx(clock, abs=1e-6)
        assert item.block.samples.dtype == np.float32 and item.block.samples.ndim == 1
        clock += len(item.block.samples) / RATE
    assert (video.has_picture, video.has_sound) == (bool(frames), bool(sound))
    return frames, sound, video


def level(frames: list[Frame]) -> list[int]:
    return [round(float(frame.image.mean())) for frame in frames]


def joined(sound: list[TimedSound]) -> NDArray[np.float32]:
    return np.concatenate([item.block.samples for item in sound])


@pytest.mark.parametrize("clip", ["brbk7n", "lbax4n", "pwij3p", "sbwe5n"])
def test_a_grid_talker_has_picture_and_sound_on_one_clock(shared_data: Path, clip: str) -> None:
    frames, sound, video = play(shared_data / "clips" / f"{clip}.mpg")
    assert [frame.time for frame in frames] == pytest.approx(np.arange(75) / 25, abs=1e-9)
    assert frames[0].image.shape == (288, 360, 3)
    assert sound[0].time == 0.0 and sound[0].block.lost == 0.0
    assert due(sound[-1]) == pytest.approx(131328 / 44100, abs=1e-3)
    assert {len(item.block.samples) for item in sound[:-1]} == {1280}
    assert video.warnings == [] and video.dropped == 0
    assert video.duration == pytest.approx(2.98)


def test_sound_that_starts_later_than_the_picture(shared_data: Path) -> None:
    frames, sound, video = play(shared_data / "clips" / "face_noface.mov")
    assert len(frames) == 169 and frames[0].time == 0.0 and frames[-1].time == pytest.approx(6.3604, abs=1e-3)
    assert sound[0].time == sound[0].block.lost == pytest.approx(2.43002, abs=1e-4)
    assert due(sound[-1]) == pytest.approx(2.43002 + 174882 / 44100, abs=1e-3)
    assert video.warnings == []


def test_other_clips(shared_data: Path) -> None:
    frames, sound, _ = play(shared_data / "clips" / "single_face.mp4")
    assert len(frames) == 72 and due(sound[-1]) == pytest.approx(106655 / 44100, abs=1e-3)
    frames, sound, video = play(shared_data / "clips" / "cap13_edit2.mp4")
    assert len(frames) == 765 and sound == [] and not video.has_sound


@pytest.mark.parametrize(("picture_at", "sound_at"), [(0, 0), (0, 300), (300, 0), (90000, 90300)])
def test_a_flash_and_a_click_stay_together(tmp_path: Path, picture_at: int, sound_at: int) -> None:
    """A white picture and a burst of sound, both 1 s after 0 of the file; milliseconds at which they start."""
    begin = max(picture_at, sound_at) // 1000 * 1000
    flash = begin + 1000
    shown = list(range(picture_at, begin + 2000, 40))
    images = [np.full((32, 48, 3), 255 * (abs(t - flash) <= 20), np.uint8) for t in shown]
    start = round(sound_at / 1000 * SOUND_RATE)
    at = round(flash / 1000 * SOUND_RATE) - start
    sound = np.zeros(2 * SOUND_RATE, np.float32)
    sound[at : at + 441] = tone(0.01)
    pieces = [start + n for n in range(0, len(sound), 1024)]
    path = write_video(tmp_path / "x.mkv", images, shown, sound, pieces)
    frames, blocks, _ = play(path)
    seen = next(frame.time for frame in frames if frame.image.mean() > 128)
    loud = int(np.flatnonzero(np.abs(joined(blocks)) > 0.1)[0])
    heard = blocks[0].time + loud / RATE
    assert abs(seen - heard) <= 0.021  # half a picture's time
    assert abs(frames[0].time - blocks[0].time) == pytest.approx(abs(picture_at - sound_at) / 1000, abs=2e-3)


def test_chunks_change_nothing_but_the_cuts(shared_data: Path) -> None:
    path = shared_data / "clips" / "brbk7n.mpg"
    _, small, _ = play(path, chunk=0.013)
    _, large, _ = play(path, chunk=1.0)
    np.testing.assert_array_equal(joined(small), joined(large))


def test_sound_is_16_khz_mono_and_true(tmp_path: Path) -> None:
    _, sound, _ = play(write_video(tmp_path / "x.mkv", (), None, tone(2.0)))
    samples = joined(sound)
    assert len(samples) == 2 * RATE
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    assert np.abs(samples - expected)[RATE // 10 : -RATE // 10].max() < 0.01


def test_a_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    pts = [100, 133, 200, 216, 500, 1500]
    frames, _, video = play(write_video(tmp_path / "x.mkv", grey(6), pts))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.033, 0.1, 0.116, 0.4, 1.4])
    assert level(frames) == [20, 21, 22, 23, 24, 25]
    assert video.warnings == []


def test_times_that_jump_to_and_fro_are_left_out_and_said(tmp_path: Path) -> None:
    pts = [0, 40, 80, 5000000, 120, 160, 100, 200]
    path = write_video(tmp_path / "x.nut", grey(8), [0, 40, 80, 120, 160, 200, 240, 280])
    video = VideoFile(VideoFileSettings(path), _Restamped(pts))
    frames = [item for item in video if isinstance(item, Frame)]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2])
    assert level(frames) == [20, 21, 22, 24, 25, 27]
    assert "x.nut: 2 frames with a time that does not fit were left out" in video.warnings


def test_a_jump_that_lasts_costs_one_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.nut", grey(5))
    video = VideoFile(VideoFileSettings(path), _Restamped([0, 40, 1000000, 1000040, 1000080]))
    assert [item.time for item in video] == pytest.approx([0, 0.04, 1000.04, 1000.08])


def test_pictures_without_a_time_follow_at_the_usual_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.nut", grey(5))
    video = VideoFile(VideoFileSettings(path), _Restamped([None, None, 90, None, 100]))
    assert [item.time for item in video] == pytest.approx([0, 0.04, 0.09, 0.13])
    assert any("3 pictures have no time; they follow at 25 fps" in line for line in video.warnings)
    assert any("1 frames with a time that does not fit" in line for line in video.warnings)


class _Restamped:
    """PyAV, with other times on the pictures that it decodes; milliseconds."""

    def __init__(self, pts: Sequence[int | None]) -> None:
        self._pts = pts

    def __getattr__(self, name: str) -> Any:
        return getattr(av, name)

    def open(self, path: str, **options: Any) -> Any:
        return _RestampedContainer(av.open(path, **options), iter(self._pts))


class _RestampedContainer:
    def __init__(self, container: Any, pts: Any) -> None:
        self._container, self._pts = container, pts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def demux(self, stream: Any) -> Any:
        for packet in self._container.demux(stream):
            yield _RestampedPacket(packet, self._pts)


class _RestampedPacket:
    def __init__(self, packet: Any, pts: Any) -> None:
        self._packet, self._pts = packet, pts

    def decode(self) -> list[Any]:
        frames = self._packet.decode()
        for frame in frames:
            frame.pts, frame.time_base = next(self._pts), Fraction(1, 1000)
        return list(frames)


def test_raw_video_without_any_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.h264", grey(6), codec="libx264", pixels="yuv420p")
    frames, _, _ = play(path)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(6) / 25)


def test_a_gap_in_the_sound_becomes_lost_time(tmp_path: Path) -> None:
    pieces = [n * 1024 + (SOUND_RATE if n >= 20 else 0) for n in range(44)]  # a second is missing after 20
    _, sound, _ = play(write_video(tmp_path / "x.mkv", grey(50), None, tone(1.0), pieces))
    lost = [item for item in sound if item.block.lost]
    assert len(lost) == 1
    assert lost[0].block.lost == pytest.approx(1.0, abs=2e-3)
    assert lost[0].time == pytest.approx(20 * 1024 / SOUND_RATE + 1.0, abs=2e-3)


def test_sound_of_which_the_time_runs_backwards_is_left_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mkv", (), None, tone(1.0))
    pts = [round(n * 1024 / 44.1) for n in range(44)]
    pts[20:30] = pts[5:15]
    video = VideoFile(VideoFileSettings(path), _Restamped(pts))
    sound = [item for item in video if isinstance(item, TimedSound)]
    assert video.warnings == ["x.mkv: 10 frames with a time that does not fit were left out"]
    assert due(sound[-1]) == pytest.approx(1.0, abs=3e-3)


def test_starts_that_cannot_belong_together_are_put_together(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mkv", grey(5), [9000000 + 40 * n for n in range(5)], tone(0.5))
    frames, sound, video = play(path)
    assert frames[0].time == sound[0].time == 0.0
    assert any("its picture and sound start 9000 s apart" in line for line in video.warnings)


@pytest.mark.parametrize(
    "matrix",
    [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)],
    ids=["clockwise", "half", "against the clock"],
)
def test_a_phone_held_upright_is_turned(tmp_path: Path, matrix: tuple[int, ...]) -> None:
    """The matrix x' = a x + c y, y' = b x + d y of the track's header, ISO 14496-12."""
    image = np.zeros((32, 64, 3), np.uint8)
    image[:16, :32] = 255  # a white quarter at the top left
    path = write_video(tmp_path / "x.mp4", [image] * 5, codec="mpeg4", pixels="yuv420p")
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    frames, _, _ = play(path)
    turned = frames[0].image[..., 0]
    upright = matrix[0] == 0
    assert turned.shape == ((64, 32) if upright else (32, 64))
    height, width = turned.shape
    white = {
        (row, column)
        for row in (0, 1)
        for column in (0, 1)
        if turned[(2 * row + 1) * height // 4, (2 * column + 1) * width // 4] > 128
    }
    # Where the matrix carries the top left quarter, whose middle lies at (-1, -1) of the picture's own.
    x, y = -matrix[0] - matrix[2], -matrix[1] - matrix[3]
    assert white == {(int(y > 0), int(x > 0))}
    assert frames[0].image.flags.c_contiguous


@pytest.mark.parametrize(
    ("pixels", "given", "image"),
    [
        ("gray", "gray", np.full((16, 16), 77, np.uint8)),
        ("gray10le", "gray", np.full((16, 16), 77, np.uint8)),
        ("gray16le", "gray16le", np.full((16, 16), 77 * 257, np.uint16)),
        ("bgra", "bgra", np.full((16, 16, 4), 77, np.uint8)),
        ("yuv420p10le", "bgr24", np.full((16, 16, 3), 77, np.uint8)),
    ],
)
def test_grey_and_other_pixel_formats(tmp_path: Path, pixels: str, given: str, image: NDArray[Any]) -> None:
    frames, _, _ = play(write_video(tmp_path / "x.mkv", [image] * 3, pixels=pixels, given=given))
    assert frames[0].image.shape == (16, 16, 3)
    assert np.abs(frames[0].image.astype(int) - 77).max() <= 2


def test_blue_comes_first(tmp_path: Path) -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 0] = 200
    frames, _, _ = play(write_video(tmp_path / "x.mkv", [image]))
    assert frames[0].image[8, 8].tolist() == [200, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (4320, 7680)])
def test_one_pixel_and_8k(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    codec, pixels = ("ffv1", "bgr0") if shape == (1, 1) else ("mjpeg", "yuvj420p")
    frames, _, _ = play(write_video(tmp_path / "x.mkv", [image], codec=codec, pixels=pixels))
    assert frames[0].image.shape == (*shape, 3)
    assert abs(int(frames[0].image[-1, -1, 0]) - 90) <= 2


def test_no_picture_is_said_by_has_picture(tmp_path: Path) -> None:
    frames, sound, video = play(write_video(tmp_path / "x.mkv", (), None, tone(0.6)))
    assert frames == [] and sound and not video.has_picture


def test_a_truncated_file_gives_what_there_is_and_one_warning(tmp_path: Path, shared_data: Path) -> None:
    whole = (shared_data / "clips" / "brbk7n.mpg").read_bytes()
    path = tmp_path / "cut.mpg"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    frames, sound, _ = play(path)
    assert 40 <= len(frames) < 75 and sound
    noisy = bytearray(whole)
    noisy[150000:230000] = np.random.default_rng(5).integers(0, 256, 80000, np.uint8).tobytes()
    path = tmp_path / "noisy.mpg"
    path.write_bytes(noisy)
    frames, _, video = play(path)
    assert len(frames) > 20
    assert len([line for line in video.warnings if "the file is damaged" in line]) == 1


def test_an_mp4_that_breaks_off_says_how_far_it_goes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(100)]
    path = write_video(tmp_path / "x.mp4", images, codec="mpeg4", pixels="yuv420p")
    data = path.read_bytes()
    with (
        av.open(str(path)) as source,
        av.open(str(tmp_path / "f.mp4"), "w", options={"movflags": "faststart"}) as to,
    ):
        stream = to.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                to.mux(packet)
    data = (tmp_path / "f.mp4").read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    (tmp_path / "f.mp4").write_bytes(data[: len(data) // 2])
    frames, _, video = play(tmp_path / "f.mp4")
    assert 30 <= len(frames) <= 60
    (line,) = video.warnings
    assert line.startswith("f.mp4: the file is damaged: ") and " s of 4.00 s" in line


@pytest.mark.parametrize("times", [[0, 1000, 2000, 3000], [10**9 + n * 40 for n in range(40)]])
def test_a_slow_video_and_one_that_starts_late_are_not_called_damaged(
    tmp_path: Path, times: list[int]
) -> None:
    rate = 1 if len(times) == 4 else 25
    frames, _, video = play(write_video(tmp_path / "x.mkv", grey(len(times)), times, rate=rate))
    assert len(frames) == len(times)
    assert video.warnings == []


def test_a_picture_of_absurd_size_is_not_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 9000
    lines = zlib.compressobj(1)
    packed = b"".join(lines.compress(bytes(side + 1)) for _ in range(side)) + lines.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    control = struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 25, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"acTL", struct.pack(">II", 1, 0)),
        (b"fcTL", control),
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    path = tmp_path / "x.apng"  # whose size is known to the decoder alone
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    assert "that can be decoded" in refusal(path)


def test_an_avi_without_its_index(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.avi", grey(50), codec="mpeg4", pixels="yuv420p", base=25)
    data = path.read_bytes()
    path.write_bytes(data[: data.find(b"idx1")])
    frames, _, _ = play(path)
    assert len(frames) == 50


def refusal(path: Path) -> str:
    with pytest.raises(EdgeEmotionError) as refused:
        VideoFile(VideoFileSettings(path))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.mp4")
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "empty.mp4").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("hello " * 500)
    assert "is no video, or damaged" in refusal(tmp_path / "text.mp4")
    whole = write_video(tmp_path / "x.mp4", grey(20), codec="mpeg4", pixels="yuv420p").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: whole.find(b"moov")])
    assert "is no video, or damaged" in refusal(tmp_path / "cut.mp4")
    assert "is not a regular file" in refusal(Path("/dev/null"))


def test_a_file_with_neither_picture_nor_sound(tmp_path: Path) -> None:
    path = tmp_path / "x.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n\n")
    assert "holds neither video nor sound track" in refusal(path)


def test_the_missing_package_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert refusal(tmp_path / "x.mp4") == "PyAV is missing: pip install 'edge-emotion[video]'"


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mkv", grey(200, 240, 320), None, tone(8.0))
    tracemalloc.start()
    try:
        for _ in VideoFile(VideoFileSettings(path)):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * 240 * 320 * 3  # of 200 pictures; tracemalloc sees numpy's memory


def test_realtime_waits_for_what_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    waits = []

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            now[0] += timeout or 0.0
            return self.is_set()

    path = write_video(tmp_path / "x.mkv", grey(10), None, tone(0.4))
    video = VideoFile(VideoFileSettings(path, realtime=True))
    video._closed = Clock()
    monkeypatch.setattr(video_file.time, "monotonic", lambda: now[0])
    for item in video:
        assert now[0] - 100.0 == pytest.approx(due(item), abs=1e-9)
    assert sum(waits) == pytest.approx(0.4, abs=1e-3)


def test_closing_ends_a_realtime_wait_from_any_thread(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mkv", grey(2), [0, 500000])
    video = VideoFile(VideoFileSettings(path, realtime=True))
    items = iter(video)
    assert next(items).time == 0.0
    closer = threading.Thread(target=video.close)
    closer.start()
    assert list(items) == []  # the second is due in 500 s
    closer.join()
    video.close()


def test_closed_before_its_end(shared_data: Path) -> None:
    video = VideoFile(VideoFileSettings(shared_data / "clips" / "brbk7n.mpg"))
    items = iter(video)
    next(items)
    video.close()
    assert list(items) == []
    assert video.warnings == []


def test_damage_is_said_by_a_warning_and_not_by_ffmpeg(tmp_path: Path, shared_data: Path) -> None:
    """In a process of its own, because FFmpeg writes to stderr itself."""
    data = bytearray((shared_data / "clips" / "single_face.mp4").read_bytes())
    data[60000:100000] = bytes(40000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    script = (
        "import sys; from pathlib import Path\n"
        "from edge_emotion.settings import VideoFileSettings\n"
        "from edge_emotion.sources.video_file import VideoFile\n"
        "video = VideoFile(VideoFileSettings(Path(sys.argv[1])))\n"
        "print(len(list(video)), *video.warnings, sep='\\n')\n"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
    assert int(run.stdout.splitlines()[0]) > 20
    assert "damaged.mp4: the file is damaged" in run.stdout
