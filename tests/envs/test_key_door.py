"""Key and door: the laws by hand, the random player, and what pictures are worth to a learner."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.agents.q_learning import QLearningConfig, first_values, train
from course_lib.core.tabular_mdp import best_values, probability_of_end
from course_lib.envs.key_door import (
    ACTIONS,
    EXCHANGED,
    KEY,
    PUZZLE,
    SKULL,
    Room,
    best_steps,
    probability_of_reward,
    world,
)

UP, RIGHT, DOWN, LEFT = range(4)
SMALL = """
    K.H.D
    ##H##
    S.H.X
    #####
"""


def walked(room: Room, actions: str):
    """State and rewards after steps named by their first letters."""
    mdp, state, rewards = world(room).mdp, world(room).mdp.start, []
    for letter in actions:
        action = [name[0] for name in ACTIONS].index(letter)
        rewards.append(mdp.reward[state, action])
        state = int(mdp.dynamics[state, action].argmax())
    return state, rewards


def test_the_way_by_hand_is_the_best_way_and_pays_at_its_end_only():
    room = Room.drawn(SMALL)
    state, rewards = walked(room, "rruullrrrr")
    assert state == room.state((0, 4), held=True) and world(room).mdp.terminal[state]
    assert rewards == [0.0] * 9 + [1.0]
    assert best_steps(world(room).mdp) == 10


@pytest.mark.parametrize(
    ("actions", "cell", "held"),
    [
        ("l", (2, 0), False),  # round the room is wall
        ("d", (2, 0), False),  # a wall below
        ("u", (2, 0), False),  # nothing to climb
        ("rru", (1, 2), False),
        ("rruuu", (0, 2), False),  # the top of the room
        ("rruur", (0, 3), False),
        ("rruurr", (0, 3), False),  # without the key the door is a wall
        ("rruull", (0, 0), True),
        ("rruulld", (0, 0), True),
        ("rruullrrd", (1, 2), True),
        ("rrrr", (2, 0), False),  # a skull: back to the start
        ("rruullrrddrr", (2, 0), False),  # and the key is lost
    ],
)
def test_the_laws_of_the_room(actions, cell, held):
    room = Room.drawn(SMALL)
    assert walked(room, actions)[0] == room.state(cell, held)


def test_one_falls_to_the_next_ground_and_upon_a_skull():
    room = Room.drawn("""
        S..KD
        #H...
        .H..X
        #####
    """)
    assert walked(room, "rr")[0] == room.state((2, 2)), "beside the ladder's top there is only air"
    assert walked(room, "rrr") == (room.state((2, 3)), [0.0, 0.0, 0.0])
    state, rewards = walked(room, "rrrr")
    assert state == room.state(room.start) and rewards[-1] == -1.0
    there = world(room)
    np.testing.assert_array_equal(there.reached[room.state((2, 3)), RIGHT], [2, 4])


@pytest.mark.parametrize(
    ("picture", "actions", "cell", "held", "why"),
    [
        ("K. SD ##", "u", (1, 0), False, "nobody jumps for the key"),
        ("S..KD #H... .H..X #####", "rd", (1, 1), False, "from its top a ladder leads down"),
        ("S.. #D# K.. ###", "rd", (0, 1), False, "a shut door is a floor"),
        ("S..D #K.. #... ####", "r", (2, 1), True, "the key is taken in a fall, too"),
        ("S..D #X.K #... ####", "r", (0, 0), False, "and a skull met"),
        ("S.K #HD #.. ###", "rd", (1, 1), False, "a ladder holds over nothing"),
    ],
)
def test_the_laws_of_ladders_and_falls(picture, actions, cell, held, why):
    room = Room.drawn(picture)
    assert walked(room, actions)[0] == room.state(cell, held), why


def test_the_end_is_the_door_with_the_key_and_nothing_follows():
    mdp = world(Room.drawn(SMALL)).mdp
    (end,) = np.flatnonzero(mdp.terminal)
    assert end == Room.drawn(SMALL).state((0, 4), held=True)
    assert (mdp.dynamics[end, :, end] == 1.0).all() and not mdp.reward[end].any()


def test_tables_are_those_of_a_world_without_luck_and_the_key_leaves_the_board():
    there = world(Room.drawn(PUZZLE))
    assert set(np.unique(there.mdp.dynamics)) == {0.0, 1.0}
    assert (there.tiles[0] == KEY).sum() == 1 and (there.tiles[1] == KEY).sum() == 0
    assert there.mdp.states == 2 * 8 * 8 == len(there.cell) == len(there.board)


def test_chance_does_not_open_the_door_of_the_puzzle():
    mdp = world(Room.drawn(PUZZLE)).mdp
    assert best_steps(mdp) == 28
    assert probability_of_reward(mdp, 27) == 0.0 < probability_of_reward(mdp, 28)
    assert 2e-6 < probability_of_reward(mdp, 1000) < 4e-6


def test_the_random_player_is_as_lucky_as_many_who_were_watched():
    mdp = world(Room.drawn(SMALL)).mdp
    rng, then = np.random.default_rng(0), mdp.dynamics.argmax(2)
    state, ended = np.full(4000, mdp.start), []
    for _ in range(200):
        state = np.where(mdp.terminal[state], state, then[state, rng.integers(4, size=len(state))])
        ended.append(mdp.terminal[state].mean())
    np.testing.assert_allclose(ended, probability_of_end(mdp, 200)[1:], atol=0.03)


def steps(mdp, prior, episodes=25, seed=0):
    config = QLearningConfig(episodes=episodes, max_steps=2000, learning_rate=1.0, epsilon=0.05)
    records = train(mdp, first_values(mdp, 6, prior), config, np.random.default_rng(seed))
    return np.array([record["steps"] for record in records])  # [E, R]


def test_other_pictures_are_nothing_to_a_learner_without_a_prior():
    mdp = world(Room.drawn(PUZZLE)).mdp
    number = np.random.default_rng(5).permutation(mdp.states)
    np.testing.assert_array_equal(steps(mdp, 1.0, 2), steps(mdp.relabelled(number), 1.0, 2))


def test_who_believes_the_pictures_is_fast_where_they_are_true_and_slow_where_they_lie():
    room = Room.drawn(PUZZLE)
    mdp = world(room).mdp
    told = {name: best_values(world(one).mdp) for name, one in (("true", room), ("lie", room.imagined()))}
    plain, true, lie = steps(mdp, 1.0), steps(mdp, told["true"]), steps(mdp, told["lie"])
    assert (true[0] < 60).all() and plain[0].mean() > 500 and plain[-5:].mean() < 100
    assert true.sum(0).mean() < 0.4 * plain.sum(0).mean() < 0.4 * 0.9 * lie.sum(0).mean()


def test_an_imagined_room_has_other_tiles_in_the_same_places():
    room = Room.drawn(SMALL)
    assert room.imagined(range(6)) == room
    other = room.imagined(EXCHANGED)
    assert np.argwhere(np.array(other.tiles) == SKULL).tolist() == [[0, 0]]
    assert other.start == room.start
    with pytest.raises(ValueError, match="drawn_as must name a kind for each of 6 kinds"):
        room.imagined((0, 1))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("SKD ##", "every line must have the same length"),
        ("SKD? ####", r"no tile is drawn as '\?'"),
        ("SKKD ####", 'draw one "S", one "K" and one "D", got 1 of S, 2 of K, 1 of D'),
        ("SKD ...", "there must be a wall or a ladder below the start"),
    ],
)
def test_what_is_no_room_is_refused(picture, words):
    with pytest.raises(ValueError, match=words):
        Room.drawn(picture)
    assert replace(Room.drawn(SMALL), start=(0, 1)).start == (0, 1)
