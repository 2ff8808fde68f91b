"""Shapes as types: what an array holds is written in the signature and checked at the call.

Axes: N simulations or trajectories, T time, B batch of transitions, S observation, A action,
H memory, K particles, P physical parameters.
Source: jaxtyping, https://docs.kidger.site/jaxtyping.
"""

import functools
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import Bool, Float, Float64, jaxtyped
from numpy import ndarray
from torch import Tensor, nn

Obs = Float[Tensor, "*batch S"]
Action = Float[Tensor, "*batch A"]
PerTransition = Float[Tensor, "B"]
PerTransitionMask = Bool[Tensor, "B"]
ClassifierInputs = Float[Tensor, "B _"]
ClassLogits = Float[Tensor, "B 2"]
PerTwin = Float[Tensor, "2 B"]
PerTrajectory = Float[Tensor, "N"]
PerTrajectoryMask = Bool[Tensor, "N"]
PerTrial = Float[Tensor, "N _"]
Memory = Float[Tensor, "N H"]
PerStep = Float[Tensor, "T N"]
PerStepMask = Bool[Tensor, "T N"]
Scalar = Float[Tensor, ""]

Particles = Float64[ndarray, "K P"]
PerParticle = Float64[ndarray, "K"]
PerParticleStep = Float64[ndarray, "K T"]

_with_checks = jaxtyped(typechecker=beartype(conf=BeartypeConf(is_pep484_tower=True)))  # 1 is a float


def shape_checked(function: Callable) -> Callable:
    """Decorator: raise at the call when an argument or the result has the wrong shape or dtype.

    A combination of shapes and dtypes that was found right is not looked at again, so a call in
    an inner loop costs about 5 us instead of 75. Any other combination is. Where a right combination gives
    another kind of result than before, the function is called once more, to be checked.
    """
    checked = _with_checks(function)
    found_right: dict[tuple, Any] = {}

    @functools.wraps(function)
    def call(*args, **keywords):
        kinds = (*map(_kind, args), *keywords, *map(_kind, keywords.values()))
        if kinds in found_right:
            result = function(*args, **keywords)
            if _kind(result) == found_right[kinds]:
                return result
        result = checked(*args, **keywords)
        if None not in kinds and _kind(result) is not None and len(found_right) < 1000:
            found_right[kinds] = _kind(result)
        return result

    return call


def _kind(value: Any) -> Any:
    """All that a shape check looks at; None for what holds more, such as a list."""
    if isinstance(value, Tensor | ndarray):
        return type(value), tuple(value.shape), value.dtype
    if isinstance(value, dict):
        kinds = tuple((name, _kind(held)) for name, held in value.items())
        return None if any(kind is None for _, kind in kinds) else (type(value), kinds)
    return type(value) if isinstance(value, float | int | str | nn.Module) else None
