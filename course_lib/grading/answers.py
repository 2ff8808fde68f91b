"""From the bytes of a student's notebook to the text of its answers; everything else in it stays behind.

Tags, outputs, metadata, edited tests and cells of one's own have no way across. A notebook is data here:
nothing in it is run, imported or parsed as Python, because a parser can be brought down by what it is given.

Source: the notebook format, https://nbformat.readthedocs.io/en/latest/format_description.html.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import nbformat

LONGEST_ANSWER = 100_000
"""Characters of a cell that still counts as an answer."""
MOST_CELLS = 5000
_MOST_OWN = 1_000_000
"""Characters of a student's own cells that are looked through; more only costs time."""
_BINDS = re.compile(
    r"^(?:async[ \t]+)?(?:def|class)[ \t]+(?P<made>\w+)"
    r"|^(?P<set>\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*(?::[^=\n]*)?=(?!=)"
    r"|^(?:from[ \t]+(?P<room>[\w.]+)[ \t]+)?import[ \t]+(?P<got>[^#;\n]+)",
    flags=re.M,
)
"""A line at the left edge that gives a name a meaning. Linear in the text, whatever it holds."""
_LOCALS = re.compile(r"\bdef[ \t]+\w+\(([^)]*)|\b(?:for|lambda|as)[ \t]+([\w, \t]+)|\b(\w+)[ \t]*=(?!=)")
"""What a function calls its own: arguments, loop variables, names that it sets."""


class UnreadableNotebook(ValueError):
    """No answers can be had from these bytes; the text says why, to the student."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One answer cell, as it was handed out."""

    name: str
    is_code: bool
    stub: str
    cell_id: str
    functions: frozenset[str]
    """Functions and classes that the handed-out cell defines."""
    before: str
    """Text of the cell above it."""


