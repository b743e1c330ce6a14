"""Keeps what native runtimes and converters say to themselves off the terminal."""

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def held_back(show_on_failure: bool = True) -> Iterator[None]:
    """Collect what Python and native code write to stdout and stderr; on an exception, pass it on or drop it.

    Swaps the process' descriptors 1 and 2, as far as they are open: not for use while other threads write to them.
    """
    _flush()
    # Native code writes to the descriptors themselves.
    kept = {number: os.dup(number) for number in (1, 2) if is_open(number)}
    with tempfile.TemporaryFile() as talk:
        for number in kept:
            os.dup2(talk.fileno(), number)
        failed = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
            failed = False
        finally:
            _flush()
            for number, original in kept.items():
                os.dup2(original, number)
                os.close(original)
            if failed and show_on_failure and sys.stderr is not None:
                talk.seek(0)
                sys.stderr.write(talk.read().decode(errors="replace"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it is None where the process was started with the descriptor closed
            stream.flush()


def is_open(descriptor: int) -> bool:
    """Whether this number is an open descriptor of the process."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
