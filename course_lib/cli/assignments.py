"""Assignments: check, release, grade, and what comes of the grades."""

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from course_lib.cli.executors import cores, executor
from course_lib.cli.terminal import counting_bar, course_folder, err, fail, one_line_errors, out, pick
from course_lib.core.spelling import nearest

if TYPE_CHECKING:
    import nbformat

    from course_lib.grading.batch import Summary
    from course_lib.grading.results import Result

ROSTER_COLUMNS = ("student", "username", "id", "login", "email")
"""Headers under which a roster may keep the students' names; the first that is there counts."""

app = typer.Typer()


@app.command(
    rich_help_panel="Assignments", epilog="Examples: course check ps2_epopt | course check copy.ipynb"
)
def check(
    path: Annotated[
        Path,
        typer.Argument(
            help="A notebook, the folder that holds it, or an assignment: ps2_epopt, in short ps2."
        ),
    ] = Path("."),
) -> None:
    """Run your notebook from a fresh start and list what is still wrong."""
    with one_line_errors():
        from course_lib.grading.check import check as run_check

        if not run_check(notebook_to_check(path)):
            raise typer.Exit(1)


@app.command(rich_help_panel="Assignments", epilog="Example: course release ps2_epopt")
def release(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments, like ps2_epopt; none: all.")] = None,
) -> None:
    """Instructors: make assignments/ from solutions/, without the answers."""
    folder = course_folder()
    with one_line_errors():
        from course_lib.grading.batch import grade_solution
        from course_lib.grading.release import release_assignments

        for path in release_assignments(names or None, folder):
            out.print(path.relative_to(folder).as_posix(), highlight=False, soft_wrap=True)
            with out.status("grading the solution"):
                lost = grade_solution(path.stem, folder)
            for mark in lost:
                said = mark.message.partition("\n")[0]
                err.print(
                    f"[bold red]the solution itself gets {mark.points:g} of {mark.out_of:g} points in "
                    f"{mark.name}:[/] {escape(said)}",
                    soft_wrap=True,
                    highlight=False,
                )
            if lost:
                raise typer.Exit(1)


@app.command(
    rich_help_panel="Assignments",
    epilog="Examples: course grade ~/Downloads/submissions.zip | course grade DIR --jobs 8 --roster all.csv",
)
def grade(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="What your platform exported: one folder, zip or notebook a student."
        ),
    ],
    assignment: Annotated[
        str | None,
        typer.Option(help="Such as ps2_epopt; else the one that DIR's name or its notebooks tell."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time on this machine.")] = cores(),
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the hidden cases; else that of the last run, or a new one."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"All students: one name a line, or a CSV with a column {', '.join(ROSTER_COLUMNS[:-1])} or "
            f"{ROSTER_COLUMNS[-1]}. Who handed in nothing gets a row too.",
        ),
    ] = None,
    require_sandbox: Annotated[
        bool, typer.Option("--require-sandbox", help="Grade nothing (exit code 2) where there is no sandbox.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Grade again what is graded already, with a new seed.")
    ] = False,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Grade on a dask cluster: its scheduler's address.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="For the results; else grading/ASSIGNMENT/results."),
    ] = None,
    no_gradebook: Annotated[
        bool, typer.Option("--no-gradebook", help="Leave the gradebook of nbgrader's formgrader as it is.")
    ] = False,
) -> None:
    """Instructors: grade all submissions; stopped at any moment, the same command goes on."""
    root = course_folder()
    with one_line_errors():
        from course_lib.grading.batch import FolderBusy, SandboxMissing, grade_batch

        name = assignment_to_grade(assignment, folder, root)
        if assignment is None:
            out.print(f"grading {name}; --assignment takes another one", highlight=False)
        refuse_stale_release(name, root)
        students = read_roster(roster) if roster else None
        with executor(jobs, dask) as pool, counting_bar(name, "submissions") as show:
            try:
                summary = grade_batch(
                    folder,
                    name,
                    root,
                    executor=pool,
                    seed=seed,
                    roster=students,
                    require_sandbox=require_sandbox,
                    fresh=fresh,
                    out=results,
                    progress=lambda step: show(step.done, step.total, f"{step.student}: {step.status}"),
                )
            except SandboxMissing as problem:
                fail(str(problem), code=2)
            except FolderBusy as problem:
                fail(str(problem))
            except KeyboardInterrupt:
                err.print("stopping; the same command goes on where it stopped", highlight=False)
                raise typer.Exit(130) from None
        faults = list(summary.faults)
        if not no_gradebook:
            faults += into_gradebook(summary.results, root)
    show_summary(summary, name, root)
    show_strangers(summary, students or [])
    for fault in faults:
        err.print("[bold red]fault of the grader:[/]", escape(fault), soft_wrap=True, highlight=False)
    if faults:
        raise typer.Exit(1)


