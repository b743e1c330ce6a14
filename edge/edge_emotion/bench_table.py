"""A table of a bench's page, for pages and for terminals."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """columns: their heads, the first `words` of them of words, the others of numbers. rows: as they are shown."""

    columns: tuple[str, ...]
    words: int
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table as a page's."""
        rule = ["---"] * self.words + ["---:"] * (len(self.columns) - self.words)
        lines = [_row(self.columns), "|" + "|".join(rule) + "|", *(_row(row) for row in self.rows)]
        return "\n".join(lines)

    def plain(self) -> str:
        """The table in columns: words to the left, numbers to the right."""
        everything = [self.columns, *self.rows]
        widths = [max(len(row[place]) for row in everything) for place in range(len(self.columns))]
        lines = []
        for row in everything:
            cells = [
                cell.ljust(width) if place < self.words else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)


@dataclass(frozen=True)
class Section:
    """A part of a page: heading, what to know before the tables, the tables, and what they come to, a line each."""

    heading: str
    note: str
    tables: tuple[Table, ...]
    verdict: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The section as a page's."""
        parts = [f"## {self.heading}", self.note, *(table.markdown() for table in self.tables)]
        parts += ["\n".join(f"- {line}" for line in self.verdict)] if self.verdict else []
        return "\n\n".join(part for part in parts if part)

    def plain(self) -> str:
        """The section for a terminal."""
        parts = [self.heading.upper(), *(table.plain() for table in self.tables), "\n".join(self.verdict)]
        return "\n\n".join(part for part in parts if part)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float | None, form: str = ".2f", scale: float = 1.0) -> str:
    """A cell: the value times a scale, "-" for None."""
    return "-" if value is None else format(value * scale, form)
