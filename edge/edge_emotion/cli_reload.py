"""SIGHUP: the configuration is read anew while a run goes on; a wrong one changes nothing."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_emotion.cli_settings import check_options, is_live, session_settings
from edge_emotion.config_file import located
from edge_emotion.errors import EdgeEmotionError

if TYPE_CHECKING:
    from edge_emotion.pipeline import Run

KIND = "configuration"  # of the notices


class Reload(BaseException):
    """The configuration has changed: the run ends, and one of other options begins."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options


def read_anew(options: argparse.Namespace, run: "Run") -> None:
    """Read the configuration anew; raises Reload when it is another and good, else tells why not."""
    new = options
    try:
        new = options.again()
        new.again = options.again
        check_options(new)
        if not is_live(new):
            raise EdgeEmotionError("nothing live is named in it any more; stop the program instead")
        changed = session_settings(new) != session_settings(options) or _beside(new) != _beside(options)
    except EdgeEmotionError as error:
        run.notice(KIND, f"goes on as before: {located(error, new)}")
        return
    if changed:
        raise Reload(new)
    run.notice(KIND, "read anew: nothing has changed")


def _beside(options: argparse.Namespace) -> dict[str, object]:
    """What a run is beside its session."""
    names = ("json", "window", "max_cpu", "nice", "allow_root", "record", "record_most", "log", "metrics")
    return {name: getattr(options, name) for name in names}


def run_and_reload(
    options: argparse.Namespace,
    run: Callable[[argparse.Namespace, str], int],
    reloading: Callable[[], None],
) -> int:
    """Run until the end, with other options after each Reload; give the exit code.

    run: called with options and with what to tell first; it sets options.running once all is open. Where other options
    cannot be opened - a model or a folder that is not there - the run begins again with those before.
    """
    before: argparse.Namespace | None = None
    told = ""
    while True:
        options.running = False
        try:
            return run(options, told)
        except Reload as reload:
            reloading()
            before, options, told = options, reload.options, "read anew: the run begins again"
        except EdgeEmotionError as error:
            if before is None or options.running:
                raise
            told = f"goes on as before: {located(error, options)}"
            options, before = before, None
