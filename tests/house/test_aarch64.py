"""The proof on the device's processor, without network and emulator: its sources, its comparison, its arguments."""

import copy
import json
import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from threading import Event as Flag

import aarch64
import aarch64_install
import aarch64_report
import aarch64_userland
import pytest
from aarch64_agreement import TOLERANCE, Agreement, compare
from aarch64_install import Command, Install, RunError
from aarch64_proof import RECORDINGS, SYNCH_GRAPH, TALKERS, synch_graph
from aarch64_sources import NoMirrorError, Source, from_lines, from_stanzas, machine_sources
from check_wheels import TARGETS
from environment import SetupError

ROOT = Path(__file__).resolve().parents[2]

LINES = """# deb http://commented.example/debian bookworm main
deb http://one.example/debian bookworm main contrib  # the mirror
deb [ arch=amd64 signed-by=/keys/debian.gpg ] https://two.example/debian stable main
deb [trusted=yes] file:/srv/debian trixie main
deb-src http://source.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb https://containers.example/linux/debian bookworm stable
deb cdrom:[Debian 12]/ bookworm main
deb http://flat.example/ ./
"""
STANZAS = """# our mirror
Types: deb deb-src
URIs: http://one.example/debian
# the old one was slow
  http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

types: deb
uris: http://three.example/debian
suites: trixie
components: contrib main
signed-by: /keys/debian.pgp
trusted: yes

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
"""


def test_sources_of_one_line_are_the_mirrors_of_debian_alone() -> None:
    assert from_lines(LINES) == [
        Source("http://one.example/debian"),
        Source("https://two.example/debian", "/keys/debian.gpg"),
        Source("file:/srv/debian", trusted=True),
    ]


def test_sources_of_stanzas_keep_their_keys() -> None:
    first, second, third = from_stanzas(STANZAS)
    assert [source.uri.split("/")[2] for source in (first, second, third)] == [
        "one.example",
        "two.example",
        "three.example",
    ]
    assert first.signed_by == second.signed_by
    assert first.signed_by.splitlines()[1] == " -----BEGIN PGP PUBLIC KEY BLOCK-----"
    assert third == Source("http://three.example/debian", "/keys/debian.pgp", trusted=True)


def test_a_stanza_of_another_release_reads_back_as_the_same_source() -> None:
    for source in (*from_stanzas(STANZAS), *from_lines(LINES)):
        text = source.stanza("trixie")
        assert "\nSuites: trixie\nComponents: main\n" in text
        assert from_stanzas(text) == [source]


def test_the_machines_sources_come_from_all_its_files_each_once(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    (tmp_path / "sources.list.d" / "more.list").write_text(
        "deb http://one.example/debian bookworm main\ndeb http://two.example/debian trixie main\n"
    )
    (tmp_path / "sources.list.d" / "new.sources").write_text(
        Source("http://three.example/debian").stanza("sid")
    )
    (tmp_path / "sources.list.d" / "old.list.save").write_text("deb http://old.example/debian sid main\n")
    assert [source.uri for source in machine_sources(tmp_path)] == [
        "http://one.example/debian",
        "http://two.example/debian",
        "http://three.example/debian",
    ]


def test_a_machine_without_a_mirror_of_debian_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoMirrorError, match=r"no source of Debian's packages in .*sources\.list"):
        machine_sources(tmp_path)


def an_event() -> dict:
    face = {"emotion": "anger", "p": {"anger": 0.75, "fear": 0.25}, "quality": 1.0, "abstained": None}
    voice = {"emotion": None, "p": None, "quality": 0.0, "abstained": "silence"}
    return {"v": 1, "t": 1.2, "emotion": "anger", "p": {"anger": 0.75, "fear": 0.25}, "identity": 1,
            "modalities": {"face": face, "voice": voice}}  # fmt: skip


