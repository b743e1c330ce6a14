"""What a package's metadata asks for: a requirement such as `numpy<3,>=1.26; python_version < "3.13"`, and versions.

The part of PEP 508 and PEP 440 that metadata of real packages uses; `packaging`, which knows all of it, is not among
what a device installs.
"""

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_emotion.errors import EdgeEmotionError

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;@()]*)\)?\s*(?:;(.*))?")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*v?(\d[\w.+!-]*?)(\.\*)?")
_VERSION = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)[-_.]?(dev|alpha|a|beta|b|rc|c|post)?[-_.]?(\d*).*", re.IGNORECASE
)
_STAGES = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, None: 0, "post": 1}
_COMPARE: dict[type[ast.cmpop] | str, Callable[..., bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne, ast.In: lambda part, whole: part in whole, ast.NotIn: lambda part, whole: part not in whole,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_VERSIONS = ("python_version", "python_full_version")
Version = tuple[
    int, tuple[int, ...], int, int
]  # epoch, numbers without zeros at the end, stage, number of the stage


@dataclass(frozen=True)
class Requirement:
    """name: of the package. versions: what is asked of its version, ">=1.26" say, "" for any. marker: "" for always."""

    name: str
    versions: str
    marker: str

    def applies(self, extra: str = "") -> bool:
        """Whether it holds on this machine, for the plain install or with an extra."""
        return not self.marker or _marker(self.marker, _environment(extra))


def requirement(line: str) -> Requirement:
    """Read one Requires-Dist of a package's metadata; EdgeEmotionError for a line of another form."""
    found = _REQUIREMENT.fullmatch(line)
    if not found:
        raise EdgeEmotionError(f"expected a requirement such as 'numpy>=1.26', got {line!r}")
    name, versions, marker = (part.strip() for part in found.groups(default=""))
    return Requirement(name, ",".join(clause.strip() for clause in versions.split(",")), marker)


def fits(version: str, versions: str) -> bool:
    """Whether a version is within what is asked, ">=4.11,<4.14" say; EdgeEmotionError for what cannot be read."""
    return all(_fits(version, clause.strip()) for clause in versions.split(",") if clause.strip())


def _fits(version: str, clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if not found:
        raise EdgeEmotionError(f"expected a clause such as '>=1.26', got {clause!r}")
    sign, text, star = found.groups()
    have, asked = _version(version), _version(text)
    if sign in ("==", "!="):
        same = _begins(version, text) if star else have == asked
        return same == (sign == "==")
    if sign == "~=":
        return have >= asked and _begins(version, text.rpartition(".")[0])
    if sign == "<" and asked[2] == 0 and have[2] < 0:
        return have[:2] < asked[:2]  # 4.14rc1 is not below 4.14, PEP 440 says
    return _COMPARE[sign](have, asked)


def _begins(version: str, prefix: str) -> bool:
    """Whether the numbers of a version begin with these, zeros at the end included: 1.0 with 1.0."""
    have, asked = (_numbers(text) for text in (version, prefix))
    return (have + (0,) * len(asked))[: len(asked)] == asked


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _matched(text)[2].split("."))


def _version(text: str) -> Version:
    """A version in a form that sorts; what follows a second stage (1.0rc1.post2) and a + is left out."""
    found = _matched(text)
    numbers = _numbers(text)
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    stage = found[3].lower() if found[3] else None
    return int(found[1] or 0), numbers, _STAGES[stage], int(found[4] or 0) if stage else 0


def _matched(text: str) -> re.Match[str]:
    found = _VERSION.fullmatch(text.strip())
    if not found:
        raise EdgeEmotionError(f"expected a version such as 1.26.4, got {text!r}")
    return found


def _environment(extra: str) -> dict[str, str]:
    """The variables of markers, PEP 508."""
    return {
        "extra": extra,
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def _marker(marker: str, environment: Mapping[str, str]) -> bool:
    """Whether a marker holds. Its grammar is part of Python's: it is parsed as such, and never run."""
    unknown = EdgeEmotionError(f"expected a marker such as python_version < '3.13', got {marker!r}")

    def value(node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name) and node.id in environment:
            return environment[node.id]
        raise unknown

    def holds(node: ast.expr) -> bool:
        if isinstance(node, ast.BoolOp):
            return (all if isinstance(node.op, ast.And) else any)(holds(part) for part in node.values)
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
            raise unknown
        left, right = value(node.left), value(node.comparators[0])
        names = {side.id for side in (node.left, node.comparators[0]) if isinstance(side, ast.Name)}
        compare = _COMPARE[type(node.ops[0])]
        if names & set(_VERSIONS) and not isinstance(node.ops[0], ast.In | ast.NotIn):
            return compare(_version(left), _version(right))
        return compare(left, right)

    try:
        return holds(ast.parse(marker.strip(), mode="eval").body)
    except SyntaxError as error:
        raise unknown from error
