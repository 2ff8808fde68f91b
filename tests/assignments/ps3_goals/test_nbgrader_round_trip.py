"""nbgrader itself, on the source of ps3_goals: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs3Goals(RoundTripTests):
    name = "ps3_goals"
