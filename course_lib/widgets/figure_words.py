"""What a matplotlib figure shows, in words, for who cannot see it.

JupyterLab, nbconvert and the course's pages take the words of a picture from different places: an element of
HTML, the picture's metadata, its plain text. `show_with_words` fills all three.
"""

import base64
import html
import re

import numpy as np
from IPython.core.getipython import get_ipython
from IPython.core.pylabtools import print_figure
from ipywidgets import Widget
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

LONGEST = 700
"""Characters; what is longer is cut."""
MOST_LINES = 8
"""Of one panel that are told one by one."""


def in_words(figure: Figure) -> str:
    """Titles, axes and what is drawn, panel by panel.

    Args:
        figure: as drawn; colour bars are left out.

    Returns:
        At most `LONGEST` characters in one line; of each labelled line its first and last value.
    """
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    title = _plain(figure.get_suptitle())
    told = [words for words in map(_panel, panels) if words]
    if len(panels) > 1:
        told = [f"{len(panels)} panels", *dict.fromkeys(told)]
    sentences = [sentence.rstrip(".") for sentence in (title, *told) if sentence]
    words = ". ".join(sentences or ["A figure without words"]) + "."
    return words if len(words) <= LONGEST else words[: LONGEST - 2].rsplit(" ", 1)[0] + " …"


def show_with_words() -> None:
    """From now on every figure and widget of this notebook is shown with its words; else does nothing."""
    shell = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter

    def bundle(figure: Figure) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        # The inline backend registers a formatter of its own, which would draw the picture a second time.
        formatter.formatters["image/png"].pop(Figure, None)
        words, png = in_words(figure), base64.b64encode(print_figure(figure, "png")).decode()
        shown = f'<img alt="{html.escape(words)}" src="data:image/png;base64,{png}">'
        return {"text/html": shown, "image/png": png, "text/plain": words}, {"image/png": {"alt": words}}

    formatter.mimebundle_formatter.for_type(Figure, bundle)
    formatter.mimebundle_formatter.for_type(Widget, _widget_bundle)


def _widget_bundle(widget: Widget) -> tuple[dict, dict]:
    """What a widget shows by itself; its picture is told by its plain text."""
    bundle = widget._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    if "image/png" not in data:
        return data, metadata
    return data, {**metadata, "image/png": {"alt": data["text/plain"]}}


def _panel(axes: Axes) -> str:
    """One panel: its title, its axes, and what is in it."""
    title = _plain(axes.get_title())
    x, y = _plain(axes.get_xlabel()), _plain(axes.get_ylabel())
    scales = " against ".join(label for label in (y, x) if label)
    head = ": ".join(part for part in (title, scales) if part)
    return "; ".join(part for part in (head, *_content(axes)) if part)


def _content(axes: Axes) -> list[str]:
    told = []
    for image in axes.get_images():
        rows, columns = image.get_array().shape[:2]
        told.append(f"a map of {rows} by {columns}")
    for bars in axes.containers:
        if isinstance(bars, BarContainer):
            heights = [_number(bar.get_height()) for bar in bars]
            shown = heights if len(heights) <= MOST_LINES else [*heights[:3], "…", heights[-1]]
            label = str(bars.get_label())
            told.append(f"{'bars' if label.startswith('_') else _plain(label)}: {', '.join(shown)}")
    lines = [line for line in axes.get_lines() if len(line.get_ydata()) > 1]
    named = [line for line in lines if not str(line.get_label()).startswith("_")]
    told += [_line(line) for line in named[:MOST_LINES]]
    if lines and not named and not told:
        told.append(f"{len(lines)} lines" if len(lines) > 1 else _line(lines[0]))
    dots = [str(dots.get_label()) for dots in axes.collections if not str(dots.get_label()).startswith("_")]
    told += [f"dots: {_plain(label)}" for label in dots[:MOST_LINES]]
    texts = [_plain(text.get_text()) for text in axes.texts]
    if not told and any(texts):
        told.append(", ".join(text for text in texts if text))
    return told


def _line(line) -> str:
    values = np.asarray(line.get_ydata(), dtype=float)
    values = values[np.isfinite(values)]
    label = "" if str(line.get_label()).startswith("_") else _plain(str(line.get_label()))
    if not len(values):
        return label
    return f"{label or 'a line'} from {_number(values[0])} to {_number(values[-1])}"


def _number(value: float) -> str:
    digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return digits.replace("-", "−")


def _plain(text: str) -> str:
    """A label without the marks of formulas, in one line."""
    text = re.sub(r"\\(?:mathbb|mathcal|mathrm|text|mathbf)\b", "", text)
    return " ".join(re.sub(r"[${}\\]", "", text).split())
