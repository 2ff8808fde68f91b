"""Suggestions for mistyped names."""

import pytest

from course_lib.core.spelling import nearest


@pytest.mark.parametrize(
    ("typed", "meant"), [("torso_mas", "torso_mass"), ("hoper", "hopper"), ("eps01", "eps0.1")]
)
def test_a_slip_is_corrected(typed, meant):
    assert (
        nearest(typed, ["ground_friction", "torso_mass", "hopper", "eps0.1", "eps1.0"])
        == f"did you mean '{meant}'?"
    )


def test_what_resembles_nothing_gets_the_list():
    assert nearest("xyz", ["hopper", "half_cheetah"]) == "known: hopper, half_cheetah"
    assert nearest("x", []) == "known: none"
    assert nearest("x", map(str, range(100, 120))).endswith("107, ...")
