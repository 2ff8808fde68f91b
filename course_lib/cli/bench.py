"""Measure how fast the course is, beside its peers and the physical limit: all benchmarks, one page."""

import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from course_lib.cli.terminal import check_writable, course_folder, fail, one_line_errors, out

PACKAGES = (
    *("torch", "mujoco", "gymnasium", "numpy"),
    *("stable-baselines3", "envpool", "torchopt", "learn2learn"),
)
"""Whose versions matter; those of peers where they are installed."""
NEEDED = ("stable_baselines3", "psutil")
"""What no benchmark can do without; other peers are left out where they are missing."""

app = typer.Typer()


@app.command(rich_help_panel="Every day", epilog="Example: course bench --quick")
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Few and short rounds: a first impression, not figures to quote.")
    ] = False,
    path: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The page to write; else docs/performance.md, with --quick runs/performance.md."
        ),
    ] = None,
) -> None:
    """Run every benchmark, and write what they measured into one page; ten minutes on two quiet cores."""
    folder = course_folder()
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        fail(f"{missing[0]} is not installed: python -m pip install -e '.[bench]' -c constraints.txt")
    import psutil

    path = path or folder / ("runs" if quick else "docs") / "performance.md"
    with one_line_errors():
        check_writable(path.parent)
    began, load = time.monotonic(), psutil.getloadavg()
    measured, failed = {}, {}
    scripts = sorted((folder / "benchmarks").glob("*_speed.py"))
    with TemporaryDirectory() as temporary:
        for number, script in enumerate(scripts, start=1):
            out.rule(f"{number} of {len(scripts)}: {script.name}", align="left")
            figures = Path(temporary) / f"{script.stem}.json"
            command = [sys.executable, script, "--json", figures, *(["--quick"] if quick else [])]
            code = subprocess.run(command, cwd=folder, check=False).returncode
            if code == 0:
                measured[script.name] = json.loads(figures.read_text(encoding="utf-8"))
            else:
                failed[script.name] = code
    minutes = (time.monotonic() - began) / 60
    page = as_markdown(measured, failed, machine(load, psutil.getloadavg()), minutes, quick)
    path.write_text(page, encoding="utf-8")
    out.print(f"The figures are in {path}, after {minutes:.0f} minutes", highlight=False, soft_wrap=True)
    if failed:
        fail(f"without those of {', '.join(failed)}, which stopped: see above")


def machine(load_before: tuple[float, ...], load_after: tuple[float, ...]) -> dict[str, str]:
    """This machine, and how busy it was: names and values for a table."""
    import psutil

    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    processes = "{:.1f} at the start, {:.1f} at the end (average of the last minute)"
    return {
        "processor": _processor(),
        "cores": f"{psutil.cpu_count(logical=False) or '?'} physical, {psutil.cpu_count()} logical",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": _system(),
        "Python": platform.python_version(),
        "packages": ", ".join(versions),
        "processes at work": processes.format(load_before[0], load_after[0]),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"


def as_markdown(
    measured: dict[str, dict[str, Any]],
    failed: dict[str, int],
    where: dict[str, str],
    minutes: float,
    quick: bool,
) -> str:
    """The page.

    Args:
        measured: by name of the script, its `Figures` (benchmarks/side_by_side.py) as a dictionary.
        failed: by name, the exit codes of the scripts that stopped.
        where: the machine, as `machine` describes it.
        minutes: that it took.
        quick: whether rounds were few and short.
    """
    command = "course bench" + (" --quick" if quick else "")
    lines = [
        "# Performance",
        "",
        f"Written by `{command}` in {minutes:.0f} minutes. How many times as fast the course is as its peer,",
        "or which share of the limit it reaches: median of the rounds, with the smallest and the largest.",
        "Goals are judged by CPU time, which hardly depends on what else the machine does; where there is",
        "none, by wall time. [How to read the figures](../benchmarks/README.md).",
        *(["", "**Few and short rounds**: a first impression, not figures to quote."] if quick else []),
        "",
        "## The machine",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in where.items()),
    ]
    for script, figures in measured.items():
        lines += ["", f"## {figures['title']}", ""]
        lines += ["| what | beside | by CPU time | by wall time | goal |", "| --- | --- | --- | --- | --- |"]
        lines += [_table_row(row) for row in figures["rows"]]
        if figures["left_out"]:
            lines += ["", f"Not installed, so left out: {'; '.join(figures['left_out'])}."]
        lines += ["", f"Command: `python benchmarks/{script}{' --quick' if quick else ''}`"]
    for script, code in failed.items():
        lines += ["", f"**{script}** stopped with exit code {code}: no figures."]
    return "\n".join(lines) + "\n"


def _table_row(row: dict[str, Any]) -> str:
    cells = [_spread(row.get(clock, []), row["unit"]) for clock in ("cpu", "wall")]
    return f"| {row['what']} | {row['against']} | {cells[0]} | {cells[1]} | {_goal(row)} |"


def _spread(values: list[float], unit: str) -> str:
    if not values:
        return ""
    digits = 2 if max(values) < 10 else 1 if max(values) < 100 else 0
    median, *ends = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    seconds = " s" if unit == "s" else ""
    return f"{median}{seconds}" + (f" ({ends[0]} .. {ends[1]})" if len(values) > 1 else "")


def _goal(row: dict[str, Any]) -> str:
    # Seconds are to stay under their goal, all else is to reach it; by CPU time where there is one.
    if row["goal"] is None:
        return ""
    value = statistics.median(row.get("cpu") or row["wall"])
    if row["unit"] == "s":
        return f"{row['goal']:g} s: {'met' if value <= row['goal'] else 'missed'}"
    return f"{row['goal']:g}: {'met' if value >= row['goal'] else 'missed'}"
