"""nbgrader itself, on the source of ps6_pearl: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs6PEARL(RoundTripTests):
    name = "ps6_pearl"
