"""Recording: pieces join to the whole, and the fallen stay fallen."""

from typing import ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.playback import Clip, Geom, Scene, record


class Falling:
    """Two simulations that move 1 m a step; the second ends at its second step."""

    num_envs, dt = 2, 0.1
    single_action_space = Box(-1.0, 1.0, (1,))
    metadata: ClassVar = {"autoreset_mode": AutoresetMode.DISABLED}
    scene = Scene(
        name="toy", bodies=("ball",), geoms=(Geom(body=0, start=(0, 0), end=(0, 0), radius=0.1, name="b"),)
    )

    def reset(self, seed=None):
        self.t = 0
        return np.zeros((2, 1)), {}

    def step(self, action):
        assert np.abs(action).max() <= 1.0
        self.t += 1
        return np.zeros((2, 1)), np.ones(2), np.array([False, self.t >= 2]), np.zeros(2, dtype=bool), {}

    def pose(self):
        return np.full((2, 1, 3), self.t, dtype=np.float32)


def test_pieces_join_to_the_whole_rollout():
    pieces = list(record(Falling(), lambda obs: obs, chunks=(1, 2, 4)))
    assert [p.pose.shape for p in pieces] == [(2, 1, 1, 3), (2, 2, 1, 3), (2, 4, 1, 3)]
    whole = Clip.concatenate(pieces)
    np.testing.assert_array_equal(whole.pose[0, :, 0, 0], np.arange(1, 8))
    np.testing.assert_array_equal(whole.alive[1], [True, True] + [False] * 5)
    np.testing.assert_array_equal(whole.reward.sum(1), [7.0, 2.0])


def test_actions_are_clipped_so_that_a_recording_earns_what_an_evaluation_does():
    assert next(record(Falling(), lambda obs: obs + 5.0, chunks=(3,))).reward.sum() == 5.0


def test_nothing_cannot_be_joined():
    with pytest.raises(ValueError, match="no clips"):
        Clip.concatenate([])


def test_a_world_that_resets_by_itself_is_refused():
    env = Falling()
    env.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
    with pytest.raises(ValueError, match=r"needs a world with autoreset_mode=AutoresetMode\.DISABLED"):
        next(record(env, lambda obs: obs))
