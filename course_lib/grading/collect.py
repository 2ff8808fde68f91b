"""Who handed in what: from an instructor's download to the answers of each student.

Takes what learning platforms give as it comes: one folder, zip or notebook a student, or one zip of them all.
Whatever a student sends can make that student unreadable, with a reason, and nobody else.
"""

import hashlib
import os
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Literal

import nbformat

from course_lib.grading.answers import Handout, Reading, UnreadableNotebook, count_landmarks, read_answers
from course_lib.grading.student_names import (
    Who,
    distinct_names,
    is_notebook,
    is_zip,
    read_label,
    safe_name,
    stem,
)
from course_lib.grading.untrusted_files import (
    MIB,
    MOST_ENTRIES,
    Node,
    Refused,
    in_student_zip,
    in_zip,
    on_disk,
)

LARGEST_NOTEBOOK = 8 * MIB
LARGEST_ZIP = 32 * MIB
"""Bytes of a student's zip, and of all the notebooks that are read from one student."""
MOST_NOTEBOOKS = 20
"""So many of one student's notebooks are looked at, the newest attempts first."""
ANY_ASSIGNMENT = r"ps\d+_[a-z]+"
"""What the name of an assignment looks like, as a regular expression."""
_WRONG_KIND = (".py", ".pdf", ".html", ".docx", ".rar", ".7z", ".gz", ".tgz")
"""Not to be graded, but someone handed it in; a .csv or .txt is the instructor's own."""
_LEFTOVERS = {"__MACOSX", "__pycache__", "node_modules"}


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What came from one student, as far as it can be graded."""

    student: str
    """Letters, digits and . _ @ - only; nobody else in the batch has it, in upper or lower case."""
    status: Literal["found", "unreadable", "missing"]
    answers: dict[str, str] = field(default_factory=dict)
    """Source by `grade_id`, of the release's answer cells and no others."""
    problems: tuple[str, ...] = ()
    """In plain words for the student."""
    name: str = ""
    """As the roster spells the student, or else the download; empty where only `student` is known."""
    sha256: str = ""
    """Of the notebook's bytes, in hexadecimal; of what came, where no notebook could be read."""


@dataclass(frozen=True)
class _Piece:
    """One thing that a student handed in."""

    attempt: tuple[int, ...]
    node: Node


def collect(
    folder: Path,
    release: nbformat.NotebookNode,
    roster: Iterable[str] | None = None,
    *,
    assignment: str = ANY_ASSIGNMENT,
) -> list[Submission]:
    """Reads the answers of everyone who handed in, and names those who did not.

    Args:
        folder: a folder, or one zip, that holds a folder, a zip or a notebook for each student, as nbgrader,
            Moodle, Canvas and Blackboard name them, or under the students' names. A single folder in it with
            the things of several is looked into; one that the roster names is a student's.
        release: the notebook that was handed out.
        roster: everyone who should be there; upper and lower case, accents and blanks play no part, except
            between two on the roster that differ in nothing but accents.
        assignment: a regular expression for its name, as it stands in file names.

    Returns:
        One submission a student, sorted by name.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no submissions, or is a file that is no zip.
    """
    folder = Path(folder)
    expected = Handout.of(release)
    wanted: dict[str, dict[str, str]] = {}  # safe name in lower case -> letters -> name on the roster
    for name in roster or ():
        if name.strip():
            wanted.setdefault(safe_name(name).casefold(), {})[_letters(name)] = name
    with ExitStack() as opened:
        people = _people(_top_level(folder, assignment, wanted, opened), assignment)
        if not people:
            raise ValueError(
                f"{folder} holds no submissions; expected a folder, a .zip or an .ipynb for each student"
            )
        spelling = {key: safe_name(list(same.values())[-1]) for key, same in wanted.items()}
        absent = _absent(people, wanted)
        shared = [who for who in absent if len(wanted[safe_name(who.name).casefold()]) > 1]
        names = distinct_names([*people, *shared], spelling)
        found = [
            replace(
                _submission(names[who], people[who], expected, assignment),
                name=_spelt(who, names[who], wanted),
            )
            for who in people
        ]
    there = {one.student.casefold() for one in found}
    for who in absent:
        name = names.get(who) or spelling[safe_name(who.name).casefold()]
        if name.casefold() not in there:  # a roster may tell two of one name apart as we do
            problems = ("nothing was handed in",)
            found.append(
                Submission(student=name, status="missing", problems=problems, name=_shown(who.name.strip()))
            )
    return sorted(found, key=lambda one: (one.student.casefold(), one.student))


