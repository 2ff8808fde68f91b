"""nbgrader itself, on the source of ps2_epopt: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs2Epopt(RoundTripTests):
    name = "ps2_epopt"
