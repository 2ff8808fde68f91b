"""Figures in words: what they say, and that JupyterLab, nbconvert and the course's pages find it."""

import re
from types import SimpleNamespace

import ipywidgets
import nbformat
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from nbconvert import HTMLExporter

from course_lib.widgets import figure_words, figures
from course_lib.widgets.figure_words import LONGEST, in_words


def test_curves_are_told_from_end_to_end():
    series = {"MAML": np.array([[-8.0, -3.0, -1.5]]), "told $z$": np.array([[-1.0, -1.0, -1.0]])}
    panel = [0, 1, 3], series
    figure = figures.curves_figure({"near": panel, "far": panel}, "steps", "return")
    same = "return against steps; MAML from −8 to −1.5; told z from −1 to −1"
    assert in_words(figure) == f"2 panels. near: {same}. far: {same}."


def test_maps_bars_dots_and_signs_are_told():
    figure = Figure()
    grid, bars, dots, picture = figure.subplots(1, 4)
    figure.colorbar(grid.imshow(np.zeros((3, 5))))
    grid.set_title(r"$\mathbb{E}[R]$")
    bars.bar(["a", "b"], [0.5, 2345.6])
    dots.scatter([0, 1], [0, 1], label="source, 0")
    picture.text(0, 0, "an arm")
    assert in_words(figure) == ("4 panels. E[R]; a map of 3 by 5. bars: 0.5, 2346. dots: source, 0. an arm.")


def test_panels_that_say_the_same_are_told_once_and_what_is_long_is_cut():
    figure = Figure()
    for axes in figure.subplots(5, 5).flat:
        axes.imshow(np.zeros((2, 2)))
    assert in_words(figure) == "25 panels. a map of 2 by 2."
    for n, axes in enumerate(figure.axes):
        axes.set_title(f"letter {n} " + "of a long alphabet " * 4)
    assert len(in_words(figure)) <= LONGEST and in_words(figure).endswith(" …")


def test_nothing_is_told_of_values_that_are_none():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [np.nan, np.nan], label="not yet")
    assert in_words(figure) == "not yet."
    assert in_words(Figure()) == "A figure without words."


@pytest.fixture
def shown(monkeypatch):
    """Shows an object as a notebook does that has called `show_with_words`."""
    formatter = DisplayFormatter()

    def drawn_twice(figure):
        raise AssertionError("the picture is drawn a second time")

    formatter.formatters["image/png"].for_type(Figure, drawn_twice)
    monkeypatch.setattr(figure_words, "get_ipython", lambda: SimpleNamespace(display_formatter=formatter))
    figure_words.show_with_words()
    return formatter.format


def test_every_page_finds_the_words(shown):
    figure = Figure(figsize=(1, 1))
    figure.subplots().set_title('less < "more"')
    data, metadata = shown(figure)
    assert data["text/plain"] == 'less < "more".' == metadata["image/png"]["alt"]
    assert data["text/html"].startswith('<img alt="less &lt; &quot;more&quot;." src="data:image/png;base64,')
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("figure", outputs=[output])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert re.search(r"<img alt=.less &lt; .*more", page)


def test_the_picture_of_a_widget_is_told_by_its_plain_text(shown):
    class Slider(ipywidgets.IntSlider):
        def _repr_mimebundle_(self, **options):
            return {"text/plain": "A slider at 0.", "image/png": "aGk="}

    data, metadata = shown(Slider())
    assert data["image/png"] == "aGk=" and metadata["image/png"] == {"alt": "A slider at 0."}
    data, metadata = shown(ipywidgets.IntSlider())
    assert "application/vnd.jupyter.widget-view+json" in data and "image/png" not in metadata


def test_outside_of_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setattr(figure_words, "get_ipython", lambda: None)
    figure_words.show_with_words()
    assert not hasattr(Figure, "_repr_mimebundle_")
