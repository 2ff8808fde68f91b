"""Answers that look copied, for a person to look at: from each other, or from the course's own library.

Right answers to a small question look alike, so likeness alone says nothing. What counts is the *surprise* of
what two answers share: how unlikely it is that two people who never met both wrote it. It is measured in bits
against the class itself:

1. An answer becomes a sequence of tokens, its syntax tree in order, without what can be changed in a minute:
   names that the student chose, layout, comments, docstrings, annotations, decorators and imports are gone.
   Text that is no Python, such as prose, becomes a sequence of words.
2. Every run of `RUN` tokens that both hold is worth `-log2(share)` bits, divided by `RUN` as each token lies
   in that many runs. The share is that of the *other* students who wrote it too. A run that `COMMON` of the
   class wrote, or that stands in the reference, is the obvious thing to write, and worth nothing; so what is
   left is what is long and rare: odd detours, and mistakes that few make.
3. Runs count only where the sequences as a whole are alike (`SIMILAR`, by rapidfuzz: 1 is the same, 0 has
   nothing in common).
4. The same comments, docstrings and chosen names are worth bits by the same rule, whatever the program: a
   comment of many words more than a name.

A pair of answers with `SURPRISE` bits or more is flagged, or more yet in a large class (`bar`); so is an
answer and the reference, but there a run is worth nothing only where the rest of the class wrote it too. A
flag is a reason to read both texts, never a verdict: two may have learnt from the same book, or sat side by
side with leave to do so. And a copy of the obvious answer with other names is an obvious answer: nothing can
tell, and nothing is flagged.

The thresholds were chosen on answers to ps2_epopt written apart, the banks in `tests/assignments/ps2_epopt`:
1.5 bits lower, they still flag no pair of them, while copies of right ones that are renamed, commented,
split, reordered or loop otherwise are found (tests/grading/test_similarity.py measures both).
"""

import ast
import hashlib
import io
import math
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rapidfuzz.distance import Indel
from scipy import sparse

from course_lib.grading.results import Result

RUN = 4
"""Tokens of a run."""
SIMILAR = 0.6
"""Least similarity at which shared runs count."""
SURPRISE = 20.0
"""Bits from which a person should look, in a class of up to 30."""
ABOVE_CHANCE = 11.0
"""Bits above the logarithm of the number of pairs: among more pairs, stranger things happen by chance."""
COMMON = 0.03
"""What this share of the other students wrote, and at least `FEW` of them, surprises nobody."""
FEW = 3
"""Students who are no proof yet that many write it, however small the class."""
RAREST = 1 / 64
"""No share is believed to be smaller: a large class would make everything suspicious."""
NAME_BITS = 3.0
"""The most that the same chosen name is worth: good names are found twice."""
MOST_WORDS = 4.0
"""The most that the words of one comment weigh; twice that, a whole text that is too long to look inside."""
LONGEST = 10_000
"""Characters of an answer that are looked at; a longer one is only compared letter by letter."""
LONGEST_TOKENS = 1_000
"""Tokens of an answer that are compared; what follows is left out."""

Kind = Literal["same text", "same program", "similar program", "same wording"]
"""same text: letter by letter. same program: after names and layout are gone. similar program: nearly so.
same wording: comments and names that only a copy would share, around a program of its own."""


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Answers to one question that a person should read side by side."""

    question: str
    """Name of the answer's cell."""
    students: tuple[str, ...]
    """The two most alike first, then others who are like one of them; one where the reference was copied."""
    kind: Kind
    similarity: float
    """Of the two, from 0 to 1."""
    surprise: float
    """Bits; the higher, the harder to explain by chance."""
    why: str
    """In plain words."""
    reference: str = ""
    """Text of the course's own that an answer is like; empty between students."""


def find_similar(
    results: Sequence[Result], references: Mapping[str, Sequence[str]] | None = None
) -> list[Flag]:
    """Answers that look copied, the most surprising first.

    Args:
        results: of one assignment.
        references: name of an answer's cell -> the course's own texts: the solution's cell, with its
            `### BEGIN SOLUTION` lines if there are any (what stands outside is given to everybody), and the
            library's functions that do the same.

    Returns:
        Flags for copies among students and for copies of a reference.
    """
    references = references or {}
    questions = dict.fromkeys(name for result in results for name in result.answers)
    flags = []
    for question in questions:
        answers = {
            result.student: result.answers[question].source
            for result in results
            if question in result.answers
        }
        lost = {
            result.student
            for result in results
            if any(
                mark.points is not None and mark.points < mark.out_of
                for mark in result.marks
                if mark.question == question.partition("-")[0]
            )
        }
        flags += _question(question, answers, references.get(question, ()), lost)
    return sorted(flags, key=lambda flag: (-flag.surprise, flag.question, flag.students, flag.reference))


