"""Small changes of the right answers to ps3_goals lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SURVIVORS = {
    ("q4", 'if strategy >= "future":'): "equal: of the two that come so far, only 'future' is not below it",
    (
        "q5",
        "return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward >= 0",
    ): "equal: no reward is above 0",
}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs3Goals(MutantTests):
    name = "ps3_goals"
    survivors = SURVIVORS
    at_least = 150
