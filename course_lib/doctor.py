"""What `course doctor` looks at: one small function a check, each of which returns what it found.

A finding that is not well carries the one command that mends it.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

INSTALL = "python -m pip install -e . -c constraints.txt"
LAB_PORT = 8888


@dataclass(frozen=True)
class Finding:
    """What one check saw."""

    name: str
    state: Literal["ok", "optional", "broken"]
    found: str
    mend: str = ""


def examine(folder: Path) -> list[Finding]:
    """All findings about this machine; a check that raises is itself a finding.

    Args:
        folder: the clone's folder.
    """
    checks: list[tuple[str, Callable[[], Iterable[Finding]], str]] = [
        ("Python", check_python, "install Python 3.11 or later, delete .venv, and run `make lab`"),
        ("packages", check_packages, INSTALL),
        ("widgets", check_front_end, INSTALL),
        ("kernel", check_kernel, "python -m ipykernel install --sys-prefix"),
        ("MuJoCo", check_mujoco, reinstall("mujoco mujoco-core")),
        ("torch", check_torch, reinstall("torch")),
        ("folder", lambda: check_folder(folder), f"chmod -R u+w {folder}"),
        ("port", lambda: check_port(LAB_PORT), "course lab --port 9000"),
        ("sandbox", check_sandbox, install_sandbox()),
        ("browser", check_browser, "sudo apt-get install chromium"),
    ]
    findings: list[Finding] = []
    for name, check, mend in checks:
        try:
            findings.extend(check())
        except Exception as problem:  # a broken install may raise anything, and that is the finding
            reason = f"{type(problem).__name__}: {problem}".splitlines()[0]
            findings.append(Finding(name, "broken", reason, mend))
    return findings


def reinstall(packages: str) -> str:
    return f"python -m pip install --force-reinstall --no-deps {packages} -c constraints.txt"


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Iterator[Finding]:
    found = ".".join(map(str, version))
    if version < (3, 11):
        mend = "install Python 3.11 or later, delete .venv, and run `make lab`"
        yield Finding("Python", "broken", f"{found}, wanted >=3.11", mend)
    else:
        yield Finding("Python", "ok", f"{found} at {sys.executable}")


def check_packages(requirements: Iterable[str] | None = None) -> Iterator[Finding]:
    """One finding a required package: its version against the range in pyproject.toml.

    Args:
        requirements: PEP 508 strings; by default those that the installed course names.
    """
    if requirements is None:
        requirements = importlib.metadata.requires("course-lib") or []
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        mend = f'python -m pip install "{requirement}" -c constraints.txt'
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(requirement.name, "broken", f"missing, wanted {requirement.specifier}", mend)
            continue
        if requirement.specifier.contains(version, prereleases=True):
            yield Finding(requirement.name, "ok", version)
        else:
            yield Finding(requirement.name, "broken", f"{version}, wanted {requirement.specifier}", mend)


def check_front_end() -> Iterator[Finding]:
    """The browser halves of the widgets, which JupyterLab loads from its data folders."""
    from jupyter_core.paths import jupyter_path

    for extension, package in (
        ("anywidget", "anywidget"),
        ("@jupyter-widgets/jupyterlab-manager", "jupyterlab_widgets"),
    ):
        places = [Path(place) / extension for place in jupyter_path("labextensions")]
        if any((place / "package.json").is_file() for place in places):
            yield Finding(f"front end: {package}", "ok", "found by JupyterLab")
        else:
            yield Finding(f"front end: {package}", "broken", "JupyterLab cannot find it", reinstall(package))


def check_kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().find_kernel_specs()
    if "python3" in found:
        yield Finding("kernel", "ok", "python3")
    else:
        yield Finding(
            "kernel", "broken", "no python3 kernel", "python -m ipykernel install --sys-prefix --name python3"
        )


def check_mujoco() -> Iterator[Finding]:
    """A ball falls for a tenth of a second in a batch of two: the engine that all worlds run on."""
    import mujoco
    import numpy as np
    from mujoco.batch import Batch

    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body pos='0 0 1'><freejoint/><geom size='.1'/></body></worldbody></mujoco>"
    )
    batch = Batch(model, 2, 1)
    height = batch.bind("qpos")
    batch.step(nstep=50)
    heights = np.asarray(height)[:, 2]
    expected = 1.0 - 0.5 * 9.81 * 0.1**2
    if not np.allclose(heights, expected, atol=0.01):
        found = f"a ball fell to {heights[0]:.3f} m instead of {expected:.3f} m"
        yield Finding("MuJoCo", "broken", found, reinstall("mujoco mujoco-core"))
    else:
        yield Finding("MuJoCo", "ok", "a ball falls as it should")


def check_torch() -> Iterator[Finding]:
    import torch

    weight = torch.ones(3, requires_grad=True)
    (weight * weight).sum().backward()
    if weight.grad is None or weight.grad.tolist() != [2.0, 2.0, 2.0]:
        yield Finding("torch", "broken", f"gradient of x*x at 1 is {weight.grad}", reinstall("torch"))
    else:
        yield Finding("torch", "ok", f"gradients are right, {torch.get_num_threads()} threads")


def check_folder(folder: Path) -> Iterator[Finding]:
    """Whether the course can write into its own folder, and has 1 GB to do it."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as problem:
        mend = f'icacls "{folder}" /grant "%USERNAME%":F' if os.name == "nt" else f"chmod -R u+w '{folder}'"
        yield Finding("folder", "broken", f"cannot write: {problem.strerror}", mend)
        return
    free = shutil.disk_usage(folder).free / 1e9
    if free < 1.0:
        yield Finding("folder", "optional", f"only {free:.1f} GB free", "python -m pip cache purge")
    else:
        yield Finding("folder", "ok", f"writable, {free:.0f} GB free")


