"""Small changes of the right answers to ps1_darc lose points, but for those that nobody can see."""

from assignment_tests import MutantTests

SURVIVORS = {
    (
        "q1",
        "sas = sas - noise_scale * torch.randn_like(sas)",
    ): "equal: noise around 0 is as likely with either sign",
}
"""Question and changed line -> why the change cannot be seen."""


class TestMutantsOfPs1Darc(MutantTests):
    name = "ps1_darc"
    survivors = SURVIVORS
    at_least = 130
