"""Goal-conditioned policies: one policy and one value function for every goal, learned in hindsight.

A goal is a state to be reached, so whatever an episode did reach was a goal, too, and the episode is a
success for it: with goals replaced afterwards, a sparse reward is seen in every episode.

A transition t leads from state t to state t + 1; an episode of length L has the states 0 .. L. Reaching
the goal is worth 0 and ends the task, every other step costs 1, so the best value of a state at least d
steps from the goal is V(s, g) = -(1 - gamma^(d-1)) / (1 - gamma).

Axes: B transitions, N simulations, S observation without goal, A action, K goal.
Source: Schaul et al., "Universal Value Function Approximators", ICML 2015,
https://proceedings.mlr.press/v37/schaul15.html; Andrychowicz et al., "Hindsight Experience Replay",
NeurIPS 2017, https://arxiv.org/abs/1707.01495.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from course_lib.core.episode_replay import EpisodeReplay, Moments
from course_lib.core.goals import GoalSpace
from course_lib.core.replay import Batch
from course_lib.core.rollout import Transitions, action_size, episodes
from course_lib.core.spelling import nearest
from course_lib.core.task_family import DrawnTasks, TaskFamily, draw_tasks
from course_lib.core.types import Obs, PerTransition, PerTransitionMask, shape_checked

Strategy = Literal["none", "final", "future", "episode"]
"""Which states of an episode are taken for goals afterwards: none, its last, a later one, any of it."""
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

Goal = Float[Tensor, "*batch K"]
Times = Int64[np.ndarray, "B"]


@dataclass(frozen=True, kw_only=True)
class GoalConfig:
    """Settings of goal-conditioned training."""

    strategy: Strategy = "future"
    """Which states become goals in hindsight."""
    relabelled: int = 4
    """The paper's k: transitions with a goal in hindsight for each with its own goal, >= 0."""
    iterations: int = 200
    """Times to act and to update, >= 1."""
    horizon: int = 50
    """Longest episode, in steps, >= 1; running out of time is no termination."""
    updates: int = 40
    """Updates per iteration, >= 1."""
    batch_size: int = 256
    """Transitions per update, >= 1."""
    capacity: int = 10_000
    """Episodes that are kept, >= 1."""

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"there is no strategy {self.strategy!r}: {nearest(self.strategy, STRATEGIES)}")
        if self.relabelled < 0:
            raise ValueError(f"relabelled must not be negative, got {self.relabelled}")
        for name in ("iterations", "horizon", "updates", "batch_size", "capacity"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def share_in_hindsight(self) -> float:
        """Share of a batch whose goals are replaced, k / (k + 1)."""
        return 0.0 if self.strategy == "none" else self.relabelled / (self.relabelled + 1)


@shape_checked
def augmented(obs: Obs, context: Goal) -> Float[Tensor, "*batch _"]:
    """The augmented state: s first, then what is wanted.

    Args:
        obs: s, [..., S].
        context: the goal, or any other context, [..., K].

    Returns:
        [..., S + K].
    """
    return torch.cat([obs, context], dim=-1)


@shape_checked
def sparse_reward(achieved: Float[Tensor, "B K"], goal: Float[Tensor, "B K"], radius: float) -> PerTransition:
    """0 where the goal is reached, -1 elsewhere: every step costs until one is there.

    Args:
        achieved: m(s'), what the step led to.
        goal: what was wanted.
        radius: Euclidean distance that is near enough, in the goal's unit; 0: equality.
    """
    return ((achieved - goal).norm(dim=1) <= radius).float() - 1.0


@shape_checked
def hindsight_time(time: Times, length: Times, strategy: str, rng: np.random.Generator) -> Times:
    """Which state of its episode becomes a transition's goal.

    Args:
        time: t; the transition leads from state t to state t + 1.
        length: L; the episode has the states 0 .. L.
        strategy: "final": state L; "future": any of t + 1 .. L; "episode": any of 1 .. L.
        rng: source of randomness.

    Returns:
        Number of a state for each transition.

    Raises:
        ValueError: there is no such strategy.
    """
    match strategy:
        case "final":
            return length.copy()
        case "future":
            return rng.integers(time + 1, length + 1)
        case "episode":
            return rng.integers(1, length + 1)
    raise ValueError(f"no states are chosen by {strategy!r}: {nearest(strategy, STRATEGIES[1:])}")


def relabelled(
    moments: Moments,
    goal: Tensor,
    goal_space: GoalSpace,
    augmented: Callable[..., Tensor] = augmented,
    sparse_reward: Callable[..., Tensor] = sparse_reward,
) -> Batch:
    """The transitions as if that goal had been wanted: in s, in s', in the reward and in whether it ended.

    Args:
        moments: what happened; it stays as it is.
        goal: one for each transition, its own or another, [B, K].
        goal_space: what a goal speaks of, and how near is near enough.
        augmented: puts state and goal together, called as in this module.
        sparse_reward: called as in this module.
    """
    reward = sparse_reward(goal_space.achieved(moments.next_obs), goal, goal_space.radius)
    return Batch(
        obs=augmented(moments.obs, goal),
        action=moments.action,
        reward=reward,
        next_obs=augmented(moments.next_obs, goal),
        terminated=reward == 0.0,
        weight=torch.ones(len(goal)),
    )


@shape_checked
def goal_target(
    reward: PerTransition, next_value: PerTransition, terminated: PerTransitionMask, gamma: float
) -> PerTransition:
    """r + gamma V(s', g), and nothing after the goal; kept between what is possible, -1/(1-gamma) and 0.

    Args:
        reward: 0 where the goal is reached, -1 elsewhere.
        next_value: V(s', g).
        terminated: the goal was reached; running out of time does not count.
        gamma: discount, in [0, 1).

    Raises:
        ValueError: gamma is 1 or more: then nothing is impossible.
    """
    if not 0.0 <= gamma < 1.0:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}")
    target = reward + gamma * ~terminated * next_value
    return target.clamp(-1.0 / (1.0 - gamma), 0.0)


