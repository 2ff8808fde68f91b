"""Copies are found under their disguise, and answers written apart are left in peace."""

import ast
import inspect
import random
import time
from pathlib import Path

import nbformat
import pytest

from course_lib.agents import ppo
from course_lib.core.evaluation import transfer_grid
from course_lib.core.task_family import truncated_normal
from course_lib.grading import similarity
from course_lib.grading.results import Answer, Mark, Result
from course_lib.grading.similarity import find_similar, shape
from course_lib.transfer import epopt, epopt_adaptation

ROOT = Path(__file__).parents[2]
LIBRARY = {
    "q1": truncated_normal,
    "q2": epopt.cvar_mask,
    "q3": ppo.surrogate,
    "q4": transfer_grid,
    "q5": epopt_adaptation.transition_log_likelihood,
    "q6": epopt_adaptation.posterior_weights,
}


def bank(file: str) -> list[tuple[str, str]]:
    """(question, text) of the answers in a bank of ps2_epopt, each written on its own."""
    text = (ROOT / "tests" / "assignments" / "ps2_epopt" / file).read_text(encoding="utf-8")
    return [
        (node.decorator_list[0].args[0].value, ast.get_source_segment(text, node))
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    ]


RIGHT, WRONG = bank("right_answers.py"), bank("wrong_answers.py")
SOLUTION = {
    cell.metadata.nbgrader.grade_id: cell.source
    for cell in nbformat.read(ROOT / "solutions" / "ps2_epopt" / "ps2_epopt.ipynb", as_version=4).cells
    if cell.metadata.get("nbgrader", {}).get("solution")
}
RELEASE = {
    cell.metadata.nbgrader.grade_id: cell.source
    for cell in nbformat.read(ROOT / "assignments" / "ps2_epopt" / "ps2_epopt.ipynb", as_version=4).cells
    if cell.metadata.get("nbgrader", {}).get("solution")
}
REFERENCES = {q: [SOLUTION[q], inspect.getsource(function)] for q, function in LIBRARY.items()}


def result(student: str, *, marks: tuple[Mark, ...] = (), **answers: str) -> Result:
    return Result(
        student=student,
        assignment="ps2_epopt",
        status="graded",
        marks=marks,
        answers={name: Answer(source=text) for name, text in answers.items()},
    )


def class_of(question: str, *more: str) -> list[Result]:
    """Everybody who wrote something of their own, then some more: "new0", "new1"."""
    texts = [text for q, text in RIGHT + WRONG if q == question and text not in more]
    return [
        *(result(f"own{i:02}", **{question: text}) for i, text in enumerate(texts)),
        *(result(f"new{i}", **{question: text}) for i, text in enumerate(more)),
    ]


def right(question: str, words: str) -> str:
    """The right answer of the bank that says these words."""
    (text,) = (text for q, text in RIGHT if q == question and words in text)
    return text


# --- written apart ---------------------------------------------------------------------------------------


def test_answers_written_apart_are_not_flagged():
    """No false flag among all pairs of both banks, nor against the references."""
    for question in LIBRARY:
        assert find_similar(class_of(question), REFERENCES) == [], question


def test_threshold_has_room_above_answers_written_apart(monkeypatch):
    monkeypatch.setattr(similarity, "SURPRISE", similarity.SURPRISE - 1.5)
    monkeypatch.setattr(similarity, "ABOVE_CHANCE", similarity.ABOVE_CHANCE - 1.5)
    assert [flag for question in LIBRARY for flag in find_similar(class_of(question), REFERENCES)] == []


def test_obvious_answer_of_many_is_not_flagged():
    """Two thirds write the solution, or its short form, under names of their own."""
    obvious = [
        f"def cvar_mask(returns, epsilon):\n    {name} = torch.quantile(returns, epsilon)\n"
        f"    return returns <= {name}"
        for name in ("threshold", "q", "cut", "quantile", "t", "worst", "bound", "level")
    ]
    short = ["def cvar_mask(returns, epsilon):\n    return returns <= torch.quantile(returns, epsilon)"] * 8
    assert find_similar(class_of("q2", *obvious, *short), REFERENCES) == []
    assert find_similar(class_of("q2", *obvious, *short)) == [], "nor where no reference is known"