def _spelt(who: Who, student: str, wanted: Mapping[str, Mapping[str, str]]) -> str:
    """The name as the roster spells it; as the download does, where the roster does not tell who it is.

    Args:
        who: as the download says.
        student: the name that nobody else has; it has a number where two are called the same.
        wanted: safe name in lower case -> letters -> name on the roster.
    """
    own = wanted.get(student.casefold(), {})
    if len(own) == 1:
        return _shown(*own.values())
    return _shown(wanted.get(safe_name(who.name).casefold(), {}).get(_letters(who.name), who.name))


def _absent(people: Iterable[Who], wanted: Mapping[str, Mapping[str, str]]) -> list[Who]:
    """Whom the roster names and nobody's things belong to.

    Of those who share a safe name, such as José and Jose, each is looked for by the letters, unless as many
    handed in: some platforms leave accents out.
    """
    there: dict[str, list[str]] = {}
    for who in people:
        there.setdefault(safe_name(who.name).casefold(), []).append(_letters(who.name))
    return [
        Who(name)
        for key, same in wanted.items()
        for letters, name in same.items()
        if len(there.get(key, ())) < len(same) and letters not in there.get(key, ())
    ]


def _letters(name: str) -> str:
    """What tells two names on a roster apart: letters with their accents, in lower case, and digits."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name).casefold()))


def collect_one(
    student: str, path: Path, release: nbformat.NotebookNode, *, assignment: str = ANY_ASSIGNMENT
) -> Submission:
    """Reads the answers of one student, whose name is known.

    Args:
        student: any name; see `safe_name`.
        path: folder, zip or notebook that the student sent.
        release: the notebook that was handed out.
        assignment: a regular expression for its name, as it stands in file names.
    """
    return _submission(safe_name(student), [_Piece((), on_disk(path))], Handout.of(release), assignment)


def assignments_in(folder: Path, releases: Mapping[str, nbformat.NotebookNode]) -> set[str]:
    """Of which assignments the notebooks of a download are, by their names, else by what stands in them.

    Args:
        folder: as for `collect`.
        releases: the notebooks that were handed out, by assignment.

    Returns:
        Names of assignments. Notebooks that cannot be told, or not be read, have no say.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it is a file that is no zip.
    """
    handouts = {name: Handout.of(release) for name, release in releases.items()}
    found = set()
    with ExitStack() as opened:
        for node in _top_level(Path(folder), ANY_ASSIGNMENT, {}, opened):
            for notebook in islice(_Search().notebooks(node, ()), MOST_NOTEBOOKS):
                path = "/".join(notebook.path).casefold()
                named = [name for name in releases if name.casefold() in path]
                if len(named) != 1:
                    named = _assignment_by_content(notebook, handouts)
                found.update(named)
    return found


def _assignment_by_content(notebook: "_Notebook", handouts: Mapping[str, Handout]) -> list[str]:
    """The assignment of which a notebook holds the most questions and tests; empty where none is ahead."""
    try:
        data = notebook.read(LARGEST_NOTEBOOK)
        counts = {name: count_landmarks(data, handout) for name, handout in handouts.items()}
    except (Refused, UnreadableNotebook):  # the student hears it when it is graded
        return []
    most = max(counts.values(), default=0)
    best = [name for name, count in counts.items() if count == most > 0]
    return best if len(best) == 1 else []


def _top_level(folder: Path, assignment: str, roster: Mapping[str, object], opened: ExitStack) -> list[Node]:
    """The folders and files that are named after students."""
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist; give the folder that holds the submissions")
    if not folder.is_dir():
        try:
            return _unwrapped(in_zip(opened.enter_context(zipfile.ZipFile(folder))), assignment)
        except Exception as error:  # zipfile lets many kinds through where a header lies
            raise ValueError(f"{folder} is no zip; give the folder or the zip of submissions") from error
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ValueError(f"{folder} cannot be opened: {error.strerror}") from error
    nodes = [on_disk(folder / name) for name in names if not _is_leftover(name)]
    if len(nodes) == 1 and nodes[0].kind == "file" and is_zip(nodes[0].name):
        if read_label(nodes[0].name, assignment, is_folder=False).by_platform:
            return nodes
        try:
            archive = opened.enter_context(zipfile.ZipFile(folder / nodes[0].name))
            inside = _unwrapped(in_zip(archive), assignment)
        except Exception:  # it is told to the student whose zip it may be
            return nodes
        return inside if _is_class(inside, assignment) else nodes
    if len(nodes) == 1 and nodes[0].kind == "folder":
        try:
            inside = [node for node in nodes[0].children() if not _is_leftover(node.name)]
        except Refused:  # it is told to the student whose folder it may be
            return nodes
        return nodes if _is_one_student(nodes[0], inside, assignment, roster) else inside
    return nodes


def _is_one_student(folder: Node, inside: list[Node], assignment: str, roster: Mapping[str, object]) -> bool:
    """Whether the only folder on the disk is a student's own, and not one around a whole class.

    Beside a student's notebook may lie anything, such as a report, data, or a folder of older work; only what
    holds notebooks, and more than once, is taken for several students'.
    """

    def is_expected(node: Node) -> bool:
        who = read_label(node.name, assignment, node.kind == "folder").who
        return safe_name(who.name).casefold() in roster

    if read_label(folder.name, assignment, is_folder=True).by_platform or is_expected(folder):
        return True
    if any(is_expected(node) for node in inside):
        return False
    if not _is_class(inside, assignment):
        return True
    if any(read_label(node.name, assignment, node.kind == "folder").by_platform for node in inside):
        return False
    return max(Counter(node.kind for node in inside if _holds_work(node)).values(), default=0) < 2


def _holds_work(node: Node) -> bool:
    """Whether there is a notebook, or something that was to be one."""
    search = _Search()
    return next(search.notebooks(node, ()), None) is not None or bool(search.refused)


def _is_class(nodes: list[Node], assignment: str) -> bool:
    """Whether these are several students' things, and not several things of one student."""
    nodes = [node for node in nodes if not _is_leftover(node.name)]
    if any(read_label(node.name, assignment, node.kind == "folder").by_platform for node in nodes):
        return True
    people = _people(nodes, assignment)
    return len(people) > 1 and not any(re.fullmatch(assignment, who.name) for who in people)


