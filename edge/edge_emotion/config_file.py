"""A configuration file: TOML whose keys are the long flags of the command line, checked as the flags are."""

import argparse
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_emotion.config_text import Statement, parse_toml, read_config_text, statements
from edge_emotion.config_value import checked_value, nearest, shown
from edge_emotion.errors import EdgeEmotionError

VERSION = 1
CONFIG = "config"  # the flag that names the file: the one that cannot stand in it
SET_BY = {"width": "size", "height": "size"}  # a camera's setting -> the key


@dataclass(frozen=True)
class Setting:
    """One line of the file, checked."""

    key: str
    """The flag without its hyphens at the front."""
    line: int
    """Counted from 1."""
    value: Any
    """What the parser would have made of the flag."""


def read_config(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Every setting of a file by the name that parse_args gives it, e.g. camera_backend; reads nothing else.

    EdgeEmotionError, one line, names the file, the line, the key, what was expected, what came and the nearest.
    """
    return {name: setting.value for name, setting in _settings(path, parser).items()}


def configured_options(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """What parse_args gives, with the settings of `--config FILE` in place of the defaults; flags win over them.

    parser: knows --config, of type Path. EdgeEmotionError as read_config, and as the parser raises it.
    """
    options = parser.parse_args(arguments)
    path: Path | None = getattr(options, CONFIG, None)
    if path is None:
        return options
    if getattr(options, "command", None) is not parser.get_default("command"):
        raise EdgeEmotionError(
            f"--config {path} goes with recognising, not with another command; leave it out"
        )
    settings = _settings(path, parser)
    # A flag that was given is never None, so what stays None is the file's; a default list would be appended to.
    options = parser.parse_args(arguments, argparse.Namespace(**dict.fromkeys(settings)))
    used = {name: setting for name, setting in settings.items() if getattr(options, name) is None}
    for name, setting in used.items():
        setattr(options, name, setting.value)
    options.configured = (path, used)
    return options


def located(error: EdgeEmotionError, options: argparse.Namespace) -> str:
    """The error's text, after file and line when what is wrong stands in the configuration file.

    Ranges, and what goes with what, are checked later and for flags too: those errors know of no line.
    """
    said = str(error)
    path, used = getattr(options, "configured", ("", {}))
    wrong = said.partition(";")[0]  # what follows is advice, and may name other flags
    found = [(at, setting) for setting in used.values() if (at := _named_at(setting, wrong)) is not None]
    if not found:
        return said
    return f"{path}, line {min(found, key=lambda one: one[0])[1].line}: {said}"


def _named_at(setting: Setting, wrong: str) -> int | None:
    """Where a message names a setting: as a flag, as what it is about, or by its text; None where it does not."""
    keys = [setting.key, *(name for name, key in SET_BY.items() if key == setting.key)]
    patterns = [rf"(?<![\w-])--{re.escape(setting.key)}(?![\w-])"]
    patterns += [f"^{re.escape(name)}: " for key in keys for name in (key, key.replace("-", "_"))]
    text = str(setting.value)
    if isinstance(setting.value, Path) or (isinstance(setting.value, str) and re.search(r"[./]", text)):
        patterns.append(rf"(?<![\w./-]){re.escape(text)}(?![\w/-])")
    elif isinstance(setting.value, str):
        patterns.append(re.escape(repr(text)))
    return min((at.start() for pattern in patterns if (at := re.search(pattern, wrong))), default=None)


def _settings(path: Path, parser: argparse.ArgumentParser) -> dict[str, Setting]:
    flags = config_flags(parser)
    text = read_config_text(path)
    told = statements(text)
    _refuse_newer(path, told)
    for statement in told:
        if statement.table:
            raise EdgeEmotionError(_no_table(path, statement, flags))
    values = parse_toml(path, text, told)
    lines = {next(iter(tomllib.loads(f"{statement.key} = 0"))): statement.line for statement in told}
    found: dict[str, Setting] = {}
    for key, value in values.items():
        where = f"{path}, line {lines[key]}"
        if key == "version":
            _check_version(value, f"{where}: version")
            continue
        if key not in flags:
            near = SET_BY.get(key) or nearest(key, flags)
            raise EdgeEmotionError(f"{where}: expected a setting, got {shown(key)}; the nearest is {near!r}")
        action = flags[key]
        if action.dest in found:
            first = found[action.dest]
            raise EdgeEmotionError(
                f"{where}: {key}: it is set already, as {first.key} in line {first.line}; leave one out"
            )
        found[action.dest] = Setting(key, lines[key], checked_value(action, key, value, f"{where}: {key}"))
    return found


def config_flags(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """What may stand in a file: each long flag but --help, --version and --config, without its hyphens."""
    left_out = (argparse._HelpAction, argparse._VersionAction)
    return {
        flag[2:]: action
        for action in parser._actions
        if not isinstance(action, left_out) and action.dest != CONFIG
        for flag in action.option_strings
        if flag.startswith("--")
        and not (isinstance(action, argparse.BooleanOptionalAction) and flag.startswith("--no-"))
    }


def _refuse_newer(path: Path, told: list[Statement]) -> None:
    """Check the version before anything else: the rest of a newer file may be new as well."""
    for statement in told:
        if statement.table and not statement.value:
            return  # what follows a header is not the file's own
        if statement.table or statement.key != "version":
            continue
        try:
            came = tomllib.loads(f"version = {statement.value}")["version"]
        except (ValueError, RecursionError):
            return  # a mistake in the syntax, told with its column later
        _check_version(came, f"{path}, line {statement.line}: version")


def _check_version(came: object, where: str) -> None:
    if type(came) is int and came > VERSION:
        raise EdgeEmotionError(
            f"{where}: the file is of version {shown(came)}, this edge-emotion knows {VERSION}; update edge-emotion"
        )
    if type(came) is not int or came != VERSION:
        raise EdgeEmotionError(f"{where}: expected {VERSION}, got {shown(came)}; leave the line out")


def _no_table(path: Path, statement: Statement, flags: Iterable[str]) -> str:
    name = re.sub(r"""[\[\]"'\s]""", "", statement.key)
    return (
        f"{path}, line {statement.line}: {shown(statement.key)}: expected settings without tables, got one; "
        f"the nearest setting is {nearest(name, flags)!r}"
    )
