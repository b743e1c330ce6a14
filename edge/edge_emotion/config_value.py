"""One value of a configuration file, checked by the type, the choices and the number that its flag takes."""

import argparse
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError

MOST_WHOLE = 2**31 - 1
MOST_TEXT = 4096  # characters; the longest path of Linux


def checked_value(action: argparse.Action, key: str, came: object, where: str) -> Any:
    """What the parser would have made of the flag; EdgeEmotionError begins with `where`.

    key: the flag without its hyphens. came: a value of TOML. A switch takes true and false, a flag that can be
    given more than once a list, every other one a value of its own type.
    """
    if action.nargs == 0:
        if not isinstance(came, bool):
            raise EdgeEmotionError(f"{where}: expected true or false, got {shown(came)}")
        if isinstance(action, argparse.BooleanOptionalAction):
            return came
        return action.const if came else action.default
    appends = isinstance(action, argparse._AppendAction)
    if not appends and action.nargs in (None, argparse.OPTIONAL):
        return _one(action, key, came, where)
    if not isinstance(came, list):
        raise EdgeEmotionError(f'{where}: expected a list, as {key} = ["..."], got {shown(came)}')
    if isinstance(action.nargs, int) and len(came) != action.nargs:
        raise EdgeEmotionError(f"{where}: expected {action.nargs} in the list, got {len(came)}")
    if not came and action.nargs == argparse.ONE_OR_MORE:
        raise EdgeEmotionError(f"{where}: expected one or more in the list, got none; leave the line out")
    return [_one(action, key, one, where) for one in came]


def _one(action: argparse.Action, key: str, came: object, where: str) -> Any:
    """One value, by the action's own type and choices; what a flag would take, without the guessing."""
    kind = action.type
    if kind is int:
        if type(came) is not int or abs(came) > MOST_WHOLE:
            raise EdgeEmotionError(
                f"{where}: expected a whole number, got {shown(came)}{_unquoted(key, came)}"
            )
        value: Any = came
    elif kind is float:
        if not _is_number(came):
            raise EdgeEmotionError(f"{where}: expected a number, got {shown(came)}{_unquoted(key, came)}")
        value = float(came)  # type: ignore[arg-type]
    elif kind is None or kind in (str, Path):
        text = _text(key, came, where)
        value = Path(text) if kind is Path else text
    else:
        value = _by_own_type(kind, key, came, where)
    if action.choices is not None and value not in action.choices:
        known = [str(choice) for choice in action.choices]
        raise EdgeEmotionError(
            f"{where}: expected {', '.join(known[:-1])} or {known[-1]}, got {shown(came)}; "
            f"the nearest is {nearest(str(came), known)!r}"
        )
    return value


def _by_own_type(kind: object, key: str, came: object, where: str) -> Any:
    """What the parser's own function for this flag makes of it."""
    read: Callable[[str], Any] = kind  # type: ignore[assignment]
    text = str(came) if _is_number(came) else _text(key, came, where)
    try:
        return read(text)
    except (argparse.ArgumentTypeError, EdgeEmotionError) as error:
        raise EdgeEmotionError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        expected = getattr(kind, "__name__", "another value").strip("_").replace("_", " ")
        raise EdgeEmotionError(f"{where}: expected {expected}, got {shown(came)}") from error


def _is_number(came: object) -> bool:
    if type(came) is int:
        return abs(came) <= MOST_WHOLE
    return type(came) is float and math.isfinite(came)


def _text(key: str, came: object, where: str) -> str:
    if not isinstance(came, str):
        hint = f'; write {key} = "{came}"' if _is_number(came) else ""
        raise EdgeEmotionError(f"{where}: expected text in quotes, got {shown(came)}{hint}")
    if not came.strip():
        raise EdgeEmotionError(f"{where}: expected text, got none; leave the line out")
    if len(came) > MOST_TEXT or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", came):
        raise EdgeEmotionError(
            f"{where}: expected one line of text, at most {MOST_TEXT} long, got {shown(came)}"
        )
    return came


def _unquoted(key: str, came: object) -> str:
    if isinstance(came, str) and re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,9})?", came):
        return f"; write {key} = {came}"
    return ""


def shown(came: object) -> str:
    """A value as an error shows it: on one line, cut short; a number of thousands of digits cannot be printed."""
    if isinstance(came, bool):
        return "true" if came else "false"
    if isinstance(came, int):
        return str(came) if abs(came) < 10**18 else "a number of more than 18 digits"
    if isinstance(came, float):
        return str(came)
    if isinstance(came, str):
        return repr(_cut(came))
    if isinstance(came, date | time):
        return f"the date or time {came}"
    return (
        "a list" if isinstance(came, list) else "a table" if isinstance(came, Mapping) else "something else"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like this one; the first 80 characters count."""
    plain = re.sub(r"[_.\s]", "-", word[:80].strip("-").lower())
    names = list(known)
    close = get_close_matches(plain, names, 1)
    if close:
        return close[0]
    begun = max(names, key=lambda name: _shared(name, plain))
    return begun if _shared(begun, plain) >= 3 else get_close_matches(plain, names, 1, 0.0)[0]


def _shared(one: str, other: str) -> int:
    """How many letters they begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