@dataclass(frozen=True, kw_only=True)
class Handout:
    """What of a release is needed to find the answers again, worked out once a batch."""

    questions: tuple[Question, ...]
    names: frozenset[str]
    """The `grade_id` of every cell that has one."""
    ids: frozenset[str]
    texts: frozenset[str]
    landmarks: frozenset[str]
    """Texts of locked cells that no other assignment has: its questions and tests."""
    bound: frozenset[str]
    """Names that the release's own cells give a meaning to."""

    @classmethod
    def of(cls, release: nbformat.NotebookNode) -> "Handout":
        """Reads the released notebook, which is trusted."""
        questions, landmarks, names, before = [], set(), set(), ""
        for cell in release.cells:
            meta = cell.metadata.get("nbgrader", {})
            is_code, text = cell.cell_type == "code", _plain(cell.source)
            if "grade_id" in meta:
                names.add(meta["grade_id"])
            if meta.get("solution"):
                found = _BINDS.finditer(cell.source) if is_code else ()
                functions = frozenset(m["made"] for m in found if m["made"])
                questions.append(
                    Question(
                        name=meta["grade_id"],
                        is_code=is_code,
                        stub=text,
                        cell_id=cell.get("id", ""),
                        functions=functions,
                        before=before,
                    )
                )
            elif meta.get("grade") or (meta.get("locked") and not is_code):
                landmarks.add(text)
            before = text
        return cls(
            questions=tuple(questions),
            names=frozenset(names),
            ids=frozenset(cell.get("id", "") for cell in release.cells) - {""},
            texts=frozenset(_plain(cell.source) for cell in release.cells),
            landmarks=frozenset(landmarks),
            bound=frozenset(name for cell in release.cells for name in _bound(cell.source)),
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one notebook holds of an assignment."""

    answers: dict[str, str]
    """Source by `grade_id`; what is missing is not in it."""
    problems: tuple[str, ...]
    """In plain words for the student."""
    changed: int
    """How many answers are no longer as they were handed out."""


@dataclass(frozen=True)
class _Cell:
    is_code: bool
    name: str
    id: str
    source: str | None
    """None where it is no text, or too long."""

    @cached_property
    def text(self) -> str:
        return _plain(self.source or "")

    @cached_property
    def bound(self) -> dict[str, None]:
        return _bound(self.source or "")


def read_answers(data: bytes, handout: Handout) -> Reading:
    """Finds the answers in a notebook.

    An answer is the cell that bears the question's `grade_id`; else the cell with its id; else the one cell
    that defines the same functions, or stands where the answer stood. Of a copied cell, copies that are as
    handed out do not count, and among the others the last one that defines a function wins, as it would in a
    run from top to bottom. Which copy is right plays no part, so nothing is gained by handing in several.

    Args:
        data: bytes of the file.
        handout: what to look for.

    Raises:
        UnreadableNotebook: this is no notebook, or one of another assignment.
    """
    cells = list(_cells(_load(data)))
    named = [cell for cell in cells if cell.name in handout.names]
    loose = [cell for cell in cells if cell.name not in handout.names]
    own, looked_through = [], 0
    for cell in loose:
        looked_through += len(cell.source or "")
        if looked_through > _MOST_OWN:
            break
        if cell.id not in handout.ids and cell.text not in handout.texts:
            own.append(cell)
    answers, problems, changed, taken = {}, [], 0, set()
    for question in handout.questions:
        name = question.name
        copies = [cell for cell in named if cell.name == name]
        copies = copies or [cell for cell in loose if cell.id and cell.id == question.cell_id]
        source, said = _pick(question, copies)
        untouched = source is None or _plain(source) in ("", question.stub)
        if untouched or (question.functions and not question.functions.intersection(_bound(source))):
            strays = _strays(question, cells, own)
            if len(strays) == 1:
                source = strays[0].source if untouched else f"{source}\n\n{strays[0].source}"
                taken.add(strays[0])
                said.append(
                    f"{name}: the answer was found in another cell than its own, and is graded as usual"
                )
            elif strays:
                said.append(
                    f"{name}: {len(strays)} other cells could be the answer, so none of them is taken"
                )
        if source is None:
            said.append(f"{name}: the notebook has no cell for this answer")
        else:
            answers[name] = source
            changed += _plain(source) not in ("", question.stub)
        problems += said
    _refuse_other_assignments(handout, cells, answers)
    problems += _own_names(handout, [cell for cell in own if cell not in taken], answers)
    return Reading(answers=answers, problems=tuple(problems), changed=changed)


def count_landmarks(data: bytes, handout: Handout) -> int:
    """How many of an assignment's questions and tests a notebook still holds.

    Args:
        data: bytes of the file.
        handout: the assignment.

    Raises:
        UnreadableNotebook: this is no notebook.
    """
    return len(handout.landmarks & {cell.text for cell in _cells(_load(data))})


def _pick(question: Question, copies: list[_Cell]) -> tuple[str | None, list[str]]:
    """The answer among the cells that bear its name, and what the student must know about that."""
    if not copies:
        return None, []
    said = []
    readable = [cell for cell in copies if cell.source is not None]
    if len(readable) < len(copies):
        said.append(
            f"{question.name}: a cell of more than {LONGEST_ANSWER} characters, or no text, is left out"
        )
    if not readable:
        return None, said
    distinct = list({cell.text: cell for cell in reversed(readable)}.values())[::-1]
    edited = [cell for cell in distinct if cell.text not in ("", question.stub)]
    of_kind = [cell for cell in edited if cell.is_code == question.is_code]
    edited = of_kind or edited
    if not edited:
        return distinct[-1].source, said
    kept = _in_effect(question.functions, edited) if question.is_code else edited
    source = "\n\n".join(cell.source for cell in kept)
    if len(source) > LONGEST_ANSWER:
        source = kept[-1].source
    if len(copies) > 1:
        which = "the last one of each function counts" if len(edited) > 1 else "the one you changed counts"
        said.append(
            f"{question.name}: its cell is there {len(copies)} times; {which}. Keep one cell an answer"
        )
    return source, said


def _in_effect(functions: frozenset[str], copies: list[_Cell]) -> list[_Cell]:
    """The copies whose definitions last when all run in order, and what else those definitions use.

    The rest, a call to try things out, may stop the cell, and nothing needs it.
    """
    if not functions.intersection(name for cell in copies for name in cell.bound):
        return copies[-1:]
    wanted, kept = set(functions), set()
    for cell in reversed(copies):
        if wanted.intersection(cell.bound) and functions.intersection(cell.bound):
            wanted -= cell.bound.keys()
            kept.add(cell)
    # A cell that was split: a constant or an import, apart from the function that needs it.
    words = {word for cell in kept for word in re.findall(r"\w+", cell.source) if word not in functions}
    words.difference_update(name for cell in kept for name in _locals(cell.source))
    for cell in reversed(copies):
        if words.intersection(cell.bound) and not functions.intersection(cell.bound):
            words |= set(re.findall(r"\w+", cell.source))
            kept.add(cell)
    return [cell for cell in copies if cell in kept]


def _strays(question: Question, cells: list[_Cell], own: list[_Cell]) -> list[_Cell]:
    """Cells without a known name that may be the answer: one a different text."""
    if question.is_code:
        wanted = question.functions
        found = [cell for cell in own if cell.is_code and wanted and wanted <= cell.bound.keys()]
    else:
        mine = set(own)
        found = [
            below
            for above, below in pairwise(cells)
            if above.text == question.before and below.text and not below.is_code and below in mine
        ]
    return list({cell.text: cell for cell in found}.values())


def _refuse_other_assignments(handout: Handout, cells: list[_Cell], answers: dict[str, str]) -> None:
    """Names such as "q1" are in every assignment; its questions, tests and functions are its own."""
    functions = {q.name: q.functions for q in handout.questions}
    if any(functions[name].intersection(_bound(source)) for name, source in answers.items()):
        return
    if any(cell.text in handout.landmarks for cell in cells):
        return
    if answers and not handout.landmarks and not any(functions.values()):
        return
    wanted = [", ".join(sorted(q.functions)) or q.name for q in handout.questions]
    raise UnreadableNotebook(
        "nothing of this assignment is in the notebook, neither its questions nor "
        f"{', '.join(wanted)}. Is it the notebook of another one?"
    )


def _own_names(handout: Handout, own: Iterable[_Cell], answers: dict[str, str]) -> list[str]:
    """One warning about names that answers use and that only the student's own cells define."""
    used = set(re.findall(r"\w+", "\n".join(answers.values())))
    inside = {name for source in answers.values() for name in _bound(source)}
    inside.update(name for source in answers.values() for name in _locals(source))
    functions = {name for question in handout.questions for name in question.functions}
    mine = dict.fromkeys(name for cell in own if cell.is_code for name in cell.bound)
    needed = [n for n in mine if n.endswith(".*") or n in functions | (used - inside - handout.bound)]
    if not needed:
        return []
    more = f" and {len(needed) - 5} more" if len(needed) > 5 else ""
    return [
        f"cells that you added are not graded, and they define {', '.join(needed[:5])}{more}: "
        "put what an answer needs into the answer's own cell"
    ]


def _bound(source: str) -> dict[str, None]:
    """Names that a cell's unindented lines give a meaning to, in order; "room.*" for a star import."""
    names: dict[str, None] = {}
    for match in _BINDS.finditer(source):
        if match["made"]:
            names[match["made"]] = None
        elif match["set"]:
            names.update(dict.fromkeys(part.strip() for part in match["set"].split(",")))
        elif match["got"].strip() == "*":
            names[f"{match['room']}.*"] = None
        else:
            for part in match["got"].strip(" \t()").split(","):
                words = part.split()
                if words and (len(words) == 1 or words[1] == "as"):
                    names[words[-1] if match["room"] or len(words) > 1 else words[0].split(".")[0]] = None
    return names


def _locals(source: str) -> list[str]:
    """Names that the functions in a cell call their own, roughly: one too many only costs a warning."""
    return re.findall(r"\w+", " ".join(part for found in _LOCALS.findall(source) for part in found))


def _plain(source: str) -> str:
    """Source without what an editor changes by itself: blanks at ends of lines and around the cell."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _load(data: bytes) -> dict:
    if not data.strip():
        raise UnreadableNotebook("the file is empty")
    try:
        text = data.decode(json.detect_encoding(data))
    except (UnicodeDecodeError, LookupError):
        text = data.decode("latin-1")
    try:
        book = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError, MemoryError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise UnreadableNotebook(
            f"this is no notebook ({reason}); open it in Jupyter, save it, and hand it in again"
        ) from error
    if not isinstance(book, dict):
        raise UnreadableNotebook("this is no notebook; open it in Jupyter, save it, and hand it in again")
    return book


def _cells(book: dict) -> Iterator[_Cell]:
    """Cells of nbformat 4, and of 3, which kept them in worksheets and called a source "input"."""
    sheets = [book, *(sheet for sheet in _list(book.get("worksheets")) if isinstance(sheet, dict))]
    raws = [cell for sheet in sheets for cell in _list(sheet.get("cells")) if isinstance(cell, dict)]
    if len(raws) > MOST_CELLS:
        raise UnreadableNotebook(
            f"the notebook has {len(raws)} cells, more than {MOST_CELLS}; delete your own"
        )
    for raw in raws:
        meta = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
        grader = meta.get("nbgrader") if isinstance(meta.get("nbgrader"), dict) else {}
        name, own_id = grader.get("grade_id"), raw.get("id", meta.get("id"))  # Colab keeps ids in metadata
        yield _Cell(
            raw.get("cell_type") == "code",
            name if isinstance(name, str) else "",
            own_id if isinstance(own_id, str) else "",
            _source(raw.get("source", raw.get("input", ""))),
        )


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _source(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str) or len(value) > LONGEST_ANSWER:
        return None
    value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    # Half of a surrogate pair cannot be written as UTF-8, and the results are.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
