"""A measurement in a process of its own, so that its memory and its threads are nobody else's."""

import multiprocessing
import os
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")
MATRIX_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def in_own_process(measure: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Call a module's function in a fresh process and give what it returns; errors are raised here."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as own_process:
        return own_process.submit(measure, *given, **named).result()


@contextmanager
def one_matrix_thread() -> Iterator[None]:
    """Hold numpy's products to one thread in the processes that are started within: it is read at their start."""
    before = {name: os.environ.get(name) for name in MATRIX_THREADS}
    os.environ.update(dict.fromkeys(MATRIX_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would carry over the parent's peak through fork and exec
        for entry in status.read_text().splitlines():
            if entry.startswith("VmHWM:"):
                return int(entry.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