def _unwrapped(nodes: list[Node], assignment: str) -> list[Node]:
    """What is in the one folder that some programs put around all that they pack."""
    nodes = [node for node in nodes if not _is_leftover(node.name)]
    if len(nodes) == 1 and nodes[0].kind == "folder" and _is_class(nodes[0].children(), assignment):
        return nodes[0].children()
    return nodes


def _people(nodes: Iterable[Node], assignment: str) -> dict[Who, list[_Piece]]:
    """Everyone who is named at the top level, and their things, newest first."""
    people: dict[Who, list[_Piece]] = {}
    for node in nodes:
        label = read_label(node.name, assignment, node.kind == "folder")
        suffix = os.path.splitext(node.name)[1].lower()
        handed_in = (
            label.by_platform
            or node.kind == "folder"
            or is_notebook(node.name)
            or is_zip(node.name)
            or suffix in _WRONG_KIND
            or (node.kind == "link" and not suffix)
        )
        if handed_in and not _is_leftover(node.name):
            people.setdefault(label.who, []).append(_Piece(label.attempt, node))
    for pieces in people.values():
        pieces.sort(key=lambda piece: piece.attempt, reverse=True)
    return people


def _is_leftover(name: str) -> bool:
    hidden = name.startswith(".") and not (is_notebook(name) or is_zip(name))
    return hidden or name.startswith(("._", ".~")) or name in _LEFTOVERS


@dataclass(frozen=True)
class _Notebook:
    path: tuple[str, ...]
    attempt: tuple[int, ...]
    read: Callable[[int], bytes]

    @property
    def shown(self) -> str:
        return _shown("/".join(self.path))


