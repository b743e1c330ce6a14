"""Standard input and output that may be missing, closed, full or of few characters."""

import io
import os
import sys
from typing import TextIO

from edge_emotion.native_talk import is_open


def open_standard_streams() -> None:
    """Give a process that was started without them (`2>&-`) an empty stdin, stdout and stderr.

    Else the next file that is opened would get their descriptors, and print() would take stdout for stderr.
    What the locale cannot show on stdout, a "±" in ASCII say, becomes a "?" each; stderr does so by itself.
    """
    for number in (0, 1, 2):
        if not is_open(number):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)  # often one and the same number
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="replace")


def write_or_discard(stream: TextIO, text: str) -> None:
    """Write what a stream holds and a text, or nowhere if that fails: else the exit would fail again."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def own_stderr() -> None:
    """Give Python's stderr a descriptor of its own: PortAudio's start silences number 2 for a while, in all threads."""
    if sys.stderr is None or sys.stderr.closed or not _is_number(sys.stderr, 2):
        return
    sys.stderr.flush()
    sys.stderr = open(  # noqa: SIM115, PTH123 - for as long as the program runs
        os.dup(2), "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1
    )


def _is_number(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):  # of memory, as tests have it
        return False
