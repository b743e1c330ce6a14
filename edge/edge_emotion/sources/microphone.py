"""A microphone as a source of sound, through PortAudio."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import MicrophoneSettings
from edge_emotion.sources.block_queue import BlockQueue
from edge_emotion.sources.datagram_warnings import rounded
from edge_emotion.sources.offset import OffsetRemoval
from edge_emotion.sources.resample import MonoResampler
from edge_emotion.sources.sound import RATE, SoundBlock

GRACE = 0.5  # seconds more after a stall: it may be us who stood still, and the microphone sends


@dataclass(frozen=True)
class InputDevice:
    """One microphone that PortAudio knows.

    number, name: either selects it. channels: most it can give. rate: its own rate, frames per second.
    host: the sound system behind it. default: whether it is the system's choice.
    """

    number: int
    name: str
    channels: int
    rate: int
    host: str
    default: bool


class Microphone:
    """Opens a microphone and gives its sound; a callback fills a bounded queue, iteration empties it.

    A device that cannot do 16 kHz mono runs at its own rate and channels, and is resampled here; a constant
    offset, which cheap ones add, is taken out.
    EdgeEmotionError: no PortAudio, no microphone, an unknown name, or a device that vanishes.
    """

    def __init__(self, settings: MicrophoneSettings, portaudio: Any = None) -> None:
        """portaudio: the sounddevice module, or a stand-in for it."""
        self._settings = settings
        self._portaudio = portaudio or load_portaudio()
        self._device = find_device(settings.device, self._portaudio)
        self.name = self._device.name
        rate, channels = self._format()
        self._resampler = MonoResampler(rate)
        self._offset = OffsetRemoval()
        self._queue = BlockQueue(max(1, round(settings.queue * rate)))
        self._overflows = 0
        self._frames = 0
        self._closed = False
        try:
            self._stream = self._portaudio.InputStream(
                device=self._device.number,
                samplerate=rate,
                channels=channels,
                dtype="int16",
                blocksize=round(settings.block * rate),
                callback=self._take,
                finished_callback=self._queue.end,
            )
        except self._portaudio.PortAudioError as error:
            raise self._broken(error) from error

    def __iter__(self) -> Iterator[SoundBlock]:
        """Start the microphone and give its sound until it is closed; EdgeEmotionError when it vanishes."""
        try:
            self._stream.start()
        except self._portaudio.PortAudioError as error:
            raise self._broken(error) from error
        while True:
            got = self._queue.get(self._settings.stall) or self._queue.get(GRACE)
            if got is None and self._closed:
                return
            if got is None:
                heard = self._frames / self._resampler.rate
                raise EdgeEmotionError(
                    f"microphone {self.name!r} stopped sending sound after {heard:.1f} s; "
                    "check its plug and run `edge-emotion devices`"
                )
            frames, lost = got
            self._frames += len(frames) + lost
            samples = self._offset.push(self._resampler.push(_float(frames)))
            yield SoundBlock(samples, lost / self._resampler.rate)

    def close(self) -> None:
        """Stop the microphone and give it back."""
        self._closed = True
        self._stream.close()

    @property
    def dropped(self) -> int:
        """Frames dropped because computing was too slow, at the device's rate."""
        return self._queue.dropped

    @property
    def warnings(self) -> list[str]:
        """Lines about clipping, a low rate or sound that the driver lost."""
        lines = [f"microphone {self.name!r}: {line}" for line in self._resampler.warnings]
        if self._overflows:
            lines.append(
                f"microphone {self.name!r}: the driver lost sound, times: {rounded(self._overflows)}"
            )
        return lines

    def _take(self, frames: NDArray[np.int16], count: int, time: Any, status: Any) -> None:
        """PortAudio's callback, in its own thread: copy and leave."""
        if status.input_overflow:
            self._overflows += 1
        self._queue.put(frames.copy())

    def _format(self) -> tuple[int, int]:
        """Rate and channels to open with: 16 kHz mono, or the nearest the device can do."""
        rates, channels = (RATE, self._device.rate), (1, self._device.channels)
        refused: Exception | None = None
        for rate, channel in ((rate, channel) for rate in rates for channel in channels):
            try:
                self._portaudio.check_input_settings(
                    device=self._device.number, samplerate=rate, channels=channel, dtype="int16"
                )
            except self._portaudio.PortAudioError as error:
                refused = error
                continue
            return rate, channel
        assert refused is not None  # the loop has run, and only a refusal leaves it here
        raise self._broken(refused) from refused

    def _broken(self, error: Exception) -> EdgeEmotionError:
        return EdgeEmotionError(
            f"microphone {self.name!r} cannot be opened ({_reason(error)}); is another program using it?"
        )


