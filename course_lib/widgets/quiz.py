"""Quiz: questions with choices, and for each choice, right or wrong, why it is.

A wrong choice that somebody would really make says more than a right one, so each explains itself once it is
checked. All of it is in the page: no kernel has to answer. What stands in where no script runs has the
questions and the choices, and not the answers.

Axes: Q questions, C choices of one.
"""

import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.page_widget import PageWidget
from course_lib.widgets.plane import INK

LINE = 92
"""Characters of a line in the picture."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer that a person may choose."""

    text: str
    """What it claims."""
    why: str
    """Why it is right, or what is wrong with it; shown once it is checked."""
    right: bool = False
    """Whether it is the right one."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, and the answers to choose from."""

    text: str
    """The question."""
    choices: Sequence[Choice]
    """At least two, one of them right, in the order in which they are shown."""

    def __post_init__(self) -> None:
        right = sum(choice.right for choice in self.choices)
        if len(self.choices) < 2 or right != 1:
            raise ValueError(
                f"a question needs at least two choices, one of them right: {self.text!r} has "
                f"{len(self.choices)} with {right} right"
            )
        texts = [choice.text for choice in self.choices]
        if len(set(texts)) < len(texts):
            raise ValueError(f"two choices of {self.text!r} say the same: {texts}")
        for choice in self.choices:
            if not choice.why.strip():
                raise ValueError(f"the choice {choice.text!r} must say why it is right or wrong")


def questions_of(text: str) -> list[Question]:
    """Questions from a text that a person can read and write.

        Is it so?
        - No.
          It only seems otherwise.
        + Yes.
          Because of that.

    The right choice has a plus, the others a minus; why stands under each, indented. A line without either
    begins a question, or goes on with it.

    Args:
        text: some questions, with an empty line between two of them.

    Raises:
        ValueError: a reason without a choice, or what `Question` refuses.
    """
    found = []
    for block in re.split(r"\n\s*\n", textwrap.dedent(text).strip("\n")):
        asked, choices = [], []
        for line in block.splitlines():
            words = line.strip()
            if words[:2] in ("- ", "+ "):
                choices.append({"text": words[2:], "why": "", "right": words[0] == "+"})
            elif choices and line[:1] == " ":
                choices[-1]["why"] = f"{choices[-1]['why']} {words}".strip()
            elif choices or line[:1] == " ":
                raise ValueError(f"a reason stands indented under its choice, got {line!r}")
            else:
                asked.append(words)
        found.append(Question(text=" ".join(asked), choices=[Choice(**choice) for choice in choices]))
    return found


class Quiz(PageWidget):
    """Choose, check, read why, choose again; what was right at the first try is counted.

    Keys: arrows choose, Enter checks, N and B go to the next question and back, F fills the screen.
    """

    _esm = module("quiz")
    page_height = 480

    def __init__(self, questions: Sequence[Question], *, title: str = "Check yourself") -> None:
        """Holds the questions in their order.

        Args:
            questions: at least one.
            title: heading.

        Raises:
            ValueError: there is no question.
        """
        if not questions:
            raise ValueError("a quiz needs at least one question, got none")
        super().__init__(data={"title": title, "questions": [_plain(question) for question in questions]})

    def __str__(self) -> str:
        lines = [self.data["title"]]
        for number, question in enumerate(self.data["questions"], 1):
            lines += ["", f"{number}. {question['text']}"]
            lines += [
                f"   ({letter}) {choice['text']}"
                for letter, choice in zip(LETTERS, question["choices"], strict=False)
            ]
        return "\n".join(lines)

    def picture(self) -> bytes:
        """PNG of the questions and the choices, without the answers."""
        lines = []
        for line in str(self).splitlines():
            indent = " " * 7 if line.startswith("   (") else " " * 3
            lines += textwrap.wrap(line, LINE, subsequent_indent=indent, drop_whitespace=False) or [""]
        height = 0.27 * len(lines) + 0.3
        figure = Figure(figsize=(9.5, height), dpi=90, facecolor="white")
        FigureCanvasAgg(figure)
        figure.text(0.02, 1 - 0.12 / height, "\n".join(lines), va="top", fontsize=14, color=INK, wrap=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _plain(question: Question) -> dict:
    """The question as JSON has it."""
    return {"text": question.text, "choices": [asdict(choice) for choice in question.choices]}