@pytest.mark.parametrize("students", [2, 3, 300])
def test_untouched_stubs_and_empty_answers_are_not_flagged(students):
    everyone = [result(f"s{i}", **RELEASE, extra="") for i in range(students)]
    assert find_similar(everyone, {**REFERENCES, "q7": [SOLUTION["q7"]]}) == []
    assert shape(RELEASE["q1"]) is None
    assert shape(RELEASE["q7"]) is None


def test_two_students_with_the_solution_s_short_answer_are_not_flagged():
    text = "def cvar_mask(returns, epsilon):\n    return returns <= torch.quantile(returns, epsilon)"
    assert find_similar([result("a", q2=text), result("b", q2=text)], REFERENCES) == []


def test_nothing_to_compare():
    assert find_similar([], REFERENCES) == []
    assert find_similar([result("alone", q1=RIGHT[0][1])], REFERENCES) == []
    assert find_similar([result("missing")], REFERENCES) == []


# --- copies ----------------------------------------------------------------------------------------------

# (question, words that name the answer of the bank, what was done, the disguised copy)
DISGUISED = [
    (
        "q1",
        "One value at a time",
        "renamed, commented, other layout",
        """def truncated_normal(rng, mean, sigma, low, high, n):
    # array for the results
    output = np.empty(n)

    for k in range(n):
        x = rng.normal(mean, sigma)   # first try
        while (x < low or
               x > high):
            x = rng.normal(mean, sigma)
        output[k] = x
    return output""",
    ),
    (
        "q1",
        "One value at a time",
        "for -> while",
        """def truncated_normal(rng, mean, sigma, low, high, n):
    res = np.empty(n)
    count = 0
    while count < n:
        draw = rng.normal(mean, sigma)
        while draw < low or draw > high:
            draw = rng.normal(mean, sigma)
        res[count] = draw
        count += 1
    return res""",
    ),
    (
        "q1",
        "Too many, then the first n",
        "split expressions",
        """def truncated_normal(rng, mean, sigma, low, high, n):
    good = np.empty(0)
    while len(good) < n:
        noise = rng.standard_normal(2 * n + 10)
        batch = mean + sigma * noise
        inside = (batch >= low) & (batch <= high)
        good = np.concatenate([good, batch[inside]])
    return good[:n]""",
    ),
    (
        "q2",
        "By rank",
        "renamed and split",
        """def cvar_mask(returns, epsilon):
    s, _ = torch.sort(returns)
    position = epsilon * (len(returns) - 1) + 1e-9
    k = int(np.floor(position))
    return returns <= s[k]""",
    ),
    (
        "q3",
        "Two cases by the sign",
        "reordered lines, renamed",
        """def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    r = log_prob.exp() / old_log_prob.exp()
    if keep.sum() == 0:
        return torch.tensor(0.0)
    limited = torch.where(advantage > 0, r.clamp(max=1 + clip_range), r.clamp(min=1 - clip_range))
    objective = (limited * advantage)[keep]
    return torch.mean(objective)""",
    ),
    (
        "q3",
        "Weights that sum to one",
        "reordered lines, renamed",
        """def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    quotient = torch.exp(log_prob - old_log_prob.detach())
    second = torch.clamp(quotient, 1.0 - clip_range, 1.0 + clip_range) * advantage.detach()
    first = quotient * advantage.detach()
    w = keep.float() / max(int(keep.sum()), 1)
    return torch.dot(w, torch.stack([first, second]).amin(0))""",
    ),
    (
        "q4",
        "Lists of Python numbers",
        "split expressions, renamed",
        """def transfer_grid(evaluate, rows, columns, repeats):
    x = list(rows)[0]
    y = list(columns)[0]
    pairs = [(a, b) for a in rows[x] for b in columns[y] for _ in range(repeats)]
    first = np.array([a for a, _ in pairs])
    second = np.array([b for _, b in pairs])
    result = evaluate({x: first, y: second})
    result = np.asarray(result).reshape(len(rows[x]), len(columns[y]), repeats)
    return result.mean(axis=-1)""",
    ),
    (
        "q5",
        "Loops",
        "for -> while in one of three, renamed",
        """def transition_log_likelihood(predicted, observed, noise_scale):
    out = np.zeros(predicted.shape[:2])
    for a in range(predicted.shape[0]):
        for b in range(predicted.shape[1]):
            c = 0
            while c < predicted.shape[2]:
                diff = observed[b, c] - predicted[a, b, c]
                var = noise_scale[c] ** 2
                out[a, b] += -(diff**2) / (2 * var) - 0.5 * np.log(2 * np.pi * var)
                c += 1
    return out""",
    ),
    (
        "q6",
        "One step after the other",
        "renamed, augmented assignments",
        """def posterior_weights(log_prior, log_likelihood):
    lw = np.array(log_prior)
    lw -= np.logaddexp.reduce(lw)
    for step in range(log_likelihood.shape[1]):
        lw += log_likelihood[:, step]
        lw -= np.logaddexp.reduce(lw)
    return np.exp(lw)""",
    ),
]


