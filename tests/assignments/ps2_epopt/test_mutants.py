"""Small changes of the right answers to ps2_epopt lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

ON_A_BOUND = "equal with probability one: a normal draw of 53 random bits does not hit a bound"
NEVER_BOTH = "equal: no value lies below `low` and above `high` at once, so that or, exclusive or and + agree"
SURVIVORS = {
    ("q1", "outside = (values <= low) | (values > high)"): ON_A_BOUND,
    ("q1", "outside = (values < low) | (values >= high)"): ON_A_BOUND,
    ("q1", "outside = (values < low) ^ (values > high)"): NEVER_BOTH,
    ("q1", "outside = (values < low) + (values > high)"): NEVER_BOTH,
}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs2Epopt(MutantTests):
    name = "ps2_epopt"
    survivors = SURVIVORS
    at_least = 200
