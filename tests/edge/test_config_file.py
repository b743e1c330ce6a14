import argparse
import itertools
import os
import random
import re
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_emotion.cli_parser import parser as command_line
from edge_emotion.config_file import config_flags, configured_options, located, read_config
from edge_emotion.errors import EdgeEmotionError

SAMPLE = Path(__file__).parents[2] / "deploy" / "edge-emotion.toml"
OFF = re.compile(r"^# ([\w-]+) = (.+)$")  # a setting of the sample that is commented out
Read = Callable[[str | bytes], dict[str, object]]


def known() -> argparse.ArgumentParser:
    """The command line, with --config and with kinds of flags that it may come to have."""
    parser = command_line()
    if "--config" not in parser._option_string_actions:
        parser.add_argument("--config", type=Path)
    parser.add_argument("--test-list", action="append", default=["none"])
    parser.add_argument("--test-even", type=even)
    parser.add_argument("--test-two", type=float, nargs=2)
    parser.add_argument("--test-on", action=argparse.BooleanOptionalAction)
    return parser


def even(text: str) -> int:
    if int(text) % 2:
        raise argparse.ArgumentTypeError(f"expected an even number, got {text}")
    return int(text)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written(content: str | bytes) -> dict[str, object]:
        path = tmp_path / "edge.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_config(path, known())

    return written


def said(read: Read, content: str | bytes) -> str:
    """The error's text after the path; it is one line."""
    with pytest.raises(EdgeEmotionError) as caught:
        read(content)
    (line,) = str(caught.value).splitlines()
    return line.partition("edge.toml")[2].removeprefix(", ")


