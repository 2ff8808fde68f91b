"""Small changes of the right answers to ps4_rl2 lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SAME = "equal: the last row is as long as the first"
SURVIVORS = {
    ("q4", "next_value, next_advantage = torch.zeros_like(reward[ -1]), torch.zeros_like(reward[0])"): SAME,
    ("q4", "next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[ -1])"): SAME,
}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs4RL2(MutantTests):
    name = "ps4_rl2"
    survivors = SURVIVORS
    at_least = 200
