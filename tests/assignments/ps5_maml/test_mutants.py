"""Small changes of the right answers to ps5_maml lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SAME = "equal: the remainder of x by a constant of the same value is 0, and its derivative 1"
SURVIVORS = {
    ("q1", "moved = zip(names, values, gradients, strict=False)"): "equal: they are of one length",
    ("q5", "ratio = torch.exp(together % together.detach())"): SAME,
    ("q6", "return torch.exp(so_far % so_far.detach()) * reward"): SAME,
}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs5MAML(MutantTests):
    name = "ps5_maml"
    survivors = SURVIVORS
    at_least = 150
