"""What all batched worlds share, on a world so small that every number is known."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WalkParams(WorldParams):
    """A walk on the line."""

    pace: float | np.ndarray = 1.0
    """Distance per step."""
    edge: float | np.ndarray = 3.0
    """Who is beyond has fallen."""

    bounds: ClassVar = {"pace": Interval(-2.0, 2.0), "edge": Interval(0.0, 9.0, above_low=True)}


class WalkVectorEnv(EpisodicVectorEnv):
    params_type = WalkParams
    dt = 0.5

    def __init__(self, num_envs, params=None, *, max_episode_steps=5, autoreset_mode="NextStep", **values):
        params = self._chosen_params(num_envs, params, values)
        action, observation = Box(-1, 1, (1,), np.float32), Box(-np.inf, np.inf, (1,), np.float64)
        super().__init__(num_envs, action, observation, max_episode_steps, autoreset_mode)
        self.place = np.zeros(num_envs)
        self.stepped = np.zeros(num_envs, dtype=int)
        self.set_params(params)

    def _apply(self, values):
        self.values = values

    def _start(self, mask):
        for i in np.flatnonzero(mask):
            self.place[i] = self.generators[i].uniform(0, 1)

    def _advance(self, actions, live):
        self.stepped += live
        self.place += live * self.values[:, 0] * actions[:, 0]
        return self.place.copy(), self.place > self.values[:, 1], {"speed": self.values[:, 0] * actions[:, 0]}

    def _observation(self):
        return self.place[:, None].copy()

    def _start_infos(self):
        return {"place": self.place.copy()}


class WalkEnv(SingleEnv):
    vector_type = WalkVectorEnv


PACES = np.array([1.0, 0.3, 0.0])
"""The first falls, the second is cut off, the third stands still."""


def walk(mode, **options):
    return WalkVectorEnv(3, pace=PACES, autoreset_mode=mode, **options)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_episodes_go_on_as_gymnasiums_do(mode):
    """Oracle: Gymnasium's own batch of single worlds, infos and final observations included."""
    env = walk(mode)
    makers = [lambda pace=pace: TimeLimit(WalkEnv(pace=pace), 5) for pace in PACES]
    peer = SyncVectorEnv(makers, autoreset_mode=mode)
    ours, theirs = env.reset(seed=4), peer.reset(seed=4)
    np.testing.assert_array_equal(ours[0], theirs[0])
    terminated = truncated = 0
    for _ in range(25):
        ours, theirs = env.step(np.ones((3, 1))), peer.step(np.ones((3, 1)))
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        for name in ("speed", "place"):
            if name in theirs[4]:
                mask = theirs[4][f"_{name}"]
                np.testing.assert_array_equal(ours[4][f"_{name}"], mask)
                np.testing.assert_array_equal(ours[4][name][mask], theirs[4][name][mask])
        if "final_obs" in theirs[4]:
            np.testing.assert_array_equal(ours[4]["_final_obs"], theirs[4]["_final_obs"])
            for i in np.flatnonzero(theirs[4]["_final_obs"]):
                np.testing.assert_array_equal(ours[4]["final_obs"][i], theirs[4]["final_obs"][i])
                for name in ("speed", "place"):
                    assert ours[4]["final_info"][name][i] == theirs[4]["final_info"][name][i]
        terminated, truncated = terminated + theirs[2].sum(), truncated + theirs[3].sum()
    assert terminated >= 5 and truncated >= 8


def test_without_autoreset_the_finished_stay_and_are_not_stepped():
    env = walk("Disabled")
    env.reset(seed=4)
    steps = [env.step(np.ones((3, 1))) for _ in range(8)]
    fell = next(t for t, step in enumerate(steps) if step[2][0])
    assert fell < 4 and env.stepped.tolist() == [fell + 1, 5, 5]
    for obs, reward, terminated, truncated, infos in steps[fell + 1 :]:
        assert obs[0] == steps[fell][0][0] and reward[0] == 0
        assert terminated.tolist() == [True, False, False] and not truncated[0]
        assert not infos["_speed"][0]
    assert steps[7][3].tolist() == [False, True, True]
    env.reset(options={"reset_mask": np.array([True, False, False])})
    again = env.step(np.ones((3, 1)))
    assert not again[2][0] and again[3].tolist() == [False, True, True] and again[1][0] != 0


def test_no_limit_never_truncates():
    env = walk("Disabled", max_episode_steps=None)
    env.reset(seed=0)
    assert not any(env.step(np.ones((3, 1)))[3].any() for _ in range(100))


def test_seeds_belong_to_simulations():
    a, b = walk("Disabled"), walk("Disabled")
    np.testing.assert_array_equal(a.reset(seed=5)[0][1:], b.reset(seed=6)[0][:2])
    np.testing.assert_array_equal(a.reset(seed=[9, 5, 7])[0][1], b.reset(seed=5)[0][0])
    assert (a.reset()[0] != a.reset()[0]).all()
    # A seed reaches only those that are reset.
    before = a.reset(seed=1)[0]
    after, _ = a.reset(seed=2, options={"reset_mask": np.array([False, True, False])})
    assert (after == before)[:, 0].tolist() == [True, False, True]
    np.testing.assert_array_equal(after[1], b.reset(seed=2)[0][1])