def _reason(error: Exception) -> str:
    """First line of what PortAudio says."""
    return next(iter(str(error.args[0] if error.args else error).splitlines()), "no reason given")


def _float(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """16-bit samples, which every device has, to -1..1."""
    scaled: NDArray[np.float32] = frames.astype(np.float32) / np.float32(32768)
    return scaled


def load_portaudio() -> Any:
    """Import sounddevice; EdgeEmotionError says how to install PortAudio where it is missing."""
    try:
        import sounddevice
    except OSError as error:
        raise EdgeEmotionError(
            "the PortAudio library is missing; install it: sudo apt install libportaudio2"
        ) from error
    return sounddevice


def look_again(portaudio: Any = None) -> None:
    """Make PortAudio look for microphones anew: it keeps the list it made at first. No stream may be open."""
    portaudio = portaudio or load_portaudio()
    if portaudio._initialized:  # not after an attempt that failed
        portaudio._terminate()
    portaudio._initialize()


def lasting_name(opened: str, wanted: str, portaudio: Any = None) -> str:
    """What to ask for to get a microphone again that has been opened: its name, where no other has it.

    PortAudio's numbers, and what is the default, change when something is plugged in or out.
    """
    names = [device.name for device in input_devices(portaudio)]
    return opened if names.count(opened) == 1 else wanted


def input_devices(portaudio: Any = None) -> list[InputDevice]:
    """Every device that records, in PortAudio's order; EdgeEmotionError when PortAudio is missing or fails."""
    portaudio = portaudio or load_portaudio()
    try:
        hosts, known = portaudio.query_hostapis(), portaudio.query_devices()
        default = portaudio.default.device[0]
    except portaudio.PortAudioError as error:
        raise EdgeEmotionError(
            f"PortAudio cannot list the microphones ({_reason(error)}); `arecord -l` shows what ALSA sees"
        ) from error
    return [
        InputDevice(
            number=number,
            name=device["name"],
            channels=device["max_input_channels"],
            rate=round(device["default_samplerate"]),
            host=hosts[device["hostapi"]]["name"],
            default=number == default,
        )
        for number, device in enumerate(known)
        if device["max_input_channels"] > 0
    ]


def find_device(wanted: str, portaudio: Any = None) -> InputDevice:
    """Find a microphone by "default", number, name or part of one; EdgeEmotionError lists near ones."""
    devices = input_devices(portaudio)
    if not devices:
        raise EdgeEmotionError("no microphone found; plug one in and run `edge-emotion devices`")
    if wanted == "default":
        named = [device for device in devices if device.name == "default"]
        return next(iter([device for device in devices if device.default] + named), devices[0])
    if wanted.isdecimal():
        for device in devices:
            if device.number == int(wanted):
                return device
        numbers = ", ".join(f"{device.number} {device.name!r}" for device in devices)
        raise EdgeEmotionError(f"no microphone has the number {wanted}; there are: {numbers}")
    return _by_name(wanted, devices)


def _by_name(wanted: str, devices: list[InputDevice]) -> InputDevice:
    names = [device.name for device in devices]
    same = [device for device in devices if device.name.lower() == wanted.lower()]
    part = [device for device in devices if wanted and wanted.lower() in device.name.lower()]
    found = same or part
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{device.number} {device.name!r}" for device in found)
        raise EdgeEmotionError(f"several microphones are called {wanted!r}; choose by number: {several}")
    lower = {name.lower(): name for name in names}
    near = [lower[name] for name in difflib.get_close_matches(wanted.lower(), lower, 3, 0.4)]
    listed = ", ".join(repr(name) for name in near or names[:8])
    raise EdgeEmotionError(
        f"no microphone is called {wanted!r}; {'did you mean' if near else 'there are'}: {listed}"
        f"{'?' if near else ''} (see `edge-emotion devices`)"
    )
