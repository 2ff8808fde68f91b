"""Baked panel: everything is inside, and every stop of the sliders shows its own rollouts."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from course_lib.widgets.baked import bake, thin_out
from course_lib.widgets.codec import POSITION_STEP
from course_lib.widgets.physics_panel import PhysicsPanel, Slider

LOOK_UP = """
const halves = new Uint8Array(input.halves);
const answer = course.physics_panel.precomputed(input.grid, halves, input);
const shown = [];
const question = { id: "v:1", values: input.ask, policy: input.policy };
answer(question, (message, block) => shown.push({ message, block }));
const [piece, end] = shown;
const recording = course.recording({ ...piece.message, labels: null });
recording.append(piece.message, piece.block);
recording.finish(end.message.result);
output = { pose: Array.from(recording.pose.slice(0, recording.frames * piece.message.rollouts * 6)),
  frames: recording.frames, sentence: recording.sentence(), alive: Array.from(recording.alive) };
"""


@pytest.fixture
def panel(scene, make_clip):
    def simulate(values, policy):
        fall = None if policy == "stands" else int(20 * values["grip"])
        yield make_clip(6, 0, 40, speed=values["speed"], fall=fall)
        clip = make_clip(6, 40, 60, speed=values["speed"], fall=fall)
        yield clip

    sliders = [
        Slider(name="speed", low=0.5, high=4.0, step=0.5, mean=2.0),
        Slider(name="grip", low=1.0, high=5.0, step=1.0, unit="N"),
        Slider(name="unused", low=0.0, high=1.0, step=0.1),
    ]
    panel = PhysicsPanel(scene, simulate, sliders, {"stands": "stands", "falls": "falls"})
    yield panel
    panel.close()


def state_of(html):
    text = re.search(r'<script type="application/json" id="state">(.*?)</script>', html, re.S).group(1)
    return json.loads(text)


def test_every_combination_is_found_again_by_the_browser(panel, make_clip, run_script):
    baked = bake(panel, {"grip": [1.0, 2.0, 3.0], "speed": [1.0, 2.0]}, rollouts=3, frames_per_second=50)
    state = state_of(baked.html)
    assert [slider["name"] for slider in state["sliders"]] == ["speed", "grip"]
    halves = list(zlib.decompress(base64.b64decode(state["data"])))
    for policy, speed, grip in (("stands", 1.0, 3.0), ("falls", 2.0, 1.0), ("falls", 1.0, 2.0)):
        answer = run_script(
            LOOK_UP,
            halves=halves,
            grid=state["grid"],
            sliders=state["sliders"],
            policies=state["policies"],
            ask={"speed": speed, "grip": grip},
            policy=policy,
        )
        fall = None if policy == "stands" else int(20 * grip)
        whole = make_clip(6, 0, 100, speed=speed, fall=fall)
        pose = np.array(answer["pose"]).reshape(answer["frames"], 3, 2, 3).transpose(1, 0, 2, 3)
        # Which rollouts are kept is a choice; each must be one of those simulated, every second frame.
        for n in range(3):
            errors = np.abs(whole.pose[:, ::2, :, :2] - pose[n, ..., :2]).max(axis=(1, 2, 3))
            assert errors.min() < 0.51 * POSITION_STEP + 1e-5
        # The words count all six.
        standing = int(whole.alive.all(axis=1).sum())
        words = "none of 6 fell" if standing == 6 else f"{standing} of 6 still standing"
        assert answer["sentence"].startswith(words)
        assert answer["sentence"].endswith(f"mean return {whole.reward.sum(axis=1).mean():.0f}")


def test_page_is_self_contained_and_cannot_be_closed_early(scene, make_clip, tmp_path):
    evil = "</script><!--<script>"
    panel = PhysicsPanel(
        scene,
        lambda values, policy: make_clip(2, 0, 20),
        [Slider(name="speed", low=0.5, high=4.0, step=0.5)],
        {evil: 0, "b & c": 1},
    )
    baked = bake(panel, {"speed": [1.0, 2.0]})
    panel.close()
    text = baked.save(tmp_path / "panel.html").read_text()
    assert state_of(text)["policies"] == [evil, "b & c"]
    assert text.count("</script>") == 3
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}
    bundle = baked._repr_mimebundle_()
    assert bundle["text/html"].startswith("<iframe") and 'srcdoc="' in bundle["text/html"]
    assert bundle["image/png"].startswith("iVBOR")
    assert f'src="data:image/png;base64,{bundle["image/png"]}"' in bundle["text/html"]
    assert "none of 2 fell" in bundle["text/plain"] and "speed 1 to 2" in bundle["text/plain"]


def test_thinned_clips_keep_worst_to_best_and_rewards_per_step(make_clip):
    clip = make_clip(16, 0, 100, fall=50)
    thin = thin_out(clip, 5, 25.0)
    assert thin.pose.shape == (5, 25, 2, 3) and thin.dt == pytest.approx(0.04)
    np.testing.assert_array_equal(np.diff(thin.reward[:, 0]) > 0, True)  # returns grow with n
    np.testing.assert_allclose(
        thin.reward.mean(axis=1) * 100, clip.reward.sum(axis=1)[[2, 5, 8, 10, 12]], rtol=1e-5
    )
    assert not thin.alive[:, -1].any()
    whole = thin_out(make_clip(2, 0, 10), 5, 1000.0)
    assert whole.pose.shape == (2, 10, 2, 3)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "grid is empty"),
        ({"sped": [1, 2]}, "did you mean 'speed'"),
        ({"speed": [2, 1]}, "increasing"),
        ({"speed": [1]}, "at least two"),
        ({"speed": [1, 9]}, r"in \[0.5, 4.0\]"),
    ],
)
def test_a_wrong_grid_is_explained(panel, grid, message):
    with pytest.raises(ValueError, match=message):
        bake(panel, grid)


def test_progress_counts_to_all(panel):
    seen = []
    bake(panel, {"speed": [1, 2, 3]}, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 6) for n in range(1, 7)]
