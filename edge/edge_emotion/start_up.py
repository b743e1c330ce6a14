"""How long ago this program was started."""

import os
import time
from pathlib import Path

STARTED = 21  # field of /proc/self/stat, counted from 0: clock ticks after boot; proc(5)


def since_start(stat: Path = Path("/proc/self/stat")) -> float:
    """Seconds since the process was started, Python's own start included.

    Without Linux's /proc, seconds of CPU time, which is the least that it can be.
    """
    try:
        fields = stat.read_text().rpartition(")")[2].split()  # the program's name may hold anything
    except OSError:
        return time.process_time()
    ticks = int(fields[STARTED - 2])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
