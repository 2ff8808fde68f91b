"""Bit flipping: n bits, one of them turned a step, and a pattern to be reached.

The smallest world where a sparse reward defeats a learner: a reward is seen by chance once in some 2^n
episodes, while everything about the world could be learned from any of them.

Axes: N simulations, S = n bits, K = n bits of the goal, n actions.
Source: Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017,
https://arxiv.org/abs/1707.01495, section 3.1.
"""

from functools import lru_cache, partial
from typing import Literal

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from course_lib.core.goals import GoalSpace
from course_lib.core.task_family import Choice, TaskFamily
from course_lib.envs.episodes import EpisodicVectorEnv, WorldParams, params_of
from course_lib.envs.single_world import SingleEnv


@lru_cache
def params_type(bits: int) -> type[WorldParams]:
    """Parameters of a world of so many bits: the goal, `bit_0` to `bit_<n-1>`, each 0 or 1.

    Raises:
        ValueError: there is no bit.
    """
    if bits < 1:
        raise ValueError(f"bits must be at least 1, got {bits}")
    return params_of(
        "BitFlipParams", [f"bit_{i}" for i in range(bits)], 0.0, f"The pattern of {bits} bits that is wanted."
    )


def goal_space(bits: int) -> GoalSpace:
    """Any pattern may be wanted, and only the pattern itself is near enough."""
    return GoalSpace(columns=tuple(range(bits)), radius=0.0, low=(0.0,) * bits, high=(1.0,) * bits)


class BitFlipVectorEnv(EpisodicVectorEnv):
    """N rows of bits; -1 a step, and 0 for the one that makes the pattern, which ends the episode."""

    dt = 1.0
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: WorldParams | None = None,
        *,
        bits: int = 8,
        max_episode_steps: int | Literal["bits"] | None = "bits",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the rows of bits; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: the goals of all rows, or one value a bit for each.
            bits: n, at least 1.
            max_episode_steps: an episode is truncated after that many steps; "bits" for as many as there
                are bits, None for never.
            autoreset_mode: when a finished row starts again.
            context_observed: whether the goal is told.
            **parameters: single bits of the goal by name, instead of `params`: `bit_3=1.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        self.params_type = params_type(bits)
        self.goal_space = goal_space(bits)
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Discrete(bits),
            Box(0.0, 1.0, (bits,), np.float64),
            bits if max_episode_steps == "bits" else max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._bits = np.zeros((num_envs, bits))
        self._everyone = np.arange(num_envs)
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        between = (values != 0.0) & (values != 1.0)
        if between.any():
            raise ValueError(f"a bit of the goal must be 0 or 1, got {values[between][0]}")
        self._goal = values

    def _start(self, mask: np.ndarray) -> None:
        for index in np.flatnonzero(mask):
            self._bits[index] = self.generators[index].integers(2, size=self._bits.shape[1])

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        rows = self._everyone[live]
        self._bits[rows, actions[live]] = 1.0 - self._bits[rows, actions[live]]
        reached = (self._bits == self._goal).all(axis=1)
        return reached - 1.0, reached, {"reached": reached.copy()}

    def _observation(self) -> np.ndarray:
        return self._bits.copy()


class BitFlipEnv(SingleEnv):
    """One row of bits; `gymnasium.make("course/BitFlip-v0", bits=8)`."""

    vector_type = BitFlipVectorEnv


def family(bits: int) -> TaskFamily:
    """Every pattern is wanted equally often."""
    kind = params_type(bits)
    return TaskFamily(
        name="bit_flip",
        params_type=kind,
        source=dict.fromkeys(kind.names(), Choice((0.0, 1.0))),
        make_vec=partial(BitFlipVectorEnv, bits=bits),
    )
