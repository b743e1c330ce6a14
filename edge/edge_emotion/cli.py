"""The command line: runs one command and gives its exit code."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable

from edge_emotion.cli_commands import replay_command
from edge_emotion.cli_parser import SOURCES, parser
from edge_emotion.cli_run import run_command
from edge_emotion.cli_settings import is_live
from edge_emotion.config_file import configured_options, located
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.log_lines import LogLines
from edge_emotion.standard_streams import open_standard_streams, write_or_discard
from edge_emotion.stopping import Stopped, stop_on

OUTPUT_FAILED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
CALLED = "EDGE_EMOTION_CALLED"  # environment: the name that demo.py was called by, for what to do next


def main(argv: list[str] | None = None) -> int:
    """Run one command; give the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    open_standard_streams()
    known = parser()
    live, options = False, argparse.Namespace()
    if not arguments:
        known.print_help(sys.stderr)
        return 2
    try:
        stop_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        options = configured_options(known, arguments)
        options.again = lambda: configured_options(known, arguments)  # for SIGHUP
        command: Callable[[argparse.Namespace], int] = options.command
        given = [f"--{name}" for name in SOURCES if getattr(options, name, None) is not None]
        if command is not run_command and given:
            raise EdgeEmotionError(
                f"another command does not go with {' and '.join(given)}: leave one of them out"
            )
        live = command is replay_command or (command is run_command and is_live(options))
        code = command(options)
        sys.stdout.flush()
        return code
    except EdgeEmotionError as error:
        called = os.environ.get(CALLED, "edge-emotion")
        said = located(error, options).replace("`edge-emotion ", f"`{called} ")
        LogLines(form=getattr(options, "log", None)).error(said)
        return 2
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in OUTPUT_FAILED:
            raise
        said = f"edge-emotion: cannot write the output ({error.strerror}); make room or write elsewhere\n"
        for stream, text in ((sys.stdout, ""), (sys.stderr, said)):
            write_or_discard(stream, text)
        return 2
    except Stopped as stopped:
        return 0 if live else 128 + int(stopped.args[0])


if __name__ == "__main__":
    sys.exit(main())
