"""Let a policy with a memory act in trials: some episodes of one task, of which it is told nothing.

The memory goes on from episode to episode, and is empty where a new task begins. That is all that makes a
recurrent policy a learner: what it finds out in the first episode it can use in the second.

Axes: T time, N trials side by side, S observation, A actions, H memory, I = S + A + 2 inputs, E episodes.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, section 2.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from course_lib.core.memory import MemoryPolicy
from course_lib.core.rollout import as_taken
from course_lib.core.task_family import Params
from course_lib.core.types import Memory, PerTrajectory, PerTrajectoryMask, PerTrial, shape_checked


@shape_checked
def meta_input(
    obs: PerTrial,
    previous_action: PerTrial,
    previous_reward: PerTrajectory,
    previous_ended: PerTrajectoryMask,
) -> PerTrial:
    """[s_t, a_{t-1}, r_{t-1}, d_{t-1}]: what a policy must see to learn a task while it acts, [N, S + A + 2].

    At the first step of a trial the last three are zero: nothing has happened yet.

    Args:
        obs: s_t, [N, S].
        previous_action: a_{t-1}, [N, A]: its numbers, or where actions are discrete a 1 at its place.
        previous_reward: r_{t-1}, the reward for that action.
        previous_ended: whether an episode of this trial ended with that action, so that s_t begins a new one.
    """
    last = torch.stack([previous_reward, previous_ended.to(obs.dtype)], dim=-1)  # [N, 2]
    return torch.cat([obs, previous_action, last], dim=-1)  # [N, S + A + 2]


@shape_checked
def carried(memory: Memory, episode_ended: PerTrajectoryMask, trial_ended: PerTrajectoryMask) -> Memory:
    """The memory with which the next step is taken: emptied by a new task, and by nothing else.

    Args:
        memory: after this step, [N, H].
        episode_ended: whether an episode ended with this step.
        trial_ended: whether that was the last episode of its trial.
    """
    return memory * ~trial_ended.unsqueeze(-1)


_carried = carried  # for functions that have an argument of this name


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What happened in N trials, time first; a trial that is through waits for the longest."""

    inputs: Tensor
    """float32 [T, N, I]: what the policy was given."""
    action: Tensor
    """float32 [T, N, A] as the policy drew it; A = 1, its number, where actions are discrete."""
    reward: Tensor
    """float32 [T, N]."""
    obs: Tensor
    """float32 [T, N, S]."""
    next_obs: Tensor
    """float32 [T, N, S]: what the step led to, never the start of a new episode."""
    ended: Tensor
    """bool [T, N]: the step ended an episode, by itself or by a time limit."""
    trial_ended: Tensor
    """bool [T, N]: it was the trial's last."""
    valid: Tensor
    """bool [T, N]: False once the trial is through."""
    episode: Tensor
    """int64 [T, N]: number of the episode within its trial, from 0."""
    memory: Tensor
    """float32 [N, H]: with which the first step was taken."""

    @property
    def episode_returns(self) -> Tensor:
        """Undiscounted return of each episode of each trial, [E, N]."""
        returns = self.reward.new_zeros(int(self.episode.max()) + 1, self.reward.shape[1])
        return returns.scatter_add(0, self.episode, self.reward * self.valid)

    @property
    def returns(self) -> Tensor:
        """Undiscounted return of each trial, [N]."""
        return (self.reward * self.valid).sum(0)


def unrolled(
    policy: MemoryPolicy,
    inputs: Tensor,
    memory: Tensor,
    ended: Tensor,
    trial_ended: Tensor,
    carried: Callable[..., Tensor] = carried,
) -> Tensor:
    """Features at every step of trials that were recorded, with gradients through time.

    A memory that can `unroll` all steps at once, from empty, does so where that is the same: no trial begins
    on the way, and `carried` is this module's.

    Args:
        policy: whose memory reads the trials.
        inputs: [T, N, I].
        memory: with which the first step is taken, [N, H].
        ended: bool [T, N], where an episode ended.
        trial_ended: bool [T, N], where a trial ended.
        carried: called as in this module.

    Returns:
        [T, N, F].
    """
    encoded_inputs = policy.encode(inputs)  # [T, N, I]
    at_once = hasattr(policy.memory, "unroll") and carried is _carried
    if at_once and not memory.any() and not trial_ended[:-1].any():
        return policy.memory.unroll(encoded_inputs)
    features = []
    for encoded, over, all_over in zip(encoded_inputs, ended, trial_ended, strict=True):
        feature, memory = policy.memory.step(encoded, memory)
        memory = carried(memory, over, all_over)
        features.append(feature)
    return torch.stack(features)