def test_settings_come_out_as_the_flags_do(read: Read) -> None:
    content = """\ufeffversion = 1
        # a comment, with camera = "9" in it
        "camera" = "0"  # another
        video = '''a[b]#.mp4'''
        fps = 15
        threads = 2
        engine = "onnx"
        json = true
        window = false
        test-list = [
            "a",  # ]
            "b = c",
        ]
        test-even = 4
        test-two = [1, 2.5]
        test-on = false
    """.replace("\n", "\r\n")
    flags = "--camera 0 --video a[b]#.mp4 --fps 15 --threads 2 --engine onnx --json --test-even 4 --test-two 1 2.5"
    given = vars(known().parse_args([*flags.split(), "--no-test-on"]))
    values = read(content)
    assert values.pop("test_list") == ["a", "b = c"]
    assert values == {name: given[name] for name in values}
    assert len(values) == 10
    assert type(values["fps"]) is float


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('fps = 15\ncamra = "0"', "line 2: expected a setting, got 'camra'; the nearest is 'camera'"),
        ('microphone = "a"', "line 1: expected a setting, got 'microphone'; the nearest is 'mic'"),
        ('face_model = "a"', "line 1: expected a setting, got 'face_model'; the nearest is 'face-model'"),
        ('"--fps" = 1', "line 1: expected a setting, got '--fps'; the nearest is 'fps'"),
        ("width = 640", "line 1: expected a setting, got 'width'; the nearest is 'size'"),
        ('config = "x"', "line 1: expected a setting, got 'config'"),
        ("help = true", "line 1: expected a setting, got 'help'"),
        ("camera = 0", 'line 1: camera: expected text in quotes, got 0; write camera = "0"'),
        ("mic = true", "line 1: mic: expected text in quotes, got true"),
        ("\n\nfps = '15'", "line 3: fps: expected a number, got '15'; write fps = 15"),
        ("fps = nan", "line 1: fps: expected a number, got nan"),
        ("fps = -inf", "line 1: fps: expected a number, got -inf"),
        ("fps = 1e999", "line 1: fps: expected a number, got inf"),
        ("fps = true", "line 1: fps: expected a number, got true"),
        ("threads = 2.0", "line 1: threads: expected a whole number, got 2.0"),
        ("threads = false", "line 1: threads: expected a whole number, got false"),
        ("threads = 0x" + "f" * 9000, "line 1: threads: expected a whole number, got a number of more than 18 digits"),
        ("seconds = 0x" + "f" * 9000, "line 1: seconds: expected a number, got a number of more than 18 digits"),
        ("seconds = 2026-01-01", "line 1: seconds: expected a number, got the date or time 2026-01-01"),
        ("json = 1", "line 1: json: expected true or false, got 1"),
        ('json = "true"', "line 1: json: expected true or false, got 'true'"),
        ("fps = [1]", "line 1: fps: expected a number, got a list"),
        ('video = " "', "line 1: video: expected text, got none; leave the line out"),
        ('video = "a\\u0000"', "line 1: video: expected one line of text, at most 4096 long, got 'a\\x00'"),
        ('mic = """\nfps = 1\n"""', "line 1: mic: expected one line of text, at most 4096 long, got 'fps = 1\\n'"),
        ('camera-backend = "v4l"', "line 1: camera-backend: expected auto, v4l2 or picamera2, got 'v4l'; "
         "the nearest is 'v4l2'"),
        ('test-list = "a"', "line 1: test-list: expected a list, as test-list = [\"...\"], got 'a'"),
        ('test-list = ["a", 1]', "line 1: test-list: expected text in quotes, got 1"),
        ("test-even = 3", "line 1: test-even: expected an even number, got 3"),
        ('test-even = "x"', "line 1: test-even: expected even, got 'x'"),
        ("test-two = [1]", "line 1: test-two: expected 2 in the list, got 1"),
        ('no-test-on = true', "line 1: expected a setting, got 'no-test-on'"),
        ('model = "a"\nvoice-model = "b"', "line 2: voice-model: it is set already, as model in line 1"),
        ("fps = 1\n\nfps = 2\n", "line 3: 'fps': it is set twice; leave one out"),
        ('fps = 1\n[camera]\nbackend = "v4l2"', "line 2: '[camera]': expected settings without tables, got one; "
         "the nearest setting is 'camera'"),
        ('camera.backend = "v4l2"', "line 1: 'camera.backend': expected settings without tables, got one; "
         "the nearest setting is 'camera-backend'"),
        ("mic = {a = 1}", "line 1: 'mic': expected settings without tables, got one"),
    ],
)  # fmt: skip
def test_a_mistake_names_line_key_and_nearest(read: Read, content: str, expected: str) -> None:
    assert said(read, content).startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("fps = 1\nmic = default", "line 2, column 7: 'mic': invalid value; expected lines like "),
        ("json = True", "line 1, column 8: 'json': invalid value; "),
        ('fps = 1\nmic = "abc', "line 2: 'mic': unterminated string; "),
        ("fps = 1\nmic = [\n\n", "line 2: 'mic': "),
        ("fps", "line 1: 'fps': expected '=' after a key"),
        ("= 1", "line 1, column 1: invalid statement; "),
        ("threads = " + "1" * 5000, "line 1: 'threads': exceeds the limit (4300 digits)"),
        ("fps = 1\nx = " + "[" * 60000, "line 2: 'x': lists in lists are too deep; "),
        ("a." * 32000 + "a = 1", "line 1: 'a.a.a."),
        ("version = {" + "a." * 32000 + "a = 1}", "line 1: 'version': expected settings without tables"),
        (
            b'fps = 1\nmic = "\xe9"',
            "line 2: got the byte 0xe9; expected a configuration: a TOML file in UTF-8",
        ),
        ("#" * 65537, " is larger than 0.0625 MiB; expected a configuration"),
    ],
)
def test_broken_and_hostile_text_is_one_line(read: Read, content: str | bytes, expected: str) -> None:
    assert said(read, content).startswith(expected)


@pytest.mark.parametrize(
    "content",
    ["version = 2", '"version" = 2', '"ver\\u0073ion" = 2', 'new = "x"\nversion = 2\n[table]\nx.y = {z = 1}'],
)
def test_a_newer_file_says_so_before_all_else(read: Read, content: str) -> None:
    told = said(read, content)
    assert told.endswith("the file is of version 2, this edge-emotion knows 1; update edge-emotion")
    assert told.startswith(f"line {content.count(chr(10), 0, content.index('= 2')) + 1}: version: ")


@pytest.mark.parametrize("came", ["0", "true", '"1"', "1.0"])
def test_no_version_but_1_is_known(read: Read, came: str) -> None:
    assert said(read, f"version = {came}").startswith("line 1: version: expected 1, got ")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (Path("/dev/null"), tmp_path, pipe):
        with pytest.raises(EdgeEmotionError, match="is no regular file; expected a configuration"):
            read_config(path, known())
    for path in (tmp_path / "none.toml", Path("a\0b")):
        with pytest.raises(EdgeEmotionError, match="no such file; expected a configuration"):
            read_config(path, known())


