"""What policies that infer their task believe of one that a hand hides, shot by shot: for `PosteriorShots`.

A latent variable has more dimensions than a picture. The plane that is shown is the one in which what is
inferred of the training tasks is largest; it goes through the mean of the prior and its axes are at right
angles, so the prior is a standard normal in it, too. What is known is counted in all dimensions.

Axes: M training tasks, N samples, E episodes, T steps, Z latent.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.core.gaussian_belief import GaussianBelief, kl_divergence, prior
from course_lib.core.latent_policy import Exploration, LatentPolicy
from course_lib.core.rollout import Transitions, episodes
from course_lib.core.task_family import Params
from course_lib.envs.direction import DirectionParams
from course_lib.envs.navigation import NavigationParams
from course_lib.widgets.plane import Place
from course_lib.widgets.posterior_shots import Posterior
from course_lib.zoo import pearl_recipes

TRIALS_KEPT = 64
"""How many explorations stay in memory: turning back a slider costs nothing."""
FEW = 5
"""Up to so many shots only so many are explored, so that a hand that drags need not wait for all."""


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Tasks on a circle round the start, which is (0, 0)."""

    params: Callable[[np.ndarray], Params]
    """From angles in rad, [N]."""
    radius: float
    """Where they are drawn, m."""
    half: bool = False
    """Whether only the half from right over up to left has tasks."""

    def angle(self, place: Place) -> float:
        """Of the nearest task, rad."""
        angle = math.atan2(place[1], place[0])
        if self.half and angle < 0.0:
            return 0.0 if place[0] >= 0.0 else math.pi
        return angle

    def places(self, angle: np.ndarray) -> np.ndarray:
        """Where tasks are drawn, [N, 2]."""
        return self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


DIRECTION = Circle(params=lambda angle: DirectionParams(angle=angle), radius=2.3)
HALF_CIRCLE = Circle(
    params=lambda angle: NavigationParams(goal_x=np.cos(angle), goal_y=np.sin(angle)), radius=1.0, half=True
)


class Explorers:
    """Trained policies of one world, each explored by posterior sampling for some episodes.

    `PosteriorShots(explorers.explored, ..., tasks=explorers.tasks, inferred=explorers.inferred)`.
    """

    def __init__(
        self,
        variants: Mapping[str, tuple[pearl_recipes.Recipe, LatentPolicy]],
        circle: Circle,
        *,
        shots: int = 20,
        samples: int = 8,
        marked: int = 30,
        seen: int = 5,
    ) -> None:
        """Lets every policy explore some tasks along the circle, to see where it puts them.

        Args:
            variants: recipe and policy of each, by its name.
            circle: tasks of their world.
            shots: episodes of an exploration, at least 1.
            samples: N, how many samples of a belief are acted on.
            marked: M, tasks that are marked.
            seen: episodes of them after which they are marked.
        """
        self._variants, self._circle = dict(variants), circle
        self._shots, self._samples = shots, samples
        self._kept: OrderedDict[tuple, Exploration] = OrderedDict()
        angle = np.linspace(0.0, math.pi if circle.half else 2 * math.pi, marked, endpoint=circle.half)
        self.tasks = circle.places(angle)
        """Where the marked tasks are drawn, [M, 2]."""
        self.inferred: dict[str, np.ndarray] = {}
        """Where each variant puts them in its plane, [M, 2]."""
        self._planes: dict[str, Tensor] = {}
        for name in self._variants:
            means = self._exploration(name, angle, seen, 0).beliefs[-1].mean
            self._planes[name] = plane_of(means)
            self.inferred[name] = (means @ self._planes[name]).numpy()

    def _exploration(self, variant: str, angle: np.ndarray, count: int, seed: int) -> Exploration:
        tasks, rng = self._circle.params(angle), np.random.default_rng(seed)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            return pearl_recipes.explored(*self._variants[variant], tasks, len(angle), rng, episodes=count)

    def _trial(self, variant: str, angle: float, shots: int, seed: int) -> Exploration:
        """One task for at least so many episodes; more of them begin with the same ones."""
        key = variant, angle, seed
        if key not in self._kept or len(self._kept[key].data) < shots:
            count = min(FEW, self._shots) if shots <= FEW else self._shots
            self._kept[key] = self._exploration(variant, np.array([angle]), count, seed)
        self._kept.move_to_end(key)
        while len(self._kept) > TRIALS_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _acted(self, variant: str, angle: float, z: Tensor, seed: int) -> Transitions:
        """An episode of one task for each z [N, Z]."""
        recipe, policy = self._variants[variant]
        env = pearl_recipes.make_env(recipe, len(z), recipe.test_family)
        env.set_params(self._circle.params(np.full(len(z), angle)))
        return episodes(env, policy.given(z), recipe.config.horizon, seed)

    @torch.no_grad()
    def explored(self, task: Place, shots: int, variant: str, seed: int) -> Posterior:
        """What is believed after so many episodes, and where samples of it lead; called by `PosteriorShots`.

        Args:
            task: a place of the world; the nearest task is meant.
            shots: episodes that were seen, from 0.
            variant: whose belief.
            seed: of the exploration and of the samples.
        """
        angle = self._circle.angle(task)
        trial = self._trial(variant, angle, shots, seed)
        belief, plane = trial.beliefs[shots], self._planes[variant]
        mean, variance = belief.mean[0], belief.variance[0]
        before = prior(len(mean))
        known = float(kl_divergence(mean, variance, before.mean, before.variance))
        if not self._variants[variant][0].config.stochastic:  # a point is believed
            variance, known = torch.zeros_like(variance), math.inf
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            z = GaussianBelief(mean.expand(self._samples, -1), variance).sample()
            data = self._acted(variant, angle, z, seed)
        return Posterior(
            task=tuple(self._circle.places(np.array(angle)).tolist()),
            mean=(mean @ plane).numpy(),
            covariance=(plane.T @ (variance[:, None] * plane)).numpy(),
            samples=(z @ plane).numpy(),
            paths=ways(data),
            returns=data.returns.numpy(),
            information=known,
            gathered=[ways(episode)[0] for episode in trial.data[:shots]],
        )


def plane_of(means: Tensor) -> Tensor:
    """The two directions in which what is inferred is largest, seen from the prior's mean, [Z, 2].

    Args:
        means: of the training tasks, [M, Z], Z at least 2.
    """
    directions = torch.linalg.svd(means, full_matrices=False).Vh[:2].T
    # A direction has no sign of its own: the one in which its largest entry is positive, always.
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    return directions * largest.sign()


def ways(data: Transitions) -> np.ndarray:
    """Places from the start on, [N, T + 1, 2], where what is observed is the place."""
    return torch.cat([data.obs, data.next_obs[-1:]]).transpose(0, 1).double().numpy()
