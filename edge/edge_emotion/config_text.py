"""The text of a configuration file: its statements with their lines and its TOML, from a hand that is not trusted."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.text_file import read_text

MOST_BYTES = 64 * 1024
EXPECTED = "expected a configuration: a TOML file in UTF-8, as deploy/edge-emotion.toml"
FORMS = 'expected lines like fps = 15, mic = "default" or json = true'
# A string that is never closed runs to the end: else each of its quotes would be searched from again.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\]|\\\Z)*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*"
    r"|[\[\]{}=.\n]"
    r"|[^\"'\#\[\]{}=.\n]+",
    re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One key with its value, or the header of a table."""

    line: int
    """Where it begins, counted from 1."""
    key: str
    """As it is written; of a header all of it."""
    value: str
    """As it is written, without comments; empty for a header."""
    table: bool
    """Whether it makes a table: a header, a key with dots or a value in braces."""


def read_config_text(path: Path) -> str:
    """Text of a regular file of at most 64 kB in UTF-8, lines ended by \\n; EdgeEmotionError for any other."""
    try:
        return read_text(path, EXPECTED, MOST_BYTES).replace("\r\n", "\n")
    except EdgeEmotionError as error:
        bad = error.__cause__
        if not isinstance(bad, UnicodeDecodeError):
            raise
        line = bad.object.count(b"\n", 0, bad.start) + 1
        came = bad.object[bad.start]
        raise EdgeEmotionError(f"{path}, line {line}: got the byte 0x{came:02x}; {EXPECTED}") from bad


def statements(text: str) -> list[Statement]:
    """Every statement up to the first mistake in the syntax, in the time of one pass; after it anything may come."""
    found: list[Statement] = []
    held: list[str] = []
    line, begun, depth = 1, 1, 0
    for token in [match[0] for match in _TOKEN.finditer(text)] + ["\n"]:
        if token == "\n" and depth == 0:
            if held:
                found.append(_statement(begun, held))
            held = []
        elif not token.startswith("#") and (held or token.strip()):
            if not held:
                begun = line
            held.append(token)
            depth = max(0, depth + (token == "[") - (token == "]"))
        line += token.count("\n")
    return [*found, _statement(begun, held)] if held else found  # a list that is never closed


def _statement(line: int, tokens: list[str]) -> Statement:
    if tokens[0] == "[":
        return Statement(line, "".join(tokens).strip(), "", table=True)
    at = tokens.index("=") if "=" in tokens else len(tokens)
    table = "." in tokens[:at] or "{" in tokens
    return Statement(line, "".join(tokens[:at]).strip(), "".join(tokens[at + 1 :]).strip(), table)


def parse_toml(path: Path, text: str, told: list[Statement]) -> dict[str, Any]:
    """The values of a text without tables; EdgeEmotionError names the line and the key of a mistake.

    path: for the message. told: the text's statements. Tables are for the caller to refuse first: a key with
    thousands of dots would keep tomllib busy for minutes.
    """
    try:
        return tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # of no syntax, or what Python cannot make a number or a date of
        raise EdgeEmotionError(f"{path}{_mistake(error, told)}") from error


def _mistake(error: Exception, told: list[Statement]) -> str:
    said = "lists in lists are too deep" if isinstance(error, RecursionError) else str(error)
    found = re.search(r" ?\((?:at line (\d+), column (\d+)|at end of document)\)$", said)
    if found is None:
        guilty = next((one for one in told if not _can_be_read(one.value)), None)
        where = f", line {guilty.line}: {guilty.key[:40]!r}" if guilty else ""
        return f"{where}: {_small(said.partition(':')[0])}; {FORMS}"
    line = int(found[1]) if found[1] else told[-1].line if told else 1
    before = [one.key[:40] for one in told if one.line <= line]
    key = f"{before[-1]!r}: " if before and before[-1] else ""
    reason = said[: found.start()]
    if reason == "Cannot overwrite a value":
        return f", line {line}: {key}it is set twice; leave one out"
    where = f"line {line}, column {found[2]}" if found[2] else f"line {line}"
    return f", {where}: {key}{_small(reason)[:80]}; {FORMS}"


def _can_be_read(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return False
    return True


def _small(said: str) -> str:
    return said[:1].lower() + said[1:]
