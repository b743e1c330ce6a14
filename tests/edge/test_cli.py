import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion import cli
from edge_emotion.bench_sound import speech_like
from edge_emotion.cli_run import NOTE
from edge_emotion.sources.camera_list import CameraDevice
from fake_senses import FakeSource, frame
from fakes import FakePortAudio

COMMAND = [sys.executable, "-m", "edge_emotion.cli"]


@pytest.fixture(autouse=True)
def _signals():  # type: ignore[no-untyped-def]
    """main() takes over the signals; give them back to pytest."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "clip.wav"
    soundfile.write(path, speech_like(6.0), 16000)
    return path


@pytest.fixture
def model(tiny_bundle: Path) -> list[str]:
    return ["--model", str(tiny_bundle), "--engine", "onnx"]


def events(output: str) -> list[dict[str, object]]:
    said = [json.loads(line) for line in output.splitlines()]
    for event in said:
        del event["modalities"]["voice"]["latency_ms"], event["modalities"]["voice"]["computing_ms"]
    return said


def test_chunks_of_10_ms_80_ms_and_1_s_give_identical_events(
    shared_data: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("emodb", "ravdess_speech"):
        clips = [path for path in (shared_data / folder).rglob("*.*") if path.suffix in (".wav", ".flac")]
        longest = max(clips, key=lambda path: path.stat().st_size)
        heard = []
        for chunk in ("0.01", "0.08", "1"):
            assert cli.main(["--audio", str(longest), "--json", "--chunk", chunk, *model]) == 0
            heard.append(events(capsys.readouterr().out))
        assert heard[0] == heard[1] == heard[2]
        assert len(heard[0]) >= 2
        assert heard[0][0]["emotion"] is not None


def test_a_recording_gives_events_and_a_summary(
    clip: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--audio", str(clip), "--json", *model]) == 0
    output = capsys.readouterr()
    assert [event["t"] for event in events(output.out)] == [3.6, 4.08, 4.56, 5.04, 5.52, 6.0]
    note, summary = output.err.splitlines()
    assert note == NOTE
    assert summary.startswith("6 windows (")
    assert "6.00 s of sound" in summary
    assert "latency p50 " in summary
    assert "computing p50 " in summary
    assert "CPU share " in summary
    assert summary.endswith("0 frames dropped")


def test_plain_lines_without_a_terminal(
    clip: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--audio", str(clip), "--seconds", "4", *model]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["3.60", "3.99"]


def test_no_arguments_print_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    output = capsys.readouterr()
    assert "examples:" in output.err
    assert "edge-emotion --camera 0 --mic default" in output.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--audio"], "--audio: expected a file"),
        (["--mic"], "--mic: expected a device"),
        (["--audio", "nowhere.wav"], "nowhere.wav: no such file"),
        (["--audio", "a.wav", "--mic", "default"], "not allowed with"),
        (["--mic", "default", "--realtime"], "go with --audio or --video FILE"),
        (["--json"], "give --camera N, --mic DEVICE, --imu SOURCE, --video FILE or --audio FILE"),
        (["--camera"], "--camera: expected a device, e.g. 0"),
        (["--video"], "--video: expected a file, e.g. clip.mp4"),
        (["--video", "nowhere.mp4"], "nowhere.mp4"),
        (["--video", "a.mp4", "--mic", "default"], "--mic and --video: not allowed with each other"),
        (["--video", "a.mp4", "--camera", "0"], "--camera and --video: not allowed with each other"),
        (["--video", "a.mp4", "--audio", "a.wav"], "--video and --audio: not allowed with each other"),
        (["--video", "a.mp4", "--no-face", "--no-voice"], "leave nothing to judge"),
        (["--video", "a.mp4", "--no-face", "--window"], "--window goes with a face to watch"),
        (["--video", "a.mp4", "--no-voice", "--model", "m.emo"], "--model goes with a voice"),
        (["--video", "a.mp4", "--size", "640x480"], "--size goes with --camera"),
        (["--video", "a.mp4", "--faces", "0"], "faces: expected 1 to 16"),
        (["--camera", "0", "--no-face"], "--no-face goes with --video FILE"),
        (["--camera", "0", "--mic", "default", "--chunk", "1"], "not with live sources"),
        (["--camera", "0", "--size", "big"], "--size: expected WIDTHxHEIGHT, e.g. 640x480, got 'big'"),
        (["--camera", "0", "--size", "0x480"], "width: expected 1 to 16384 pixels"),
        (["--camera", "0", "--fps", "nan"], "fps: expected"),
        (["--camera", "0", "--camera-backend", "gstreamer"], "invalid choice: 'gstreamer'"),
        (["--camera", "0", "--model", "m.emo"], "--model goes with a voice"),
        (["--camera", "97"], "97"),
        (["--mic", "default", "--faces", "2"], "--faces goes with a face to watch"),
        (["--audio", "a.wav", "--face-model", "m.emo"], "--face-model goes with a face to watch"),
        (["--audio", "a.wav", "--landmarks", "mediapipe"], "--landmarks goes with a face to watch"),
        (["bench", "--face", "--face-model", "nowhere.emo"], "nowhere.emo"),
        (["demo", "--camera", "0"], "unrecognized arguments: --camera"),
        (["demo", "--audio-only", "--window"], "--window goes with a face to watch"),
        (["--audio", "a.wav", "--threads", "0"], "threads: expected 1 or more"),
        (["--audio", "a.wav", "--smoothing", "-1"], "smoothing: expected 0 or more seconds"),
        (["--audio", "a.wav", "--chunk", "0"], "chunk: expected"),
        (["--audio", "a.wav", "--seconds", "nan"], "seconds: expected more than 0 s"),
        (["--audio", "a.wav", "--seconds", "inf"], "seconds: expected more than 0 s"),
        (["--audio", "a.wav", "--seconds", "-1"], "seconds: expected more than 0 s"),
        (["bench", "--seconds", "inf"], "seconds: expected 5 to 3600 s"),
        (["--audio", "a.wav", "--engine", "tflite"], "invalid choice: 'tflite'"),
        (["models", "nowhere.emo"], "nowhere.emo"),
        (["bench", "--model", "nowhere.emo"], "nowhere.emo"),
        (["bench", "--seconds", "1"], "seconds: expected 5 to 3600 s"),
        (["dance"], "invalid choice: 'dance'"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith("edge-emotion: ")
    assert said in line


def test_a_missing_portaudio_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*given: object) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.delitem(sys.modules, "_sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", missing)
    assert cli.main(["devices"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "apt install libportaudio2" in line


def test_a_microphone_that_vanishes_is_told_and_opened_again(
    model: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.zeros((16000, 1), np.int16)
    portaudio = FakePortAudio([("USB mic", 1, (16000,))], [sound], vanish=True, default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    assert cli.main(["--mic", "default", "--json", "--seconds", "1.5", *model]) == 0
    output = capsys.readouterr()
    note, summary, started = output.err.splitlines()
    assert note == NOTE
    assert "in 1.50 s of sound" in summary
    assert started.startswith("after the start: first capture ")
    told = [json.loads(line) for line in output.out.splitlines()]
    lost, back = [line for line in told if "notice" in line][:2]
    assert (lost["notice"], lost["sense"]) == ("source lost", "voice")
    assert lost["said"].startswith("microphone 'USB mic' stopped sending sound after 1.0 s")
    assert (back["notice"], back["said"]) == ("source back", "USB mic")
    assert all("at" in line for line in told)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_recording_with_the_summary(
    clip: Path, model: list[str], number: signal.Signals, code: int
) -> None:
    arguments = [*COMMAND, "--audio", str(clip), "--realtime", *model]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split()[0] == "3.60"  # the first window: it is running
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in said
    assert said.splitlines()[-1].endswith("frames dropped")


def test_a_live_run_as_root_is_refused_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_emotion.cli_run.user_number", lambda: 0)
    assert cli.main(["--camera", "97"]) == 2
    assert "a live run as root is refused: run it as a user" in capsys.readouterr().err
    assert cli.main(["--camera", "97", "--allow-root"]) == 2
    assert "97" in capsys.readouterr().err


def test_a_signal_ends_a_live_run_with_code_0(
    model: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(FakePortAudio):
        """A microphone whose owner presses Ctrl-C once it has been opened."""

        def InputStream(self, **given: object):  # type: ignore[no-untyped-def] # noqa: N802
            stream = super().InputStream(**given)
            stream.start = lambda: os.kill(os.getpid(), signal.SIGINT)  # type: ignore[method-assign]
            return stream

    monkeypatch.setitem(sys.modules, "sounddevice", Interrupting([("USB mic", 1, (16000,))], default=0))
    assert cli.main(["--mic", "default", *model]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("0 windows")


def test_a_closed_pipe_ends_quietly(clip: Path, model: list[str]) -> None:
    arguments = [*COMMAND, "--audio", str(clip), "--json", *model]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0
    assert "Broken" not in said
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", [["demo", "--audio-only", "--json"], ["demo", "--audio-only"], ["models"]]
)
@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
def test_a_full_disk_is_one_line(model: list[str], command: list[str], stream: str) -> None:
    arguments = [*COMMAND, *command, *(model if command[0] == "demo" else [])]
    with Path("/dev/full").open("w") as full:
        files = {name: full if stream in (name, "both") else subprocess.PIPE for name in ("stdout", "stderr")}
        done = subprocess.run(arguments, **files, text=True, timeout=60, check=False)  # type: ignore[call-overload]
    silent = command == ["models"] and stream == "stderr"  # it says nothing there
    assert done.returncode == (0 if silent else 2)
    if stream == "stdout":
        assert done.stderr.splitlines()[-1].startswith("edge-emotion: cannot write the output (No space left")
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(model: list[str], closed: str, clip: Path) -> None:
    line = shlex.join([*COMMAND, "--audio", str(clip), "--json", *model])
    done = subprocess.run(
        ["sh", "-c", f"{line} {closed}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(events(done.stdout)) == (6 if closed == "2>&-" else 0)


@pytest.fixture
def models(model: list[str], tiny_face_bundle: Path) -> list[str]:
    return [*model, "--face-model", str(tiny_face_bundle)]


def test_the_demo_gives_both_senses_in_one_event(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    assert cli.main(["demo", "--json", "--seconds", "4", *models]) == 0
    output = capsys.readouterr()
    events = [json.loads(line) for line in output.out.splitlines()]
    assert {"face", "voice"} in [set(event["modalities"]) for event in events]
    assert [event["t"] for event in events] == sorted({event["t"] for event in events})
    clip, note, voice, face = output.err.splitlines()
    assert clip.startswith("The clip: ")
    assert (note, voice[:7], face[:6]) == (NOTE, "voice: ", "face: ")
    assert face.endswith("0 frames dropped")


def test_a_camera_that_ends_leaves_the_microphone(
    models: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.zeros((1600, 1), np.int16)
    portaudio = FakePortAudio([("USB mic", 1, (16000,))], [sound] * 20, default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    picture = frame(0.0)
    monkeypatch.setattr("edge_emotion.sources.camera.Camera", lambda settings: FakeSource([picture]))
    live = ["--camera", "0", "--mic", "default", "--seconds", "2"]
    assert cli.main([*live, *models]) == 0
    note, warning, voice, face, started = capsys.readouterr().err.splitlines()
    assert note == NOTE
    assert warning == "warning: fake ended; the others go on"
    assert "s of sound" in voice
    assert "(1, " in face
    assert started.startswith("after the start: ")


def test_a_signal_ends_both_live_senses_with_code_0(
    models: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(FakeSource):
        """A camera whose owner presses Ctrl-C once it gives pictures."""

        def __iter__(self):  # type: ignore[no-untyped-def]
            yield frame(0.0)
            os.kill(os.getpid(), signal.SIGINT)
            yield from super().__iter__()

    camera = Interrupting([], "wait")
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio([("USB mic", 1, (16000,))], default=0))
    monkeypatch.setattr("edge_emotion.sources.camera.Camera", lambda settings: camera)
    assert cli.main(["--camera", "0", "--mic", "default", *models]) == 0
    assert camera.closed
    note, voice, face, _ = capsys.readouterr().err.splitlines()
    assert (note, voice[:7], face[:6]) == (NOTE, "voice: ", "face: ")


def test_a_missing_face_model_is_one_line(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    assert cli.main(["demo", *model, "--face-model", "nowhere.emo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere.emo" in line


def test_a_missing_clip_names_the_demo_that_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_emotion.cli_run.CLIP", "gone.mp4")
    assert cli.main(["demo"]) == 2
    assert "`edge-emotion demo --audio-only`" in capsys.readouterr().err


def test_an_opencv_without_windows_is_one_line_more(
    models: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  GUI:     NONE\n")
    assert cli.main(["demo", "--window", *models]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[-1].startswith("edge-emotion: this OpenCV has no windows: pip install")


def test_cameras_and_microphones_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cameras = [CameraDevice("0", "HD Webcam", "v4l2")]
    monkeypatch.setattr("edge_emotion.sources.camera_list.list_cameras", lambda: cameras)
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio([("USB mic", 1, (16000,))], default=0))
    assert cli.main(["devices"]) == 0
    shown = capsys.readouterr().out
    assert "0         HD Webcam [v4l2]" in shown
    assert "USB mic [FAKE] (default)" in shown
    cameras.clear()
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio([]))
    assert cli.main(["devices"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "no camera and no microphone found" in output.err


class OpenedMicrophones(FakePortAudio):
    """Keeps its streams' closing."""

    closed = 0

    def InputStream(self, **given: object):  # type: ignore[no-untyped-def] # noqa: N802
        stream = super().InputStream(**given)

        def close() -> None:
            self.closed += 1

        stream.close = close  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize("live", [True, False])
