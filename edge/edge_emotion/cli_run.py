"""Recognising from the command line: flags onto settings, a session, an output, the summary."""

import argparse
import os
import sys
from contextlib import ExitStack, closing
from importlib import resources
from typing import TYPE_CHECKING

from edge_emotion.cli_outputs import open_output, open_window
from edge_emotion.cli_reload import KIND, Reload, read_anew, run_and_reload
from edge_emotion.cli_settings import check_options, is_live, session_settings
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.log_lines import LogLines
from edge_emotion.standard_streams import own_stderr
from edge_emotion.start_up import since_start
from edge_emotion.stopping import HangUp, Stopped

if TYPE_CHECKING:  # loaded when a command needs them, so that --help is quick
    from edge_emotion.live_keeper import LiveKeeper
    from edge_emotion.metrics import Metrics
    from edge_emotion.pipeline import Run
    from edge_emotion.recording import Recording
    from edge_emotion.session import Session
    from edge_emotion.session_settings import SessionSettings
    from edge_emotion.systemd_notify import SystemdNotify

NICE = 5  # a desktop stays quick beside it

NOTE = "Reports expressed emotion: how a face, a voice and a body appear, not what a person feels."
RECORDING = "The recording: John F. Kennedy, 20 January 1961, public domain; nobody labelled its emotion."
CLIP = "demo.mp4"  # in the package's data; demo.txt beside it says what it is
_left: list[object] = []  # sources of the runs that have ended: a driver of theirs may still hang


def run_command(options: argparse.Namespace) -> int:
    """Recognise what the flags name."""
    check_options(options)
    if not is_live(options):
        return _run(session_settings(options), options, live=False)
    from edge_emotion.systemd_notify import SystemdNotify

    check_root(options.allow_root)
    own_stderr()
    notify = SystemdNotify()
    # At a terminal the signal says that it was closed: nobody would see a run that went on.
    hang_up = HangUp().listen() if options.config and not at_terminal() else None

    def run(chosen: argparse.Namespace, told: str) -> int:
        check_root(chosen.allow_root)
        lower_priority(chosen.nice)
        return _run(session_settings(chosen), chosen, live=True, notify=notify, hang_up=hang_up, told=told)

    return run_and_reload(options, run, notify.reloading)


def at_terminal() -> bool:
    """Whether anything is read from, or written to, a terminal."""
    return any(os.isatty(number) for number in (0, 1, 2))


def user_number() -> int:
    """Of the user that this process runs as; 0 is root."""
    return os.geteuid()


def check_root(allowed: bool) -> None:
    """EdgeEmotionError for a live run as root that was not asked for."""
    if not allowed and user_number() == 0:
        raise EdgeEmotionError(
            "a live run as root is refused: run it as a user in the groups video and audio, or say --allow-root"
        )


def lower_priority(nice: int) -> None:
    """Let other programs go first; never ahead of what we were started with. EdgeEmotionError out of range."""
    if not 0 <= nice <= 19:
        raise EdgeEmotionError(f"--nice: expected 0 to 19, got {nice}")
    if nice > os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


def demo_command(options: argparse.Namespace) -> int:
    """Recognise the bundled clip, or the bundled recording of a voice."""
    options.camera = options.mic = options.video = options.audio = options.imu = None
    options.listen = options.imu_unit = None
    options.keep_trying = options.allow_root = False
    options.max_cpu = options.config = options.metrics = options.record = options.record_most = None
    name = "demo.flac" if options.audio_only else CLIP
    with ExitStack() as stack:
        data = resources.files("edge_emotion") / "data"
        if not (data / name).is_file():
            raise EdgeEmotionError(f"this install has no {name}; try `edge-emotion demo --audio-only`")
        path = stack.enter_context(resources.as_file(data / name))
        if options.audio_only:
            options.audio = path
        else:
            options.video = path
        check_options(options)
        options.realtime = options.realtime or (sys.stdout.isatty() and not options.json)
        said = RECORDING if options.audio_only else (data / "demo.txt").read_text(encoding="utf-8").strip()
        return _run(session_settings(options), options, live=False, said=said)


