"""What heats and slows a machine down while it works: temperature, clock, and a Raspberry Pi's own warnings."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal")  # the processor's own
WARNINGS = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}
SINCE_START = 16  # bits further up, the same warnings say what happened at any time since the start


@dataclass(frozen=True)
class MachineState:
    """temperature: degrees Celsius. clock: Hz of the first core. warnings: a Pi's; each None where none is shown."""

    temperature: float | None = None
    clock: float | None = None
    warnings: str | None = None

    def __str__(self) -> str:
        shown = [
            None if self.temperature is None else f"{self.temperature:.0f} °C",
            None if self.clock is None else f"{self.clock / 1e6:.0f} MHz",
            self.warnings,
        ]
        return ", ".join(part for part in shown if part is not None)


def machine_state(root: Path = Path("/")) -> MachineState:
    """What the machine shows of itself at this moment."""
    cores = root / "sys/devices/system/cpu/cpu0/cpufreq"
    clock = _number(cores / "scaling_cur_freq")  # kHz
    return MachineState(_temperature(root), None if clock is None else clock * 1e3, _pi_warnings())


def _temperature(root: Path) -> float | None:
    """Of the processor's thermal zone, else of the first that has one; millidegrees in the files."""
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        temperature = _number(zone / "temp")
        if temperature is not None:
            found.setdefault(_text(zone / "type") or zone.name, temperature / 1e3)
    named = [found[name] for name in ZONES if name in found]
    return next(iter([*named, *found.values()]), None)


def _pi_warnings() -> str | None:
    """What `vcgencmd get_throttled` says of power and heat; None where there is no such program, or it fails."""
    if shutil.which("vcgencmd") is None:
        return None
    done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, check=False)
    return throttled_words(done.stdout)


def throttled_words(answer: str) -> str | None:
    """Words for "throttled=0x50005"; None for any other answer. Bits: the Raspberry Pi's documentation of vcgencmd."""
    name, _, value = answer.strip().partition("=")
    try:
        bits = int(value, 16)
    except ValueError:
        return None
    if name != "throttled":
        return None
    now = [word for bit, word in WARNINGS.items() if bits >> bit & 1]
    past = [
        f"{word} before"
        for bit, word in WARNINGS.items()
        if bits >> (bit + SINCE_START) & 1 and word not in now
    ]
    return ", ".join(now + past) or "never throttled"


def _number(file: Path) -> float | None:
    text = _text(file)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _text(file: Path) -> str | None:
    """A file's line; None where it is missing or refuses: many zones do while their sensor sleeps."""
    try:
        return file.read_text().strip()
    except OSError:
        return None
