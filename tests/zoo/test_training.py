"""Training for the zoo: an interrupt changes nothing, and what was trained is whole."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.zoo import epopt_recipes as recipes
from course_lib.zoo import store, training


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "TRAJECTORIES", 8)
    monkeypatch.setattr(recipes, "EVALUATION_EPISODES", 8)
    for world, config in recipes.CONFIGS.items():
        monkeypatch.setitem(recipes.CVAR_ITERATIONS, world, 2)
        policy_optimization = replace(config.policy_optimization, steps=8, minibatch=32, epochs=1)
        tiny = replace(
            config, iterations=4, warmup_iterations=2, horizon=12, policy_optimization=policy_optimization
        )
        monkeypatch.setitem(recipes.CONFIGS, world, tiny)


@pytest.mark.parametrize(
    ("world", "recipe", "hint"), [("hoper", "eps0.1", "hopper"), ("hopper", "eps01", "eps0.1")]
)
def test_mistyped_names_get_a_suggestion(tmp_path, world, recipe, hint):
    with pytest.raises(ValueError, match=f"did you mean '{hint}'"):
        training.train_and_store(recipes.IDEA, world, recipe, 0, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop_at", [1, 3, 4])  # 4: killed after the last iteration, before the card
def test_an_interrupted_training_goes_on_and_leaves_no_checkpoint(small, tmp_path, stop_at):
    class Stop(Exception):
        pass

    def interrupt(record):
        if record["iteration"] == stop_at:
            raise Stop

    with pytest.raises(Stop):
        training.train_and_store(recipes.IDEA, "hopper", "eps0.1", 0, tmp_path, progress=interrupt)
    assert [p.suffix for p in tmp_path.iterdir()] == [".checkpoint"]
    seen = []
    stem = training.train_and_store(
        recipes.IDEA, "hopper", "eps0.1", 0, tmp_path, progress=lambda r: seen.append(r["iteration"])
    )
    assert seen == list(range(stop_at + 1, 5))
    assert sorted(p.name.removeprefix(stem.name) for p in tmp_path.iterdir()) == [".json", ".safetensors"]
    assert store.read_card(stem)["steps"] > 0


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    first, again, other = (
        training.train_and_store(recipes.IDEA, "half_cheetah", "eps0.1", seed, tmp_path / folder)
        for seed, folder in ((0, "a"), (0, "b"), (1, "c"))
    )
    digest = lambda stem: store.read_card(stem)["sha256"]  # noqa: E731
    assert digest(first) == digest(again) != digest(other)


def test_the_files_of_a_training_elsewhere_are_those_of_one_here(small, tmp_path):
    stem = training.train_and_store(recipes.IDEA, "hopper", "mass3", 0, tmp_path / "here")
    files = training.train_elsewhere(recipes.IDEA, "hopper", "mass3", 0)
    assert list(files) == [f"{stem.name}.safetensors", f"{stem.name}.json"]
    assert files[f"{stem.name}.safetensors"] == stem.with_name(f"{stem.name}.safetensors").read_bytes()
    assert not training.is_trained("hopper", "mass3", 0, tmp_path)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert training.is_trained("hopper", "mass3", 0, tmp_path)
    (tmp_path / f"{stem.name}.safetensors").write_bytes(b"half")
    assert not training.is_trained("hopper", "mass3", 0, tmp_path)


def test_a_damaged_checkpoint_says_what_to_do(small, tmp_path):
    (tmp_path / "hopper-eps0.1-seed0.checkpoint").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="delete it to start over"):
        training.train_and_store(recipes.IDEA, "hopper", "eps0.1", 0, tmp_path)


def test_a_checkpoint_of_another_recipe_is_not_mixed_in(small, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def interrupt(record):
        raise Stop

    with pytest.raises(Stop):
        training.train_and_store(recipes.IDEA, "hopper", "eps1.0", 0, tmp_path, progress=interrupt)
    longer = replace(recipes.CONFIGS["hopper"], iterations=5)
    monkeypatch.setitem(recipes.CONFIGS, "hopper", longer)
    with pytest.raises(ValueError, match=r"the recipe has changed since.*delete it to start over"):
        training.train_and_store(recipes.IDEA, "hopper", "eps1.0", 0, tmp_path)


def test_what_cannot_resume_leaves_no_checkpoint_and_starts_over(small, tmp_path):
    class Stop(Exception):
        pass

    def interrupt(record):
        if record["iteration"] == 2:
            raise Stop

    forgetful = replace(recipes.IDEA, resumes=False)
    with pytest.raises(Stop):
        training.train_and_store(forgetful, "hopper", "eps0.1", 0, tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    seen = []
    stem = training.train_and_store(
        forgetful, "hopper", "eps0.1", 0, tmp_path, progress=lambda r: seen.append(r["iteration"])
    )
    assert seen == [1, 2, 3, 4]
    other = training.train_and_store(recipes.IDEA, "hopper", "eps0.1", 0, tmp_path / "resumes")
    assert store.read_card(stem)["sha256"] == store.read_card(other)["sha256"]


def test_the_score_of_returns_typed_out():
    score = training.score_of(np.arange(101.0), seed=0)
    assert score["return_mean"] == 50.0 and score["return_p10"] == 10.0
    low, high = score["return_interval_over_episodes"]
    spread = np.sqrt(np.mean((np.arange(101.0) - 50) ** 2) / 101)
    assert [low, high] == pytest.approx([50 - 1.96 * spread, 50 + 1.96 * spread], abs=1.0)
