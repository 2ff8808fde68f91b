"""nbgrader itself, on the source of ps5_maml: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs5MAML(RoundTripTests):
    name = "ps5_maml"