def test_events_that_differ_within_the_tolerance_agree() -> None:
    other = an_event()
    other["p"] = {"anger": 0.748, "fear": 0.252}
    other["modalities"]["face"]["p"] = {"anger": 0.7456, "fear": 0.2544}
    other["modalities"]["face"]["latency_ms"] = 900.0
    found = compare([an_event()], [other])
    assert found.wrong == ()
    assert found.largest == pytest.approx(0.0044)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("t",), 1.4, "at 1.2 s: t 1.4, expected 1.2"),
        (("identity",), 2, "at 1.2 s: identity 2, expected 1"),
        (("emotion",), "fear", "at 1.2 s, together: emotion 'fear', expected 'anger'"),
        (("modalities", "face", "abstained"), "no face", "face: abstained 'no face', expected None"),
        (("modalities", "voice", "emotion"), "fear", "voice: emotion 'fear', expected None"),
        (("modalities", "voice", "p"), {"anger": 1.0}, "voice: a probability off by 1.0000"),
        (("p",), None, "together: a probability off by 1.0000"),
        (("p", "fear"), 0.25 + 2 * TOLERANCE, f"off by {2 * TOLERANCE:.4f}, expected at most {TOLERANCE:g}"),
        (("modalities",), {}, "at 1.2 s: senses [], expected ['face', 'voice']"),
    ],
)
def test_what_differs_is_named(path: tuple[str, ...], value: object, said: str) -> None:
    other = copy.deepcopy(an_event())
    place = other
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    (line,) = compare([an_event()], [other]).wrong
    assert said in line


def nearly_equal(gap: float) -> tuple[dict, dict]:
    """An event whose face leads by `gap`, and one in which the two have changed places."""
    here, there = an_event(), an_event()
    for event, emotion, sign in ((here, "anger", 1), (there, "fear", -1)):
        face = {"anger": 0.5 + sign * gap / 2, "fear": 0.5 - sign * gap / 2}
        event["modalities"]["face"].update(emotion=emotion, p=face)
    return here, there


def test_a_top_emotion_may_be_swapped_only_with_one_that_was_nearly_as_likely() -> None:
    found = compare(*([event] for event in nearly_equal(TOLERANCE * 0.8)))
    assert found.wrong == ()
    assert found.swapped == 1
    far = compare(*([event] for event in nearly_equal(TOLERANCE * 1.2)))
    assert far.swapped == 0
    assert "face: emotion 'fear', expected 'anger'" in far.wrong[0]


def test_an_emotion_that_no_probability_is_given_for_is_no_near_tie() -> None:
    here, there = nearly_equal(TOLERANCE * 0.8)
    there["modalities"]["face"]["emotion"] = None
    assert "face: emotion None, expected 'anger'" in compare([here], [there]).wrong[0]


def far_apart(event: dict) -> dict:
    """The event with the same classes, its probabilities further off than any tolerance."""
    event["p"] = {"anger": 0.55, "fear": 0.45}
    event["modalities"]["face"]["p"] = {"anger": 0.51, "fear": 0.49}
    return event


def test_where_classes_alone_have_to_agree_the_probabilities_are_told() -> None:
    here, there = an_event(), far_apart(an_event())
    assert len(compare([here], [there]).wrong) == 2
    found = compare([here], [there], None)
    assert found.wrong == ()
    assert found.largest == pytest.approx(0.24)
    assert found.classes == ("anger",)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("p",), {"anger": 0.4, "fear": 0.6}, "the clip is 'fear', expected 'anger'"),
        (("modalities", "face", "abstained"), "no face", "face: abstained 'no face', expected None"),
        (("modalities", "face", "p"), None, "face: a probability off by 1.0000, expected less"),
        (("p",), {"anger": 0.6, "joy": 0.4}, "together: a probability off by 1.0000, expected less"),
    ],
)
def test_where_classes_alone_have_to_agree_another_one_is_named(
    path: tuple[str, ...], value: object, said: str
) -> None:
    other = far_apart(an_event())
    place = other
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    (line,) = compare([an_event()], [other], None).wrong
    assert said in line