def into_gradebook(results: list["Result"], root: Path) -> list[str]:
    """Imports results for formgrader; what could not be imported, one line a student."""
    from course_lib.grading.gradebook import import_results

    with counting_bar("gradebook", "results") as show:
        refused = import_results(results, root, lambda done, total: show(done, total, ""))
    return [f"gradebook: {student}: {reason}" for student, reason in refused.items()]


def show_summary(summary: "Summary", name: str, root: Path) -> None:
    """Prints how many have which status, the mean, where the results are, and what to do next."""
    from course_lib.grading.results import STATUSES, results_folder
    from course_lib.grading.sandbox import HOW_TO_INSTALL, NOT_SANDBOXED

    counts = Counter(result.status for result in summary.results)
    table = Table("status", "students", box=None, padding=(0, 2))
    for status in STATUSES:
        if counts[status]:
            table.add_row(status, str(counts[status]))
    out.print(table)
    came = [result for result in summary.results if result.status not in ("missing", "unreadable")]
    if came:
        mean = sum(result.points for result in came) / len(came)
        most = max(result.out_of for result in came)
        out.print(f"mean {mean:.1f} of {most:g} points, without what a person marks", highlight=False)
    if summary.resumed:
        out.print(f"{summary.resumed} graded before, and nothing has changed since", highlight=False)
    out.print(f"seed {summary.seed}, results in {escape(str(summary.out))}/", soft_wrap=True, highlight=False)
    if summary.sandbox == NOT_SANDBOXED:
        out.print(
            f"[bold red]{NOT_SANDBOXED}[/]: nothing but limits held the students' code; {HOW_TO_INSTALL}",
            soft_wrap=True,
            highlight=False,
        )
    else:
        out.print(f"students' code was locked in by {summary.sandbox}", highlight=False)
    if summary.out != results_folder(root, name):  # a trial run: what follows would not find its results
        return
    steps = {
        f"course report {name}": "how the class did, and what to look at",
        "course lab --instructor": "mark by hand in formgrader",
        f"course feedback {name}": "a page for each student",
    }
    for command, what in steps.items():
        out.print(f"  {command:<28}{what}", highlight=False, markup=False)


@app.command(rich_help_panel="Assignments", epilog="Example: course feedback ps2_epopt")
def feedback(
    name: Annotated[str | None, typer.Argument(help="Such as ps2_epopt; else the only one graded.")] = None,
) -> None:
    """Instructors: write a page for each student, with the marks that people gave so far."""
    root = course_folder()
    with one_line_errors():
        from course_lib.grading.feedback import write_feedback

        pages = write_feedback(graded_results(name, root), root)
    out.print(f"{len(pages)} pages in {escape(str(pages[0].parent))}/", highlight=False, soft_wrap=True)