def hindsight_batch(
    replay: EpisodeReplay,
    goal_space: GoalSpace,
    config: GoalConfig,
    rng: np.random.Generator,
    *,
    augmented: Callable[..., Tensor] = augmented,
    sparse_reward: Callable[..., Tensor] = sparse_reward,
    hindsight_time: Callable[..., np.ndarray] = hindsight_time,
    relabelled: Callable[..., Batch] = relabelled,
) -> Batch:
    """Draws transitions, and gives a share of them goals that their episodes reached.

    Args:
        replay: whole episodes.
        goal_space: what a goal speaks of.
        config: strategy, share and size.
        rng: source of randomness.
        augmented, sparse_reward, hindsight_time, relabelled: called as in this module.

    Returns:
        B transitions with observations [s, goal].

    Raises:
        ValueError: `hindsight_time` returned a state that the episode does not have.
    """
    moments = replay.sample(config.batch_size, rng)
    goal = moments.goal
    if config.share_in_hindsight > 0.0:
        when = np.asarray(hindsight_time(moments.time, moments.length, config.strategy, rng))
        if when.shape != moments.time.shape or (when < 0).any() or (when > moments.length).any():
            raise ValueError("hindsight_time must return one state of 0 .. length for each transition")
        reached = goal_space.achieved(replay.states(moments.episode, when))
        replaced = torch.from_numpy(rng.random(config.batch_size) < config.share_in_hindsight)
        goal = torch.where(replaced.unsqueeze(1), reached, goal)
    return relabelled(moments, goal, goal_space, augmented, sparse_reward)


