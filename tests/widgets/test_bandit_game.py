"""The bandit game without a browser: luck is shared, players see the past only, and what it refuses."""

import json

import numpy as np
import pytest

from course_lib.widgets.bandit_game import BanditGame, draw_luck, paid, play_on, regrets

ARMS = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.2]])
LUCK = np.array([[[0, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]], [[1, 1, 1, 0], [0, 0, 0, 1], [0, 1, 0, 1]]])


def in_turn(pulled, paid, rng):
    return np.full(pulled.shape[1], len(pulled) % 3)


def careless(pulled, paid, rng):
    return rng.integers(3, size=pulled.shape[1])


@pytest.fixture
def game():
    games = []

    def make(arms=ARMS, players=None, **options):
        games.append(BanditGame(arms, players or {"in turn": in_turn, "careless": careless}, **options))
        return games[-1]

    yield make
    for one in games:
        one.close()


def test_the_jth_pull_of_an_arm_pays_what_luck_has_for_it_in_place_j():
    pulled = np.array([[1, 0], [0, 0], [1, 2], [1, 0]])
    assert paid(LUCK, pulled).tolist() == [[1, 1], [0, 1], [1, 0], [0, 1]]


def test_luck_pays_as_often_as_the_arms_do():
    luck = draw_luck(np.repeat(ARMS, 500, axis=0), 20, np.random.default_rng(0))
    assert luck.shape == (1000, 3, 20) and set(np.unique(luck)) == {0, 1}
    shares = luck.reshape(2, 500, 3, 20).mean(axis=(1, 3))
    np.testing.assert_allclose(shares, ARMS, atol=0.02)


def test_a_player_hears_of_the_past_and_of_nothing_else():
    heard = []

    def listens(pulled, paid_so_far, rng):
        heard.append((pulled.tolist(), paid_so_far.tolist()))
        return np.array([len(pulled) % 3, 0])

    whole = play_on(listens, LUCK, np.array([[2, 1]]), np.random.default_rng(0))
    assert whole.tolist() == [[2, 1], [1, 0], [2, 0], [0, 0]]
    assert [len(pulled) for pulled, _ in heard] == [1, 2, 3]
    assert heard[-1] == ([[2, 1], [1, 0], [2, 0]], [[0, 0], [1, 1], [0, 1]])


def test_regret_is_what_the_best_arm_would_have_paid_more():
    pulled = np.array([[1, 0], [0, 1], [2, 0]])
    np.testing.assert_allclose(regrets(ARMS, pulled), [[0.0, 0.0], [0.8, 0.6], [1.2, 0.6]])


def test_the_page_knows_all_games_and_the_same_seed_gives_the_same(game):
    one = game(pulls=6, seed=3)
    fixed = one.fixed
    assert fixed == game(pulls=6, seed=3).fixed and fixed != game(pulls=6, seed=4).fixed
    assert fixed["games"][1]["arms"] == [0.8, 0.2, 0.2]
    assert fixed["games"][0]["played"][0] == [0, 1, 2, 0, 1, 2]
    assert np.shape(fixed["games"][0]["luck"]) == (3, 6)
    json.dumps(fixed, allow_nan=False)


def test_another_player_finishes_a_game_that_was_begun(game, settled):
    one = game(pulls=6)
    one.request = {"game": 1, "pulled": [2, 2], "player": "in turn"}
    assert settled(one)["rest"] == [2, 0, 1, 2]
    one.request = {"game": 1, "pulled": [2] * 6, "player": "careless"}
    assert settled(one)["rest"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"game": 2}, r"game must be in \[0, 2\), got 2"),
        ({"player": "you"}, "player must be one of in turn, careless, got 'you'"),
        ({"pulled": [3]}, "pulled must be at most 20 of 3 arms"),
        ({"pulled": [0] * 21}, "pulled must be at most 20 of 3 arms"),
        ({"rest": []}, "request must have game, pulled and player"),
    ],
)
def test_an_impossible_request_is_refused(game, change, words):
    one = game()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"arms": [0.5, 0.5]}, r"arms must be probabilities \[G, k\]"),
        ({"arms": [[0.5, 1.5]]}, r"arms must be probabilities \[G, k\]"),
        ({"arms": np.full((1, 11), 0.5)}, "at most 10 arms have a key each, got 11"),
        ({"players": {str(i): in_turn for i in range(5)}}, "there must be 1 to 4 players, got 5"),
        ({"pulls": 0}, "pulls must be at least 1, got 0"),
        ({"players": {"wrong": lambda *history: np.array([3, 0])}}, "must choose one of 3 arms in each of 2"),
    ],
)
def test_wrong_choices_are_refused(game, options, words):
    with pytest.raises(ValueError, match=words):
        game(**options)


def test_words_and_picture_stand_in_and_the_page_needs_no_kernel(game):
    one = game(ARMS[:1], {"in turn": in_turn}, pulls=6)
    won = int(paid(one._luck, np.array([0, 1, 2, 0, 1, 2])[:, None]).sum())
    assert str(one) == (
        f"Which arm? 6 pulls of arms that pay 0.10, 0.90, 0.50: in turn won {won} (regret 2.4)."
    )
    assert one.picture().startswith(b"\x89PNG")
    bundle, _ = one._repr_mimebundle_()
    assert "&quot;kernel&quot;:false" in bundle["text/html"] and bundle["text/plain"] == str(one)


def test_no_player_draws_from_the_stream_that_made_the_luck(game):
    drawn = []

    def spy(pulled, paid_so_far, rng):
        drawn.append(rng.random())
        return np.zeros(pulled.shape[1], dtype=np.int64)

    one = game(players={"one": spy, "two": spy}, pulls=2, seed=3)
    one._computed({"game": 0, "pulled": [], "player": "one"})
    firsts = {round(drawn[i], 12) for i in (0, 2, 4)}
    assert len(firsts) == 3
    assert round(np.random.default_rng(3).random(), 12) not in firsts
