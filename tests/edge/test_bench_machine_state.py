import stat
from pathlib import Path

import pytest

from edge_emotion.machine_state import MachineState, machine_state, throttled_words


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_pi_shows_temperature_clock_and_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(
        tmp_path,
        {
            "sys/class/thermal/thermal_zone0/type": "rp1-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "70000\n",
            "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "48312\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
            "bin/vcgencmd": "#!/bin/sh\n[ $1 = get_throttled ] && echo throttled=0x50001\n",
        },
    )
    program = root / "bin" / "vcgencmd"
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{root / 'bin'}:/bin:/usr/bin")
    state = machine_state(root)
    assert state == MachineState(48.312, 1.5e9, "under-voltage, throttled before")
    assert str(state) == "48 °C, 1500 MHz, under-voltage, throttled before"


def test_a_machine_that_shows_nothing_leaves_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine_state(tmp_path) == MachineState()
    assert str(MachineState()) == ""


def test_a_zone_that_refuses_or_talks_nonsense_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    zones = "sys/class/thermal/thermal_zone"
    root = write(tmp_path, {f"{zones}0/temp": "", f"{zones}1/type": "cpu-thermal", f"{zones}2/temp": "30000"})
    assert machine_state(root).temperature == 30.0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("throttled=0x0\n", "never throttled"),
        ("throttled=0x4\n", "throttled"),
        ("throttled=0xe0008\n", "soft temperature limit, clock capped before, throttled before"),
        ("VCHI initialization failed\n", None),
        ("temp=0x4", None),
        ("", None),
    ],
)
def test_the_bits_in_words(answer: str, words: str | None) -> None:
    assert throttled_words(answer) == words
