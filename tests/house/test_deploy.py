"""The unit, its drop-in, the udev rules and the container file: checked by systemd's own tools where they are."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from install_proof_report import table, write
from install_proof_steps import STEPS, Outcome, Step, judge, steps

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT, BACKOFF = DEPLOY / "edge-emotion.service", DEPLOY / "edge-emotion-backoff.conf"
RULES, CONTAINER = DEPLOY / "99-edge-emotion.rules", DEPLOY / "Containerfile"
EXPOSURE = 2.5  # of 10, by systemd-analyze security; the bar
OFFLINE = 250  # the systemd that can judge a file
BACKOFF_KEYS, RULES_VERIFIED = 254, 254  # the systemd that knows them
PROGRAM, CONFIG = "/opt/edge-emotion/bin/edge-emotion", "/etc/edge-emotion.toml"
RULE = re.compile(r'[A-Z_]+(\{[\w/.]+\})?(==|!=|\+=|-=|:=|=)"[^"]*"')


def systemd(tool: str, oldest: int) -> str:
    """Path of a tool of systemd, or skip."""
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{tool} is not on this machine")
    said = subprocess.run([path, "--version"], text=True, capture_output=True).stdout
    version = re.search(r"\d+", said)
    if version is None or int(version[0]) < oldest:
        pytest.skip(f"{tool} {said.split(maxsplit=1)[:1]} is older than {oldest}")
    return path


def verified(tmp_path: Path, *more: Path) -> str:
    """What systemd-analyze verify says of the unit, its program taken for one that is there; "" for nothing."""
    tool = systemd("systemd-analyze", 0)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(f"ExecStart={PROGRAM}", "ExecStart=/bin/true"))
    parts = tmp_path / f"{UNIT.name}.d"
    parts.mkdir()
    for one in more:
        shutil.copy(one, parts)
    done = subprocess.run([tool, "verify", str(unit)], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    assert verified(tmp_path) == ""


def test_a_wrong_line_of_the_unit_would_be_found(tmp_path):
    wrong = tmp_path / "10-wrong.conf"
    wrong.write_text("[Service]\nProtectSistem=yes\n")
    assert "ProtectSistem" in verified(tmp_path, wrong)


def test_systemd_finds_nothing_wrong_with_the_back_off(tmp_path):
    systemd("systemd-analyze", BACKOFF_KEYS)
    assert verified(tmp_path, BACKOFF) == ""


def test_the_unit_exposes_little(tmp_path):
    tool = systemd("systemd-analyze", OFFLINE)
    done = subprocess.run([tool, "security", "--offline=true", str(UNIT)], text=True, capture_output=True)
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert score, done.stderr
    assert float(score[1]) <= EXPOSURE


def settings(unit: Path) -> dict[str, list[str]]:
    """Key -> values of a unit's lines, in their order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_runs_the_installed_program_and_talks_to_systemd():
    unit = settings(UNIT)
    assert unit["ExecStart"] == [f"{PROGRAM} --config {CONFIG}"]
    assert unit["Type"] == ["notify"]
    assert int(unit["WatchdogSec"][0]) > 0
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_the_unit_reaches_this_machine_alone_and_few_devices():
    unit = settings(UNIT)
    assert unit["IPAddressDeny"] == ["any"]
    assert unit["IPAddressAllow"] == ["localhost"]
    assert unit["DevicePolicy"] == ["closed"]
    names = [value.split()[0] for value in unit["DeviceAllow"]]
    assert names == ["char-video4linux", "char-media", "char-dma_heap", "char-alsa", "char-iio"]
    assert unit["User"] == ["edge-emotion"]
    assert unit["CapabilityBoundingSet"] == [""]


def test_portaudios_callback_is_why_memory_may_be_written_and_executed():
    assert "MemoryDenyWriteExecute" not in settings(UNIT)
    microphone = (ROOT / "edge" / "edge_emotion" / "sources" / "microphone.py").read_text()
    assert "callback=" in microphone  # without it the unit could deny it


