"""What a check of the doctor finds: a state, what was found and what to do about it."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"
STATES = (OK, WARN, FAIL)  # from good to bad
NONE = "none"  # what is found where nothing of a kind is plugged in


@dataclass(frozen=True)
class Finding:
    """What one check found. state: one of STATES; found: one line; do: one line, None where all is well."""

    state: str
    found: str
    do: str | None = None


@dataclass(frozen=True)
class Check:
    """A finding under the name of its check, which stays the same from version to version."""

    name: str
    state: str
    found: str
    do: str | None


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(OK, one_line(found))


def warn(found: str, do: str) -> Finding:
    """It works, or something else does instead, but not as it should."""
    return Finding(WARN, one_line(found), do)


def fail(found: str, do: str) -> Finding:
    """Something that is there is broken, or something that is needed is missing."""
    return Finding(FAIL, one_line(found), do)


def one_line(text: str) -> str:
    """A text from outside as one line that a terminal may be shown."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) or "nothing"


def first_line(error: Exception) -> str:
    """What an exception says, its first line; its type where it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def listed(names: list[str], most: int = 6) -> str:
    """Names in one line, no more than these."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
