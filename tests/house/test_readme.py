"""The README's commands, flags, links and Python are real."""

import re
import shlex
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SCRIPTS = PROJECT["scripts"]


def blocks(language: str) -> list[str]:
    """Fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def calls() -> list[list[str]]:
    """Every call of our own programs in the README, `python3 demo.py ARGUMENTS` among them."""
    lines = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    through_demo = [["edge-emotion", *words[2:]] for words in lines if words[:2] == ["python3", "demo.py"]]
    return [words for words in lines if words[0] in SCRIPTS] + [words for words in through_demo if words[1:]]


def help_of(program: str, *arguments: str) -> str:
    module = SCRIPTS[program].partition(":")[0]
    run = f"import sys; from {module} import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", run, *arguments, "--help"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_commands_come_first_and_exist():
    commands = blocks("sh")[0].splitlines()
    assert commands == ["python3 demo.py", "python3 test.py"]
    for command in commands:
        assert (ROOT / command.split()[1]).is_file()


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_programs_know_their_commands_and_flags(words):
    program, *arguments = words
    command = [word for word in arguments[:1] if not word.startswith("-")]
    shown = help_of(program, *command)
    flags = {word for word in arguments if word.startswith("--")}
    assert flags <= set(re.findall(r"--[\w-]+", shown))


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).is_file()


@pytest.mark.parametrize("file", sorted(set(re.findall(r"\b[\w/]+\.py\b", README))))
def test_named_scripts_exist(file):
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs_on_the_bundled_recordings(block, tmp_path, monkeypatch, capsys):
    soundfile = pytest.importorskip("soundfile")
    data = resources.files("edge_emotion") / "data"
    with resources.as_file(data / "demo.flac") as path:
        sound, rate = soundfile.read(path)
    soundfile.write(tmp_path / "clip.wav", sound, rate)
    (tmp_path / "clip.mp4").write_bytes((data / "demo.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    times = [float(line.split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert times
    assert times == sorted(times)


def test_live_calls_named_in_prose_exist():
    import inspect

    from edge_emotion.session import recognize

    (named,) = re.findall(r"`recognize\(([^`]*)\)`", README)
    arguments = re.findall(r"(\w+)=", named)
    assert arguments == ["camera", "mic"]
    assert set(arguments) <= set(inspect.signature(recognize).parameters)


def test_extras_in_the_table_exist():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", README, re.MULTILINE)
    named = {extra for row in rows for extra in re.findall(r"`(\w+)`", row)}
    assert named == set(PROJECT["optional-dependencies"])
