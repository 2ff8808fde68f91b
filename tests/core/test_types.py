"""Shapes are checked at every new combination, and cost next to nothing at the ones that were right."""

import pytest
import torch
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from course_lib.core.types import shape_checked


@shape_checked
def scaled(values: Float[Tensor, "B"], by: float) -> Float[Tensor, "B"]:
    return values * by


def test_a_wrong_shape_is_refused_before_and_after_a_right_one():
    with pytest.raises(TypeCheckError):
        scaled(torch.ones(2, 2), 1.0)
    for _ in range(3):
        assert torch.equal(scaled(torch.ones(2), 2.0), torch.full((2,), 2.0))
    with pytest.raises(TypeCheckError):
        scaled(torch.ones(2, 2), 1.0)
    with pytest.raises(TypeCheckError):
        scaled(torch.ones(2, dtype=torch.int64), 1.0)
    with pytest.raises(TypeCheckError):
        scaled(torch.ones(2), "1")
    with pytest.raises(TypeCheckError):
        scaled(values=torch.ones(2), by=[1.0])


def test_shapes_that_must_agree_are_compared_in_every_combination():
    @shape_checked
    def total(a: Float[Tensor, "B"], b: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        return a + b

    total(torch.ones(1), torch.ones(1))
    total(torch.ones(3), torch.ones(3))
    with pytest.raises(TypeCheckError):
        total(torch.ones(1), torch.ones(3))


def test_a_result_of_another_shape_is_caught_though_the_arguments_were_seen():
    results = [torch.ones(2), torch.ones(2), torch.ones(3), torch.ones(3)]

    @shape_checked
    def first(values: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        return results.pop(0)

    first(torch.ones(2))
    first(torch.ones(2))
    with pytest.raises(TypeCheckError):
        first(torch.ones(2))


def test_an_integer_counts_as_a_float_but_is_a_combination_of_its_own():
    assert scaled(torch.ones(2), 3).tolist() == [3.0, 3.0]
    assert scaled(torch.ones(2), by=3).tolist() == [3.0, 3.0]


def test_tensors_in_a_dict_are_looked_at_each_time():
    @shape_checked
    def total(parameters: dict[str, Float[Tensor, "B"]], by: float) -> Float[Tensor, ""]:
        return by * parameters["a"].sum()

    for _ in range(2):
        assert total({"a": torch.ones(3)}, 2.0) == 6.0
    for wrong in (torch.ones(3, 1), torch.ones(3, dtype=torch.int64), 3.0):
        with pytest.raises(TypeCheckError):
            total({"a": wrong}, 2.0)
