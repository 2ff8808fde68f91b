"""nbgrader's settings: its source folder is solutions/, its release folder assignments/.

Everything that holds students' work stays in grading/, which git ignores.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent

c = get_config()  # nbgrader puts this name here before it reads the file
c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "grading/submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.feedback_directory = "grading/feedback"
c.CourseDirectory.db_url = f"sqlite:///{(ROOT / 'grading' / 'gradebook.db').as_posix()}"

# `course grade` runs students' code, locked in. nbgrader's own autograde would run it unprotected, in the
# instructor's account: here it only shows again what `course grade` found.
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = ["course_lib.grading.autograde.ShowResult"]

# A student's Markdown would run scripts in formgrader, with the instructor's rights. Imported answers are
# clean already; this is the second lock, and it draws formulas without a network.
c.HTMLExporter.filters = {"markdown2html": "course_lib.grading.markup.render"}
