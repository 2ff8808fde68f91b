"""nbgrader itself, on the source of ps1_darc: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs1Darc(RoundTripTests):
    name = "ps1_darc"