def test_an_older_systemd_is_told_nothing_that_it_does_not_know():
    assert not {"RestartSteps", "RestartMaxDelaySec"} & settings(UNIT).keys()
    assert settings(BACKOFF).keys() == {"RestartSec", "RestartSteps", "RestartMaxDelaySec"}


def test_the_container_runs_the_same_program_by_the_same_configuration():
    text = CONTAINER.read_text()
    commands = {
        name: json.loads(words)
        for name, words in re.findall(r"^\s*(?:\S.* )?(ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE)
    }
    assert [*commands["ENTRYPOINT"], *commands["CMD"]] == settings(UNIT)["ExecStart"][0].split()
    assert f"deploy/edge-emotion.toml {CONFIG}" in text
    assert json.dumps([PROGRAM, "doctor", "--quick"]) in text
    assert "--network none" in text


def test_the_container_is_not_roots_and_has_no_torch():
    text = CONTAINER.read_text()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "edge-emotion"
    assert text.index("\nUSER ") < text.index("\nENTRYPOINT ")
    assert "torch" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert re.search(
        r"pip install .* -c constraints\.txt \.$", text, re.MULTILINE
    )  # the plain install, no extra


def test_the_container_takes_what_is_there_and_what_is_let_through():
    let = re.findall(r"^!(.*)$", (DEPLOY / "Containerfile.dockerignore").read_text(), re.MULTILINE)
    taken = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINER.read_text(), re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert sorted(taken) == sorted(let)
    assert [name for name in taken if not (ROOT / name).exists()] == []


def rules() -> list[str]:
    return [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]


def test_every_udev_rule_is_of_their_form_and_leads_somewhere():
    for line in rules():
        for part in line.split(", "):
            assert RULE.fullmatch(part), f"{part} in {line}"
    text = "\n".join(rules())
    labels, jumps = (re.findall(rf'{word}="(\w+)"', text) for word in ("LABEL", "GOTO"))
    assert set(jumps) == set(labels)
    for label in labels:  # udev jumps forward alone
        assert text.index(f'LABEL="{label}"') > text.rindex(f'GOTO="{label}"')
    assert re.findall(r'SYMLINK\+="([^"]*)"', text) == ["edge-emotion-camera", "edge-emotion-imu"]


def test_udev_finds_nothing_wrong_with_the_rules():
    tool = systemd("udevadm", RULES_VERIFIED)
    done = subprocess.run(
        [tool, "verify", "--resolve-names=never", str(RULES)], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_step_of_the_proof_fails_by_its_code_and_by_what_it_does_not_say():
    step = Step("second run", ("true",), "nothing to change")
    assert judge(step, 0, ("a", "nothing to change: all of it")) == ""
    assert judge(step, 1, ("nothing to change",)) == "exit code 1, expected 0"
    assert judge(step, 0, ()) == "did not say 'nothing to change'"
    assert judge(Step("doctor", ("true",), codes=(0, 1)), 1, ()) == ""


def test_the_proof_asks_udev_of_a_system_that_can_tell():
    assert "udevadm verify" not in [step.title for step in steps("Bookworm")]
    titles = [step.title for step in steps("Trixie")]
    assert titles.index("install") < titles.index("udevadm verify") < titles.index("uninstall")


def test_the_proofs_page_shows_failures_and_is_stamped(tmp_path):
    found = {"Bookworm": [Outcome(STEPS[2], 1, ("no room",), 3.2, "exit code 1, expected 0")]}
    stamp = dict.fromkeys(("date", "commit", "machine", "python", "emulator", "command"), "x")
    write(tmp_path, stamp, found)
    page, kept = (tmp_path / "install.md").read_text(), json.loads((tmp_path / "install.json").read_text())
    assert table(found)[-1] == "| Bookworm | install | 1 | 3 | exit code 1, expected 0 |"
    assert table(found)[-1] in page
    assert "no room" in page
    assert kept["rows"][0]["passed"] is False
    assert kept["stamp"] == stamp
