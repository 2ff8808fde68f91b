"""Bernoulli bandits: k arms, each pays 1 with a probability of its own, and nobody says which.

The smallest world in which exploring is a question: the observation is the same for ever, so whatever an
agent knows of the arms, it knows from what it did and what that paid. An episode is one pull.

Axes: N simulations, S = 1 observation, K = k arms' probabilities or the one that fixes both, k actions.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, section 3.1 (independent arms); Wang et al., "Learning to Reinforcement
Learn", 2016, https://arxiv.org/abs/1611.05763, section 3.1.2 (dependent arms).
"""

import dataclasses
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from course_lib.core.spelling import nearest
from course_lib.core.task_family import Choice, Distribution, TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams, params_of
from course_lib.envs.single_world import SingleEnv

DEPENDENT: dict[str, Distribution] = {
    "easy": Choice((0.1, 0.9)),
    "medium": Choice((0.25, 0.75)),
    "hard": Choice((0.4, 0.6)),
    "uniform": Uniform(0.0, 1.0),
}
"""Where the first of two dependent arms has its probability from, by the name of the setting."""


@lru_cache
def params_type(arms: int) -> type[WorldParams]:
    """Parameters of so many independent arms: `arm_0` to `arm_<k-1>`, each the probability of a 1.

    Raises:
        ValueError: there is no arm.
    """
    if arms < 1:
        raise ValueError(f"arms must be at least 1, got {arms}")
    return params_of(
        "BanditParams", [f"arm_{i}" for i in range(arms)], 0.5, f"What each of {arms} arms pays on average."
    )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DependentBanditParams(WorldParams):
    """Two arms that pay with probability p and 1 - p: what is learned of one tells as much of the other."""

    p: float | np.ndarray = 0.5
    """Probability that the first arm pays 1."""
    bounds: ClassVar[dict[str, Interval]] = {"p": Interval(0.0, 1.0)}
    context: ClassVar[tuple[str, ...]] = ("p",)


class BanditVectorEnv(EpisodicVectorEnv):
    """N bandits of k independent arms; one pull ends an episode, and pays 1 or 0.

    All pulls are drawn at once from `shared_generator`, for a generator per bandit would be some hundred
    times slower. A seed fixes what the whole batch does; bandit i of it has no seed of its own.
    """

    dt = 1.0
    """Seconds that a pull lasts in a picture; the world itself counts pulls."""

    def __init__(
        self,
        num_envs: int,
        params: WorldParams | None = None,
        *,
        arms: int = 5,
        max_episode_steps: int | None = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the bandits; call `reset` before the first pull.

        Args:
            num_envs: N, at least 1.
            params: probabilities of the arms of all bandits, or one value an arm for each bandit.
            arms: k, at least 1.
            max_episode_steps: a pull ends the episode anyway; a larger number changes nothing.
            autoreset_mode: when a bandit that was pulled can be pulled again.
            context_observed: whether the arms' probabilities are told.
            **parameters: single arms by name, instead of `params`: `arm_3=0.9`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        self._build(
            params_type(arms), arms, num_envs, params, parameters, max_episode_steps, autoreset_mode,
            context_observed,
        )  # fmt: skip

    def _build(
        self,
        kind: type[WorldParams],
        arms: int,
        num_envs: int,
        params: WorldParams | None,
        parameters: dict[str, Any],
        *episodes: Any,
    ) -> None:
        self.params_type = kind
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(num_envs, Discrete(arms), Box(0.0, 1.0, (1,), np.float64), *episodes)
        self._everyone = np.arange(num_envs)
        self.set_params(params)

    @property
    def arms(self) -> np.ndarray:
        """Probability that each arm pays 1, float64 [N, k]; the caller's."""
        return self._arms.copy()

    def _apply(self, values: np.ndarray) -> None:
        self._arms = values

    def _start(self, mask: np.ndarray) -> None:
        pass  # every start is the same

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        pays = self.shared_generator.random(self.num_envs) < self._arms[self._everyone, actions]
        return pays.astype(np.float64), np.ones(self.num_envs, dtype=bool), {}

    def _observation(self) -> np.ndarray:
        return np.ones((self.num_envs, 1))


class DependentBanditVectorEnv(BanditVectorEnv):
    """N bandits of two arms that pay with p and 1 - p; else like `BanditVectorEnv`."""

    def __init__(
        self,
        num_envs: int,
        params: DependentBanditParams | None = None,
        *,
        max_episode_steps: int | None = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the bandits, as `BanditVectorEnv` does; the parameter is `p`."""
        self._build(
            DependentBanditParams, 2, num_envs, params, parameters, max_episode_steps, autoreset_mode,
            context_observed,
        )  # fmt: skip

    def _apply(self, values: np.ndarray) -> None:
        self._arms = np.concatenate([values, 1.0 - values], axis=1)  # [N, 2]


class BanditEnv(SingleEnv):
    """One bandit of independent arms; `gymnasium.make("course/Bandit-v0", arms=5)`."""

    vector_type = BanditVectorEnv


class DependentBanditEnv(SingleEnv):
    """One bandit of two dependent arms; `gymnasium.make("course/DependentBandit-v0", p=0.9)`."""

    vector_type = DependentBanditVectorEnv


def family(arms: int) -> TaskFamily:
    """Independent arms, each with a probability from U[0, 1]: the bandits of the RL2 paper."""
    kind = params_type(arms)
    return TaskFamily(
        name="bandit",
        params_type=kind,
        source=dict.fromkeys(kind.names(), Uniform(0.0, 1.0)),
        make_vec=partial(BanditVectorEnv, arms=arms),
    )


def dependent_family(setting: str) -> TaskFamily:
    """Two arms of which one says all about the other: the bandits of Wang et al.

    Args:
        setting: "easy", "medium", "hard" or "uniform".

    Raises:
        ValueError: the setting is unknown; the message offers the nearest one.
    """
    if setting not in DEPENDENT:
        raise ValueError(f"there is no setting {setting!r}: {nearest(setting, DEPENDENT)}")
    return TaskFamily(
        name="dependent_bandit",
        params_type=DependentBanditParams,
        source={"p": DEPENDENT[setting]},
        make_vec=DependentBanditVectorEnv,
    )
