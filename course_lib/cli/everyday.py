"""Every day: open the lab, run the tests, look at this machine."""

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from course_lib.cli.terminal import course_folder, fail, out

START = "notebooks/00_start_here.ipynb"
STORED_PICTURES = "course_lib.cli.stored_pictures.StoredPictures"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo'])"

app = typer.Typer()


@app.command(
    rich_help_panel="Every day",
    epilog="Examples: course lab --port 9000 --no-browser | course lab --instructor",
)
def lab(
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="First port to try; the next free one is taken.")
    ] = 8888,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", help="Open a browser window (default: where there is one)."),
    ] = None,
    instructor: Annotated[
        bool, typer.Option("--instructor", help="With nbgrader's panels: points, cell types, grading.")
    ] = False,
) -> None:
    """Open JupyterLab on the first notebook."""
    folder = course_folder()
    if importlib.util.find_spec("jupyterlab") is None:
        fail("JupyterLab is not installed: python -m pip install -e . -c constraints.txt")
    chosen = free_port(port)
    if chosen != port:
        out.print(f"Port {port} is busy, so this lab uses {chosen}.", highlight=False)
    token = secrets.token_hex(16)
    # nbgrader's server half costs a second and a half at every start, and a learner has no use for it.
    settings = folder / ".jupyter" / ("instructor" if instructor else "learner")
    # Settings, and beside them the instructor's formgrader page, which runs nobody's script.
    paths = {
        name: os.pathsep.join(filter(None, [str(settings), os.environ.get(name)]))
        for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH")
    }
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--no-browser"),
            *(f"--ServerApp.port={chosen}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
            *("--ServerApp.answer_yes=True", "--Application.log_level=WARN"),
            f"--ServerApp.contents_manager_class={STORED_PICTURES}",
            *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        ],
        cwd=folder,
        env={**os.environ, "JUPYTER_TOKEN": token, **paths},
    )
    before = signal.signal(signal.SIGTERM, interrupt)  # else a killed `course lab` leaves its server behind
    try:
        if not answers(server, chosen):
            fail("JupyterLab stopped before it answered; `course doctor` looks for the reason")
        url = f"http://localhost:{chosen}/lab/tree/{START}?token={token}"
        out.print("\nThe lab is open. Ctrl-C here closes it.", highlight=False)
        out.print(url, soft_wrap=True, highlight=False, style="bold")
        if browser is True or (browser is None and has_browser()):
            webbrowser.open(url)
        else:
            out.print("No browser opened: copy the address above into one.", highlight=False)
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        stop(server)
        signal.signal(signal.SIGTERM, before)
    raise typer.Exit(code)


def interrupt(*_) -> NoReturn:
    raise KeyboardInterrupt


def answers(server: subprocess.Popen, port: int, seconds: float = 90.0) -> bool:
    """Wait until the server listens; False if it has ended, or stays silent for `seconds`."""
    give_up = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < give_up:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def stop(server: subprocess.Popen, seconds: float = 10.0) -> None:
    """End the server politely, so that it ends its kernels; with force where it will not."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@app.command(
    rich_help_panel="Every day",
    context_settings={"ignore_unknown_options": True},
    epilog="Examples: course test | course test --browser | course test tests/transfer -k cvar",
)
def test(
    pytest_arguments: Annotated[
        list[str] | None, typer.Argument(help="Paths and options for pytest; with any, only pytest runs.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Run the tests that need Chromium, and only those.")
    ] = False,
) -> None:
    """Run everything that needs no browser: style, imports, tests, notebooks."""
    folder = course_folder()
    missing = [tool for tool in ("ruff", "importlinter", "pytest") if importlib.util.find_spec(tool) is None]
    if missing:
        fail(f"{missing[0]} is not installed: python -m pip install -e '.[dev]' -c constraints.txt")

    python = sys.executable
    pytest = [python, "-m", "pytest", *(["-m", "browser"] if browser else [])]
    if pytest_arguments:
        pytest += pytest_arguments
    else:  # most tests wait for one process or another: two at a time, each file by one
        pytest += [*(["tests/browser"] if browser else []), "-n", "2", "--dist", "loadfile"]
    steps = {"tests in a browser" if browser else "tests": pytest}
    if not browser and not pytest_arguments:
        steps = {
            "ruff: lint": [python, "-m", "ruff", "check", "."],
            "ruff: format": [python, "-m", "ruff", "format", "--check", "."],
            "imports": [python, "-c", LINT_IMPORTS],
            **steps,
        }
    codes = {}
    seconds = {}
    for name, command in steps.items():
        out.rule(name, align="left")
        sys.stdout.flush()
        began = time.monotonic()
        codes[name] = subprocess.run(command, cwd=folder, check=False).returncode
        seconds[name] = time.monotonic() - began
    if len(steps) > 1:
        table = Table("step", "result", "seconds", box=None, padding=(0, 2))
        for name, code in codes.items():
            verdict = "[green]ok[/]" if code == 0 else f"[bold red]failed[/] (exit {code})"
            table.add_row(name, verdict, f"{seconds[name]:.1f}")
        out.print(table)
    raise typer.Exit(max(codes.values()) if all(code >= 0 for code in codes.values()) else 1)


@app.command(
    rich_help_panel="Every day", epilog="Exit code 1 means that a required piece is missing or broken."
)
def doctor() -> None:
    """Look at this machine, and give the one command that mends each problem."""
    from course_lib.doctor import examine, show

    findings = examine(course_folder())
    show(findings, out)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def free_port(wanted: int, tries: int = 50) -> int:
    """The first port from `wanted` on that nobody listens to on this machine.

    Raises:
        typer.Exit: where all `tries` ports are busy.
    """
    for port in range(wanted, min(wanted + tries, 65536)):
        with socket.socket() as probe:
            if os.name == "posix":  # on Windows this option would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    fail(f"ports {wanted} to {wanted + tries - 1} are busy: name a free one with --port")


def has_browser() -> bool:
    """Whether this machine can show a browser window to the person at the keyboard."""
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
