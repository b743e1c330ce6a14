"""Checks what slows a machine down: heat, a weak power supply, a governor that saves power."""

from collections.abc import Callable
from pathlib import Path

from edge_emotion.doctor_access import missing_group
from edge_emotion.doctor_check import Finding, ok, warn
from edge_emotion.machine_state import Throttling, ask_throttled, governors, machine_state, throttling

HOT = 75.0  # degrees Celsius; a Raspberry Pi slows itself down from 80 on
COOL = "cool it: a heat sink, a fan, or more air around the case"
POWER = "use the power supply that was made for this board, and a short cable"
UNKNOWN = "not shown by this machine"
POWER_SAVING = "powersave"
SCALE_ANYHOW = ("intel_pstate", "amd-pstate", "amd-pstate-epp")  # whose powersave follows the load


def temperature(root: Path) -> Finding:
    """Check the processor's temperature."""
    degrees = machine_state(root).temperature
    if degrees is None:
        return ok(UNKNOWN)
    found = f"{degrees:.0f} °C"
    return warn(f"{found}, a Raspberry Pi slows down at 80", COOL) if degrees >= HOT else ok(found)


def throttled(ask: Callable[[], str | None] = ask_throttled) -> Finding:
    """Check a Raspberry Pi's own warnings, now and since its start. ask: `vcgencmd get_throttled`'s answer."""
    answer = ask()
    if answer is None:
        return ok(f"{UNKNOWN} (it has no vcgencmd)")
    state = throttling(answer)
    if state is None:
        return warn(f"vcgencmd says {answer or 'nothing'}", missing_group("video"))
    if not state.now and not state.before:
        return ok("never throttled")
    found = (
        f"now: {', '.join(state.now) or 'nothing'}; since the start: {', '.join(state.before) or 'nothing'}"
    )
    return warn(found, _remedy(state))


def _remedy(state: Throttling) -> str:
    """Under-voltage throttles by itself, so that the power comes first."""
    return POWER if "under-voltage" in (*state.now, *state.before) else COOL


def governor(root: Path) -> Finding:
    """Check how the clock of the cores follows the load."""
    names, drivers = governors(root)
    if not names:
        return ok(UNKNOWN)
    found = ", ".join(names)
    if POWER_SAVING in names and not set(drivers) & set(SCALE_ANYHOW):
        return warn(
            f"{found}: the lowest clock, whatever the load",
            "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )
    return ok(found)
