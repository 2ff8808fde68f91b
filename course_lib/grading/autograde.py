"""nbgrader's Autograde button without its execution: it shows the result that `course grade` found.

nbgrader would run a student's code in the instructor's own account, and could be talked into full marks.
`nbgrader_config.py` puts this step in the place of all of nbgrader's.
"""

from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from course_lib.grading.gradebook import AUTOGRADED, import_results
from course_lib.grading.results import Result, results_folder


class ShowResult(NbGraderPreprocessor):
    """Imports a submission's result anew, and hands nbgrader the notebook that shows it."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        name, student = resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]
        root = (
            Path(resources["metadata"]["path"]).resolve().parents[3]
        )  # above grading/autograded/STUDENT/NAME
        path = results_folder(root, name) / f"{student}.json"
        if not path.is_file():
            raise FileNotFoundError(
                f"no result of {student} for {name}: grade it with `course grade`, not here"
            )
        failed = import_results([Result.from_json(path.read_text(encoding="utf-8"))], root)
        if failed:
            raise ValueError(f"{student}: {failed[student]}")
        return nbformat.read(root / AUTOGRADED / student / name / f"{name}.ipynb", as_version=4), resources
