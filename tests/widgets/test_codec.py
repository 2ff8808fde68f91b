"""Rollouts as bytes: what comes out in the browser is what went in."""

import base64

import numpy as np
import pytest

from course_lib.core.playback import Clip
from course_lib.widgets.codec import ANGLE_STEP, POSITION_STEP, describe, encode, summary

DECODE = """
const first = input.pieces[0].header;
const recording = course.recording({ ...first, labels: null });
for (const { header, data } of input.pieces) recording.append(header, course.base64(data));
recording.finish();
output = {
  pose: Array.from(recording.pose.slice(0, recording.frames * first.rollouts * first.bodies * 3)),
  reward: Array.from(recording.reward.slice(0, recording.frames * first.rollouts)),
  frames: recording.frames, lead: recording.lead, sentence: recording.sentence(),
  alive: Array.from(recording.alive), returns: Array.from(recording.returns),
};
"""


def packed(clips):
    pieces = [encode(clip) for clip in clips]
    return [{"header": h, "data": base64.b64encode(data).decode()} for h, data in pieces]


def test_the_browser_decodes_what_was_encoded_piece_by_piece(make_clip, run_script):
    # 40 m/s for 4 s: 160 m and 25 turns, far beyond what 16 bits hold without wrapping.
    starts, lengths = (0, 8, 32, 88), (8, 24, 56, 312)
    clips = [make_clip(3, s, n, speed=40.0, fall=150) for s, n in zip(starts, lengths, strict=True)]
    whole = Clip.concatenate(clips)
    answer = run_script(DECODE, pieces=packed(clips))
    pose = np.array(answer["pose"]).reshape(400, 3, 2, 3).transpose(1, 0, 2, 3)
    assert np.abs(pose[..., :2] - whole.pose[..., :2]).max() < 0.51 * POSITION_STEP + 2e-5  # float32 at 480 m
    assert np.abs(pose[..., 2] - whole.pose[..., 2]).max() < 0.51 * ANGLE_STEP + 2e-5
    reward = np.array(answer["reward"]).reshape(400, 3).T
    np.testing.assert_allclose(reward, whole.reward, atol=np.abs(whole.reward).max() / 32767)
    assert answer["alive"] == whole.alive.sum(axis=1).tolist() == [150, 151, 152]
    np.testing.assert_allclose(answer["returns"], whole.reward.sum(axis=1), rtol=1e-3)
    assert answer["lead"] == 1  # the median return
    assert answer["sentence"] == summary(whole)


def test_bytes_are_few(make_clip):
    header, data = encode(make_clip(1, 0, 100))
    assert len(data) == 100 * (2 * 3 + 1) * 2 + 2
    hopper = 100 * (4 * 3 + 1) * 2 + 2
    assert hopper == 2602 < 6000
    assert header["rollouts"] == 1 and header["frames"] == 100


def test_summary_in_words(make_clip):
    assert summary(make_clip(1, 0, 100)) == "lasted 1.0 s, return 100"
    assert summary(make_clip(1, 0, 100, fall=40), "mine") == "mine: fell after 0.4 s, return 40"
    assert summary(make_clip(3, 0, 100, fall=99)) == "2 of 3 still standing, mean return 110"
    assert summary(make_clip(3, 0, 100)) == "none of 3 fell, mean return 110"


def test_what_is_not_finite_is_named(make_clip):
    clip = make_clip(3, 0, 10)
    clip.pose[2, 7, 0, 1] = np.nan
    with pytest.raises(ValueError, match="pose of rollout 2 is not finite at frame 7"):
        encode(clip)
    with pytest.raises(ValueError, match="nothing to show"):
        encode(make_clip(3, 0, 0))


def test_a_scene_as_json(scene):
    geom = describe(scene)["geoms"][1]
    assert geom == {"body": 1, "start": [-0.1, 0.0], "end": [0.2, 0.0], "radius": 0.04, "name": "foot"}
