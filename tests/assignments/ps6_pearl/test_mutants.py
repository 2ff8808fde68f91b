"""Small changes of the right answers to ps6_pearl lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SURVIVORS = {}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs6PEARL(MutantTests):
    name = "ps6_pearl"
    survivors = SURVIVORS
    at_least = 150
