"""Small changes of the right answers to ps5_maml lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SURVIVORS = {}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs5MAML(MutantTests):
    name = "ps5_maml"
    survivors = SURVIVORS
    at_least = 100
