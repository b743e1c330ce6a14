import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import MicrophoneSettings
from edge_emotion.sources.block_queue import BlockQueue
from edge_emotion.sources.microphone import Microphone, find_device, input_devices, lasting_name, look_again
from fakes import FakePortAudio

DEVICES = [
    ("HDMI 0", 0, (48000,)),
    ("USB PnP Sound Device: Audio (hw:1,0)", 1, (44100, 16000)),
    ("ReSpeaker 4 Mic Array", 6, (48000,)),
    ("USB Camera", 2, (16000,)),
]


def test_only_devices_that_record_are_listed() -> None:
    devices = input_devices(FakePortAudio(DEVICES, default=3))
    assert [(d.number, d.channels, d.default) for d in devices] == [
        (1, 1, False),
        (2, 6, False),
        (3, 2, True),
    ]


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("default", 3), ("2", 2), ("usb camera", 3), ("respeaker", 2), ("PnP", 1)],
)
def test_a_device_is_found_by_number_name_or_part(wanted: str, number: int) -> None:
    assert find_device(wanted, FakePortAudio(DEVICES, default=3)).number == number


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("ReSpeeker", "did you mean: 'ReSpeaker 4 Mic Array'"),
        ("zzz", "there are: 'USB PnP"),
        ("usb", "several microphones are called 'usb'; choose by number: 1"),
        ("9", "no microphone has the number 9"),
        ("0", "no microphone has the number 0"),
    ],
)
def test_an_unknown_device_lists_the_near_ones(wanted: str, said: str) -> None:
    with pytest.raises(EdgeEmotionError) as refused:
        find_device(wanted, FakePortAudio(DEVICES))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_devices_of_one_name_are_to_be_chosen_by_number() -> None:
    twins = FakePortAudio([("USB mic", 1, (16000,)), ("HDMI", 0, (48000,)), ("USB mic", 1, (16000,))])
    with pytest.raises(EdgeEmotionError, match="choose by number: 0 'USB mic', 2 'USB mic'"):
        find_device("usb mic", twins)
    assert find_device("2", twins).number == 2


@pytest.mark.parametrize("query", ["query_devices", "query_hostapis"])
def test_portaudio_that_cannot_list_is_one_line(query: str) -> None:
    portaudio = FakePortAudio(DEVICES)

    def broken() -> None:
        raise portaudio.PortAudioError("Error querying device\nmore", -9996)

    setattr(portaudio, query, broken)
    with pytest.raises(EdgeEmotionError, match=r"cannot list the microphones \(Error querying device\)"):
        find_device("default", portaudio)


def test_no_microphone_is_said() -> None:
    with pytest.raises(EdgeEmotionError, match="no microphone found"):
        find_device("default", FakePortAudio(DEVICES[:1]))


def test_a_device_that_cannot_do_16_khz_mono_is_resampled_and_mixed() -> None:
    # 400 Hz: whole periods in 10 ms, so that the removal of an offset finds none.
    tone = (32767 * np.sin(2 * np.pi * 400 * np.arange(48000) / 48000)).astype(np.int16)
    frames = np.zeros((48000, 6), np.int16)
    frames[:, 0] = tone
    portaudio = FakePortAudio(DEVICES, [frames[i : i + 3840] for i in range(0, 48000, 3840)], vanish=True)
    microphone = Microphone(MicrophoneSettings("2"), portaudio)
    assert (portaudio.opened[0]["samplerate"], portaudio.opened[0]["channels"]) == (48000, 6)
    heard = []
    with pytest.raises(EdgeEmotionError, match=r"stopped sending sound after 1\.0 s"):
        heard += [block.samples for block in microphone]
        pytest.fail("the microphone vanished without a word")
    microphone.close()


def test_what_is_heard_of_a_resampled_tone() -> None:
    # 400 Hz: whole periods in 10 ms, so that the removal of an offset finds none.
    tone = (32767 * np.sin(2 * np.pi * 400 * np.arange(48000) / 48000)).astype(np.int16)
    portaudio = FakePortAudio(DEVICES, [np.stack([tone] * 6, axis=1)])
    microphone = Microphone(MicrophoneSettings("2"), portaudio)
    samples = next(iter(microphone)).samples
    expected = np.sin(2 * np.pi * 400 * np.arange(len(samples)) / 16000)
    assert 15000 < len(samples) <= 16000
    assert np.abs(samples[100:] - expected[100:]).max() < 1e-3
    microphone.close()


def test_a_device_that_can_is_opened_at_16_khz_mono() -> None:
    portaudio = FakePortAudio(DEVICES)
    Microphone(MicrophoneSettings("1"), portaudio).close()
    assert (portaudio.opened[0]["samplerate"], portaudio.opened[0]["channels"]) == (16000, 1)


def test_a_device_that_goes_quiet_is_taken_as_gone() -> None:
    portaudio = FakePortAudio(DEVICES, [np.zeros((1280, 1), np.int16)])
    microphone = Microphone(MicrophoneSettings("1", stall=0.05), portaudio)
    blocks = iter(microphone)
    assert len(next(blocks).samples) == 1280
    with pytest.raises(EdgeEmotionError, match=r"stopped sending sound after 0\.1 s"):
        next(blocks)


def test_a_closed_microphone_ends_without_an_error() -> None:
    portaudio = FakePortAudio(DEVICES, [np.zeros((1280, 1), np.int16)])
    microphone = Microphone(MicrophoneSettings("1"), portaudio)
    blocks = iter(microphone)
    next(blocks)
    microphone.close()
    assert list(blocks) == []


def test_a_refusing_device_is_one_line() -> None:
    portaudio = FakePortAudio([("USB", 3, (44100,))])
    portaudio.check_input_settings = _busy(portaudio)  # type: ignore[method-assign]
    with pytest.raises(EdgeEmotionError, match=r"'USB' cannot be opened \(Device unavailable\)"):
        Microphone(MicrophoneSettings("USB"), portaudio)


def _busy(portaudio: FakePortAudio):  # type: ignore[no-untyped-def]
    def check(**given: object) -> None:
        raise portaudio.PortAudioError("Device unavailable", -9985)

    return check


def test_the_queue_drops_the_oldest_and_counts() -> None:
    queue = BlockQueue(100)
    for value in range(5):
        queue.put(np.full((40, 1), value, np.int16))
    assert queue.dropped == 120  # three of five blocks of 40, so that 80 <= 100 stay
    first = queue.get(0)
    assert first is not None
    assert (first[0][0, 0], first[1]) == (3, 120)
    second = queue.get(0)
    assert second is not None
    assert (second[0][0, 0], second[1]) == (4, 0)
    assert queue.get(0) is None


def test_the_queue_gives_what_it_holds_before_its_end() -> None:
    queue = BlockQueue(100)
    queue.put(np.zeros((40, 1), np.int16))
    queue.end()
    assert queue.get(10) is not None
    assert queue.get(10) is None


def test_a_list_of_microphones_is_made_anew_also_after_an_attempt_that_failed() -> None:
    portaudio = FakePortAudio([("USB mic", 1, (16000,))], default=0)
    for begun in (1, 0):
        portaudio._initialized = begun
        look_again(portaudio)
        assert portaudio._initialized == 1


def test_a_microphone_is_asked_for_again_by_a_name_that_it_has_alone() -> None:
    portaudio = FakePortAudio([(name, 1, (16000,)) for name in ("USB mic", "twin", "twin")], default=0)
    assert lasting_name("USB mic", "default", portaudio) == "USB mic"
    assert lasting_name("twin", "1", portaudio) == "1"
