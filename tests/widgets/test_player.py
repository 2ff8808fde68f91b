"""Player: what it sends, what it refuses, what stands in for it."""

import base64
import io
import re
import warnings

import matplotlib
import numpy as np
import pytest
from PIL import Image

from course_lib.core.playback import Geom, Scene
from course_lib.widgets.codec import encode
from course_lib.widgets.player import Player, side_by_side
from course_lib.widgets.poster import picture, segments


def test_shows_bytes_and_labels(scene, make_clip):
    clip = make_clip(3, 0, 50, fall=30)
    player = Player(scene).show(clip, labels=["a", "b", "c"])
    header, data = encode(clip)
    assert bytes(player.data) == data
    assert player.header == {**header, "labels": ["a", "b", "c"]}
    assert player.scene["bodies"] == ["torso", "foot"]


def test_refuses_what_it_cannot_show(scene, make_clip):
    player = Player(scene)
    with pytest.raises(ValueError, match="2 labels for 3 rollouts"):
        player.show(make_clip(3, 0, 5), labels=["a", "b"])
    with pytest.raises(ValueError, match="at most 4 rollouts"):
        player.show(make_clip(5, 0, 5), labels=list("abcde"))
    lonely = Scene(name="lonely", bodies=("torso",), geoms=scene.geoms[:1])
    with pytest.raises(ValueError, match="the clip has 2 bodies, the lonely has 1"):
        Player(lonely).show(make_clip(1, 0, 5))
    with pytest.raises(ValueError, match="no clips"):
        Player.from_clips(scene, {})


def test_side_by_side_takes_the_median_and_holds_the_last_frame(make_clip):
    long, short = make_clip(3, 0, 50), make_clip(1, 0, 20)
    both = side_by_side({"long": long, "short": short})
    np.testing.assert_array_equal(both.pose[0], long.pose[1])
    np.testing.assert_array_equal(both.pose[1, 19:], np.repeat(short.pose[0, 19:], 31, axis=0))
    assert both.reward[1, 20:].sum() == 0
    assert both.alive[1].all()


def test_the_picture_needs_nothing_of_a_notebook_s_own_settings(scene, make_clip):
    """Assignments set matplotlib's layout for their own plots, which warned here."""
    player = Player.from_clips(scene, {"light": make_clip(1, 0, 80)})
    with matplotlib.rc_context({"figure.constrained_layout.use": True}), warnings.catch_warnings():
        warnings.simplefilter("error")
        data, _ = player._repr_mimebundle_()
    assert data["image/png"]


def test_without_a_kernel_there_is_a_picture_and_a_sentence(scene, make_clip):
    player = Player.from_clips(scene, {"light": make_clip(1, 0, 80), "heavy": make_clip(1, 0, 80, fall=40)})
    data, _ = player._repr_mimebundle_()
    assert data["text/plain"] == "light: lasted 0.8 s, return 80\nheavy: fell after 0.4 s, return 40"
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width >= 800 and len(data["image/png"]) < 60_000
    assert len(picture.convert("RGB").getcolors(100_000)) > 5  # not blank
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "nothing shown yet" in str(Player(scene))


def test_robots_that_part_company_have_a_strip_each(scene, make_clip):
    """Words say how far each has come: at 2 m/s and 4 m/s in 0.79 s. The picture is as high as its strips."""
    clip, labels = make_clip(2, 0, 80), ["slow", "fast"]
    stacked = Player(scene, stacked=True).show(clip, labels=labels)
    data, _ = stacked._repr_mimebundle_()
    assert data["text/plain"] == "slow: +1.6 m in 0.8 s\nfast: +3.2 m in 0.8 s"
    first = Player(scene, stacked=True).show(make_clip(1, 0, 80), labels=labels[:1])
    one, two = (
        Image.open(io.BytesIO(base64.b64decode(player._repr_mimebundle_()[0]["image/png"]))).height
        for player in (first, stacked)
    )
    assert two > 1.5 * one
    assert str(Player(scene, stacked=True).show(clip)) == str(Player(scene).show(clip)), (
        "a crowd has no strips"
    )


def test_segments_turn_as_playback_says():
    scene = Scene(
        name="s", bodies=("b",), geoms=(Geom(body=0, start=(0, 0), end=(1, 0), radius=0.1, name="g"),)
    )
    (ends,) = segments(scene, np.array([[2.0, 3.0, np.pi / 2]]))
    np.testing.assert_allclose(ends, [[2, 3], [2, 2]], atol=1e-12)  # a positive pitch points +x down


def test_saved_page_stands_alone(scene, make_clip, tmp_path):
    text = Player(scene).show(make_clip(2, 0, 20)).save(tmp_path / "player.html").read_text()
    assert not re.search(r'(src|href)\s*=\s*["\']?(https?:)?//', text)
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_a_ball_is_drawn_as_a_dot_of_its_size(make_clip):
    """Oracle: of two discs, in a picture of known scale, the larger covers the ink of its area."""
    areas = []
    for radius in (0.1, 0.2):
        ball = Geom(body=0, start=(0.0, 0.0), end=(0.0, 0.0), radius=radius, name="ball")
        here = make_clip(1, 0, 1)
        here.pose[:], here.pose[..., 1] = 0.0, 1.0
        drawn = picture(Scene(name="ball", bodies=("ball", "foot"), geoms=(ball,)), here, "ball")
        ink = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).astype(int)
        areas.append((ink[..., 2] > ink[..., 0] + 60).sum())
    metre = 7.7 * 110 / 3.2  # pixels
    np.testing.assert_allclose(areas, np.pi * (np.array([0.1, 0.2]) * metre) ** 2, rtol=0.1)