def _run(
    settings: "SessionSettings",
    options: argparse.Namespace,
    live: bool,
    said: str = "",
    notify: "SystemdNotify | None" = None,
    hang_up: HangUp | None = None,
    told: str = "",
) -> int:
    """Run a session to its end or to a signal; the summary is written however it ends."""
    from edge_emotion.outputs.output import OutputClosed
    from edge_emotion.session import open_session

    started: list[Run] = []
    recordings: list[Recording] = []

    def recorded() -> bool:
        return bool(recordings) and recordings[0].on

    with ExitStack() as stack:
        log = LogLines(form=options.log)
        metrics = _metrics(options, log, stack)
        window = open_window(
            options, lambda modality: started[0].dropped(modality) if started else 0, recorded
        )
        if window is not None:
            stack.callback(window.close)
        session = open_session(settings)
        run = stack.enter_context(closing(session.run))
        started.append(run)
        for text in [said] * bool(said) + [NOTE]:
            log.note(text)
        warned = _warn(log, run.warnings, set())
        outputs = [log] if metrics is None else [log, metrics]
        output = open_output(options, session, window, recorded, *outputs)
        run.meter, run.watch, run.tick, run.tell = output.meter, output.frame, output.tick, output.notice
        code, first = 0, None
        try:
            if live:
                keeper = _keeper(session, options, notify, hang_up)
                stack.callback(keeper.close)
                run.pulse = keeper.pulse
                log.started(since_start(), session.title)
                if metrics is not None:
                    metrics.bind(run, lambda: keeper.level, recorded)
            if notify is not None:
                notify.ready(session.title)
            if options.record is not None:
                recordings.append(_recording(options, run))
                if recordings[0].path is not None:
                    run.notice("recording", f"recording to {recordings[0].path}")
            if told:
                run.notice(KIND, told)
            options.running = True  # from now on an error is the run's own
            for event in run:
                if first is None and event.emotion is not None:
                    first = since_start()
                output.show(event)
                warned = _warn(log, run.warnings, warned)
        except OutputClosed:
            pass  # the summary says how far it came
        except Stopped as stopped:
            code = 0 if live else 128 + int(stopped.args[0])
        finally:
            if notify is not None and not isinstance(sys.exception(), Reload):
                notify.stopping()
            run.close()
            _left.append(run.source)
            for recording in recordings:
                recording.close()
            output.close()
            log.summary(run.summary())
            if live and run.captured is not None:
                log.first_times(run.captured, first)
            _warn(log, run.warnings, warned)
    if any(
        getattr(source, "stuck", False) for source in _left
    ):  # Python would wait for the driver as it ends
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _recording(options: argparse.Namespace, run: "Run") -> "Recording":
    """Begin to record."""
    from edge_emotion.recording import Recording, RecordingSettings

    most = RecordingSettings.most if options.record_most is None else round(options.record_most * 1e9)
    run.recorder = recording = Recording(
        RecordingSettings(options.record, most), lambda said: run.notice("recording", said)
    )
    return recording


def _keeper(
    session: "Session", options: argparse.Namespace, notify: "SystemdNotify | None", hang_up: HangUp | None
) -> "LiveKeeper":
    from edge_emotion.live_keeper import LiveKeeper
    from edge_emotion.load_control import LoadSettings

    def hung_up() -> None:
        if hang_up is not None and hang_up.taken():
            read_anew(options, session.run)

    return LiveKeeper(session.run, session.senses, LoadSettings(options.max_cpu), notify, hung_up)


def _metrics(options: argparse.Namespace, log: LogLines, stack: ExitStack) -> "Metrics | None":
    """Serve the numbers of the run that is about to begin, if they are asked for."""
    if options.metrics is None:
        return None
    from edge_emotion.metrics import Metrics
    from edge_emotion.metrics_server import MetricsServer

    metrics = Metrics()
    server = stack.enter_context(closing(MetricsServer(metrics.render, options.metrics)))
    log.note(f"metrics at http://127.0.0.1:{server.port}/metrics")
    return metrics


def _warn(log: LogLines, warnings: list[str], said: set[str]) -> set[str]:
    for warning in warnings:
        if warning not in said:
            log.warning(warning)
    return said | set(warnings)