def test_where_classes_alone_have_to_agree_an_events_emotion_may_be_swapped() -> None:
    """Two events: one swaps its emotion, the clip's mean stays."""
    sure, torn = an_event(), an_event()
    other = an_event()
    other["emotion"], other["p"] = "fear", {"anger": 0.49, "fear": 0.51}
    found = compare([sure, torn], [sure, other], None)
    assert (found.wrong, found.swapped, found.classes) == ((), 1, ("anger",))


def test_a_missing_event_and_none_at_all_do_not_pass() -> None:
    assert compare([an_event()] * 2, [an_event()]).wrong == ("1 events, expected 2",)
    assert compare([], []).wrong == ("no events here: nothing is compared",)


def test_lines_for_people_are_compared_word_by_word() -> None:
    models = Command("models", ("models",))
    assert aarch64.agree(models, ["face", "voice"], ["face", "voice"]).wrong == ()
    assert aarch64.agree(models, ["face", "voice"], ["face"]).wrong == ("printed 1 lines, expected 2",)
    assert aarch64.agree(models, ["face"], ["voice"]).wrong == ("printed 'voice', expected 'face'",)
    assert aarch64.agree(models, [], []).wrong


def program(folder: Path, text: str) -> Install:
    (folder / "plain" / "bin").mkdir(parents=True)
    (folder / "plain" / "bin" / "edge-emotion").write_text(text)
    return Install((sys.executable,), folder / "plain", folder / "video")


def test_a_command_sees_the_extra_only_where_it_takes_it(tmp_path: Path) -> None:
    shown = program(tmp_path, "import os, sys; print(os.environ['PYTHONPATH'], *sys.argv[1:])")
    plain, extra = tmp_path / "plain", tmp_path / "video"
    assert shown.run(Command("", ("a",))) == [f"{plain} a"]
    assert shown.run(Command("", ("b",), extra=True)) == [f"{plain}:{extra} b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ("raise SystemExit('no such model')", "exit code 1: no such model"),
    ],
)
def test_a_command_that_fails_says_how(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RunError, match=said):
        program(tmp_path, text).run(Command("", ()))


def test_a_crash_under_emulation_is_a_row_that_does_not_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = program(tmp_path, "import os; os.kill(os.getpid(), 11)")
    monkeypatch.setattr(aarch64, "emulated", lambda *given: crashing)
    reference = Future()
    reference.set_result({command.shown: ["{}"] for command in RECORDINGS.commands})
    rows = aarch64.run_target(TARGETS[0], tmp_path, tmp_path, RECORDINGS, reference, Flag())
    assert [row.agreement.wrong for row in rows] == [("ended by SIGSEGV",)] * len(RECORDINGS.commands)
    assert "FAILED: Python 3.11, models: ended by SIGSEGV" in aarch64.table(rows)


def test_the_table_shows_the_largest_difference_and_three_lines_of_what_differs() -> None:
    audio = Command("--audio demo.flac", ("--audio", "demo.flac", "--json"))
    good = aarch64.Row("3.13", audio, 17, Agreement(0.00182, (), 2), 21.4)
    bad = aarch64.Row("3.11", audio, 1, Agreement(0.5, ("a", "b", "c", "d")), 9.0)
    assert aarch64.table([good, bad])[2:] == [
        "| 3.13 | --audio demo.flac | 17 events | 0.0018 | 2 | 21 | yes |",
        "| 3.11 | --audio demo.flac | 1 events | 0.5000 | 0 | 9 | no |",
        *(f"FAILED: Python 3.11, --audio demo.flac: {line}" for line in "abc"),
        "FAILED: and 1 more",
    ]


