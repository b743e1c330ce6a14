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


@dataclass(frozen=True)
class Throttling:
    """A Pi's own warnings of power and heat. now: those at this moment; before: those at any time since its start."""

    now: tuple[str, ...]
    before: tuple[str, ...]

    def __str__(self) -> str:
        past = [f"{word} before" for word in self.before if word not in self.now]
        return ", ".join([*self.now, *past]) or "never throttled"


def machine_state(root: Path = Path("/")) -> MachineState:
    """What the machine shows of itself at this moment."""
    cores = root / "sys/devices/system/cpu/cpu0/cpufreq"
    clock = _number(cores / "scaling_cur_freq")  # kHz
    return MachineState(temperature(root), None if clock is None else clock * 1e3, _pi_warnings())


def memory_available(root: Path = Path("/")) -> float | None:
    """Memory that programs can still have without swapping, bytes; None where the machine does not show it."""
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and value.split()[:1]:
            return float(value.split()[0]) * 1024
    return None


def governors(root: Path = Path("/")) -> tuple[list[str], list[str]]:
    """Names of the governors of all cores' clocks, and of their drivers, each once; [] where none is shown."""
    found = []
    for name in ("scaling_governor", "scaling_driver"):
        files = (root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/cpufreq/{name}")
        found.append(sorted({text for file in files if (text := _text(file))}))
    return found[0], found[1]


def temperature(root: Path = Path("/")) -> float | None:
    """Of the processor's thermal zone, else of the first that has one; millidegrees in the files."""
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        temperature = _number(zone / "temp")
        if temperature is not None:
            found.setdefault(_text(zone / "type") or zone.name, temperature / 1e3)
    named = [found[name] for name in ZONES if name in found]
    return next(iter([*named, *found.values()]), None)


def _pi_warnings() -> str | None:
    answer = ask_throttled()
    return None if answer is None else throttled_words(answer)


def ask_throttled() -> str | None:
    """What `vcgencmd get_throttled` says of power and heat, "" when it fails; None where there is no such program."""
    if shutil.which("vcgencmd") is None:
        return None
    done = subprocess.run(
        ["vcgencmd", "get_throttled"], capture_output=True, text=True, check=False, timeout=5
    )
    return done.stdout.strip()


def throttled_words(answer: str) -> str | None:
    """Words for "throttled=0x50005"; None for any other answer."""
    found = throttling(answer)
    return None if found is None else str(found)


def throttling(answer: str) -> Throttling | None:
    """What "throttled=0x50005" means; None for any other answer. Bits: the Raspberry Pi's documentation of vcgencmd."""
    name, _, value = answer.strip().partition("=")
    try:
        bits = int(value, 16)
    except ValueError:
        return None
    if name != "throttled":
        return None
    now = tuple(word for bit, word in WARNINGS.items() if bits >> bit & 1)
    before = tuple(word for bit, word in WARNINGS.items() if bits >> (bit + SINCE_START) & 1)
    return Throttling(now, before)


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
