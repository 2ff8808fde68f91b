"""Small changes of the right answers to ps1_darc lose points, but for those that nobody can see."""

import answer_banks
import mutants

NAME = "ps1_darc"
BAR = 0.98

SURVIVORS = {
    (
        "q1",
        "sas = sas - noise_scale * torch.randn_like(sas)",
    ): "equal: noise around 0 is as likely with either sign",
}
"""Question and changed line -> why the change cannot be seen."""


def test_mutants_lose_points():
    solution = answer_banks.solution(NAME)
    right = answer_banks.answer_cells(solution)
    tried = [(question, mutant) for question, source in right.items() for mutant in mutants.mutants(source)]
    marks = answer_banks.grade_each(solution, [*right.items(), *tried], only_theirs=True)
    full = [mark[question].full for (question, _), mark in zip([*right.items(), *tried], marks, strict=True)]
    assert all(full[: len(right)]), "the right answers themselves lose points"
    survivors = {
        (question, mutants.changed_lines(right[question], mutant))
        for (question, mutant), kept in zip(tried, full[len(right) :], strict=True)
        if kept
    }
    assert survivors == set(SURVIVORS), "a gap in the tests, or a survivor that is none any more"
    assert len(tried) > 130
    assert 1 - len(survivors) / len(tried) >= BAR