@dataclass
class _Search:
    """Goes through all that one student sent, within limits, and notes what it met."""

    zip_bytes_left: int = 2 * LARGEST_ZIP
    entries_left: int = MOST_ENTRIES
    refused: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    digest: str = ""

    def notebooks(
        self, node: Node, attempt: tuple[int, ...], above: tuple[str, ...] = (), zips: int = 2
    ) -> Iterator[_Notebook]:
        self.entries_left -= 1
        path = (*above, node.name)
        if self.entries_left < 0 or len(path) > 20 or (above and _is_leftover(node.name)):
            return
        inside: list[Node] = []
        try:
            if node.kind == "folder":
                inside = node.children()
            elif node.kind == "link":
                raise Refused("it is a link; hand in the file that it points to")
            elif node.kind == "special":
                raise Refused("it is no ordinary file")
            elif is_zip(node.name):
                inside, zips = in_student_zip(self._zip(node, zips)), zips - 1
            elif is_notebook(node.name):
                yield _Notebook(path, attempt, node.read)
            else:
                self.others.append(_shown(node.name))
        except Refused as error:
            self.refused.append((attempt, f"{_shown('/'.join(path))}: {error}"))
        for child in inside:
            yield from self.notebooks(child, attempt, path, zips)

    def _zip(self, node: Node, zips: int) -> bytes:
        if not zips:
            raise Refused("it is a zip in a zip in a zip; hand in the notebook itself")
        limit = min(LARGEST_ZIP, self.zip_bytes_left)
        self.zip_bytes_left -= limit
        data = node.read(limit)
        self.zip_bytes_left += limit - len(data)
        self.digest = self.digest or hashlib.sha256(data).hexdigest()
        return data


def _submission(student: str, pieces: list[_Piece], expected: Handout, assignment: str) -> Submission:
    """Grades one notebook of several: the newest attempt that can be read, there the one most worked in."""
    search, notebooks = _Search(), []
    for piece in pieces:
        found = list(islice(search.notebooks(piece.node, piece.attempt), MOST_NOTEBOOKS))
        at_home = [one for one in found if any(re.fullmatch(assignment, part) for part in one.path[:-1])]
        notebooks += at_home or found
    best: tuple[tuple, _Notebook, Reading, str] | None = None
    bytes_left = LARGEST_ZIP
    for notebook in notebooks[:MOST_NOTEBOOKS]:
        digest = ""
        try:
            limit = min(LARGEST_NOTEBOOK, bytes_left)
            bytes_left -= limit
            data = notebook.read(limit)
            bytes_left += limit - len(data)
            digest = hashlib.sha256(data).hexdigest()
            reading = read_answers(data, expected)
        except (Refused, UnreadableNotebook) as error:
            search.refused.append((notebook.attempt, f"{notebook.shown}: {error}"))
            search.digest = search.digest or digest
            continue
        named = re.search(rf"(?:{assignment})$", stem(notebook.path[-1])) is not None
        rank = (notebook.attempt, reading.changed, named, -len(notebook.path))
        if best is None or rank > best[0]:
            best = (rank, notebook, reading, digest)
    if best is not None:
        _, notebook, reading, digest = best
        problems = [said for attempt, said in search.refused if attempt > notebook.attempt]
        if len(notebooks) > 1:
            problems.insert(
                0, f"{len(notebooks)} notebooks came, and {notebook.shown} is graded; hand in one"
            )
        return Submission(
            student=student,
            status="found",
            answers=reading.answers,
            problems=(*problems[:5], *reading.problems),
            sha256=digest,
        )
    if search.refused:
        said = tuple(said for _, said in search.refused[:5])
        return Submission(student=student, status="unreadable", problems=said, sha256=search.digest)
    only = f"; only {', '.join(search.others[:5])}" if search.others else ""
    return Submission(student=student, status="missing", problems=(f"no notebook was handed in{only}",))


def _shown(name: str) -> str:
    """A file's name as it can stand in a message: printable, and not too long."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= 80 else f"{name[:60]}...{name[-17:]}"
