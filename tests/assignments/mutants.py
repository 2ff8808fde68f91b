"""Automatic wrong answers: every small change of a right answer that cosmic-ray knows.

A survivor is a change that the tests of an assignment do not notice: a gap in the tests, or a change that
changes nothing that can be seen.
"""

import ast
import difflib

import cosmic_ray.plugins
from cosmic_ray.mutating import mutate_code


def mutants(source: str) -> list[str]:
    """All mutants of a piece of code that are programs, differ from it, and differ from each other."""
    seen = {ast.dump(ast.parse(source))}
    found = []
    for name in sorted(cosmic_ray.plugins.operator_names()):
        operator = cosmic_ray.plugins.get_operator(name)
        if operator.arguments():  # wants to be told what to replace, by random numbers
            continue
        occurrence = 0
        while (mutant := mutate_code(source, operator(), occurrence)) is not None:
            occurrence += 1
            try:
                tree = ast.dump(ast.parse(mutant))
            except SyntaxError:
                continue
            if tree not in seen:
                seen.add(tree)
                found.append(mutant)
    return found


def changed_lines(source: str, mutant: str) -> str:
    """The lines that a mutant has and its original has not, stripped, joined by " / "."""
    lines = difflib.ndiff(source.splitlines(), mutant.splitlines())
    return " / ".join(line[2:].strip() for line in lines if line.startswith("+ "))
