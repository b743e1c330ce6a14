"""Whole runs with a body: a file, the same file sent as a suit and as trackers, three senses at once, one IMU."""

import contextlib
import json
import threading
from importlib import resources

import pytest

from bvh_body import swinging
from edge_emotion import cli
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.replay import ReplaySettings, replay
from edge_emotion.session import open_session
from edge_emotion.session_settings import SessionSettings
from edge_emotion.settings import BodyRecognizerSettings, MotionSettings, VideoFileSettings
from edge_emotion.sources import iio
from edge_emotion.sources.iio import IioSettings
from edge_emotion.sources.iio_device import list_devices
from edge_emotion.sources.motion_file import read_motion
from edge_emotion.sources.open_motion import open_motion
from fake_iio import FakeIio
from tiny_body_bundle import write_tiny_body_bundle


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_body_bundle(tmp_path_factory.mktemp("model") / "body.emo"))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Six seconds of swinging limbs, 30 frames a second."""
    path = tmp_path_factory.mktemp("motion") / "walk.bvh"
    path.write_text(swinging())
    return path


def settings(model, source, **more):
    judge = BodyRecognizerSettings(model, smoothing=0.5)
    return SessionSettings(motion=MotionSettings(str(source)), body=judge, **more)


def events_of(model, source):
    return list(open_session(settings(model, source)).run)


@pytest.mark.parametrize("protocol", ["mvn", "osc"])
def test_a_file_sent_over_the_network_gives_the_events_of_the_file(protocol, model, file):
    expected = [event for event in events_of(model, file) if event.time < 5.9]
    session = open_session(settings(model, f"{protocol}:0"))
    poses = read_motion(file).poses
    where = ReplaySettings(protocol, port=session.run.source.devices[0].port, speed=3.0)
    sending = threading.Thread(target=replay, args=(poses, where), daemon=True)
    came = []
    with contextlib.closing(session.run) as run:
        for event in start(run, sending):
            if event.emotion is not None:
                came.append(event)
            if len(came) == len(expected):
                break
    sending.join()
    assert [event.time for event in came] == pytest.approx([event.time for event in expected])
    assert [event.emotion for event in came] == [event.emotion for event in expected]
    for mine, theirs in zip(came, expected, strict=True):
        assert mine.probabilities == pytest.approx(theirs.probabilities, abs=5e-3)
        assert mine.modalities["body"].quality == pytest.approx(theirs.modalities["body"].quality)


def start(run, sending):
    events = iter(run)
    sending.start()
    return events


def test_the_three_senses_are_one_event(model, file):
    with resources.as_file(resources.files("edge_emotion") / "data" / "demo.mp4") as clip:
        run = open_session(settings(model, file, video=VideoFileSettings(clip))).run
        events = list(run)
    assert any(set(event.modalities) == {"face", "voice", "body"} for event in events)
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert [line.split(":")[0] for line in str(run.summary()).splitlines()] == ["voice", "face", "body"]


def test_the_command_line_says_it_in_json(model, file, capsys):
    assert cli.main(["--imu", str(file), "--body-model", model, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["t"] == pytest.approx(5.967, abs=0.001)
    assert lines[-1]["modalities"]["body"]["quality"] == 1
    assert "movement" not in lines[-1]["modalities"]["body"]


def test_one_imu_says_how_it_moves_and_no_emotion(tmp_path, monkeypatch, capsys):
    fake = FakeIio(tmp_path)
    fake.mpu6050()
    monkeypatch.setattr(
        iio, "IioSettings", lambda device: IioSettings(device, "polled", 50.0, fake.sysfs, fake.dev)
    )
    assert cli.main(["--imu", "iio:mpu6050", "--seconds", "2.1", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    fake.end()
    assert lines
    for line in lines:
        assert line["emotion"] is None
        assert line["p"] is None
        assert line["modalities"]["body"]["abstained"] == "one IMU"
        assert line["modalities"]["body"]["movement"]["arousal"] == pytest.approx(-1, abs=0.01)


def test_sensors_are_listed_by_the_name_that_opens_them(tmp_path, monkeypatch, capsys):
    fake = FakeIio(tmp_path)
    fake.mpu6050(number=3)
    known = list_devices(fake.sysfs, fake.dev)
    monkeypatch.setattr("edge_emotion.sources.iio_device.list_devices", lambda *_: known)
    monkeypatch.setattr("edge_emotion.sources.camera_list.list_cameras", list)
    monkeypatch.setattr("edge_emotion.sources.microphone.input_devices", list)
    assert cli.main(["devices"]) == 0
    assert "iio:device3  mpu6050" in capsys.readouterr().out
    monkeypatch.setattr(
        iio, "IioSettings", lambda device: IioSettings(device, "polled", 50.0, fake.sysfs, fake.dev)
    )
    source = open_motion(MotionSettings("iio:device3"))
    assert source.name
    source.close()
    fake.end()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--imu", "kinect"], "--imu kinect: expected mvn[:PORT], osc[:PORT], iio[:NAME] or a file"),
        (["--imu", "mvn:x"], "expected a port number"),
        (["--imu", "mvn:99999"], "port: expected 0 to 65535"),
        (["--imu", "nowhere.bvh"], "nowhere.bvh: no such file"),
        (["--imu", "walk.bvh", "--camera", "0"], "`edge-emotion replay` sends it live"),
        (["--imu", "mvn", "--video", "clip.mp4"], "has to keep its pace, --realtime"),
        (["--imu", "walk.bvh", "--listen", "0.0.0.0"], "--listen goes with --imu mvn or --imu osc"),
        (["--imu", "osc", "--imu-unit", "cm"], "--imu-unit goes with --imu mvn"),
        (["--imu", "iio", "--body-model", "body"], "--body-model goes with"),
        (["--imu", "mvn", "--realtime"], "--realtime and --chunk go with"),
        (["--imu", "mvn", "--faces", "2"], "--faces goes with a face to watch"),
        (["--imu", "mvn", "--model", "voice"], "--model goes with a voice"),
        (["--body-model", "body", "--mic", "default"], "--body-model goes with --imu"),
        (["replay", "nowhere.bvh", "--to", "mvn"], "nowhere.bvh: no such file"),
        (["replay", "walk.fbx", "--to", "mvn"], ".bvh or .mvnx"),
    ],
)
def test_a_wrong_command_is_one_line(arguments, said, capsys):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_motion_alone_needs_no_other_source(model, file):
    assert SessionSettings(motion=MotionSettings(str(file))).motion is not None
    with pytest.raises(EdgeEmotionError, match="or motion, got none of them"):
        SessionSettings()
