"""The one error that a user of the library or the command line is meant to read."""


class EdgeEmotionError(Exception):
    """Bad input from outside: one line that says what was expected, what came and what to do.

    held: a device that could not be opened, and whose driver may not have let go of it yet.
    """

    held: object | None = None
