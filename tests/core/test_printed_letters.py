"""Printed letters: small images, the same each time, that differ between letters more than within."""

import numpy as np

from course_lib.core.printed_letters import letters, printed_images


def test_letters_are_of_many_alphabets_without_accents_or_look_alikes():
    found = letters()
    assert len(found) > 500 and len(set(found)) == len(found)
    assert set("AzЖΩԱა") <= set(found)
    assert "é" not in found, "an accent"
    assert "\u0410" not in found, "the Cyrillic A looks like the Latin one"


def test_images_are_those_of_digits_in_shape_and_the_same_each_time():
    images = printed_images("AΩ")
    assert images.shape == (2, 36, 64) and images.dtype == np.float32
    assert images.min() == -1 and images.max() == 1
    printed_images.cache_clear()
    np.testing.assert_array_equal(printed_images("AΩ"), images)


def test_the_nearest_of_other_images_is_mostly_of_the_same_letter():
    images = printed_images("AOTZЖΩ")
    shown, asked = images[:, ::2].reshape(-1, 64), images[:, 1::2].reshape(-1, 64)
    nearest = np.square(asked[:, None] - shown).sum(-1).argmin(1) // 18
    assert (nearest == np.arange(6).repeat(18)).mean() > 0.9
