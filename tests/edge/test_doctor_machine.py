import errno
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_emotion.doctor_check import FAIL, OK, WARN, Finding
from edge_emotion.doctor_heat import COOL, POWER, governor, temperature, throttled
from edge_emotion.doctor_system import UNSYNCHRONISED, clock, disk, kernel_clock, memory, temporary, user

AT = datetime(2026, 5, 4, 3, 2, tzinfo=UTC)


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(f"{text}\n")


@pytest.mark.parametrize(("millidegrees", "state"), [(74999, OK), (75000, WARN)])
def test_a_hot_processor_is_told(tmp_path: Path, millidegrees: int, state: str) -> None:
    write(tmp_path, "sys/class/thermal/thermal_zone0/type", "cpu-thermal")
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", str(millidegrees))
    finding = temperature(tmp_path)
    assert finding.state == state
    assert finding.found.startswith("75 °C")


def test_a_machine_that_shows_nothing_is_well(tmp_path: Path) -> None:
    shown = [check(tmp_path) for check in (temperature, governor, memory)]
    assert shown == [Finding(OK, "not shown by this machine")] * 3
    assert throttled(lambda: None).state == OK


@pytest.mark.parametrize(
    ("answer", "found", "do"),
    [
        ("throttled=0x0", "never throttled", None),
        ("throttled=0x1", "now: under-voltage; since the start: nothing", POWER),
        ("throttled=0x50005", "now: under-voltage, throttled; since the start: under-voltage, throttled", POWER),
        ("throttled=0xe0008",
         "now: soft temperature limit; since the start: clock capped, throttled, soft temperature limit", COOL),
    ],
)  # fmt: skip
def test_the_bits_of_a_pi(answer: str, found: str, do: str | None) -> None:
    assert throttled(lambda: answer) == Finding(WARN if do else OK, found, do)


def test_a_vcgencmd_that_fails_asks_for_its_group() -> None:
    finding = throttled(lambda: "")
    assert (finding.state, finding.found) == (WARN, "vcgencmd says nothing")
    assert "video" in str(finding.do)


@pytest.mark.parametrize(
    ("name", "driver", "state"),
    [("ondemand", "cpufreq-dt", OK), ("powersave", "cpufreq-dt", WARN), ("powersave", "intel_pstate", OK)],
)
def test_a_governor_that_saves_power_is_told(tmp_path: Path, name: str, driver: str, state: str) -> None:
    for core in range(2):
        folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        write(tmp_path, f"{folder}/scaling_governor", name)
        write(tmp_path, f"{folder}/scaling_driver", driver)
    finding = governor(tmp_path)
    assert finding.state == state
    assert finding.found.startswith(name)


@pytest.mark.parametrize(("kibibytes", "state"), [(146484, WARN), (146485, OK)])
def test_little_memory_is_told(tmp_path: Path, kibibytes: int, state: str) -> None:
    # 150 MB are 146484.4 times 1024 bytes.
    write(tmp_path, "proc/meminfo", f"MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable:   {kibibytes} kB")
    assert memory(tmp_path).state == state


def test_little_room_is_told_and_a_folder_that_is_read_only_is_not(tmp_path: Path) -> None:
    assert disk(tmp_path, lambda folder: 199_000_000).state == WARN
    assert disk(tmp_path, lambda folder: 200_000_000) == Finding(OK, f"200 MB free in {tmp_path}")
    sealed = disk(tmp_path, lambda folder: 10**9, lambda folder: False)
    assert sealed.state == OK
    assert "read-only" in sealed.found


def test_a_folder_that_is_gone_fails(tmp_path: Path) -> None:
    assert disk(tmp_path / "gone") == Finding(
        FAIL,
        f"the working directory cannot be seen: [Errno 2] No such file or directory: '{tmp_path / 'gone'}'",
        "cd to one that exists",
    )


def test_no_folder_for_temporary_files_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert temporary().state == OK

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    finding = temporary()
    assert (finding.state, finding.found) == (FAIL, "[Errno 28] No space left on device")


def test_the_clock(tmp_path: Path) -> None:
    assert clock(tmp_path, AT, lambda: 0) == Finding(OK, "2026-05-04 03:02 UTC, synchronised")
    assert clock(tmp_path, AT, lambda: None).state == OK
    assert clock(tmp_path, AT, lambda: UNSYNCHRONISED).state == WARN
    assert clock(tmp_path, AT.replace(year=1970), lambda: 0).state == WARN
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert clock(tmp_path, AT, lambda: UNSYNCHRONISED).state == OK


def test_the_kernel_says_one_of_its_states() -> None:
    assert kernel_clock() in (None, 0, 1, 2, 3, 4, UNSYNCHRONISED)


def test_root_is_told() -> None:
    assert user(0).state == WARN
    assert user(1000) == Finding(OK, "not root")