def train(
    agent: nn.Module,
    update: Callable[..., Mapping[str, Any]],
    env: VectorEnv,
    family: TaskFamily,
    config: GoalConfig,
    rng: np.random.Generator,
    *,
    augmented: Callable[..., Tensor] = augmented,
    sparse_reward: Callable[..., Tensor] = sparse_reward,
    hindsight_time: Callable[..., np.ndarray] = hindsight_time,
    relabelled: Callable[..., Batch] = relabelled,
    goal_target: Callable[..., Tensor] = goal_target,
    draw_tasks: Callable[..., np.ndarray] = draw_tasks,
) -> Iterator[dict[str, float]]:
    """Trains one policy for all goals of a family, one record an iteration.

    Args:
        agent: changed in place; its `policy` acts.
        update: one gradient step, called as `update(agent, batch, td_target=...)`: that of `agents.dqn` or
            `agents.sac`, with its settings filled in by `functools.partial`.
        env: goal world with autoreset disabled, one episode a simulation and iteration.
        family: where goals are drawn from.
        config: settings.
        rng: seeds the world, draws goals and batches.
        augmented, sparse_reward, hindsight_time, relabelled, goal_target: called as in this module.
        draw_tasks: called as in `core.task_family`.

    Yields:
        iteration, steps (so far), success (share of this iteration's episodes that reached their goal),
        return_mean (their undiscounted return), reward_seen (share of the last batch with a reward of 0),
        and what `update` returns.

    Raises:
        ValueError: the world resets by itself or withholds the goal, or an equation returned what it should
            not.
    """
    space: GoalSpace = env.goal_space
    if not env.context_observed:
        raise ValueError(
            "the goal must be part of the observation: make the world with context_observed=True"
        )
    obs_size = env.single_observation_space.shape[0] - space.size
    replay = EpisodeReplay(config.capacity, config.horizon, obs_size, action_size(env), space.size)
    tasks = DrawnTasks(env, family, rng, draw_tasks)
    everyone = np.ones(env.num_envs, dtype=bool)
    steps = 0
    for iteration in range(1, config.iterations + 1):
        tasks(everyone)
        data = episodes(env, agent.policy, config.horizon, seed=int(rng.integers(2**31)))
        replay.add(data)
        steps += data.steps
        for _ in range(config.updates):
            batch = hindsight_batch(
                replay,
                space,
                config,
                rng,
                augmented=augmented,
                sparse_reward=sparse_reward,
                hindsight_time=hindsight_time,
                relabelled=relabelled,
            )
            record = update(agent, batch, td_target=goal_target)
        yield {
            "iteration": iteration,
            "steps": steps,
            "success": float(_at_goal(data).float().mean()),
            "return_mean": float(data.returns.mean()),
            "reward_seen": float((batch.reward == 0.0).float().mean()),
            **{name: float(value) for name, value in record.items()},
        }


def reached(
    act: Callable[[np.ndarray], np.ndarray], env: VectorEnv, family: TaskFamily, horizon: int, seed: int
) -> Bool[np.ndarray, "N"]:
    """Tests a policy on goals drawn anew, one episode a simulation: which of them it reached.

    Args:
        act: from observations [N, S + K] to actions, both numpy.
        env: goal world with autoreset disabled.
        family: where goals are drawn from.
        horizon: steps to get there.
        seed: of goals and starts.

    Raises:
        ValueError: the world resets by itself, or the horizon is not positive.
    """
    DrawnTasks(env, family, np.random.default_rng(seed))(np.ones(env.num_envs, dtype=bool))
    return _at_goal(episodes(env, _Acting(act), horizon, seed)).numpy()


class _Acting:
    """A policy of observations in numpy, as `episodes` takes it."""

    def __init__(self, act: Callable[[np.ndarray], np.ndarray]) -> None:
        self._act = act

    def sample(self, obs: Tensor) -> Tensor:
        return torch.as_tensor(self._act(obs.numpy()))


def _at_goal(data: Transitions) -> Tensor:
    # Not what was terminated: a simulation that diverged is, too.
    return ((data.reward == 0.0) & data.valid).any(0)
