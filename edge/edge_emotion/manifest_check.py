"""Single values of a manifest, hostile until checked: each refusal is one line that names the bundle and the field."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from edge_emotion.errors import EdgeEmotionError

MANIFEST = "manifest.json"
MAX_MANIFEST = 1 << 20  # bytes
MAX_DEPTH = 8  # of what "about" holds
MAX_ENTRIES = 4096  # in one object or list of "about"
MAX_TEXT = 10_000  # characters of one text of "about"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ManifestCheck:
    """Takes single values out of a decoded manifest; each refusal names the bundle and the field.

    where: how errors name the bundle.
    """

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> NoReturn:
        """Raise EdgeEmotionError with one line."""
        raise EdgeEmotionError(f"{self.where}: {what}")

    def keys(self, table: Mapping[str, Any], expected: tuple[str, ...], field: str) -> None:
        """Check that an object has exactly these keys."""
        for key in expected:
            if key not in table:
                self.fail(f"{field}: {key!r} is missing")
        for key in table:
            if key not in expected:
                self.fail(f"{field}: unknown key {shown(key)}, expected only: {', '.join(expected)}")

    def table(self, found: Any, field: str) -> dict[str, Any]:
        """An object."""
        if not isinstance(found, dict):
            self.fail(f"{field}: expected an object, got {shown(found)}")
        return found

    def array(self, found: Any, field: str, least: int, most: int) -> list[Any]:
        """A list of `least` to `most` entries."""
        if not isinstance(found, list) or not least <= len(found) <= most:
            got = f"{len(found)} entries" if isinstance(found, list) else shown(found)
            self.fail(f"{field}: expected a list of {least} to {most} entries, got {got}")
        return found

    def line(self, found: Any, field: str) -> str:
        """One line of at most 100 printable characters."""
        if not isinstance(found, str) or not 0 < len(found) <= 100 or not found.isprintable():
            self.fail(f"{field}: expected a line of at most 100 printable characters, got {shown(found)}")
        return found

    def plain(self, found: Any, field: str) -> str:
        """A plain name."""
        if not isinstance(found, str) or not PLAIN_NAME.fullmatch(found):
            self.fail(f"{field}: expected a plain name (letters, digits, '.', '_', '-'), got {shown(found)}")
        return found

    def choice(self, found: Any, field: str, known: tuple[str, ...]) -> str:
        """One of some known words."""
        if not isinstance(found, str) or found not in known:
            self.fail(f"{field}: expected one of {', '.join(known)}, got {shown(found)}")
        return found

    def sha256(self, found: Any, field: str) -> str:
        """A sha256 as 64 hexadecimal digits."""
        if not isinstance(found, str) or not _SHA256.fullmatch(found):
            self.fail(f"{field}: expected 64 hexadecimal digits, got {shown(found)}")
        return found

    def integer(self, found: Any, field: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        if type(found) is not int or not least <= found <= most:
            self.fail(f"{field}: expected a whole number from {least} to {most}, got {shown(found)}")
        return found

    def number(self, found: Any, field: str, above_zero: bool = False) -> float:
        """A finite number that float32 can hold."""
        if type(found) is int and abs(found) < 1 << 53:
            found = float(found)
        # The runtime computes in float32: a number that overflows or vanishes there is refused here.
        fits = type(found) is float and math.isfinite(found) and abs(found) <= float(np.finfo(np.float32).max)
        if not fits or (above_zero and found < float(np.finfo(np.float32).tiny)):
            kind = "a finite number above zero" if above_zero else "a finite number"
            self.fail(f"{field}: expected {kind} within the range of float32, got {shown(found)}")
        return float(found)

    def free(self, found: Any, field: str, depth: int = MAX_DEPTH) -> None:
        """Check what is under "about", which people are shown; field: the dotted path to it."""
        if isinstance(found, dict | list):
            if depth == 0:
                self.fail(f"{field}: expected at most {MAX_DEPTH} objects and lists in one another")
            if len(found) > MAX_ENTRIES:
                self.fail(f"{field}: expected at most {MAX_ENTRIES} entries, got {len(found)}")
            if isinstance(found, list):
                for entry in found:
                    self.free(entry, field, depth - 1)
                return
            for key, entry in found.items():
                self.line(key, f"{field}, its keys")
                self.free(entry, f"{field}.{key}"[:120], depth - 1)
        elif isinstance(found, str):
            if len(found) > MAX_TEXT or not printable(found):
                self.fail(f"{field}: expected at most {MAX_TEXT} printable characters, got {shown(found)}")
        elif isinstance(found, int | float) and not isinstance(found, bool):
            self.number(found, field)


def printable(text: str) -> bool:
    """Whether a terminal may be shown a text: no control characters but newline and tab, no lone surrogates."""
    return all(character.isprintable() or character in "\n\t" for character in text)


def shown(found: Any) -> str:
    """A value from outside as it may stand in an error: one short printable line."""
    text = (
        ascii(found) if not isinstance(found, dict | list) else f"{type(found).__name__} {ascii(found)[:60]}"
    )
    return text if len(text) <= 80 else text[:77] + "..."


def decoded(text: bytes, where: str) -> Any:
    """The bytes of a manifest.json as JSON; EdgeEmotionError for what is no JSON, names a key twice or no number."""

    def no_constant(name: str) -> NoReturn:
        raise EdgeEmotionError(f"{where}: {MANIFEST} holds {name}, expected finite numbers only")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise EdgeEmotionError(f"{where}: {MANIFEST} names a key twice in one object")
        return table

    try:
        return json.loads(text.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=unique)
    except (ValueError, RecursionError) as reason:
        raise EdgeEmotionError(f"{where}: {MANIFEST} is not JSON text ({type(reason).__name__})") from reason
