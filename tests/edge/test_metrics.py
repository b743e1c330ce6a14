import math
import re
import threading
from pathlib import Path
from platform import python_version

import pytest

from edge_emotion import __version__
from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion
from edge_emotion.metrics import Metrics
from edge_emotion.metrics_text import Family, Sample, counter, exposition, gauge
from edge_emotion.notice import Notice
from edge_emotion.pipeline import Run
from edge_emotion.run_summary import SenseCount
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart
from edge_emotion.sources.source_change import BACK, LOST
from fake_device import FakeDevice, Opening
from fake_senses import FakeFace, FakeSource, FakeVoice, P, blocks, frame

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
OF_SUMMARY = ("", "_sum", "_count")
SILENT = Estimate(0.5, "voice", None, 0.0, 0.0, "silence")
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Numbers:
    """(name, labels) -> number of a text in format 0.0.4; ValueError, with the line, for what breaks its rules."""
    numbers: Numbers = {}
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    family = ""  # whose samples may come now
    if text and not text.endswith("\n"):
        raise ValueError("no line break at the end")
    for line in text.split("\n")[:-1]:
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            if not NAME.fullmatch(name) or not re.fullmatch(r"(?:[^\\]|\\[\\n])*", rest):
                raise ValueError(line)
            if word == "HELP" and name not in helped:
                helped.add(name)
            elif (
                word == "TYPE"
                and name in helped
                and name not in kinds
                and rest in ("counter", "gauge", "summary")
            ):
                kinds[name], family = rest, name
            else:
                raise ValueError(line)
            continue
        found = SAMPLE.fullmatch(line)
        if found is None:
            raise ValueError(line)
        name, said, number = found[1], found[2] or "", float(found[3])
        allowed = [f"{family}{end}" for end in (OF_SUMMARY if kinds.get(family) == "summary" else ("",))]
        labels = frozenset((key, unescaped(value)) for key, value in LABEL.findall(said))
        key = (name, labels)
        if name not in allowed or LABEL.sub("", said) or key in numbers:
            raise ValueError(line)
        if kinds[family] == "counter" and not (name.endswith("_total") and number >= 0):
            raise ValueError(line)
        numbers[key] = number
    return numbers


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


def of(numbers: Numbers, name: str, **labels: str) -> float:
    return numbers[name, frozenset(labels.items())]


def ran(seconds: float = 3.0) -> tuple[Metrics, Run]:
    """Metrics of a run of face and voice that has ended, and the run."""
    metrics = Metrics()
    pictures = [frame(t / 10) for t in range(round(seconds * 10))]
    run = Run(FakeSource([*blocks(seconds), *pictures]), FakeVoice(), FakeFace(comes=1.0))
    metrics.bind(run)
    for event in run:
        metrics.show(event)
    return metrics, run


