"""Gradescope: the autograder zip of an assignment, and results as that platform reads them.

The zip holds the library's sources, the solution and the release, and two scripts: `setup.sh` runs once, when
the platform builds its image, `run_autograder` for every submission. It holds the hidden tests: it is for
instructors only. Where the platform's container has no bubblewrap, or lets it make no namespaces, every
report says "not sandboxed" to the instructors. Bubblewrap before 0.8, as Ubuntu 22.04 has it, will do beside
libseccomp; `setup.sh` installs both.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/, and its pages on best practices, base
images and submission metadata.
"""

import hashlib
import io
import json
import re
import secrets
import shlex
import sys
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat

import course_lib
from course_lib.core.spelling import nearest
from course_lib.core.whole_files import write_whole
from course_lib.grading.collect import Submission, collect_one
from course_lib.grading.release import RELEASE, SOURCE, assignments
from course_lib.grading.results import Result
from course_lib.grading.sandbox import HOW_TO_INSTALL, NOT_SANDBOXED

FAILED = (
    "The autograder itself failed, you are not to blame. Please tell your instructor, who can run it again."
)

# A Python of its own: the platform's harness needs the system's as it is, and Ubuntu 22.04 has 3.10. Outside
# root's home, where the sandbox can see it. uv finds PyTorch's builds without CUDA, which saves gigabytes.
SETUP = """\
#!/usr/bin/env bash
# Runs once, when the platform builds the image: the sandbox, a Python, and the versions of constraints.txt.
set -euo pipefail
SOURCE="${AUTOGRADER:-/autograder}/source"
export DEBIAN_FRONTEND=noninteractive UV_PYTHON_INSTALL_DIR=/opt/python UV_NO_CACHE=1

apt-get update
apt-get install -y --no-install-recommends bubblewrap libseccomp2 python3-venv ca-certificates
python3 -m venv /opt/uv
/opt/uv/bin/pip install --no-cache-dir 'uv>=0.9,<1'
/opt/uv/bin/uv venv --python 3.11 /opt/course
/opt/uv/bin/uv pip install --python /opt/course/bin/python --torch-backend cpu \\
    --constraints "$SOURCE/constraints.txt" --requirements "$SOURCE/pyproject.toml"

chmod -R go-rwx "$SOURCE"
cd "$SOURCE"
/opt/course/bin/python -c 'from course_lib.grading import sandbox; print("Sandbox:", sandbox.available())'
"""

RUN = """\
#!/usr/bin/env bash
# Runs for every submission: grades /autograder/submission, writes /autograder/results/results.json.
set -u
AUTOGRADER="${AUTOGRADER:-/autograder}"
export PYTHONPATH="$AUTOGRADER/source" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$AUTOGRADER/results"
# Stands there if all else fails.
printf '%s\\n' @FAILED@ > "$AUTOGRADER/results/results.json"
cd "$AUTOGRADER/source"
exec "${AUTOGRADER_PYTHON:-/opt/course/bin/python}" -P -m course_lib.grading.gradescope @NAME@ "$AUTOGRADER"
"""


def write_autograder(name: str, root: Path, target: Path) -> Path:
    """Writes the zip that an instructor uploads to Gradescope.

    The same sources give the same bytes.

    Args:
        name: the assignment, such as "ps2_epopt".
        root: the course's folder, which holds `solutions/`, `assignments/` and `pyproject.toml`.
        target: the zip to write; one that is there is replaced.

    Returns:
        `target`.

    Raises:
        FileNotFoundError: there is no such assignment, or it was not released yet.
    """
    known = assignments(root)
    if name not in known:
        raise FileNotFoundError(f"no assignment {name!r} in {root / SOURCE}: {nearest(name, known)}")
    files = {
        "setup.sh": SETUP,
        "run_autograder": RUN.replace("@NAME@", shlex.quote(name)).replace(
            "@FAILED@", shlex.quote(json.dumps(failure()))
        ),
    }
    for path, way_out in (
        (f"{SOURCE}/{name}/{name}.ipynb", "name the notebook like its folder"),
        (f"{RELEASE}/{name}/{name}.ipynb", f"run `course release {name}` first"),
        ("pyproject.toml", "give the course's folder, as it was cloned"),
        ("constraints.txt", "give the course's folder, as it was cloned"),
    ):
        if not (root / path).is_file():
            raise FileNotFoundError(f"{root / path} does not exist; {way_out}")
        files[path] = (root / path).read_text(encoding="utf-8")
    package = Path(course_lib.__file__).parent
    for path in package.rglob("*.py"):
        files[f"course_lib/{path.relative_to(package).as_posix()}"] = path.read_text(encoding="utf-8")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path)  # dated 1980, whenever it is made
            info.create_system = 3  # Unix, wherever it is made: the scripts must be executable
            info.external_attr = (0o100755 if path in ("setup.sh", "run_autograder") else 0o100644) << 16
            archive.writestr(info, files[path].encode(), zipfile.ZIP_DEFLATED, 9)
    write_whole(target, out.getvalue())
    return target


