"""Weights on disk: what comes back is what went in, and whatever is damaged is refused in one line."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.core.belief_policy import BeliefPolicy, PlaceRewards
from course_lib.core.gaussian_belief import posterior
from course_lib.core.latent_policy import LatentPolicy
from course_lib.core.memory import GRUMemory, LSTMMemory, MemoryPolicy
from course_lib.core.networks import ActorCritic, GaussianPolicy, SquashedGaussianPolicy, TwinQ, mlp
from course_lib.meta.maml import GradientClassifier, GradientLearner
from course_lib.meta.maml_rl import AdaptivePolicy
from course_lib.meta.prototypes import PrototypeLearner
from course_lib.meta.snail import SnailMemory
from course_lib.meta.supervised import RecurrentLearner, SetLearner
from course_lib.zoo import store as zoo


@pytest.fixture
def stem(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "toy-eps0.1-seed0"
    zoo.store(path, GaussianPolicy(4, 2, (8, 16)).state_dict(), {"command": "course train", "seed": 0})
    return path


def test_a_policy_comes_back_with_its_shape_and_its_numbers(stem):
    torch.manual_seed(0)
    original = GaussianPolicy(4, 2, (8, 16))
    obs = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(zoo.policy_from(stem).act(obs), original.act(obs))


def test_a_squashed_policy_comes_back_as_one(tmp_path):
    torch.manual_seed(0)
    original = SquashedGaussianPolicy(4, 3, (8, 16))
    zoo.store_policy(tmp_path / "x", original, {})
    again = zoo.policy_from(tmp_path / "x")
    obs = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(again.act(obs), original.act(obs))
    assert zoo.read_card(tmp_path / "x")["network"] == "squashed_gaussian"


def test_a_policy_with_its_critics_comes_back_and_values_what_it_does(tmp_path):
    torch.manual_seed(0)
    original = ActorCritic(SquashedGaussianPolicy(4, 3, (8, 16)), TwinQ(4, 3, (6, 5, 7)))
    zoo.store_policy(tmp_path / "x", original, {})
    again = zoo.policy_from(tmp_path / "x")
    obs = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(again.act(obs), original.act(obs))
    both = original.critics(*(torch.as_tensor(x, dtype=torch.float32) for x in (obs, original.act(obs))))
    np.testing.assert_array_equal(again.value(obs), both.min(0).values.detach())


@pytest.mark.parametrize("discrete", [True, False])
def test_a_policy_on_a_belief_comes_back_and_believes_the_same(tmp_path, discrete):
    torch.manual_seed(0)
    original = BeliefPolicy(4, 3, discrete, lambda z, units: PlaceRewards(z, 4, units), 2, 6)
    original.reward_norm.observe(torch.randn(9, 1))
    zoo.store_policy(tmp_path / "x", original, {})
    again, (obs, action, reward) = zoo.policy_from(tmp_path / "x"), torch.randn(3, 2, 4)
    memory = original.witness(original.begin(2), action[:, :3], reward[:, 0], obs)
    assert torch.equal(memory, again.witness(again.begin(2), action[:, :3], reward[:, 0], obs))
    inputs = torch.cat([obs, torch.zeros(2, 5)], -1)
    features = original.advance(inputs, memory)[0]
    assert torch.equal(features, again.advance(inputs, memory)[0])
    drawn = original.sample(features)
    expected = original.log_prob_and_entropy(features, drawn)
    for one, other in zip(expected, again.log_prob_and_entropy(features, drawn), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", [GRUMemory, LSTMMemory, partial(SnailMemory, length=8)])
@pytest.mark.parametrize("discrete", [True, False])
def test_a_policy_with_a_memory_comes_back_and_remembers(tmp_path, kind, discrete):
    torch.manual_seed(0)
    original = MemoryPolicy(4, 3, discrete, lambda inputs: kind(inputs, 6))
    original.reward_norm.observe(torch.randn(9, 1))
    zoo.store_policy(tmp_path / "x", original, {})
    again = zoo.policy_from(tmp_path / "x")
    held = [policy.begin(2) for policy in (original, again)]
    for inputs in torch.randn(3, 2, 9):
        steps = [
            policy.advance(inputs, memory) for policy, memory in zip((original, again), held, strict=True)
        ]
        held = [memory for _, memory in steps]
        assert torch.equal(steps[0][0], steps[1][0])
    action = original.sample(steps[0][0])
    expected = original.log_prob_and_entropy(steps[0][0], action)
    for one, other in zip(expected, again.log_prob_and_entropy(steps[1][0], action), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "original",
    [
        RecurrentLearner(4, 3, 6),
        SetLearner(4, 3, 6),
        PrototypeLearner(4, 6),
        GradientLearner(mlp([4, 6, 6, 3], activation=nn.ReLU), 0.3),
        GradientClassifier(mlp([4, 6, 3], activation=nn.ReLU), 0.3, learned_rates=True),
    ],
)
def test_a_learner_comes_back_and_reads_the_same(tmp_path, original):
    zoo.store_policy(tmp_path / "x", original, {})
    again = zoo.policy_from(tmp_path / "x")
    x, y = torch.randn(2, 5, 4), torch.eye(3)[torch.randint(3, (2, 5))]
    one, other = (learner.predict(learner.adapt(x, y), x) for learner in (original, again))
    assert torch.equal(one, other)


def test_a_snail_whose_window_its_weights_do_not_tell_is_not_stored(tmp_path):
    policy = MemoryPolicy(4, 3, True, partial(SnailMemory, length=30))
    with pytest.raises(zoo.ZooError, match=r"16, 32, 64 \.\.\. steps, got 30"):
        zoo.store_policy(tmp_path / "x", policy, {})


def test_a_card_of_before_networks_had_names_holds_a_gaussian(stem):
    assert "network" not in zoo.read_card(stem)
    assert isinstance(zoo.policy_from(stem), GaussianPolicy)
    policy = GaussianPolicy(4, 2)
    zoo.store_policy(stem, policy, {})
    assert zoo.read_card(stem)["network"] == "gaussian"


def test_a_network_without_a_name_is_neither_stored_nor_read(stem):
    with pytest.raises(
        zoo.ZooError, match=r"must be one of gaussian, squashed_gaussian, .*, memory, .*, got TwinQ"
    ):
        zoo.store_policy(stem, TwinQ(4, 2), {})
    zoo.store(stem, GaussianPolicy(4, 2).state_dict(), {"network": "gausian"})
    with pytest.raises(zoo.ZooError, match="holds a network 'gausian': did you mean 'gaussian'"):
        zoo.policy_from(stem)


def test_the_card_says_how_and_with_what(stem):
    card = zoo.read_card(stem)
    assert card["command"] == "course train" and len(card["sha256"]) == 64
    assert card["versions"]["torch"].startswith(torch.__version__.split("+")[0])


@pytest.mark.parametrize("cut", [0, 20, 300])
def test_truncated_weights_are_refused(stem, cut):
    path = stem.with_name(stem.name + ".safetensors")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(zoo.ZooError, match=r"is damaged: its hash is not the card's"):
        zoo.policy_from(stem)


def test_one_flipped_bit_is_noticed(stem):
    path = stem.with_name(stem.name + ".safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(zoo.ZooError, match="is damaged"):
        zoo.read(stem)


def test_another_version_is_refused(stem):
    path = stem.with_name(stem.name + ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(zoo.ZooError, match="has format 99, this course reads format 1"):
        zoo.policy_from(stem)


def test_a_card_that_is_no_json_and_missing_weights_are_named(stem):
    stem.with_name(stem.name + ".safetensors").unlink()
    with pytest.raises(zoo.ZooError, match="missing beside its card"):
        zoo.read(stem)
    stem.with_name(stem.name + ".json").write_text("{")
    with pytest.raises(zoo.ZooError, match="is not JSON"):
        zoo.read(stem)


def test_weights_of_another_network_are_refused(tmp_path):
    zoo.store(tmp_path / "x", {"obs_norm.mean": torch.zeros(3)}, {})
    with pytest.raises(zoo.ZooError, match="does not hold a gaussian policy"):
        zoo.policy_from(tmp_path / "x")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(zoo.ZooError, match=r"cannot write .*--out"):
        zoo.store(tmp_path / "file" / "x", {"a": torch.zeros(1)}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(zoo.ZooError, match="No space left"):
        zoo.write_here(tmp_path / "x.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_name_gets_a_suggestion():
    known = zoo.names()[0]
    with pytest.raises(zoo.ZooError, match=f"did you mean '{known}'"):
        zoo.load_policy(known + "x")


@pytest.fixture
def small_zoo(tmp_path, monkeypatch):
    """A zoo of toy-a with seeds 2 and 10, and toy-ab with one."""
    monkeypatch.setattr(zoo, "folder", lambda: tmp_path)
    for name, mean in (("toy-a-seed10", 3.0), ("toy-a-seed2", 1.0), ("toy-ab-seed0", 9.0)):
        zoo.store_policy(tmp_path / "idea" / name, GaussianPolicy(2, 1), {"return_mean": mean})


def test_the_best_is_the_seed_of_its_own_recipe_with_the_highest_mean(small_zoo):
    scores = zoo.scores("idea", "toy", "a")
    assert list(scores.items()) == [("idea/toy-a-seed2", 1.0), ("idea/toy-a-seed10", 3.0)]
    assert zoo.best("idea", "toy", "a") == "idea/toy-a-seed10"


def test_a_recipe_without_weights_gets_a_suggestion(small_zoo):
    with pytest.raises(zoo.ZooError, match="no weights of 'idea/toi-ab' in the zoo: did you mean 'idea/toy"):
        zoo.best("idea", "toi", "ab")


def answer_to_zeros(policy) -> np.ndarray:
    """What a stored network, of whatever kind, makes of a world or a training set that is all zero."""
    if isinstance(policy, MemoryPolicy):
        inputs = torch.zeros(2, policy.obs_size + policy.action_size + 2)
        features, _ = policy.advance(inputs, policy.begin(2))
        return policy.action(features).numpy()
    if isinstance(policy, RecurrentLearner | SetLearner | PrototypeLearner):
        x, y = torch.zeros(2, 3, policy.input_size), torch.zeros(2, 3, getattr(policy, "output_size", 3))
        return policy.predict(policy.adapt(x, y), x).numpy()
    if isinstance(policy, GradientLearner):
        first, *_, last = policy.net
        x, y = torch.zeros(2, 3, first.in_features), torch.zeros(2, 3, last.out_features)
        return policy.predict(policy.adapt(x, y), x).detach().numpy()
    if isinstance(policy, LatentPolicy):
        seen = [torch.zeros(2, 3, size) for size in (policy.obs_size, policy.action_size)]
        known = posterior(*policy.evidence(*seen, torch.zeros(2, 3), seen[0]))
        return policy.given(known.mean).sample(seen[0][:, 0]).numpy()
    if isinstance(policy, AdaptivePolicy):
        policy = policy.policy
    size = next(part.in_features for part in policy.modules() if isinstance(part, torch.nn.Linear))
    return policy.act(np.zeros((2, size)))


@pytest.mark.parametrize("name", zoo.names())
def test_everything_in_the_zoo_loads_is_small_and_has_a_full_card(name):
    policy = zoo.load_policy(name)
    stem = zoo.folder() / name
    card = zoo.read_card(stem)
    assert np.isfinite(answer_to_zeros(policy)).all()
    assert stem.with_name(stem.name + ".safetensors").stat().st_size < 200_000
    for key in (
        "command",
        "seed",
        "steps",
        "minutes",
        "return_mean",
        "return_interval_over_episodes",
        "versions",
    ):
        assert key in card
    world, recipe, seed = stem.name.rsplit("-", 2)
    assert card["command"].endswith(f"--world {world} --recipe {recipe} --seed {seed.removeprefix('seed')}")