@app.command(rich_help_panel="Assignments", epilog="Example: course report ps2_epopt")
def report(
    name: Annotated[str | None, typer.Argument(help="Such as ps2_epopt; else the only one graded.")] = None,
) -> None:
    """Instructors: write how the class did, which mistakes were made, and which answers look copied."""
    root = course_folder()
    with one_line_errors():
        from course_lib.grading.gradebook import hand_marks
        from course_lib.grading.report import write_report

        results = graded_results(name, root)
        name = results[0].assignment
        by_hand = {
            result.student: {
                cell: mark.points
                for cell, mark in hand_marks(name, result.student, root).items()
                if mark.by_hand and mark.points is not None and not mark.waiting
            }
            for result in results
        }
        page = write_report(
            results,
            root / "grading" / name / "report",
            references=references(name, root),
            by_hand=by_hand,
        )
    out.print(escape(str(page)), highlight=False, soft_wrap=True)


@app.command(rich_help_panel="Assignments", epilog="Example: course gradescope ps2_epopt")
def gradescope(
    name: Annotated[str, typer.Argument(help="Such as ps2_epopt.")],
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Else grading/ASSIGNMENT/autograder.zip.")
    ] = None,
) -> None:
    """Instructors: write the autograder zip that Gradescope wants; it holds the answers."""
    root = course_folder()
    with one_line_errors():
        from course_lib.grading.gradescope import write_autograder
        from course_lib.grading.release import assignments

        pick("assignment", name, assignments(root))
        written = write_autograder(name, root, target or root / "grading" / name / "autograder.zip")
    out.print(escape(str(written)), highlight=False, soft_wrap=True)


def refuse_stale_release(name: str, root: Path) -> None:
    """What students got must be what solutions/ gives: their untouched cells are told by it.

    Raises:
        ValueError: it is not.
    """
    from course_lib.grading.release import RELEASE, released_text

    path = root / RELEASE / name / f"{name}.ipynb"
    if path.is_file() and path.read_text(encoding="utf-8") != released_text(name, root):
        raise ValueError(
            f"{RELEASE}/{name} is not what solutions/{name} gives, someone has changed it: "
            f"course release {name} makes it again"
        )


def show_strangers(summary: "Summary", roster: list[str]) -> None:
    """Who handed in and is not on the roster: a misspelt name has two rows."""
    from course_lib.grading.student_names import safe_name

    expected = {safe_name(name).casefold() for name in roster}
    strangers = [result.student for result in summary.results if result.student.casefold() not in expected]
    if roster and strangers:
        out.print(f"not on the roster: {escape(', '.join(strangers))}", soft_wrap=True, highlight=False)


# --- which assignment, which students ---------------------------------------------------------------------


def notebook_to_check(path: Path) -> Path:
    """What a student means: a file or folder that is there, else an assignment of the course by its name.

    Args:
        path: a path, the name of an assignment, or how only one of them begins; "." where no notebook is in
            the current folder means the course's only assignment.

    Raises:
        FileNotFoundError: it cannot be told which.
    """
    here = path == Path(".")
    if len(path.parts) > 1 or (any(path.glob("*.ipynb")) if here else path.exists()):
        return path
    folder = course_folder() / "assignments"
    known = {file.stem: file for file in sorted(folder.glob("*/*.ipynb")) if file.stem == file.parent.name}
    word = "" if here else path.name.removesuffix(".ipynb")
    fitting = [word] if word in known else [name for name in known if name.startswith(word)]
    if len(fitting) == 1:
        return known[fitting[0]]
    if here:
        raise FileNotFoundError(f"no notebook is here; add which to check, {nearest(word, known)}")
    raise FileNotFoundError(
        f"{path} is no notebook, no folder and no assignment; save the notebook first, or check its name: "
        f"{nearest(word, known)}"
    )


