"""The folders of a long proof: what it keeps from run to run, and where its result files go."""

import argparse
from pathlib import Path


def add_folders(parser: argparse.ArgumentParser, kept: str) -> None:
    """Add --cache and --out. kept: what is kept, in words."""
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help=f"keep {kept} there (default: nothing is kept)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the result files there (default: no files)"
    )


def make_folders(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Make those that were given; the parser ends the program, in one line, where that cannot be done."""
    for name in ("cache", "out"):
        if folder := getattr(options, name):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                parser.error(f"--{name}: expected a folder, or one that can be made: {error}")