@pytest.mark.parametrize(
    "text",
    [
        "a_total 1\n",  # no TYPE
        "# HELP a A.\na 1\n",  # the same
        "# TYPE a gauge\na 1\n",  # no HELP
        "# HELP a A.\n# TYPE a gauge\na 1",  # no end
        "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",  # twice
        '# HELP a A.\n# TYPE a gauge\na{b="\\t"} 1\n',  # no such escape
        '# HELP a A.\n# TYPE a gauge\na{b="c"d"} 1\n',
        "# HELP a A\\t.\n# TYPE a gauge\na 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",  # no _total
        "# HELP a A.\n# TYPE a gauge\n# HELP b B.\n# TYPE b gauge\na 1\n",  # not together
        "# HELP a A.\n# TYPE a gauge\na_sum 1\n",
        "# HELP a A.\n# TYPE a gauge\na one\n",
    ],
)
def test_the_reader_of_these_tests_refuses_what_the_format_does_not_allow(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


def test_texts_and_numbers_come_back_as_they_were() -> None:
    said = 'a "quoted" \\ back\\nslash\nand a line'
    odd = Family(
        "odd", "gauge", said, (Sample(math.inf, {"said": said, "n": "1"}), Sample(-math.inf, {"said": ""}))
    )
    text = exposition([odd, counter("empty_total", "Nothing."), gauge("none", "N.", Sample(math.nan, {}))])
    numbers = read(text)
    assert of(numbers, "odd", said=said, n="1") == math.inf
    assert of(numbers, "odd", said="") == -math.inf
    assert math.isnan(of(numbers, "none"))
    assert "empty" not in text
    assert text.startswith('# HELP odd a "quoted" \\\\ back\\\\nslash\\nand a line\n# TYPE odd gauge\n')


def test_numbers_of_numpy_are_plain_numbers() -> None:
    assert exposition([gauge("p", "P.", Sample(P[3], {}))]).endswith(f"\np {float(P[3])!r}\n")


def test_what_the_senses_did_is_counted() -> None:
    metrics, _ = ran()
    numbers = read(metrics.render())
    assert of(numbers, "edge_emotion_estimates_total", sense="voice") == 6
    assert of(numbers, "edge_emotion_estimates_total", sense="face") == 20
    assert of(numbers, "edge_emotion_abstentions_total", sense="face", reason="no face") == 10
    assert of(numbers, "edge_emotion_frames_total", sense="face") == 30
    assert of(numbers, "edge_emotion_source_seconds_total", sense="voice") == pytest.approx(3.0)
    assert of(numbers, "edge_emotion_events_total") == 36
    assert of(numbers, "edge_emotion_build_info", version=__version__, python=python_version()) == 1


def test_latencies_are_told_as_quantiles_with_their_sum() -> None:
    metrics, _ = ran()
    numbers = read(metrics.render())
    name = "edge_emotion_estimate_latency_seconds"
    assert of(numbers, name, sense="voice", quantile="0.5") == pytest.approx(0.15)
    assert of(numbers, name, sense="voice", quantile="0.95") == pytest.approx(0.15)
    assert of(numbers, f"{name}_sum", sense="voice") == pytest.approx(6 * 0.15)
    assert of(numbers, f"{name}_count", sense="voice") == 6


def test_quantiles_of_nothing_are_no_numbers() -> None:
    metrics = Metrics()
    metrics.bind(Run(FakeSource([]), FakeVoice()))
    numbers = read(metrics.render())
    assert math.isnan(of(numbers, "edge_emotion_estimate_computing_seconds", sense="voice", quantile="0.5"))
    assert of(numbers, "edge_emotion_estimate_computing_seconds_count", sense="voice") == 0


def test_sources_are_up_or_lost_and_drops_belong_to_their_sense() -> None:
    metrics, run = ran()
    run.source.lost = {"face": "unplugged"}
    run.source.dropped_by_sense = {"face": 3, "voice": 480}
    metrics.notice(Notice(LOST, "fake: unplugged", 1.0, "face"))
    metrics.notice(Notice(LOST, "suit: gone", 1.0, "face and voice"))
    metrics.notice(Notice(BACK, "suit", 1.0, "face and voice"))
    numbers = read(metrics.render())
    assert of(numbers, "edge_emotion_source_up", sense="face") == 0
    assert of(numbers, "edge_emotion_source_up", sense="voice") == 1
    assert of(numbers, "edge_emotion_pictures_dropped_total") == 3
    assert of(numbers, "edge_emotion_samples_dropped_total") == 480
    assert of(numbers, "edge_emotion_source_lost_total", sense="face") == 2
    assert of(numbers, "edge_emotion_source_lost_total", sense="voice") == 1
    assert of(numbers, "edge_emotion_source_back_total", sense="face") == 1
    assert of(numbers, "edge_emotion_notices_total", kind=LOST) == 2
    assert of(numbers, "edge_emotion_notices_total", kind="load") == 0


def test_a_live_source_is_down_while_it_is_lost() -> None:
    told, ups = threading.Event(), []
    broken = FakeDevice(blocks(1.0), EdgeEmotionError("the plug was pulled"))
    mended = FakeDevice(blocks(1.0), "end", before=lambda item: told.wait(60.0))
    part = LivePart(("voice",), "fake", Opening(broken, mended))
    run, metrics = Run(LiveSources([part], retry=(0.001, 0.01)), FakeVoice()), Metrics()
    metrics.bind(run)

    def notice(notice: Notice) -> None:
        metrics.notice(notice)
        ups.append((notice.kind, of(read(metrics.render()), "edge_emotion_source_up", sense="voice")))
        told.set()

    run.tell = notice
    assert list(run)
    assert ups == [(LOST, 0.0), (BACK, 1.0)]
    numbers = read(metrics.render())
    assert of(numbers, "edge_emotion_source_lost_total", sense="voice") == 1
    assert of(numbers, "edge_emotion_source_back_total", sense="voice") == 1


def test_load_and_recording_are_those_of_the_moment() -> None:
    metrics, level, recorded = Metrics(), [0], [False]
    metrics.bind(Run(FakeSource([]), FakeVoice()), lambda: level[0], lambda: recorded[0])
    numbers = read(metrics.render())
    assert of(numbers, "edge_emotion_load_level") == of(numbers, "edge_emotion_recording") == 0
    level[0], recorded[0] = 3, True
    numbers = read(metrics.render())
    assert of(numbers, "edge_emotion_load_level") == 3
    assert of(numbers, "edge_emotion_recording") == 1


def test_the_age_of_the_newest_event_grows_from_the_start_of_the_run() -> None:
    now = [10.0]
    metrics = Metrics(clock=lambda: now[0])
    now[0] = 12.0
    metrics.bind(Run(FakeSource([]), FakeVoice()))
    now[0] = 15.0
    assert of(read(metrics.render()), "edge_emotion_last_event_age_seconds") == 3.0
    metrics.show(Fusion().update(SILENT))
    now[0] = 15.5
    assert of(read(metrics.render()), "edge_emotion_last_event_age_seconds") == 0.5


def test_nothing_says_what_a_person_expresses() -> None:
    metrics, _ = ran()
    text = metrics.render().lower()
    assert not [word for word in (*EMOTIONS, "valence", "arousal", "confidence", "identity") if word in text]


def test_before_the_run_there_are_the_figures_of_the_process(tmp_path: Path) -> None:
    own = tmp_path / "proc/self"
    (own / "fd").mkdir(parents=True)
    for number in range(5):
        (own / "fd" / str(number)).touch()
    (own / "statm").write_text("9000 25 10 1 0 500 0\n")
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("48250\n")
    (zone / "type").write_text("cpu-thermal\n")
    numbers = read(Metrics(root=tmp_path).render())
    assert of(numbers, "process_open_fds") == 4
    assert of(numbers, "process_resident_memory_bytes") % 25 == 0
    assert of(numbers, "process_resident_memory_bytes") >= 25 * 4096
    assert of(numbers, "edge_emotion_machine_temperature_celsius") == 48.25
    assert of(numbers, "edge_emotion_uptime_seconds") > 0
    assert not [name for name, _ in numbers if name.startswith("edge_emotion_estimate")]


def test_what_the_machine_does_not_show_is_left_out(tmp_path: Path) -> None:
    names = {name for name, _ in read(Metrics(root=tmp_path).render())}
    assert "process_cpu_seconds_total" in names
    assert not names & {
        "process_open_fds",
        "process_resident_memory_bytes",
        "edge_emotion_machine_temperature_celsius",
    }


def test_one_judge_of_face_and_voice_has_two_sources() -> None:
    class Joint(FakeVoice):
        modality = "face-voice"

        def place(self, time: float) -> None:
            pass

    metrics = Metrics()
    metrics.bind(Run(FakeSource([]), Joint(), FakeFace()))
    numbers = read(metrics.render())
    up = {labels for name, labels in numbers if name == "edge_emotion_source_up"}
    assert up == {frozenset({("sense", "face")}), frozenset({("sense", "voice")})}
    assert of(numbers, "edge_emotion_estimates_total", sense="face-voice") == 0


def test_a_summary_that_is_asked_for_while_it_is_counted_is_whole() -> None:
    count, summaries = SenseCount(), []

    class Asking(Estimate):
        """Has another thread ask when the window is counted and its latency is not yet."""

        @property
        def computing(self) -> float:
            asking = threading.Thread(target=lambda: summaries.append(count.summary("voice", 1.0, 0)))
            asking.start()
            asking.join(0.1)  # it has to wait for the count; without that it is done long before
            threads.append(asking)
            return 0.5

        @computing.setter
        def computing(self, value: float) -> None:
            pass

    threads: list[threading.Thread] = []
    count.counted(lambda: [Asking(0.0, "voice", P, 1.0, 1.0), SILENT])
    for asking in threads:
        asking.join()
    assert summaries
    for summary in summaries:
        assert (summary.windows, summary.reasons) == (2, {"silence": 1})
        assert (summary.latency_total, summary.computing_total) == (1.0, 0.5)