def test_ctrl_c_while_the_model_is_loading(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], live: bool
) -> None:
    def interrupted(*given: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    portaudio = OpenedMicrophones([("USB mic", 1, (16000,))], default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    monkeypatch.setattr("edge_emotion.recognizer.read_bundle", interrupted)
    arguments = ["--mic", "default"] if live else ["--audio", str(clip)]
    assert cli.main(arguments) == (0 if live else 130)
    assert portaudio.closed == live
    assert "Traceback" not in capsys.readouterr().err


def test_a_bad_model_gives_the_microphone_back(monkeypatch: pytest.MonkeyPatch) -> None:
    portaudio = OpenedMicrophones([("USB mic", 1, (16000,))], default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    assert cli.main(["--mic", "default", "--model", "nowhere.emo"]) == 2
    assert portaudio.closed == 1


def test_a_second_ctrl_c_ends_the_program() -> None:
    script = (
        "import os, signal\nfrom edge_emotion.stopping import Stopped, stop_on\n"
        "stop_on(signal.SIGINT)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "except Stopped:\n    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_models_shows_the_card(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", str(tiny_bundle)]) == 0
    shown = capsys.readouterr().out
    assert "tiny" in shown
    assert "120 nodes of 0.03 s = 3.60 s, an estimate each 0.48 s" in shown
    assert "onnx fp32" in shown
    assert "Untrained, for tests." in shown


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "not what a person feels" in shown
    assert "examples:" in shown


def test_a_file_without_its_flag_is_told_the_flag(capsys):
    assert cli.main(["clip.wav"]) == 2
    assert "--audio clip.wav" in capsys.readouterr().err


def test_a_source_and_another_command_do_not_go_together(capsys):
    assert cli.main(["--audio", "clip.wav", "demo"]) == 2
    assert "another command does not go with --" in capsys.readouterr().err


def test_what_to_do_next_is_said_in_the_name_that_was_called(capsys, monkeypatch):
    monkeypatch.setenv("EDGE_EMOTION_CALLED", "python3 demo.py")
    assert cli.main(["--nonsense"]) == 2
    assert "`python3 demo.py --help`" in capsys.readouterr().err


def test_a_video_without_its_flag_is_told_the_flag(capsys):
    assert cli.main(["clip.mp4"]) == 2
    assert "for a video: --video clip.mp4" in capsys.readouterr().err
