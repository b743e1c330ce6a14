"""Configuration files that lie: other keys, values, tables, texts and bytes."""

import random
import re
from pathlib import Path

from edge_emotion.cli_parser import parser
from edge_emotion.config_file import read_config
from fuzz_bytes import Case, mutated

SAMPLE = Path(__file__).parents[1] / "deploy" / "edge-emotion.toml"
KEYS = (
    "camera", "mic", "video", "audio", "imu", "listen", "size", "fps", "model", "face-model", "engine", "precision",
    "threads", "faces", "window", "json", "smoothing", "seconds", "chunk", "version", "config", "help", "no-face",
    "camra", "camera_backend", "width", "CAMERA", "", "a b", '"camera"', "'mic'", '"\\u001b[31m"', "a.b.c", "__class__",
    "camera.x", "ключ", '"' + "k" * 5000 + '"', "-", "1",
)  # fmt: skip
VALUES = (
    "1", "0", "-1", "9" * 400, "9" * 5000, "-" + "9" * 40, "1.0", "nan", "inf", "-inf", "1e400", "0x7fffffffffffffff",
    "0b1", "1_000", "true", "false", '""', '"default"', '"0"', '"640x480"', '"99999999999x1"', '"-1x-1"', '"mvn:0"',
    '"mvn:99999"', '"../../etc/passwd"', '"/dev/zero"', '"/dev/stdin"', '"\\u001b[2J"', '"\\u0000"', "'raw\\n'",
    '"""many\nlines"""', "[]", "[1, 2]", "[[[]]]", "{}", "{a = 1}", "{a = {b = {c = 1}}}", "1979-05-27T07:32:00Z",
    "1979-05-27", "07:32:00", "07:32:60", "yes", "", '"open', "[", "{", '"\\ud800"', '"' + "a" * 100_000 + '"',
    "[" * 3000, "[" * 3000 + "]" * 3000, "[" + "1," * 20_000 + "1]", "{a=" * 500 + "1" + "}" * 500, '"\\x"', "0_1",
)  # fmt: skip
LINES = (
    "[table]", "[[tables]]", "[a.b.c]", "[camera]", "[", "]", "[[", "= 1", "camera", "camera = = 1", "#", "# \x01",
    "\x00", "\ufeff", "camera = 1 mic = 2", "version = 2", "version = 1", "version = 1.0", 'version = "1"', "include x",
)  # fmt: skip


class Configs:
    """Mutated configuration files; see Fuzzed."""

    def __init__(self) -> None:
        sample = SAMPLE.read_text(encoding="utf-8")
        every = re.sub(r"(?m)^# ([a-z-]+ = )", r"\1", sample)
        made = (
            'video = "clip.mp4"\njson = true\n',
            'mic = "default"\nengine = "litert"\nthreads = 2\nsmoothing = 0.5\n',
            'version = 1\ncamera = "/dev/video0"\nsize = "1280x720"\nfps = 25\nfaces = 2\n',
            "",
        )
        self._seeds = [sample, every, *made]
        self._bytes = [text.encode() for text in self._seeds]
        self._parser = parser()

    def good(self) -> list[Case]:
        return [Case("good", ".toml", content) for content in self._bytes]

    def make(self, chance: random.Random) -> Case:
        what = chance.random()
        if what < 0.3:
            return Case("bytes", ".toml", mutated(chance, chance.choice(self._bytes), self._bytes))
        text = chance.choice(self._seeds)
        if what < 0.4:
            return Case("text", ".toml", chance.choice(_encodings(chance, text)))
        lines = text.split("\n")
        kind = "line"
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            at = chance.randrange(len(lines))
            kind = chance.choice(("key", "value", "setting", "line", "order", "twice"))
            key, equals, value = lines[at].partition(" = ")
            if kind == "key" and equals:
                lines[at] = f"{chance.choice(KEYS)} = {value}"
            elif kind == "value" and equals:
                lines[at] = f"{key} = {chance.choice(VALUES)}"
            elif kind == "setting":
                lines.insert(at, f"{chance.choice(KEYS)} = {chance.choice(VALUES)}")
            elif kind == "line":
                lines.insert(at, chance.choice(LINES))
            elif kind == "order":
                chance.shuffle(lines)
            else:
                lines.insert(at, chance.choice(lines))
        return Case(kind, ".toml", "\n".join(lines).encode("utf-8", "surrogatepass"))

    def read(self, path: Path) -> None:
        found = read_config(path, self._parser)
        assert all(isinstance(name, str) for name in found)


def _encodings(chance: random.Random, text: str) -> tuple[bytes, ...]:
    plain = text.encode()
    return (
        text.encode("utf-16"), b"\xef\xbb\xbf" + plain, plain.replace(b"a", b"\xe4", 3), plain.replace(b"\n", b"\r\n"),
        plain.replace(b"\n", b"\r"), plain + b"\0", b"\0" * 1000, plain * 200, b"a = 1\n" * 20_000, b"[" * 200_000,
        "".join(f"k{i} = {i}\n" for i in range(5000)).encode(), b"a." * 20_000 + b"a = 1", b"#" * 3_000_000,
        chance.randbytes(2000), b"\n" * 500_000, b"x = '''" + b"\n" * 100_000, b'"' * 100_000, b"\\" * 100_000,
    )  # fmt: skip
