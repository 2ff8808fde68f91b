"""All benchmarks in one command, and the page that they fill."""

import argparse
import json
import sys
from pathlib import Path

import pytest

from course_lib.cli import bench

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import side_by_side  # not a package: the benchmarks are scripts

OURS = [side_by_side.Sample(100, wall=2.0, cpu=1.0), side_by_side.Sample(100, wall=1.0, cpu=1.0)]
THEIRS = [side_by_side.Sample(50, wall=1.0, cpu=2.0), side_by_side.Sample(50, wall=2.0, cpu=1.0)]
WHERE = {"processor": "an abacus"}

FAKE = """
import argparse, json
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--json", type=Path)
parser.add_argument("--quick", action="store_true")
given = parser.parse_args()
row = {"what": f"quick: {given.quick}", "against": "a snail", "unit": "times", "goal": 2.0}
row |= {"cpu": [3.0], "wall": [1.5]}
given.json.write_text(json.dumps({"title": "NAME", "rows": [row], "left_out": []}))
"""


def _figures() -> side_by_side.Figures:
    figures = side_by_side.Figures("Snails")
    figures.compare("crawling", "a tortoise", OURS, THEIRS, goal=2.0)
    figures.compare("jumping", "a frog", THEIRS, OURS, goal=2.0)
    figures.seconds("getting up", "staying", [0.5, 0.25, 1.5], goal=0.4)
    return figures


def test_a_row_has_median_smallest_and_largest_and_says_whether_the_goal_is_met():
    text = bench.as_markdown({"snail_speed.py": vars(_figures())}, {}, WHERE, 3.2, quick=False)
    # 4 and 2 times by CPU time, 1 and 4 times by wall time
    assert "| crawling | a tortoise | 3.00 (2.00 .. 4.00) | 2.50 (1.00 .. 4.00) | 2: met |" in text
    assert "| jumping | a frog | 0.38 (0.25 .. 0.50) | 0.62 (0.25 .. 1.00) | 2: missed |" in text
    assert "| getting up | staying |  | 0.50 s (0.25 .. 1.50) | 0.4 s: missed |" in text
    assert "## Snails" in text and "`python benchmarks/snail_speed.py`" in text
    assert "| processor | an abacus |" in text and "`course bench` in 3 minutes" in text


def test_a_peer_that_is_not_installed_is_named(tmp_path):
    figures = _figures()
    figures.leave_out("a hare", "pip install hare")
    figures.write(tmp_path / "figures.json")
    read = json.loads((tmp_path / "figures.json").read_text())
    text = bench.as_markdown({"snail_speed.py": read}, {}, WHERE, 1.0, quick=True)
    assert "Not installed, so left out: a hare (pip install hare)." in text
    assert "first impression" in text and "snail_speed.py --quick" in text


def test_quick_changes_defaults_and_nothing_that_was_asked_for(monkeypatch):
    def parsed(*arguments: str) -> argparse.Namespace:
        monkeypatch.setattr(sys, "argv", ["snail_speed.py", *arguments])
        parser = argparse.ArgumentParser()
        parser.add_argument("--rounds", type=int, default=7)
        return side_by_side.arguments(parser, {"rounds": 2})

    assert parsed().rounds == 7
    assert parsed("--quick").rounds == 2
    assert parsed("--quick", "--rounds", "5").rounds == 5


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A folder that looks like a clone with two benchmarks, and is where we stand."""
    for name in (
        "course_lib/__init__.py",
        "pyproject.toml",
        "benchmarks/a_speed.py",
        "benchmarks/b_speed.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(FAKE.replace("NAME", name) if "speed" in name else "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "NEEDED", ("psutil",))
    return tmp_path


def test_every_benchmark_runs_and_the_page_is_written(invoke, clone):
    result = invoke("bench", "--quick")
    assert result.exit_code == 0, result.output
    assert not (clone / "docs").exists()  # a first impression is no published figure
    text = (clone / "runs" / "performance.md").read_text()
    assert text.index("## benchmarks/a_speed.py") < text.index("## benchmarks/b_speed.py")
    assert text.count("| quick: True | a snail | 3.00 | 1.50 | 2: met |") == 2
    for name in ("processor", "cores", "memory", "system", "Python", "packages", "processes at work"):
        assert f"| {name} | " in text
    assert "numpy" in text


def test_a_page_that_cannot_be_written_is_told_before_anything_runs(invoke, clone):
    (clone / "taken").write_text("a file")
    result = invoke("bench", "--out", str(clone / "taken" / "page.md"))
    assert result.exit_code == 1 and "cannot write to" in result.output and "1 of 2" not in result.output


def test_a_benchmark_that_fails_is_named_and_costs_no_other_its_figures(invoke, clone):
    (clone / "benchmarks" / "a_speed.py").write_text("raise SystemExit(3)")
    result = invoke("bench", "--out", str(clone / "page.md"))
    assert result.exit_code == 1
    text = (clone / "page.md").read_text()
    assert "| quick: False | a snail | 3.00 | 1.50 | 2: met |" in text
    assert "**a_speed.py** stopped with exit code 3: no figures." in text


def test_what_it_cannot_do_without_is_said_at_once(invoke, clone, monkeypatch):
    monkeypatch.setattr(bench, "NEEDED", ("no_such_package",))
    result = invoke("bench")
    assert result.exit_code == 1 and not (clone / "docs").exists()