@dataclass(frozen=True)
class Shape:
    """What of a text is compared."""

    text: str
    """The text without spaces at the ends of lines, or its hash where it is too long."""
    tokens: tuple[str, ...]
    """Of the syntax tree without names and layout, or words where it is no Python."""
    wording: Mapping[str, float]
    """Comments, docstrings and chosen names, with their weight in words."""

    @property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """Every `RUN` tokens in a row; of a shorter sequence, all of it."""
        last = max(len(self.tokens) - RUN, 0)
        return frozenset(self.tokens[i : i + RUN] for i in range(last + 1))


def shape(text: str, *, given: bool = False) -> Shape | None:
    """What is compared of an answer; None where nothing was answered.

    Args:
        text: of the answer's cell.
        given: whether it is what was handed out, of which a stub is to be known as well.
    """
    text = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().splitlines())
    if len(text) > LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return Shape(digest, (), {f"# {digest}": 2 * MOST_WORDS})
    # Magics and shell lines are no Python; what they do is no part of an answer.
    code = re.sub(r"(?m)^[ \t]*[%!].*$", "", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
        tokens = tuple(_tree_tokens(tree))
        wording = {**_names(tree), **_comments(code, tree)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # RecursionError, MemoryError: nested too deeply for Python's parser, which says it in either way.
        tokens = tuple(re.findall(r"\w+|[^\w\s]", text.lower()))
        wording = {}
    if tokens in _UNTOUCHED and not given:
        return None
    return Shape(text, tokens[:LONGEST_TOKENS], wording)


def bar(comparisons: int) -> float:
    """Bits from which a person should look, where so many pairs are compared."""
    return max(SURPRISE, ABOVE_CHANCE + math.log2(max(comparisons, 1)))


def _question(
    question: str, answers: Mapping[str, str], references: Iterable[str], lost: set[str]
) -> list[Flag]:
    shapes = {text: shape(text) for text in dict.fromkeys(answers.values())}
    students = sorted(student for student, text in answers.items() if shapes[text] is not None)
    written = [shapes[answers[student]] for student in students]
    own = {text: shape(text) for text in references if shape(text) is not None}
    # What was handed out is no answer, but its docstring and its names are everybody's.
    given = [shape(outside, given=True) for text in own if (outside := _outside(text))]
    return [
        *_among_students(question, students, written, list(own.values()), lost),
        *_of_reference(question, students, written, own, given),
    ]


def _among_students(
    question: str, students: list[str], written: list[Shape], own: list[Shape], lost: set[str]
) -> list[Flag]:
    if len(students) < 2:
        return []
    known_runs = frozenset().union(*(shape.runs for shape in own))
    known_words = frozenset().union(*(shape.wording for shape in own))
    structure = _shared_bits([_weigh_runs(shape, known_runs) for shape in written], pair=2)
    wording = _shared_bits([_weigh_words(shape, known_words) for shape in written], pair=2)
    alike = np.zeros_like(structure)
    enough = bar(len(students) * (len(students) - 1) // 2)
    # Few pairs share enough to need the slow comparison.
    for i, j in np.argwhere(np.triu(structure + wording >= enough, 1)):
        alike[i, j] = _similarity(written[i], written[j])
    surprise = np.where(alike >= SIMILAR, structure, 0.0) + wording
    flagged = np.triu(surprise >= enough, 1)
    _, group = sparse.csgraph.connected_components(sparse.csr_array(flagged), directed=False)
    flags = []
    for name in np.unique(group[flagged.any(0) | flagged.any(1)]):
        members = np.flatnonzero(group == name)
        inside = np.where(flagged[np.ix_(members, members)], surprise[np.ix_(members, members)], -1.0)
        i, j = members[list(np.unravel_index(np.argmax(inside), inside.shape))]
        kind = _kind(written[i], written[j], alike[i, j], structure[i, j])
        others = [students[k] for k in members if k not in (i, j)]
        wrong = " Both lost points here." if {students[i], students[j]} <= lost else ""
        words = _shared_words(written[i], written[j], known_words)
        flags.append(
            Flag(
                question=question,
                students=(students[i], students[j], *others),
                kind=kind,
                similarity=float(alike[i, j]),
                surprise=round(float(surprise[i, j]), 1),
                why=_WHY[kind] + words + wrong,
            )
        )
    return flags


def _of_reference(
    question: str, students: list[str], written: list[Shape], own: Mapping[str, Shape], given: list[Shape]
) -> list[Flag]:
    flags: dict[str, Flag] = {}
    if not students:
        return []
    given_runs = frozenset().union(*(shape.runs for shape in given))
    given_words = frozenset().union(*(shape.wording for shape in given))
    run_bits = _bits([_weigh_runs(shape, given_runs) for shape in written], pair=1)
    word_bits = _bits([_weigh_words(shape, given_words) for shape in written], pair=1)
    enough = bar(len(students))
    for text, reference in own.items():
        for student, shape in zip(students, written, strict=True):
            structure = sum(run_bits.get(run, 0.0) for run in sorted(shape.runs & reference.runs))
            wording = sum(
                word_bits.get(word, 0.0) for word in sorted(shape.wording.keys() & reference.wording)
            )
            if structure + wording < enough:
                continue
            similarity = _similarity(shape, reference)
            surprise = round((structure if similarity >= SIMILAR else 0.0) + wording, 1)
            if surprise < enough or (student in flags and flags[student].surprise >= surprise):
                continue
            kind = _kind(shape, reference, similarity, structure)
            flags[student] = Flag(
                question=question,
                students=(student,),
                kind=kind,
                similarity=float(similarity),
                surprise=surprise,
                why=_WHY[kind] + _shared_words(shape, reference, given_words),
                reference=text,
            )
    return list(flags.values())


def _kind(a: Shape, b: Shape, similarity: float, structure: float) -> Kind:
    if a.text == b.text:
        return "same text"
    if a.tokens == b.tokens:
        return "same program"
    return "similar program" if similarity >= SIMILAR and structure > 0 else "same wording"


_WHY = {
    "same text": "The texts are the same, letter by letter.",
    "same program": "The programs are the same, but for names, comments and layout.",
    "similar program": "The programs are nearly the same, but for names, comments and layout.",
    "same wording": "The programs differ, but their comments and names do not.",
}


def _shared_words(a: Shape, b: Shape, known: frozenset[str]) -> str:
    """A sentence on what both call or comment alike."""
    shared = sorted((set(a.wording) & set(b.wording)) - known)
    names = [word for word in shared if word.isidentifier()]
    comments = len(shared) - len(names)
    parts = []
    if comments:
        parts.append(f"{comments} comment{'s' * (comments > 1)}")
    if names:
        some = ", ".join(names[:6]) + (" and others" if len(names) > 6 else "")
        parts.append(f"the name{'s' * (len(names) > 1)} {some}")
    return f" Word for word the same: {' and '.join(parts)}." if parts else ""


# --- what is rare ----------------------------------------------------------------------------------------


def _weigh_runs(shape: Shape, known: frozenset) -> dict[tuple[str, ...], float]:
    return dict.fromkeys(shape.runs - known, 1 / RUN)


def _weigh_words(shape: Shape, known: frozenset) -> dict[str, float]:
    return {word: weight for word, weight in shape.wording.items() if word not in known}


def _bits(features: Sequence[Mapping], *, pair: int) -> dict:
    """What each feature is worth where `pair` students of these hold it.

    Args:
        features: of each student, with weights.
        pair: students who are compared, and do not count as witnesses that it is common.
    """
    count = Counter(feature for held in features for feature in held)
    weight = {feature: value for held in features for feature, value in held.items()}
    others = len(features) - pair
    bits = {}
    for feature, holders in count.items():
        witnesses = holders - pair
        if witnesses < 0 or (witnesses >= FEW and witnesses >= COMMON * others):
            continue
        # Two imagined students, an eighth of whom wrote it: what to believe where the class is tiny.
        share = max((witnesses + 0.25) / (others + 2), RAREST)
        value = -math.log2(share) * weight[feature]
        named = isinstance(feature, str) and feature.isidentifier()
        bits[feature] = min(value, NAME_BITS) if named else value
    return bits


def _shared_bits(features: Sequence[Mapping], *, pair: int) -> np.ndarray:
    """Bits of what each two students share, [N, N]."""
    bits = _bits(features, pair=pair)
    column = {feature: position for position, feature in enumerate(bits)}
    entries = [
        (row, column[feature]) for row, held in enumerate(features) for feature in held if feature in column
    ]
    rows, columns = np.array(entries, dtype=np.int64).reshape(-1, 2).T
    held = sparse.csr_array((np.ones(len(entries)), (rows, columns)), shape=(len(features), len(bits)))
    worth = sparse.diags_array(np.array(list(bits.values()), dtype=np.float64))
    return (held @ worth @ held.T).toarray() if bits else np.zeros((len(features), len(features)))


def _similarity(a: Shape, b: Shape) -> float:
    """Share of the tokens that two sequences have in common, in order."""
    if not a.tokens or not b.tokens:
        return float(a.text == b.text)
    return Indel.normalized_similarity(a.tokens, b.tokens)


# --- what a text is made of ------------------------------------------------------------------------------


def _tree_tokens(tree: ast.AST) -> Iterator[str]:
    """Tokens of a syntax tree, parents before children, without what does not change what runs."""
    names = _meanings(tree)
    waiting: list[ast.AST | str] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case str():
                yield node
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.expr_context():
                pass
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Module() | ast.Expr() | ast.Load():
                waiting += reversed(list(ast.iter_child_nodes(node)))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield "function"
                waiting += reversed([*node.args.defaults, *node.body])
            case ast.AnnAssign():
                yield "Assign"
                waiting += reversed([child for child in (node.target, node.value) if child is not None])
            case ast.arg():
                pass
            case ast.Name():
                yield names.get(node.id, node.id)
            case ast.Attribute():
                waiting += ["." + node.attr, node.value]
            case ast.keyword():
                yield f"{node.arg}="
                waiting.append(node.value)
            case ast.Constant():
                value = node.value
                number = isinstance(value, int | float) and not isinstance(value, bool)
                yield repr(float(value)) if number and abs(value) < 2**53 else repr(value)[:80]
            case _:
                yield type(node).__name__
                waiting += reversed(list(ast.iter_child_nodes(node)))


def _meanings(tree: ast.AST) -> dict[str, str]:
    """What a name stands for: "argument 2" of the answer's function, "local", or the module behind an alias.

    One table for the whole text: an answer is short, and who uses one name for two things is rare.
    """
    names = {}
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                names.setdefault(node.id, "local")
            case ast.arg() | ast.ExceptHandler():
                names.setdefault(node.arg if isinstance(node, ast.arg) else node.name or "", "local")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.setdefault(node.name, "local")
            case ast.Import() | ast.ImportFrom():
                module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                for alias in node.names:
                    names.setdefault(alias.asname or alias.name.partition(".")[0], module + alias.name)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            for position, argument in enumerate(function.args.posonlyargs + function.args.args):
                names[argument.arg] = f"argument {position}"
    return names


def _names(tree: ast.AST) -> dict[str, float]:
    """Names that the student chose: what is assigned to, not what the assignment calls its arguments."""
    return {name: 1.0 for name, meaning in _meanings(tree).items() if meaning == "local" and len(name) > 1}


def _comments(code: str, tree: ast.AST) -> dict[str, float]:
    """Comments and docstrings, weighed by half their words."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and not token.string.startswith("###"):
                found.append(token.string.lstrip("# "))
    except (tokenize.TokenError, IndentationError):
        pass  # ast has read it, so this is a matter of its last line
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            found.append(ast.get_docstring(node) or "")
    return {f"# {text}": min(len(text.split()) / 2, MOST_WORDS) for text in found if text.split()}


def _outside(reference: str) -> str:
    """What of a solution's cell everybody is given."""
    if "### BEGIN SOLUTION" not in reference:
        return ""
    return re.sub(r"(?s)### BEGIN SOLUTION.*?### END SOLUTION", "pass", reference)


def _stubs() -> frozenset[tuple[str, ...]]:
    """Tokens of what is no answer yet."""
    raised = "raise NotImplementedError()"
    texts = ["", "pass", raised, f"def f():\n    {raised}", "def f(): pass", "raise NotImplementedError"]
    return frozenset(tuple(_tree_tokens(ast.parse(text))) for text in texts) | {
        ("your", "answer", "here"),
    }


_UNTOUCHED = _stubs()
