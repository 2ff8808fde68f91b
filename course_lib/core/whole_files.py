"""Files that are there whole or not at all, whatever stops the program that writes them."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes a file into a neighbour first, which then takes its name: nobody ever sees half of it.

    Args:
        path: the file; missing folders are made.
        content: text is written as UTF-8 with \\n at the ends of lines, on every system.

    Raises:
        OSError: the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, so that whoever lists the folder does not take it for a file; the next writer replaces it.
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # a name never points to what the disk has not got
        os.replace(partial, path)
    finally:  # Ctrl-C leaves nothing behind either
        with contextlib.suppress(OSError):
            partial.unlink()
