"""Which constants of an ONNX graph are half numbers, and whether one is cast: ONNX Runtime ends the process over that.

It does so as it opens a network without computing constants from constants, which engine.py asks of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """operator; inputs, outputs: names; half: whether its attributes say half numbers, None where they say nothing."""

    operator: str
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    half: bool | None


def reached(nodes: Iterable[Node], names: set[bytes]) -> set[bytes]:
    """The names and those of all that depends on them; nodes may stand in any order."""
    takers: dict[bytes, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            takers.setdefault(name, []).append(node)
    found, waiting = set(names), list(names)
    while waiting:
        for node in takers.pop(waiting.pop(), ()):
            new = set(node.outputs) - found
            found |= new
            waiting += new
    return found


def half_constants(nodes: Iterable[Node], computed: set[bytes], halves: set[bytes]) -> set[bytes]:
    """The names of all half constants; ValueError where one is cast.

    computed: names of what depends on an input. halves: constants of half numbers that the file holds.
    """
    constant = [node for node in nodes if computed.isdisjoint(node.inputs)]
    made = {name for node in constant if node.half for name in node.outputs}
    found = reached((node for node in constant if node.half is None), halves | made)
    if any(node.operator == "Cast" and not found.isdisjoint(node.inputs) for node in constant):
        raise ValueError("a constant of half numbers that is cast; cast it before it is written")
    return found
