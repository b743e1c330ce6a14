"""A text file of a user: a regular file of a bounded size, in UTF-8."""

import stat
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError

MOST_BYTES = 256 * 1024 * 1024


def read_text(path: Path, expected: str, most: int = MOST_BYTES) -> str:
    """Text of a file; EdgeEmotionError, one line that ends with what was expected, when there is none to be read."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe may wait for ever
            raise EdgeEmotionError(f"{path} is no regular file; {expected}")
        if found.st_size > most:
            raise EdgeEmotionError(f"{path} is larger than {most / 2**20:g} MiB; {expected} of less")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:  # it grew while it was read
            raise EdgeEmotionError(f"{path} is larger than {most / 2**20:g} MiB; {expected} of less")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EdgeEmotionError(f"{path} is no text; {expected}") from error
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
    ) as error:  # ValueError: a name with a NUL in it
        raise EdgeEmotionError(f"{path}: no such file; {expected}") from error
    except OSError as error:
        raise EdgeEmotionError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
