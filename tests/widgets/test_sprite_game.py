"""The sprite game without a browser: the page's steps are those of the tables, and what it refuses."""

import json
import subprocess
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from course_lib.core.tabular_mdp import TabularMDP, best_path
from course_lib.envs.key_door import EXCHANGED, PUZZLE, Room, world
from course_lib.widgets.module import module
from course_lib.widgets.sprite_game import SpriteGame

STEPS = np.arange(12.0).reshape(3, 4)


@pytest.fixture(scope="module")
def room():
    return world(Room.drawn(PUZZLE))


@pytest.fixture
def game(room):
    games = []

    def make(world=room, drawn_as=EXCHANGED, **options):
        games.append(SpriteGame(world, drawn_as, **options))
        return games[-1]

    yield make
    for one in games:
        one.close()


def walked(node, tmp_path, data, actions):
    """What the page's own functions count, after each action; "new" begins a new try."""
    script = tmp_path / "script.mjs"
    script.write_text(
        module("live_curve", "sprite_game").replace("export default", "void")
        + f"\nconst data = {json.dumps(data)}, game = course.sprite_game;\n"
        + "const one = game.begin(data), seen = [];\n"
        + f"for (const a of {json.dumps(actions)}) {{\n"
        + '  if (a === "new") game.again(data, one); else game.step(data, one, a);\n'
        + "  seen.push(structuredClone(one));\n}\nconsole.log(JSON.stringify(seen));\n"
    )
    return json.loads(subprocess.run([node, script], check=True, timeout=30, capture_output=True).stdout)


def test_the_page_walks_as_the_tables_say_and_counts_steps_and_deaths(node, tmp_path, room, game):
    rng = np.random.default_rng(0)
    way = best_path(room.mdp)
    best = [int(room.mdp.dynamics[s, :, t].argmax()) for s, t in pairwise(way)]
    anyhow = rng.integers(4, size=300).tolist()
    seen = walked(node, tmp_path, game().data, [*anyhow, "new", *best, "new", *best])
    state, deaths = room.mdp.start, 0
    for action, one in zip(anyhow, seen, strict=False):
        deaths += int(room.mdp.reward[state, action] < 0)
        state = int(room.mdp.dynamics[state, action].argmax())
        assert (one["state"], one["deaths"]) == (state, deaths)
    assert deaths > 0 and seen[299]["steps"] == 300 and seen[299]["first"] is None
    fresh = seen[300]
    assert (fresh["state"], fresh["steps"], fresh["deaths"]) == (room.mdp.start, 0, 0)
    # The first success has cost the try that was given up, too; the best try stands for itself.
    assert seen[328]["first"] == {"steps": 328, "deaths": deaths}
    assert seen[-1]["first"] == seen[328]["first"] and seen[-1]["ends"] == [28, 28]
    assert seen[-1]["best"] == {"steps": 28, "deaths": 0}


def test_the_page_has_the_tables_and_the_means_of_the_learners(room, game):
    data = game(learners={"one": STEPS, "two": STEPS[:1]}, random_player=(10, 0.25)).data
    json.dumps(data, allow_nan=False)
    np.testing.assert_array_equal(np.eye(room.mdp.states)[np.array(data["next"])], room.mdp.dynamics)
    assert np.argwhere(data["terminal"]).tolist() == np.argwhere(room.mdp.terminal).tolist()
    one, two = data["learners"]
    assert one["mean"] == [4.0, 5.0, 6.0, 7.0] and one["low"][0] < 4.0 < one["high"][0]
    assert two == {"name": "two", "mean": [0.0, 1.0, 2.0, 3.0], "low": [0, 1, 2, 3], "high": [0, 1, 2, 3]}
    assert data["random"] == [10, 0.25]


def test_words_and_picture_stand_in_and_the_page_can_be_played(game, tmp_path):
    one = game(learners={"no prior": STEPS}, random_player=(1000, 2.9e-6))
    assert str(one) == (
        "What do you know before you begin? The same room with sprites and with textures that mean nothing. "
        "no prior: 4 steps in try 1, 7 in the last. "
        "Keys pressed at random end it within 1,000 steps with probability 2.9e-06."
    )
    assert game().picture().startswith(b"\x89PNG"), "without learners there are no curves"
    bundle, _ = one._repr_mimebundle_()
    assert b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "deadly" in bundle["text/html"] and bundle["text/plain"] == str(one)
    assert "deadly" in one.save(tmp_path / "game.html").read_text(encoding="utf-8")


def lucky(mdp: TabularMDP) -> TabularMDP:
    return replace(mdp, dynamics=np.full_like(mdp.dynamics, 1 / mdp.states))


def three_ways(mdp: TabularMDP) -> TabularMDP:
    return replace(mdp, dynamics=mdp.dynamics[:, :3], reward=mdp.reward[:, :3])


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda w: replace(w, kinds=("air", "cloud", *w.kinds[2:])), {}, "there is no drawing of 'cloud'"),
        (lambda w: replace(w, mdp=lucky(w.mdp)), {}, "no step may be left to chance"),
        (lambda w: replace(w, mdp=three_ways(w.mdp)), {}, "four actions for four arrow keys, got 3"),
        (None, {"drawn_as": (0, 0, 1, 2, 3, 4)}, "drawn_as must name each of 6 kinds once"),
        (None, {"learners": {str(i): STEPS for i in range(5)}}, "at most 4 learners"),
        (None, {"learners": {"a": STEPS, "b": STEPS[:, :2]}}, r"one E, got 'a' \(3, 4\), 'b' \(3, 2\)"),
        (None, {"learners": {"a": STEPS[0]}}, r"learners must have steps \[R, E\]"),
        (None, {"mode": "colours"}, "mode must be one of sprites, textures, exchanged, got 'colours'"),
    ],
)
def test_wrong_choices_are_refused(room, game, change, options, words):
    with pytest.raises(ValueError, match=words):
        game(room if change is None else change(room), **options)
