"""Where VariBAD's policies go on GridNavi, and what they believe of the goal, step by step.

The encoder's belief is about a z that means nothing by itself. What it says of the goal, the decoder tells,
by giving every cell a probability that it pays. It does not know that just one of them does: here the
probabilities are scaled to sum to 1.

Axes: E episodes, N trials, H steps of an episode, T = E H steps of a trial, G = 21 goals, Z latent.
"""

import numpy as np
import torch

from course_lib.core.belief_policy import BeliefPolicy
from course_lib.core.trials import TrialCollector, Trials
from course_lib.envs.grid_navi import GOALS, HORIZON, SIDE, GridNaviParams, GridNaviVectorEnv
from course_lib.meta.belief import bayes_filter

SAMPLES = 32
"""z's of every belief that are decoded."""

_CELLS = torch.as_tensor(GOALS @ np.array([1, SIDE]))


def paths_of(trials: Trials) -> np.ndarray:
    """Cells (x, y) from the start of each episode on, int64 [E, N, H + 1, 2]."""
    before, after = (
        places.argmax(-1).unflatten(0, (-1, HORIZON)) for places in (trials.obs, trials.next_obs)
    )
    cells = torch.cat([before[:, :1], after], dim=1).transpose(1, 2).numpy()  # [E, N, H + 1]
    return np.stack([cells % SIDE, cells // SIDE], axis=-1)


def exact_beliefs(trials: Trials) -> np.ndarray:
    """What Bayes' rule says of the goal, where `decoded_beliefs` says what is believed; [E, N, H + 1, G]."""
    belief = np.full((trials.valid.shape[1], len(GOALS)), 1.0 / len(GOALS))
    known = [belief]
    for place, reward in zip(trials.next_obs[..., _CELLS], trials.reward, strict=True):
        # A step pays where the goal is, and nowhere else.
        likelihood = (place.bool() == (reward > 0.0).unsqueeze(-1)).double().numpy()
        belief = bayes_filter(belief, likelihood)
        known.append(belief)
    return _by_episode(np.stack(known))


def _by_episode(known: np.ndarray) -> np.ndarray:
    # An episode [E, N, H + 1, G] begins with what the one before ended with; [T + 1, N, G] has it once.
    index = HORIZON * np.arange(len(known) // HORIZON)[:, None] + np.arange(HORIZON + 1)  # [E, H + 1]
    return np.moveaxis(known[index], 2, 1)


@torch.no_grad()
def decoded_beliefs(policy: BeliefPolicy, trials: Trials, seed: int) -> np.ndarray:
    """What a policy believed of the goal, before the first step of each episode and after every step.

    Args:
        policy: whose encoder and decoder these are.
        trials: that it, or another, went through.
        seed: of the z's that are drawn from each belief.

    Returns:
        Probabilities that sum to 1 over the goals, float64 [E, N, H + 1, G].
    """
    belief = policy.encoder.belief(policy.memories(trials))  # [T + 1, N, Z]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pays = sum(policy.decoder.probabilities(belief.sample())[..., _CELLS] for _ in range(SAMPLES))
    pays = pays.double().numpy()
    return _by_episode(pays / pays.sum(-1, keepdims=True))


def explored(policy: BeliefPolicy, goal: int, episodes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a policy does, and believes, where the goal is hidden in a certain cell; tens of milliseconds.

    Args:
        policy: of the zoo, such as `store.load_policy(store.best("varibad", "grid_navi", "varibad"))`.
        goal: number of the goal in GOALS, 0 to 20.
        episodes: E, at least 1; it was trained for three.
        seed: of its actions, the same every time.

    Returns:
        Cells (x, y) from the start of each episode on, int64 [E, H + 1, 2], and the probability of each goal
        before the first step and after every one, float64 [E, H + 1, G].
    """
    env = GridNaviVectorEnv(1, autoreset_mode="Disabled", context_observed=False)
    collector = TrialCollector(env, lambda n: GridNaviParams(goal=float(goal)), episodes, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trials = collector.collect(policy)
    return paths_of(trials)[:, 0], decoded_beliefs(policy, trials, seed)[:, 0]
