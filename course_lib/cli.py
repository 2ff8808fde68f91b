"""The `course` command: open the lab, run the tests, look at this machine, train, check, release.

Heavy libraries are imported inside the commands, so that `course --help` answers at once.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from course_lib import __version__
from course_lib.core.spelling import nearest

START = "notebooks/00_start_here.ipynb"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo'])"

out = Console()
err = Console(stderr=True)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Transfer learning and meta-RL, hands on: move a slider, watch a robot walk or fall.",
    epilog="Start with [bold]course lab[/]. If anything is odd, [bold]course doctor[/] says how to mend it.",
)
train_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Train a policy of the lecture yourself; its weights and card land in a folder of your choice.",
)
app.add_typer(train_app, name="train", rich_help_panel="Train")
reproduce_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Measure a paper's claims again, on the weights that come with the course.",
)
app.add_typer(reproduce_app, name="reproduce", rich_help_panel="Train")


# --- what every command shares ----------------------------------------------------------------------------


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on standard error, and out."""
    err.print("[bold red]error:[/]", escape(message), soft_wrap=True, highlight=False)
    raise typer.Exit(code)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show what the library raises about a person's input as one line; COURSE_DEBUG=1 shows the traceback."""
    try:
        yield
    except (ValueError, OSError) as problem:
        if os.environ.get("COURSE_DEBUG"):
            raise
        fail(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)


def pick(kind: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is known, else stop with the nearest one.

    Args:
        kind: what is being named, for the message ("world").
        name: what the person typed.
        known: all valid names.

    Raises:
        typer.Exit: with code 2 where the name is unknown.
    """
    known = list(known)
    if name in known:
        return name
    fail(f"unknown {kind} {name!r}: {nearest(name, known)}", code=2)


def course_folder() -> Path:
    """The folder of the clone: where you stand or a parent of it, else where this package lies.

    Raises:
        typer.Exit: where neither is a clone of the course.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
        if (folder / "course_lib" / "__init__.py").is_file() and (folder / "pyproject.toml").is_file():
            return folder
    fail(f"no course in {here}: change to the folder that you cloned, and run the command again")


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


def show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"course {__version__}", highlight=False)
        raise typer.Exit()


@app.callback()
def course(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    pass


# --- every day --------------------------------------------------------------------------------------------


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
    config_path = os.pathsep.join(filter(None, [str(settings), os.environ.get("JUPYTER_CONFIG_PATH")]))
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--no-browser"),
            *(f"--ServerApp.port={chosen}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
            *("--ServerApp.answer_yes=True", "--Application.log_level=WARN"),
            *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        ],
        cwd=folder,
        env={**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": config_path},
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
    pytest = [python, "-m", "pytest", *(["-m", "browser"] if browser else []), *(pytest_arguments or [])]
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


# --- assignments ------------------------------------------------------------------------------------------


@app.command(rich_help_panel="Assignments", epilog="Example: course check assignments/ps2_epopt")
def check(
    path: Annotated[Path, typer.Argument(help="A notebook, or the folder that holds it.")] = Path("."),
) -> None:
    """Run your notebook from a fresh start and list what is still wrong."""
    with one_line_errors():
        from course_lib.grading.check import check as run_check

        if not run_check(path):
            raise typer.Exit(1)


@app.command(rich_help_panel="Assignments", epilog="Example: course release ps2_epopt")
def release(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments, like ps2_epopt; none: all.")] = None,
) -> None:
    """Instructors: make assignments/ from solutions/, without the answers."""
    folder = course_folder()
    with one_line_errors():
        from course_lib.grading.release import release_assignments

        for path in release_assignments(names or None, folder):
            out.print(path.relative_to(folder).as_posix(), highlight=False, soft_wrap=True)


# --- train ------------------------------------------------------------------------------------------------


@train_app.command("epopt", epilog="Example: course train epopt --world hopper --recipe eps0.1 --seed 0")
def train_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    recipe: Annotated[
        str, typer.Option(help="mass3, mass6, mass9 (one fixed torso mass), eps1.0 or eps0.1 (the ensemble).")
    ] = "eps0.1",
    seed: Annotated[int, typer.Option(min=0, help="Seed; the same seed gives the same numbers.")] = 0,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the weights and their card.")] = Path(
        "runs"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of resuming.")] = False,
) -> None:
    """EPOpt: a policy for a whole family of bodies and floors."""
    with one_line_errors():
        from course_lib.zoo import recipes

        pick("world", world, recipes.WORLDS)
        pick("recipe", recipe, recipes.RECIPES)
        with progress_bar(f"{world} {recipe} seed {seed}") as show:
            recipes.train_epopt(world, recipe, seed, folder, resume=not fresh, progress=show)
    out.print(f"Weights and card are in {folder}/", highlight=False, soft_wrap=True)


@reproduce_app.command("epopt", epilog="Example: course reproduce epopt --world hopper")
def reproduce_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per mass and seed.")] = 8,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the tables and the figure.")] = Path(
        "runs"
    ),
) -> None:
    """EPOpt: return against mass and friction, one mass in training against the whole ensemble."""
    with one_line_errors():
        from course_lib.core.seeding import seed_everything
        from course_lib.zoo import recipes, reproduce

        seed_everything(0)  # also keeps torch on one thread, out of the physics' way
        pick("world", world, recipes.WORLDS)
        with out.status("measuring") as status:
            results = reproduce.epopt_results(
                world, episodes, lambda doing: status.update(f"{world}, {doing}")
            )
        command = f"course reproduce epopt --world {world} --episodes {episodes}"
        reproduce.write(results, command, folder)
    out.print(f"Tables and figure are in {folder}/", highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator["ShowRecord"]:
    """A bar with live numbers for any training that yields records; Ctrl-C ends it with one line.

    A record is a dict of floats; `iteration` (from 1) and `iterations` drive the bar, `steps` and
    `return_mean` are shown where present.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(),
    )
    show = None
    try:
        with Progress(*columns, console=out) as bar:
            show = ShowRecord(bar, title)
            yield show
    except KeyboardInterrupt:
        where = f"at iteration {show.iteration}" if show and show.iteration else "before the first iteration"
        err.print(f"stopped {where}; resume with the same command, without --fresh", highlight=False)
        raise typer.Exit(130) from None


class ShowRecord:
    """Paints one training record a call, and remembers how far the training got."""

    def __init__(self, bar, title: str):
        self.bar = bar
        self.task = bar.add_task(title, total=None, numbers="")
        self.iteration = 0

    def __call__(self, record: dict[str, float]) -> None:
        self.iteration = int(record["iteration"])
        numbers = []
        if "return_mean" in record:
            numbers.append(f"return {record['return_mean']:.0f}")
        if "steps" in record:
            numbers.append(f"{record['steps'] / 1e6:.2f} M steps")
        self.bar.update(
            self.task,
            completed=self.iteration,
            total=record.get("iterations"),
            numbers=", ".join(numbers),
        )


def main() -> None:
    """Entry point of the console script; Ctrl-C anywhere else ends quietly with 130."""
    width = shutil.get_terminal_size().columns
    if width < 80:  # the help's boxes need the room
        os.environ.setdefault("COLUMNS", "80")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