def test_the_result_files_hold_the_table_the_tolerance_and_the_stamp(tmp_path: Path) -> None:
    audio = Command("--audio demo.flac", ("--audio", "demo.flac", "--json"))
    rows = [
        aarch64.Row("3.11", Command("models", ("models",)), 3, Agreement(0.0, ()), 9.0),
        aarch64.Row("3.13", audio, 17, Agreement(0.5, ("at 1 s: a probability off",), 2), 21.44),
    ]
    emulator = tmp_path / "qemu"
    emulator.write_text("#!/bin/sh\necho qemu-aarch64 version 7.2\necho Copyright\n")
    emulator.chmod(0o755)
    stamp = aarch64_report.stamped(
        "aarch64.py", str(emulator), ["--out", "docs/results"], versions={"numpy": "2.0"}
    )
    aarch64_report.write(tmp_path, stamp, rows)
    kept = json.loads((tmp_path / "aarch64.json").read_text())
    assert kept["tolerance"] == TOLERANCE
    assert kept["stamp"]["emulator"] == "qemu-aarch64 version 7.2"
    assert kept["stamp"]["command"] == "python3 deploy/aarch64.py --out docs/results"
    assert {"date", "commit", "machine", "python"} < kept["stamp"].keys()
    assert kept["rows"][0]["largest_difference"] is None
    assert kept["rows"][1]["largest_difference"] == 0.5
    assert kept["rows"][1]["wrong"] == ["at 1 s: a probability off"]
    text = (tmp_path / "aarch64.md").read_text()
    assert "| 3.13 | --audio demo.flac | 17 events | 0.5000 | 2 | 21 | no |\n\n" in text
    assert "Verdict: FAILED.\n- FAILED: Python 3.13, --audio demo.flac: at 1 s" in text
    assert f"commit {stamp['commit']}, {stamp['machine']}, " in text
    assert text.endswith(
        "qemu-aarch64 version 7.2, numpy 2.0: `python3 deploy/aarch64.py --out docs/results`\n"
    )


def a_bundle(folder: Path) -> Path:
    bundle = folder / "tried.emo"
    bundle.touch()
    return bundle


def test_a_joint_model_is_run_by_path_on_three_clips_with_onnx_beside_video(tmp_path: Path) -> None:
    for name in TALKERS:
        (tmp_path / name).touch()
    bundle = a_bundle(tmp_path)
    proof = synch_graph(str(bundle), tmp_path)
    assert (proof.extras, proof.tolerance, proof.left_out) == (("onnx", "video"), None, ())
    assert [command.shown for command in proof.commands] == [
        f"--model tried --video {name}, 2.6 s" for name in ("demo.mp4", *TALKERS)
    ]
    for command in proof.commands:
        assert command.extra and command.events
        assert command.arguments[:2] == ("--model", str(bundle))
        assert Path(command.arguments[3]).is_absolute() and Path(command.arguments[3]).is_file()


