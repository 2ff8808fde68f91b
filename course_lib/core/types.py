"""Shapes as types: what an array holds is written in the signature and checked at the call.

Axes: N simulations or trajectories, T time, B batch of transitions, S observation, A action,
K particles, P physical parameters.
Source: jaxtyping, https://docs.kidger.site/jaxtyping.
"""

from beartype import BeartypeConf, beartype
from jaxtyping import Bool, Float, Float64, jaxtyped
from numpy import ndarray
from torch import Tensor

Obs = Float[Tensor, "*batch S"]
Action = Float[Tensor, "*batch A"]
PerTransition = Float[Tensor, "B"]
PerTransitionMask = Bool[Tensor, "B"]
PerTrajectory = Float[Tensor, "N"]
PerTrajectoryMask = Bool[Tensor, "N"]
PerStep = Float[Tensor, "T N"]
PerStepMask = Bool[Tensor, "T N"]
Scalar = Float[Tensor, ""]

Particles = Float64[ndarray, "K P"]
PerParticle = Float64[ndarray, "K"]
PerParticleStep = Float64[ndarray, "K T"]

shape_checked = jaxtyped(typechecker=beartype(conf=BeartypeConf(is_pep484_tower=True)))  # 1 is a float
"""Decorator: raise at the call when an argument has the wrong shape or dtype (about 75 us a call)."""
