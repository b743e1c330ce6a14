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

    Swaps the process' descriptors 1 and 2: not for use while other threads write to them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # Native code writes to the descriptors themselves.
    kept = {number: os.dup(number) for number in (1, 2)}
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
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in kept.items():
                os.dup2(original, number)
                os.close(original)
            if failed and show_on_failure:
                talk.seek(0)
                sys.stderr.write(talk.read().decode(errors="replace"))