def test_clips_that_are_not_there_are_left_out_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = synch_graph(str(a_bundle(tmp_path)), tmp_path / "nowhere")
    assert proof.left_out == TALKERS
    assert [command.shown for command in proof.commands] == ["--model tried --video demo.mp4, 2.6 s"]
    assert (
        f"skipped: {TALKERS[0]} (not in ../shared/data/clips, beside the repository)"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("model", ["sync-graph", "/nowhere/tried.emo"])
def test_a_joint_model_that_is_not_there_is_told(model: str) -> None:
    with pytest.raises(
        SetupError, match=f"no model '{model}': expected the name of a shipped one, or a .emo file"
    ):
        synch_graph(model)


def test_the_result_files_of_a_joint_model_say_what_had_to_agree_and_hold_no_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle(tmp_path)
    proof = synch_graph(str(bundle), tmp_path)
    classes = Agreement(0.0312, (), 0, ("anger",))
    rows = [aarch64.Row("3.11", proof.commands[0], 2, classes, 31.0)]
    monkeypatch.setattr(aarch64_report, "emulator_version", lambda emulator: "qemu-aarch64 version 7.2")
    monkeypatch.setattr(sys, "argv", ["aarch64.py", "--synch-graph", str(bundle), "--out", str(tmp_path)])
    arguments = aarch64.asked(aarch64.parse())
    stamp = aarch64_report.stamped("aarch64.py", "qemu", arguments, versions={})
    aarch64_report.write(tmp_path, stamp, rows, proof)
    kept = (tmp_path / "aarch64-synch-graph.json").read_text()
    text = (tmp_path / "aarch64-synch-graph.md").read_text()
    assert not list(tmp_path.glob("aarch64.*"))
    assert json.loads(kept)["tolerance"] is None
    assert json.loads(kept)["left_out"] == list(TALKERS)
    assert "| 3.11 | --model tried --video demo.mp4, 2.6 s | 2 events | 0.0312 | 0 | 31 | yes |\n" in text
    assert (
        "the same classes of 1 clips (anger) and the same abstentions; of 2 events 0 with another emotion; "
        in text
    )
    assert f"- skipped: {TALKERS[0]}, which was not on this machine\n" in text
    assert f"`python3 deploy/aarch64.py --synch-graph tried.emo --out {tmp_path.name}`" in text
    assert str(tmp_path.parent) not in text + kept


def test_a_verdict_on_classes_tells_of_near_ties() -> None:
    audio = Command("--audio demo.flac", ("--audio", "demo.flac", "--json"))
    swapped = aarch64.Row("3.13", audio, 2, Agreement(0.004, (), 1, ("anger", "fear")), 21.4)
    assert aarch64_report.verdict([swapped], None) == (
        "passed: the same classes of 2 clips (anger, fear) and the same abstentions; of 2 events 1 with another "
        "emotion; probabilities off by at most 0.0040"
    )
    wrong = aarch64.Row("3.13", audio, 2, Agreement(0.3, ("emotion",)), 21.4)
    assert aarch64_report.verdict([swapped, wrong], None) == "FAILED"


@pytest.mark.parametrize(
    ("arguments", "model", "kept"),
    [
        ([], None, []),
        (["--synch-graph"], SYNCH_GRAPH, ["--synch-graph"]),
        (["--synch-graph", "other"], "other", ["--synch-graph", "other"]),
    ],
)
def test_the_option_takes_a_model_or_the_shipped_one(
    arguments: list[str], model: str | None, kept: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["aarch64.py", *arguments, "--out", str(tmp_path)])
    options = aarch64.parse()
    assert options.synch_graph == model
    assert aarch64.asked(options) == [*kept, "--out", tmp_path.name]


def test_wheels_are_kept_for_each_set_of_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched, project = list[str](), tmp_path / "edge_emotion-0.1.0-py3-none-any.whl"
    packages = {"plain": ("numpy",), "video": ("numpy", "av"), "onnx-video": ("numpy", "av", "onnxruntime")}

    def fetch(folder: Path, options: list[str], wanted: Path) -> None:
        fetched.append(wanted.name.removeprefix(project.name))
        for name in packages[folder.name]:
            (folder / f"{name}-1.whl").touch()

    unpacked = dict[str, list[str]]()
    monkeypatch.setattr(aarch64_install, "fetch", fetch)
    monkeypatch.setattr(
        aarch64_install,
        "unpack",
        lambda site, options, wheels: unpacked.update({site.name: sorted(wheel.name for wheel in wheels)}),
    )
    for extras in (("video",), ("onnx", "video"), ("video",)):
        made = aarch64_install.install(tmp_path, [], project, tmp_path / "wheels", (), extras)
        assert made.extra.name == "-".join(extras)
    assert fetched == ["", "[video]", "[onnx,video]"]
    assert unpacked["plain"] == [project.name, "numpy-1.whl"]
    assert unpacked["video"] == ["av-1.whl"]
    assert unpacked["onnx-video"] == ["av-1.whl", "onnxruntime-1.whl"]


def test_versions_are_those_of_the_packages_in_the_folders(tmp_path: Path) -> None:
    for place, version in (("a", "1.0"), ("b", "1.1")):
        for name in ("numpy", "rich"):
            info = tmp_path / place / f"{name}-{version}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    assert aarch64_report.versions([tmp_path / "a"]) == {"numpy": "1.0"}
    assert aarch64_report.versions([tmp_path / "a", tmp_path / "b"]) == {"numpy": "1.0/1.1"}


# What .ci/run calls, made so that it only tells of itself. $GIVES: the package of apt that brings the emulator.
STUBS = {
    "python3": 'case "$*" in *aarch64.py) echo emulating; exit "$CODE" ;; esac',
    "dpkg-query": "echo install ok installed",
    "id": 'echo "$USER_ID"',
    "apt-get": 'case "$*" in *" $GIVES") cp "$0" "$(dirname "$0")/qemu-aarch64" ;; *install*) exit 100 ;; esac',
}


def ci_run(folder: Path, gives: str, user: int = 0, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a copy of .ci/run on a machine of stubs; `gives`: apt's package of the emulator, code: of aarch64.py."""
    (folder / ".ci").mkdir()
    (folder / "bin").mkdir()
    script = Path(shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run"))
    for name, text in STUBS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    for name in ("bash", "sh", "dirname", "grep", "cp"):
        (folder / "bin" / name).symlink_to(shutil.which(name))
    facts = {"PATH": str(folder / "bin"), "GIVES": gives, "USER_ID": str(user), "CODE": str(code)}
    return subprocess.run(["bash", str(script)], env=facts, text=True, capture_output=True)


@pytest.mark.parametrize(
    ("gives", "user", "code", "returned", "said"),
    [
        ("qemu-user-static", 0, 0, 0, "emulating"),
        ("qemu-user", 0, 0, 0, "emulating"),
        ("nothing", 0, 0, 1, "ci: failed: apt-get install qemu-user-static qemu-user: neither gives"),
        ("nothing", 1000, 0, 0, "ci: skipped: python3 deploy/aarch64.py (no qemu-aarch64-static here)"),
        ("qemu-user", 0, 1, 1, "ci: failed: python3 deploy/aarch64.py"),
        ("qemu-user", 0, 2, 1, "ci: failed: python3 deploy/aarch64.py"),
        ("qemu-user", 0, 3, 0, "ci: skipped: python3 deploy/aarch64.py (the line above says why)"),
    ],
)
def test_the_checks_fail_without_the_emulator_unless_this_machine_cannot_have_it(
    tmp_path: Path, gives: str, user: int, code: int, returned: int, said: str
) -> None:
    done = ci_run(tmp_path, gives, user, code)
    assert done.returncode == returned, done.stdout + done.stderr
    assert said in done.stdout


def test_the_user_land_calls_its_own_python_and_describes_the_devices_processor(tmp_path: Path) -> None:
    system = aarch64_userland.UserLand(tmp_path, "3.13", "/bin/qemu")
    assert system.command() == [
        "/bin/qemu",
        "-cpu",
        "cortex-a72",
        "-L",
        str(tmp_path),
        f"{tmp_path}/usr/bin/python3.13",
    ]
    aarch64_userland.describe_processor(tmp_path)
    assert (tmp_path / "proc" / "cpuinfo").read_text().count("CPU part\t: 0xd08\n") == 4
    assert (tmp_path / "sys" / "devices" / "system" / "cpu" / "present").read_text() == "0-3\n"


def test_lib_is_linked_only_where_it_is_missing(tmp_path: Path) -> None:
    bookworm, trixie = tmp_path / "bookworm", tmp_path / "trixie"
    (bookworm / "lib").mkdir(parents=True)
    trixie.mkdir()
    for root in (bookworm, trixie):
        aarch64_userland.merge_usr(root)
    assert not (bookworm / "lib").is_symlink()
    assert (trixie / "lib").readlink() == Path("usr/lib")


def test_without_the_emulator_one_line_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SetupError, match="apt install qemu-user-static"):
        aarch64_userland.emulator()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--python", "3.9"], "invalid choice: '3.9'"),
        (["--cache", "README.md"], "--cache: expected a folder"),
        (["--out", "README.md"], "--out: expected a folder"),
        (["--synch-graph", "nowhere.emo"], "no model 'nowhere.emo': expected the name of a shipped one"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "deploy/aarch64.py", *arguments], cwd=ROOT, text=True, capture_output=True
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
