"""nbgrader itself, on the source of ps4_rl2: the same release, and the same marks in its own export."""

from assignment_tests import RoundTripTests


class TestRoundTripOfPs4RL2(RoundTripTests):
    name = "ps4_rl2"