def check_port(port: int) -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        busy = probe.connect_ex(("127.0.0.1", port)) == 0
    if busy:
        yield Finding(
            "port", "optional", f"{port} is busy; the lab takes the next one", "jupyter server list"
        )
    else:
        yield Finding("port", "ok", f"{port} is free")


def check_sandbox() -> Iterator[Finding]:
    """Grading strangers' notebooks wants a sandbox; learning does not."""
    from course_lib.grading import sandbox

    if not sys.platform.startswith("linux"):
        found = f"not made for {sys.platform}: grade on Linux, or in a Linux VM"
        yield Finding("sandbox", "optional", found)
    elif shutil.which("bwrap") is None:
        found = "no bubblewrap: only instructors need it, to grade"
        yield Finding("sandbox", "optional", found, install_sandbox())
    elif (kind := sandbox.available()) == sandbox.NOT_SANDBOXED:
        found = "bubblewrap is here, but starts nothing: course grade cannot lock students' code in"
        mend = "bwrap --unshare-all --ro-bind / / true  # says why; a container must allow user namespaces"
        yield Finding("sandbox", "optional", found, mend)
    elif "seccomp" not in kind:
        found = f"{kind}: course grade locks students' code in; libseccomp would take dangerous calls away"
        yield Finding("sandbox", "optional", found, install_sandbox())
    else:
        yield Finding("sandbox", "ok", f"{kind}: course grade locks students' code in")


def install_sandbox() -> str:
    if shutil.which("dnf"):
        return "sudo dnf install bubblewrap libseccomp"
    return "sudo apt-get install bubblewrap libseccomp2"


def check_browser() -> Iterator[Finding]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge", "firefox")
    for name in names:
        if shutil.which(name):
            yield Finding("browser", "ok", name)
            return
    try:
        webbrowser.get()
    except webbrowser.Error:
        found = "none here: copy the lab's address to a machine that has one"
        yield Finding("browser", "optional", found, "sudo apt-get install chromium")
    else:
        yield Finding("browser", "ok", "the system's own")


def show(findings: list[Finding], console: Console) -> None:
    """Print the findings as a table, then each cure on a line of its own, ready to copy."""
    colours = {"ok": "green", "optional": "yellow", "broken": "bold red"}
    table = Table("check", "state", "found", box=None, padding=(0, 2))
    for finding in findings:
        table.add_row(finding.name, f"[{colours[finding.state]}]{finding.state}[/]", finding.found)
    console.print(table)
    unwell = [finding for finding in findings if finding.state != "ok"]
    for finding in unwell:
        if finding.mend:
            console.print(f"\n{finding.name} ({finding.state}), mend with:", highlight=False)
            console.print(f"  {finding.mend}", highlight=False, markup=False, soft_wrap=True)
    broken = sum(finding.state == "broken" for finding in findings)
    console.print()
    if broken:
        console.print(f"[bold red]{broken} required piece(s) broken.[/] Mend the first, then run it again.")
    else:
        console.print("[green]Everything that the course needs is here.[/]")
