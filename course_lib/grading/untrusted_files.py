"""A student's files, on disk or in a zip, read with limits that hold whatever their headers say.

Nothing is extracted or executed, links are not followed, and devices and pipes are not opened. What is not
read raises `Refused` with the reason in words for the student.
"""

import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

MIB = 1024 * 1024
MOST_MEMBERS = 200
"""Files in a student's zip."""
MOST_ENTRIES = 2000
"""Files in a student's folder; the rest is not looked at."""
_LONGEST_NAME = 255
_BROKEN = "the zip is broken; make it anew, or hand in the notebook itself"


class Refused(Exception):
    """A file that is not read; the text says why, to the student."""


@dataclass(frozen=True)
class Node:
    """A file or folder."""

    name: str
    kind: Literal["folder", "file", "link", "special"]
    """special: a pipe, a device, or gone in the meantime."""
    children: Callable[[], list["Node"]] = list
    """Of a folder, sorted by name. Raises `Refused`."""
    read: Callable[[int], bytes] = lambda limit: b""
    """Of a file: its bytes, or `Refused` where they are more than the limit."""


def on_disk(path: Path) -> Node:
    """The file or folder at a path."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        mode = 0
    kinds = (("link", stat.S_ISLNK), ("folder", stat.S_ISDIR), ("file", stat.S_ISREG))
    kind = next((kind for kind, holds in kinds if holds(mode)), "special")
    return Node(path.name, kind, lambda: _listed(path), lambda limit: _read(path, limit))


def in_student_zip(data: bytes) -> list[Node]:
    """What lies at the top of a zip that a student made, given its bytes.

    Raises:
        Refused: it is broken, or holds too much.
    """
    too_many = f"the zip holds more than {MOST_MEMBERS} files; hand in the notebook alone"
    # Each of these signatures costs memory as soon as the zip is opened, whatever its header counts.
    if data.count(b"PK\x01\x02") > 10 * MOST_MEMBERS:
        raise Refused(too_many)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = sorted(archive.infolist(), key=lambda info: info.header_offset)
    except Exception as error:  # zipfile lets many kinds through where a header lies
        raise Refused(_BROKEN) from error
    if len(members) > MOST_MEMBERS:
        raise Refused(too_many)
    if any(a.header_offset + a.compress_size > b.header_offset for a, b in pairwise(members)):
        raise Refused(_BROKEN)
    return in_zip(archive)


def in_zip(archive: zipfile.ZipFile) -> list[Node]:
    """What lies at the top of an open zip. Absolute and climbing names lead nowhere: nothing is extracted."""
    split = [(re.split(r"[/\\]", info.filename), info) for info in archive.infolist()]
    return _level(archive, [([p for p in parts if p not in ("", ".", "..")], info) for parts, info in split])


def _level(archive: zipfile.ZipFile, items: Iterable[tuple[list[str], zipfile.ZipInfo]]) -> list[Node]:
    nodes: list[Node] = []
    folders: dict[str, list] = {}
    for parts, info in items:
        if len(parts) == 1 and not info.is_dir():
            kind = "link" if stat.S_ISLNK(info.external_attr >> 16) else "file"
            name = parts[0][-_LONGEST_NAME:]
            nodes.append(Node(name, kind, read=lambda limit, info=info: _member(archive, info, limit)))
        elif parts:
            inside = folders.setdefault(parts[0][-_LONGEST_NAME:], [])
            inside += [(parts[1:], info)] if len(parts) > 1 else []
    for name, inside in folders.items():
        nodes.append(Node(name, "folder", lambda inside=inside: _level(archive, inside)))
    return sorted(nodes, key=lambda node: node.name)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.flag_bits & 1:
        raise Refused("it is locked with a password; hand it in without")
    # Others may ask for gigabytes to unpack; no platform and no system packs with them.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("it is packed in an unusual way; hand in the notebook itself")
    try:
        with archive.open(info) as file:
            data = file.read(limit + 1)  # unpacks no more than this, and compares the checksum at the end
    except Exception as error:  # zipfile lets many kinds through where a header lies
        raise Refused(_BROKEN) from error
    return _limited(data, limit)


def _listed(folder: Path) -> list[Node]:
    try:
        return [on_disk(folder / name) for name in sorted(os.listdir(folder))[:MOST_ENTRIES]]
    except OSError as error:
        raise Refused(f"the folder cannot be opened ({error.strerror})") from error


def _read(path: Path, limit: int) -> bytes:
    # No link is followed, and no pipe waited for. Not every system has all four.
    flags = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
    try:
        descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in flags))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refused("it is no ordinary file")
            data = file.read(limit + 1)
    except OSError as error:
        raise Refused(f"it cannot be opened ({error.strerror})") from error
    return _limited(data, limit)


def _limited(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise Refused(
            f"it is larger than {limit / MIB:.3g} MiB; clear all outputs, save, and hand it in again"
        )
    return data