class TrialCollector:
    """Collects whole trials, each of a task of its own.

    Args:
        env: batched world with autoreset disabled.
        draw: from a number to the parameters of so many tasks.
        episodes: per trial, at least 1.
        seed: of the start states.
        meta_input: called as in this module.
        carried: called as in this module, after every step.

    Raises:
        ValueError: the world resets by itself or its episodes never end, or there is no episode.
    """

    def __init__(
        self,
        env: VectorEnv,
        draw: Callable[[int], Params],
        episodes: int,
        seed: int,
        *,
        meta_input: Callable[..., Tensor] = meta_input,
        carried: Callable[..., Tensor] = carried,
    ) -> None:
        if env.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
            raise ValueError("trials need a world with autoreset_mode=AutoresetMode.DISABLED")
        if env.max_episode_steps is None:
            raise ValueError("trials need episodes that end: give the world max_episode_steps")
        if episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {episodes}")
        self.env, self.draw, self.episodes = env, draw, episodes
        self.meta_input, self.carried = meta_input, carried
        self.tasks: Params | None = None
        """Parameters of the tasks of the last trials; None before the first."""
        self._seed: int | None = seed
        self._memory: Tensor | None = None
        space = env.single_action_space
        self._actions = int(space.n) if isinstance(space, Discrete) else None

    @torch.no_grad()
    def collect(self, policy: MemoryPolicy) -> Trials:
        """Draws N tasks, and acts in each for as many episodes as a trial has.

        Args:
            policy: draws the actions, and remembers.

        Returns:
            The trials, T as long as the longest.
        """
        n = self.env.num_envs
        self.tasks = self.draw(n)
        self.env.set_params(self.tasks)
        obs = _float(self.env.reset(seed=self._seed)[0])
        self._seed = None  # the starts go on from where they are
        memory = policy.begin(n) if self._memory is None else self._memory
        first_memory = memory
        action = torch.zeros(n, policy.action_size)
        reward, ended = torch.zeros(n), torch.zeros(n, dtype=torch.bool)
        running, episode = torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.int64)
        steps: list[dict[str, Tensor]] = []
        while running.any():
            inputs = self.meta_input(obs, action, reward, ended)
            features, after = policy.advance(inputs, memory)
            drawn = policy.sample(features)
            result, reward, terminated, truncated, _ = self.env.step(as_taken(drawn.numpy(), self.env))
            next_obs, reward = _float(result), _float(reward)
            after = policy.witness(after, self._as_input(drawn), reward, next_obs)
            ended = torch.as_tensor(terminated | truncated) & running
            trial_ended = ended & (episode == self.episodes - 1)
            memory = torch.where(running.unsqueeze(-1), self.carried(after, ended, trial_ended), memory)
            steps.append(
                {
                    "inputs": inputs,
                    "action": drawn,
                    "reward": reward,
                    "obs": obs,
                    "next_obs": next_obs,
                    "ended": ended,
                    "trial_ended": trial_ended,
                    "valid": running,
                    "episode": episode,
                }
            )
            running = running & ~trial_ended
            episode = episode + (ended & running)
            again = ended & running
            obs = next_obs
            if again.any():
                obs = _float(self.env.reset(options={"reset_mask": again.numpy()})[0])
            action = self._as_input(drawn)
        self._memory = memory
        return Trials(
            **{name: torch.stack([step[name] for step in steps]) for name in steps[0]}, memory=first_memory
        )

    def _as_input(self, action: Tensor) -> Tensor:
        if self._actions is None:
            return action
        return torch.nn.functional.one_hot(action.squeeze(-1).long(), self._actions).float()


def _float(array: np.ndarray) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32)