def to_gradescope(result: Result) -> dict:
    """A result in the form of Gradescope's `results.json`.

    Every test shows points and message at once, hidden ones too: a message says what is wrong and not how it
    was tested, and students see no total while anything is hidden. Text is shown as text, never as HTML.

    Args:
        result: one submission, graded.

    Returns:
        What `json.dumps` can write. Marks that a person gives are only named in the text at the top; their
        place is Gradescope's own outline.
    """
    tests = []
    for mark in result.marks:
        if mark.points is not None:
            passed = mark.points == mark.out_of
            tests.append(
                {
                    "name": mark.name,
                    "score": mark.points,
                    "max_score": mark.out_of,
                    "status": "passed" if passed else "failed",
                    "output": mark.message or ("passed" if passed else "failed"),
                    "visibility": "visible",
                }
            )
    lines = list(result.problems)
    lines += [f"{m.name}: {m.out_of:g} points, marked by a person" for m in result.marks if m.points is None]
    if result.status != "graded":
        lines.insert(0, f"This submission: {result.status}.")
    return _report(
        result.points,
        "\n".join(lines),
        tests=tests,
        execution_time=round(result.seconds),
        extra_data={
            "assignment": result.assignment,
            "status": result.status,
            "sandbox": result.sandbox,
            "seed": result.seed,
            "hashes": result.hashes,
            "version": result.version,
        },
    )


def failure() -> dict:
    """What stands in `results.json` where the grader itself failed."""
    return _report(0.0, FAILED, tests=[])


def _report(score: float, output: str, **fields: object) -> dict:
    formats = dict.fromkeys(("output_format", "test_output_format", "test_name_format"), "text")
    return {"score": float(score), "output": output, **formats, "stdout_visibility": "hidden", **fields}


def grade_for_gradescope(
    name: str, autograder: Path, grade: Callable[[str, Path, Submission, int], Result]
) -> dict:
    """Grades what Gradescope put into its folder, and writes `results/results.json`.

    A failure of the grader is a report as well; its traceback goes to the output that instructors see.

    Args:
        name: the assignment.
        autograder: Gradescope's folder, which holds `source`, `submission` and `results`.
        grade: such as `course_lib.grading.batch.grade_one`.

    Returns:
        The report that was written.
    """
    root = autograder / "source"
    try:
        student, run = _metadata(autograder / "submission_metadata.json")
        path = f"{name}/{name}.ipynb"
        release = nbformat.read(root / RELEASE / path, as_version=4)
        submission = collect_one(student, autograder / "submission", release, assignment=re.escape(name))
        result = grade(name, root, submission, _seed(run, (root / SOURCE / path).read_bytes()))
        print(
            f"{result.status}: {result.points:g} of {result.out_of:g}; {result.sandbox}; seed {result.seed}"
        )
        if result.sandbox == NOT_SANDBOXED:
            print("Not sandboxed: a student's code could read the tests. " + HOW_TO_INSTALL)
        report = to_gradescope(result)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        report = failure()
    text = json.dumps(report, indent=1, allow_nan=False) + "\n"
    write_whole(autograder / "results" / "results.json", text)
    return report


def _metadata(path: Path) -> tuple[str, str]:
    """The first student's name for Gradescope, and what tells this submission from others."""
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        user = (metadata.get("users") or [{}])[0]
        return str(user.get("email") or user.get("name") or "student"), str(metadata.get("id", ""))
    except (OSError, ValueError, AttributeError):  # "may be subject to change", and grading needs none of it
        return "student", ""


def _seed(run: str, solution: bytes) -> int:
    """Gives the same marks whenever a submission is graded again, and cannot be guessed from outside."""
    if not run:
        return secrets.randbelow(2**31)
    return int.from_bytes(hashlib.sha256(run.encode() + b"\0" + solution).digest()[:4], "big") >> 1


if __name__ == "__main__":
    from course_lib.grading.batch import grade_one

    grade_for_gradescope(sys.argv[1], Path(sys.argv[2]), grade_one)