@pytest.mark.parametrize(
    "question, words, _, copy", DISGUISED, ids=[f"{q}: {words}, {done}" for q, words, done, _ in DISGUISED]
)
def test_disguised_copy_is_found(question, words, _, copy):
    flags = find_similar(class_of(question, right(question, words), copy), REFERENCES)
    assert [set(flag.students) for flag in flags] == [{"new0", "new1"}]
    assert flags[0].kind in {"same program", "similar program"}
    assert flags[0].reference == ""


def test_names_layout_and_comments_do_not_hide_a_copy():
    original = right("q5", "Loops")
    renamed = original.replace("variance", "zz").replace("error", "e9").replace("result", "summe")
    flags = find_similar(
        class_of("q5", original, "# mine\n" + renamed.replace("Loops.", "My way.")), REFERENCES
    )
    assert [(set(flag.students), flag.kind, flag.similarity) for flag in flags] == [
        ({"new0", "new1"}, "same program", 1.0)
    ]


def test_same_comments_give_away_an_obvious_program():
    program = """def cvar_mask(returns, epsilon):
    # my grandmother always said that the worst comes first
    {name} = torch.quantile(returns, epsilon)  # this line took me until two in the morning
    return returns <= {name}"""
    flags = find_similar(class_of("q2", program.format(name="a"), program.format(name="b")), REFERENCES)
    (flag,) = flags
    assert set(flag.students) == {"new0", "new1"}
    assert "2 comments" in flag.why


def test_letters_alike_are_named_so():
    text = right("q4", "Repeats outermost")
    (flag,) = find_similar(class_of("q4", text, text + "   \n"), REFERENCES)
    assert (flag.kind, flag.similarity) == ("same text", 1.0)


def test_shared_mistake_is_told():
    """An odd wrong answer of two: worth the reader's first look."""
    odd = """def posterior_weights(log_prior, log_likelihood):
    total = np.zeros(len(log_prior))
    for k in range(len(log_prior)):
        for t in range(1, log_likelihood.shape[1]):
            total[k] += log_likelihood[k, t] / 3 + log_prior[k] * 7
    return total / total.sum()"""
    lost = (Mark(name="q6-hidden", points=0.0, out_of=3.0, message="wrong"),)
    everyone = class_of("q6")
    everyone += [result(name, marks=lost, q6=odd) for name in ("x", "y")]
    (flag,) = find_similar(everyone, REFERENCES)
    assert flag.why.endswith("Both lost points here.")


def test_copies_of_copies_are_one_flag():
    text = right("q5", "Loops")
    (flag,) = find_similar(class_of("q5", text, text.replace("error", "difference"), text), REFERENCES)
    assert set(flag.students) == {"new0", "new1", "new2"}