def test_arrays_handed_out_are_the_callers():
    env = walk("Disabled")
    obs, infos = env.reset(seed=0)
    step = env.step(np.ones((3, 1)))
    kept = [array.copy() for array in (obs, *step[:4])]
    for _ in range(5):
        env.step(np.ones((3, 1)))
    for array, copy in zip((obs, *step[:4]), kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    step[2][:], step[3][:], infos["place"][:] = True, True, 99.0
    env.reset(seed=0)
    step = env.step(np.ones((3, 1)))
    step[2][:], step[3][:] = True, True  # a caller's mark does not end an episode
    assert env.step(np.ones((3, 1)))[1].all()


@pytest.mark.parametrize(
    "interval, text, inside, outside",
    [
        (Interval(-1.0, 2.0), "[-1, 2]", [-1.0, 0.0, 2.0], [-1.1, 2.1, np.nan, np.inf]),
        (Interval(0.0, 9.0, above_low=True), "(0, 9]", [1e-9, 9.0], [0.0, -1.0, 9.1, np.nan]),
    ],
)
def test_an_interval_names_its_ends(interval, text, inside, outside):
    assert str(interval) == text
    assert interval.contains(np.array(inside)).all() and not interval.contains(np.array(outside)).any()


def test_parameters_are_numbers_or_one_number_each():
    params = WalkParams(pace=np.array([1.0, 2.0]))
    np.testing.assert_array_equal(params.array(2), [[1.0, 3.0], [2.0, 3.0]])
    assert WalkParams.from_array(params.array(2)) == WalkParams(pace=params.pace, edge=np.full(2, 3.0))
    assert params != WalkParams() and params != "params"
    with pytest.raises(ValueError, match="pace has 2 values for 3 simulations"):
        walk("Disabled").set_params(params)
    with pytest.raises(ValueError, match=r"pace must be in \[-2, 2\], got 3\.0"):
        WalkParams(pace=np.array([0.0, 3.0]))
    with pytest.raises(ValueError, match="got shape"):
        WalkParams(pace=np.ones((2, 1)))
    with pytest.raises(ValueError, match="matrix must have shape"):
        WalkParams.from_array(np.ones((2, 3)))
    with pytest.raises(TypeError, match="did you mean 'pace'"):
        WalkVectorEnv(1, pase=1.0)
    with pytest.raises(TypeError, match="params must be WalkParams, got float"):
        walk("Disabled").set_params(1.0)


def test_wrong_calls_name_the_way_out():
    env = walk("Disabled")
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.step(np.ones((3, 1)))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"\(3, 1\), got \(3,\)"):
        env.step(np.ones(3))
    with pytest.raises(ValueError, match=r"simulations \[2\]"):
        env.step(np.array([[0.0], [1.0], [np.nan]]))
    with pytest.raises(ValueError, match="seed"):
        env.reset(seed=[1])
    for mask in (np.zeros(3, dtype=bool), np.ones(2, dtype=bool), np.ones(3)):
        with pytest.raises(ValueError, match="reset_mask"):
            env.reset(options={"reset_mask": mask})
    for options, word in (({"num_envs": 0}, "num_envs"), ({"max_episode_steps": 0}, "max_episode_steps")):
        with pytest.raises(ValueError, match=word):
            WalkVectorEnv(**({"num_envs": 1} | options))
    with pytest.raises(ValueError, match="give params or pace, not both"):
        WalkVectorEnv(1, WalkParams(), pace=1.0)
    with pytest.raises(ValueError, match="render_mode must be None"):
        WalkEnv(render_mode="human")


# What is wanted.


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WantedParams(WalkParams):
    """A walk on the line to a mark."""

    mark: float | np.ndarray = 2.0
    """Where to go."""

    bounds: ClassVar = {**WalkParams.bounds, "mark": Interval(-9.0, 9.0)}
    context: ClassVar = ("mark", "pace")


class WantedVectorEnv(WalkVectorEnv):
    params_type = WantedParams

    def __init__(self, num_envs, *, context_observed, autoreset_mode, **values):
        params = self._chosen_params(num_envs, None, values)
        spaces = Box(-1, 1, (1,), np.float32), Box(-5, 5, (1,), np.float64)
        EpisodicVectorEnv.__init__(self, num_envs, *spaces, 5, autoreset_mode, context_observed)
        self.place, self.stepped = np.zeros(num_envs), np.zeros(num_envs, dtype=int)
        self.set_params(params)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_context_ends_every_observation_and_the_switch_takes_it_away(mode):
    def wanted(observed):
        params = {"pace": PACES, "mark": [1.0, 2.0, 3.0]}
        return WantedVectorEnv(3, context_observed=observed, autoreset_mode=mode, **params)

    told, withheld = wanted(True), wanted(False)
    context = np.stack([[1.0, 2.0, 3.0], PACES], axis=1)  # in the order that the parameters name
    np.testing.assert_array_equal(told.context, context)
    assert withheld.single_observation_space == Box(-5, 5, (1,), np.float64)
    np.testing.assert_array_equal(told.single_observation_space.low, [-5, -9, -2])
    ours, theirs = told.reset(seed=1), withheld.reset(seed=1)
    for _ in range(12):
        np.testing.assert_array_equal(ours[0], np.concatenate([theirs[0], context], axis=1))
        ours, theirs = (env.step(np.ones((3, 1))) for env in (told, withheld))
        ended = ours[2] | ours[3]
        if mode == AutoresetMode.SAME_STEP and ended.any():
            for index in np.flatnonzero(ended):
                final, plain = ours[-1]["final_obs"][index], theirs[-1]["final_obs"][index]
                np.testing.assert_array_equal(final, np.append(plain, context[index]))
        if mode == AutoresetMode.DISABLED and ended.all():
            break


def test_a_world_without_context_has_nothing_to_withhold():
    env = walk(AutoresetMode.DISABLED)
    assert env.context.shape == (3, 0) and env.reset(seed=0)[0].shape == (3, 1)