def assignment_to_grade(name: str | None, folder: Path, root: Path) -> str:
    """The assignment that a person means: as named, the only one, or what the folder or its notebooks say.

    Raises:
        ValueError: none is known, or it cannot be told which.
        typer.Exit: the name is unknown.
    """
    from course_lib.grading.collect import assignments_in
    from course_lib.grading.release import SOURCE, assignments

    known = assignments(root)
    if name is not None:
        return pick("assignment", name, known)
    if not known:
        raise ValueError(f"no assignment in {root / SOURCE}")
    if len(known) == 1:
        return known[0]
    folder = folder.resolve()
    named = [name for name in known if name in folder.as_posix()]
    if len(named) == 1:
        return named[0]
    found = sorted(assignments_in(folder, releases(known, root)))
    if len(found) == 1:
        return found[0]
    seen = f"the notebooks are of {', '.join(found)}" if found else "no notebook tells"
    raise ValueError(f"which assignment is it? {seen}. Add --assignment with one of {', '.join(known)}")


def releases(names: list[str], root: Path) -> "dict[str, nbformat.NotebookNode]":
    """What students got of each assignment; an empty notebook where it was not released yet."""
    import nbformat

    from course_lib.grading.release import RELEASE

    paths = {name: root / RELEASE / name / f"{name}.ipynb" for name in names}
    return {
        name: nbformat.read(path, as_version=4) if path.is_file() else nbformat.v4.new_notebook()
        for name, path in paths.items()
    }


def graded_results(name: str | None, root: Path) -> "list[Result]":
    """All results of an assignment, by default of the only one that is graded.

    Raises:
        ValueError: there are none, or it cannot be told which, or a file is no result.
        typer.Exit: the name is unknown.
    """
    from course_lib.grading.release import assignments
    from course_lib.grading.results import load, results_folder

    graded = sorted(path.parent.name for path in (root / "grading").glob("*/results"))
    if name is None and len(graded) > 1:
        raise ValueError(f"which assignment is it? Graded are {', '.join(graded)}")
    name = pick("assignment", name, assignments(root)) if name else graded[0] if graded else None
    results = load(results_folder(root, name)) if name else []
    if not results:
        raise ValueError(
            f"nothing is graded yet{f' of {name}' if name else ''}: course grade DIR comes first"
        )
    return results


def references(name: str, root: Path) -> dict[str, list[str]]:
    """By answer cell: the solution's text, and the library's functions and classes that it binds.

    Raises:
        ValueError: the solution is no assignment.
    """
    import ast

    import nbformat

    import course_lib
    from course_lib.grading.examine import read_assignment
    from course_lib.grading.release import SOURCE

    solution = nbformat.read(root / SOURCE / name / f"{name}.ipynb", as_version=4)
    answers = [cell for cell in read_assignment(name, solution).cells if cell.role == "answer"]
    texts = {cell.name: [cell.source] for cell in answers}
    for path in sorted(Path(course_lib.__file__).parent.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for cell in answers:
                    if node.name in cell.binds:
                        texts[cell.name].append(ast.get_source_segment(source, node))
    return texts


def read_roster(path: Path) -> list[str]:
    """The students' names in a file: one a line, or a column of a CSV.

    A first line that has one of `ROSTER_COLUMNS` among its cells is a header; the cells are parted by commas,
    semicolons or tabs.

    Raises:
        ValueError: the file is no such text.
        FileNotFoundError: there is no such file.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no roster {path}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as a CSV in UTF-8") from None
    if not lines:
        raise ValueError(f"{path} is empty: write one name a line")
    delimiter = max(",;\t", key=lines[0].count)
    header = [cell.strip().lower() for cell in next(csv.reader(lines[:1], delimiter=delimiter))]
    column = next((header.index(name) for name in ROSTER_COLUMNS if name in header), None)
    if column is None and len(header) > 1:
        raise ValueError(
            f"{path} has no column {', '.join(ROSTER_COLUMNS[:-1])} or {ROSTER_COLUMNS[-1]}: "
            f"its first line is {', '.join(header)}"
        )
    if column is None:
        return [line.strip() for line in lines]
    rows = csv.reader(lines[1:], delimiter=delimiter)
    names = [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
    if not names:
        raise ValueError(f"{path} has no names under {header[column]!r}")
    return names
