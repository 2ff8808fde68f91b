"""PSRL: act in each episode as if a world drawn from the posterior were the true one.

For small tables, whose transitions are believed to be Dirichlet and whose rewards Gaussian. What was seen
sharpens the belief, and with it the draws: exploration ends by itself. Beside it stand the plan for the
posterior's mean, which does not explore, and that for the true world.

Axes: N worlds side by side, S states, A actions, S again next states, H steps of an episode, E episodes.
Source: Osband, Russo and Van Roy, "(More) Efficient Reinforcement Learning via Posterior Sampling",
NeurIPS 2013, https://arxiv.org/abs/1306.0940; Strens, "A Bayesian Framework for Reinforcement Learning",
ICML 2000.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Float64, Int64

Dynamics = Float64[np.ndarray, "N S A S"]
"""p(s' | s, a) of each world."""
Rewards = Float64[np.ndarray, "N S A"]
"""Mean rewards of each world."""
Plan = Int64[np.ndarray, "N H S"]
"""What to do at each step of an episode, in each state."""


def optimal_plan(
    dynamics: Dynamics, reward: Rewards, horizon: int
) -> tuple[Plan, Float64[np.ndarray, "N H S"]]:
    """The best plan for each of N known worlds, by backward induction.

    Args:
        dynamics: p(s' | s, a).
        reward: mean rewards.
        horizon: H, steps of an episode, at least 1.

    Returns:
        The plan, and what it is worth from each step and state to the end of the episode.
    """
    n, states = reward.shape[:2]
    plan = np.empty((n, horizon, states), dtype=np.int64)
    value = np.zeros((n, horizon + 1, states))
    for step in range(horizon - 1, -1, -1):
        action_value = reward + np.matmul(dynamics, value[:, step + 1, None, :, None])[..., 0]  # [N, S, A]
        plan[:, step] = action_value.argmax(axis=2)
        value[:, step] = action_value.max(axis=2)
    return plan, value[:, :-1]


class Posterior:
    """What is known of N worlds: how often each transition was seen, and what each action paid.

    Args:
        n: N.
        states: S.
        actions: A.
        concentration: of the Dirichlet prior of each row of transitions, positive; 1 for all rows alike.
        reward_mean: of the prior of a mean reward.
        reward_std: of the prior of a mean reward, positive.
        noise_std: of a reward about its mean, positive.
    """

    def __init__(
        self,
        n: int,
        states: int,
        actions: int,
        *,
        concentration: float = 1.0,
        reward_mean: float = 1.0,
        reward_std: float = 1.0,
        noise_std: float = 1.0,
    ) -> None:
        for name, value in (
            ("concentration", concentration), ("reward_std", reward_std), ("noise_std", noise_std),
        ):  # fmt: skip
            if not value > 0.0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.counts = np.full((n, states, actions, states), float(concentration))
        """Parameters of the Dirichlet distributions, [N, S, A, S]."""
        self.precision = np.full((n, states, actions), 1.0 / reward_std**2)
        """Of each mean reward, [N, S, A]."""
        self._weighted = self.precision * reward_mean
        self._noise_precision = 1.0 / noise_std**2
        self._everyone = np.arange(n)

    def observe(
        self,
        state: Int64[np.ndarray, "N"],
        action: Int64[np.ndarray, "N"],
        reward: Float64[np.ndarray, "N"],
        next_state: Int64[np.ndarray, "N"],
    ) -> None:
        """Takes in one step of every world."""
        where = (self._everyone, state, action)
        self.counts[(*where, next_state)] += 1.0
        self.precision[where] += self._noise_precision
        self._weighted[where] += self._noise_precision * reward

    def mean(self) -> tuple[Dynamics, Rewards]:
        """The worlds in the middle of what is believed."""
        return self.counts / self.counts.sum(axis=3, keepdims=True), self._weighted / self.precision

    def sample(self, rng: np.random.Generator) -> tuple[Dynamics, Rewards]:
        """Worlds that may be the true ones, drawn as often as they are believed to be."""
        weights = rng.standard_gamma(self.counts)  # by their sum: a draw from the Dirichlet
        noise = rng.standard_normal(self.precision.shape) / np.sqrt(self.precision)
        return weights / weights.sum(axis=3, keepdims=True), self._weighted / self.precision + noise


Planner = Callable[[Posterior, int, np.random.Generator], Plan]
"""From what is known, the horizon and a source of randomness to what is done in the next episode."""


def posterior_sampling(posterior: Posterior, horizon: int, rng: np.random.Generator) -> Plan:
    """PSRL: the best plan for worlds drawn from the posterior."""
    return optimal_plan(*posterior.sample(rng), horizon)[0]


def greedy(posterior: Posterior, horizon: int, rng: np.random.Generator) -> Plan:
    """The best plan for the mean of the posterior; among actions of which nothing is known, the first."""
    return optimal_plan(*posterior.mean(), horizon)[0]


def random_actions(posterior: Posterior, horizon: int, rng: np.random.Generator) -> Plan:
    """Any action at each step."""
    n, states, actions = posterior.precision.shape
    return rng.integers(actions, size=(n, horizon, states))


def knowing(dynamics: Dynamics, reward: Rewards) -> Planner:
    """The best plan for the true worlds: what nobody who has to learn them can reach."""
    plan = cache(lambda horizon: optimal_plan(dynamics, reward, horizon)[0])
    return lambda posterior, horizon, rng: plan(horizon)


def play(
    env: VectorEnv, planner: Planner, episodes: int, seed: int, rng: np.random.Generator
) -> Float64[np.ndarray, "E N"]:
    """Lets a planner learn N worlds over some episodes, beginning with the prior.

    Args:
        env: batched world with a one-hot observation of its state, discrete actions, episodes of one length
            and autoreset disabled.
        planner: makes a plan at the start of every episode.
        episodes: E.
        seed: of the world.
        rng: what the planner draws from; not a generator of the seed that drew the worlds, whose numbers
            would come again as guesses.

    Returns:
        Undiscounted return of every episode.

    Raises:
        ValueError: the world resets by itself, or its episodes never end.
    """
    if env.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
        raise ValueError("PSRL needs a world with autoreset_mode=AutoresetMode.DISABLED")
    horizon = env.max_episode_steps
    if horizon is None:
        raise ValueError("PSRL plans to the end of an episode: give the world max_episode_steps")
    everyone = np.arange(env.num_envs)
    states, actions = env.single_observation_space.shape[0], int(env.single_action_space.n)
    posterior = Posterior(env.num_envs, states, actions)
    returns = np.zeros((episodes, env.num_envs))
    for episode in range(episodes):
        plan = planner(posterior, horizon, rng)
        obs, _ = env.reset(seed=seed if episode == 0 else None)
        state = obs.argmax(axis=1)
        for step in range(horizon):
            action = plan[everyone, step, state]
            obs, reward, _, _, _ = env.step(action)
            next_state = obs.argmax(axis=1)
            posterior.observe(state, action, reward, next_state)
            returns[episode] += reward
            state = next_state
    return returns
