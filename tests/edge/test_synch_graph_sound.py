"""Sound that is lost, starts late or lies elsewhere on the clock of the pictures, for face and voice judged as one."""

import math

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.synch_graph import SynchGraphRecognizer
from fake_faces import even, frames, reasons
from fake_presentations import RATE, in_step, recognizer, voice


def times(estimates: list) -> list[float]:  # type: ignore[type-arg]
    return [estimate.time for estimate in estimates]


def lost(judge: SynchGraphRecognizer, at: float, seconds: float, until: float) -> list:  # type: ignore[type-arg]
    """Estimates of sound that misses some seconds, with pictures all the time."""
    judge.reset()
    sound, estimates, gone = voice(until), [], False
    for number, frame in enumerate(frames(even(25, until))):
        estimates += judge.see(frame)
        if frame.time >= at and not gone:
            judge.lose(seconds)
            gone = True
        if not at <= frame.time < at + seconds:
            estimates += judge.hear(sound[number * 640 : (number + 1) * 640])
    return estimates + judge.end("voice", "face")


def test_lost_sound_abstains_while_a_presentation_hears_it() -> None:
    # Lost from 3.2 to 4.0 s. At 7.5 s a presentation still hears 3.6 s and later, at 8 s none does; the estimate at
    # 10 s is the last over the one at 7.5 s.
    estimates = lost(recognizer(), 3.2, 0.8, 12.0)
    given = dict(zip(times(estimates), reasons(estimates), strict=True))
    assert sorted(given) == [3.0 + 0.5 * n for n in range(19)]
    assert [time for time, reason in given.items() if reason == "dropped sound"] == [
        3.5 + 0.5 * n for n in range(14)
    ]
    assert {reason for time, reason in given.items() if not 3.5 <= time <= 10} == {None}


def test_sound_lost_before_any_has_come_only_begins_later() -> None:
    judge = recognizer()
    judge.lose(1.0)
    estimates = judge.hear(voice(5.0))
    for frame in frames(even(25, 6.0)):
        estimates += judge.see(frame)
    assert set(reasons(estimates + judge.end("voice", "face"))) <= {None, "no face"}


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_an_impossible_loss_is_refused(seconds: float) -> None:
    with pytest.raises(EdgeEmotionError, match="seconds of lost sound"):
        recognizer().lose(seconds)
    with pytest.raises(EdgeEmotionError, match="seconds"):
        recognizer().place(math.nan)


def test_sound_is_placed_on_the_clock_of_the_pictures() -> None:
    """A microphone that starts 0.7 s after the camera hears what a voice that begins 0.7 s later does."""
    later = np.concatenate([np.zeros(round(0.7 * RATE), np.float32), voice(5.0)])
    expected = in_step(recognizer(), later)
    judge = recognizer()
    estimates, heard = [], 0
    for frame in frames(even(25, 5.7)):
        estimates += judge.see(frame)
        until = max(0, round((frame.time - 0.7) * RATE))
        if until > heard:
            judge.place(0.7 + heard / RATE)
            estimates += judge.hear(voice(5.0)[heard:until])
            heard = until
    estimates += judge.end("voice", "face")
    shares = [(e.time, None if e.probabilities is None else e.probabilities.tolist()) for e in estimates]
    assert shares == [(e.time, e.probabilities.tolist()) for e in expected if e.probabilities is not None]
    assert len(shares) == 6


def test_speech_is_looked_for_on_the_clock_of_the_pictures() -> None:
    # Loud from 0.7 to 1.7 s: of the window that ends at 4.5 s it is 0.2 s, of the next one nothing.
    judge = recognizer(late=10.0)
    judge.place(0.7)
    judge.hear(np.concatenate([voice(1.0), np.zeros(5 * RATE, np.float32)]))
    estimates = [e for frame in frames(even(25, 5.0)) for e in judge.see(frame)]
    assert times(estimates) == [3.0, 3.5, 4.0, 4.5, 5.0]
    assert reasons(estimates)[-2:] == ["non-speech", "silence"]


def test_a_clock_that_is_set_anew_moves_the_sound() -> None:
    for moved in (0.1, -0.1):
        judge = recognizer()
        estimates = judge.hear(voice(1.0))
        judge.place(1.0 + moved)
        estimates += judge.hear(voice(3.0))
        assert judge._sound.end == pytest.approx(4.0 + moved)
        for frame in frames(even(25, 4.0)):
            estimates += judge.see(frame)
        assert "dropped sound" not in reasons(estimates)