def test_prose_is_compared_by_its_words():
    said = (
        "You gain a better tail, because the policy meets its worst worlds more often, and pay with noise: "
        "only one in ten trajectories is left to learn from. A {}, and all my particles disagree."
    )
    words = [*said.split(), "delay", "mass", "late", "knee", "bound"]
    everyone = [result(f"own{i}", q7=" ".join(random.Random(i).choices(words, k=40))) for i in range(9)]
    everyone += [result("a", q7=said.format("late motor")), result("b", q7=said.format("motor that is late"))]
    (flag,) = find_similar(everyone, {"q7": [SOLUTION["q7"]]})
    assert set(flag.students) == {"a", "b"}


# --- the course's own texts ------------------------------------------------------------------------------


def test_copy_of_the_library_is_found():
    library = inspect.getsource(transfer_grid)
    flags = find_similar(class_of("q4", library), REFERENCES)
    (flag,) = flags
    assert (flag.students, flag.question) == (("new0",), "q4")
    assert "raise ValueError" in flag.reference
    assert "row_values" in flag.why or "comment" in flag.why


def test_stub_that_everybody_is_given_is_no_copy_of_the_solution():
    """Docstring and signature stand in the solution's cell too, outside its BEGIN SOLUTION lines."""
    own = RELEASE["q2"].replace("raise NotImplementedError()", "return returns <= np.inf")
    assert find_similar([result("alone", q2=own)], REFERENCES) == []
    assert find_similar([result("a", q2=own), result("b", q2=own)], REFERENCES) == []
    for question in LIBRARY:
        kept = RELEASE[question].replace("raise NotImplementedError()", "return 17 + 4")
        assert find_similar(class_of(question, kept), REFERENCES) == [], "the only one who left the docstring"


def test_what_was_handed_out_is_not_called_word_for_word_the_same():
    (flag,) = find_similar(class_of("q4", SOLUTION["q4"]), REFERENCES)
    assert "names column_name, column_values" in flag.why
    assert "comment" not in flag.why and "transfer_grid" not in flag.why


# --- hostile texts, many texts ---------------------------------------------------------------------------

HOSTILE = {
    "syntax error": "def broken(:",
    "huge": "x = 1\n" * 20_000,
    "parentheses": "(" * 5000,
    "minus": "-" * 9_000 + "1",
    "attributes": "a" + ".a" * 4_000,
    "sum": "1" + "+1" * 4_000,
    "number": "0x" + "f" * 9_000,
    "null": "x = 1\x00",
    "surrogate": "x = '\ud800'",
    "magic": "%timeit f()\n!ls\nx = 1",
    "bell": "\x07\x1b[31m",
    "tabs": "if 1:\n\tx\n        y",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_compared_without_harm(text):
    everyone = class_of("q1", text, text, text[:-1])
    for flag in find_similar(everyone, REFERENCES):
        assert set(flag.students) <= {"new0", "new1", "new2"}


def test_same_huge_text_is_flagged_though_nobody_looks_inside():
    (flag,) = find_similar(class_of("q1", HOSTILE["huge"], HOSTILE["huge"]), REFERENCES)
    assert (flag.kind, set(flag.students)) == ("same text", {"new0", "new1"})


def test_more_surprise_is_asked_for_among_more_pairs():
    assert similarity.bar(1) == similarity.bar(30 * 29 // 2) == similarity.SURPRISE
    assert 26 < similarity.bar(300 * 299 // 2) < 28


def test_300_students_take_seconds_and_the_same_flags_each_time():
    rng = random.Random(0)
    texts = {q: [SOLUTION[q], *(text for p, text in RIGHT + WRONG if p == q)] for q in LIBRARY}
    everyone = [
        result(
            f"s{i:03}",
            **{q: rng.choice(texts[q]).replace("values", f"v{rng.randrange(40)}") for q in LIBRARY},
        )
        for i in range(300)
    ]
    start = time.perf_counter()
    flags = find_similar(everyone, REFERENCES)
    assert time.perf_counter() - start < 20.0
    assert find_similar(everyone[::-1], REFERENCES) == flags
