"""Weights on disk: what comes back is what went in, and whatever is damaged is refused in one line."""

import json

import numpy as np
import pytest
import torch

from course_lib.core.networks import GaussianPolicy
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
    with pytest.raises(zoo.ZooError, match="does not hold a Gaussian policy"):
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


@pytest.mark.parametrize("name", zoo.names())
def test_everything_in_the_zoo_loads_is_small_and_has_a_full_card(name):
    policy = zoo.load_policy(name)
    stem = zoo.folder() / name
    card = zoo.read_card(stem)
    size = policy.obs_norm.mean.shape[0]
    assert np.isfinite(policy.act(np.zeros((2, size)))).all()
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