def test_any_mutation_is_read_or_refused_in_one_line(read: Read) -> None:
    chance = random.Random(7)
    sample = "\n".join(OFF.sub(r"\1 = \2", line) for line in SAMPLE.read_text().splitlines())
    sample += "\ntest-list = ['a', \"b\"]\n"
    pieces = [*string.printable, '"""', "'''", "\r\n", "\0", "\u2028", "1" * 5000]
    refused, most = 0, 300
    for _ in range(most):
        text = sample
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(text))
            text = (
                text[:at] + chance.choice(pieces) * chance.randrange(1, 4) + text[at + chance.randrange(9) :]
            )
        try:
            read(text)
        except EdgeEmotionError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1
    assert 50 < refused < most - 50


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('camera = "1"\nfps = 15\nthreads = 2\njson = true\ntest-list = ["a"]\n')
    parser = known()
    options = configured_options(parser, ["--config", str(path), "--threads", "1", "--test-list", "b"])
    assert (options.camera, options.fps, options.threads, options.json) == ("1", 15.0, 1, True)
    assert options.test_list == ["b"]
    assert options.smoothing == 1.0
    assert configured_options(parser, ["--config", str(path)]).test_list == ["a"]
    plain = configured_options(parser, ["--camera", "0"])  # the parser is as it was
    assert (plain.camera, plain.threads, plain.json, plain.test_list) == ("0", 1, False, ["none"])


def test_a_file_goes_with_recognising_alone(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text("json = true")
    with pytest.raises(EdgeEmotionError, match=r"--config .* goes with recognising"):
        configured_options(known(), ["--config", str(path), "devices"])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("fps: expected more than 0, up to 1000, got -3", 2),
        ("width: expected 1 to 16384 pixels, got 0", 3),
        ("--fps goes with --camera", 2),
        ("no model 'nosuch': shipped models: body, face", 4),
        ("/nope/a.mp4: no such file; give an mp4", 5),
        ("--video and --camera: not allowed with each other; give one file", 5),
        ("camera-backend: expected auto or v4l2", None),
        ("no microphone; try --fps", None),
        ("threads: expected 1 or more, got 0", None),  # a flag was given in the place of the file's
    ],
)
def test_a_later_mistake_is_told_with_its_line(tmp_path: Path, error: str, line: int | None) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('\nfps = -3\nsize = "0x0"\nmodel = "nosuch"\nvideo = "/nope/a.mp4"\nthreads = 2\n')
    options = configured_options(known(), ["--config", str(path), "--threads", "0"])
    where = "" if line is None else f"{path}, line {line}: "
    assert located(EdgeEmotionError(error), options) == where + error
    assert located(EdgeEmotionError(error), argparse.Namespace()) == error


def test_the_sample_is_the_flags_one_to_one(tmp_path: Path) -> None:
    parser = command_line()
    flags = config_flags(parser)
    assert read_config(SAMPLE, parser) == {"camera": "0", "mic": "default", "json": True, "keep_trying": True}
    lines = SAMPLE.read_text().splitlines()
    off = [found for line in lines if (found := OFF.match(line))]
    on = [line.partition(" = ")[0] for line in lines if line and not line.startswith(("#", "version"))]
    keys = on + [found[1] for found in off]
    assert sorted(keys) == sorted({action.option_strings[0][2:] for action in flags.values()})
    for found in off:
        path = tmp_path / "one.toml"
        path.write_text(found[0][2:])
        ((name, value),) = read_config(path, parser).items()
        action = flags[found[1]]
        assert name == action.dest
        told = re.search(r"\(default ([^\s):,]+)", action.help or "")
        if action.default is not None:
            assert value == action.default
        elif told:
            assert found[2].strip('"') == told[1]


def test_each_setting_of_the_sample_is_explained() -> None:
    lines = SAMPLE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if OFF.match(line) or (line and not line.startswith(("#", "version"))):
            assert before.startswith("# ")
            assert not OFF.match(before)
