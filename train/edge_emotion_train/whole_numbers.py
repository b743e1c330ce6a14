"""Whole numbers on a command line."""

import argparse


def positive(text: str) -> int:
    """1, 2, ... for argparse."""
    return _at_least(1, text)


def not_negative(text: str) -> int:
    """0, 1, ... for argparse."""
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a whole number, not {text!r}") from error
    if value < least:
        raise argparse.ArgumentTypeError(f"expected a number of at least {least}")
    return value
