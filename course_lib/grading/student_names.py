"""Whose file is it? Names as learning platforms write them, and names that are good file names everywhere."""

import hashlib
import itertools
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST = 64
"""Characters of a safe name, without what tells it from another one."""

# Each is anchored at the start, where the platform writes: what follows is the student's own file name, and
# may look like another student's.
_CANVAS = re.compile(r"(?P<who>[^_]+)_(?:LATE_)?(?P<id>\d{1,18})_(?P<file>\d{1,18})_(?P<rest>.+)", re.S)
_MOODLE = re.compile(r"(?P<who>.+?)_(?P<id>\d{1,18})_assignsubmission_[a-z]+(?:_(?P<rest>.*))?", re.S)
_BLACKBOARD = re.compile(r"(?P<who>.+?)_attempt_(?P<date>\d{4}(?:-\d\d){5})(?:_(?P<rest>.*))?", re.S)
_RESUBMITTED = re.compile(r"-(\d{1,9})$")
_SECOND_COPY = re.compile(r"(?P<rest>.+?) ?\((?P<copy>\d{1,9})\)", re.S)
_NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.I)  # some browsers add what they think it is
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.I)  # no file names on Windows
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "đ": "d", "ı": "i"}
)


@dataclass(frozen=True)
class Who:
    """One student, as a download names them."""

    name: str
    id: str = ""
    """The platform's number; empty where it gives none."""


@dataclass(frozen=True)
class Label:
    """What the name of a file or folder says."""

    who: Who
    attempt: tuple[int, ...] = ()
    """The newest is the greatest."""
    by_platform: bool = True
    """Whether a platform wrote the name; it may have been the student otherwise."""


def is_notebook(name: str) -> bool:
    return bool(_NOTEBOOK.search(name))


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def stem(name: str) -> str:
    """The name without .ipynb, .zip and the like."""
    return _NOTEBOOK.sub("", name) if is_notebook(name) else os.path.splitext(name)[0]


def read_label(name: str, assignment: str, is_folder: bool) -> Label:
    """Student and attempt, from the name of a file or folder.

    Args:
        name: such as "Ana Ruiz_123_assignsubmission_file_" (Moodle), "ruizana_LATE_123_456_ps2_epopt-1.ipynb"
            (Canvas), "ps2_epopt_ana_attempt_2026-01-31-23-59-00_x.ipynb" (Blackboard), "ana.ipynb",
            "ps2_epopt_ana.ipynb" or the folder "ana" (nbgrader).
        assignment: a regular expression for the assignment's name.
        is_folder: whether a dot is part of the name.
    """
    if found := _CANVAS.fullmatch(name):
        again = _RESUBMITTED.search(
            stem(found["rest"]).partition(".")[0]
        )  # Canvas counts before the first dot
        return Label(Who(found["who"], found["id"]), (int(found["file"]), int(again[1]) if again else 0))
    if found := _MOODLE.fullmatch(name):
        return Label(Who(found["who"], found["id"]))
    short = re.sub(rf"^(?:{assignment})_", "", name)
    if found := _BLACKBOARD.fullmatch(short) or _BLACKBOARD.fullmatch(stem(short)):
        who = found["who"] if short != name else found["who"].rpartition("_")[2]
        return Label(Who(who), tuple(int(part) for part in found["date"].split("-")))
    own, copy = name if is_folder else stem(name), 0
    if found := _SECOND_COPY.fullmatch(own):  # how a browser saves a second file of the same name
        own, copy = found["rest"], int(found["copy"])
    short = re.sub(rf"^(?:{assignment})[_. +-]|[_. +-](?:{assignment})$", "", own)
    return Label(Who(short or own), (copy,), by_platform=False)


def safe_name(name: str) -> str:
    """The name in letters, digits and . _ @ - alone, not too long, and a good file name on every system.

    Accents go, blanks become "_". Where letters are lost, as of a name in Chinese, six digits that belong to
    the name take their place, so that two such students stay two.
    """
    plain = unicodedata.normalize("NFKD", name.strip().translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    safe = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9._@-]", "_", plain)).strip("._-")
    lost = not safe or len(safe) > LONGEST or any(c.isalnum() and not c.isascii() for c in plain)
    if not safe or _RESERVED.match(safe):
        safe = f"student-{safe}".rstrip("-")
    return f"{safe[:LONGEST].rstrip('._-')}-{_digest(name)}" if lost else safe


def distinct_names(people: Iterable[Who], spelling: Mapping[str, str]) -> dict[Who, str]:
    """A safe name for each; those who would share one, also ignoring case, get their number or some digits.

    Args:
        people: whoever there is, in any order.
        spelling: how to write a name, by the name in lower case.
    """
    groups: dict[str, list[Who]] = {}
    for who in people:
        groups.setdefault(safe_name(who.name).casefold(), []).append(who)
    names: dict[Who, str] = {}
    used = {key for key, group in groups.items() if len(group) == 1}
    for key, group in sorted(groups.items()):
        for who in sorted(group, key=lambda who: (who.name, who.id)):
            names[who] = spelling.get(key, safe_name(who.name))
            if len(group) > 1:
                marks = (_digest(f"{who.name}/{who.id}/{turn}") for turn in itertools.count())
                tries = (
                    f"{names[who]}-{mark}" for mark in itertools.chain([who.id] if who.id else [], marks)
                )
                names[who] = next(name for name in tries if name.casefold() not in used)
                used.add(names[who].casefold())
    return names


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
