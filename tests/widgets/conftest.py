"""A world made of sines, whose poses are known in closed form, and node to run the widgets' scripts."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from course_lib.core.playback import Clip, Geom, Scene
from course_lib.widgets.module import STATIC

DT = 0.01


@pytest.fixture
def scene() -> Scene:
    """A body with a limb, and a foot."""
    return Scene(
        name="toy",
        bodies=("torso", "foot"),
        geoms=(
            Geom(body=0, start=(0.0, -0.2), end=(0.0, 0.2), radius=0.05, name="torso"),
            Geom(body=1, start=(-0.1, 0.0), end=(0.2, 0.0), radius=0.04, name="foot"),
        ),
    )


def swing(rollouts: int, start: int, frames: int, speed: float = 2.0, fall: int | None = None) -> Clip:
    """Rollout n runs at (n + 1) * speed m/s and turns; it falls in frame fall + n, if it does."""
    t = (start + np.arange(frames)) * DT
    pose = np.empty((rollouts, frames, 2, 3), dtype=np.float32)
    rate = speed * (1 + np.arange(rollouts))[:, None]
    pose[:, :, 0, 0], pose[:, :, 1, 0] = rate * t, rate * t + 0.1
    pose[:, :, 0, 1], pose[:, :, 1, 1] = 1.0 + 0.2 * np.sin(5 * t), 0.05
    pose[:, :, 0, 2], pose[:, :, 1, 2] = 3.0 * t, -rate * t
    end = 10**9 if fall is None else fall + np.arange(rollouts)[:, None]
    alive = (start + np.arange(frames))[None, :] < end
    alive = np.broadcast_to(alive, (rollouts, frames)).copy()
    reward = np.where(alive, 1.0 + 0.1 * np.arange(rollouts)[:, None] + 0.0 * t, 0.0).astype(np.float32)
    return Clip(pose=pose, reward=reward, alive=alive, dt=DT)


@pytest.fixture
def make_clip():
    """The function `swing`."""
    return swing


@pytest.fixture(scope="session")
def node() -> str:
    """A JavaScript engine: node itself, or the one inside Playwright."""
    path = shutil.which("node")
    if path is None:
        playwright = pytest.importorskip("playwright")
        path = str(Path(playwright.__file__).parent / "driver" / "node")
        if not Path(path).exists():
            pytest.skip("no node on PATH, and none in Playwright")
    return path


@pytest.fixture
def run_script(node, tmp_path):
    """Function that runs statements after the widgets' scripts: `input` is at hand, `output` returned."""

    def run(statements: str, **values):
        (tmp_path / "input.json").write_text(json.dumps(values))
        sources = [
            (STATIC / f"{name}.js").read_text() for name in ("theme", "draw", "player", "physics_panel")
        ]
        script = tmp_path / "script.mjs"
        script.write_text(
            'import { readFileSync, writeFileSync } from "node:fs";\n'
            + "\n".join(sources)
            + f"\nconst input = JSON.parse(readFileSync({json.dumps(str(tmp_path / 'input.json'))}));\n"
            + f"let output = null;\n{statements}\n"
            + f"writeFileSync({json.dumps(str(tmp_path / 'output.json'))}, JSON.stringify(output));\n"
        )
        subprocess.run([node, script], check=True, timeout=30)
        return json.loads((tmp_path / "output.json").read_text())

    return run


@pytest.fixture
def settled():
    """A function that asks a widget for something else, or nothing new, and waits for the answer."""

    def ask(widget, **change):
        if change:
            widget.request = {**widget.request, **change}
        end = time.monotonic() + 10.0
        while widget.answer["of"] != widget.request:
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.005)
        return widget.answer

    return ask
