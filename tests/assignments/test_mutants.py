"""The maker of mutants makes all of them, once."""

import mutants

SOURCE = """def half(x):
    return x / 2 if x > 0 else 0
"""


def test_mutants_are_distinct_programs():
    made = mutants.mutants(SOURCE)
    lines = [mutants.changed_lines(SOURCE, mutant) for mutant in made]
    assert SOURCE not in made
    assert len(set(lines)) == len(made) > 10
    assert "return x * 2 if x > 0 else 0" in lines
    assert "return x / 2 if x >= 0 else 0" in lines
