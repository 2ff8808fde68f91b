"""A figure in JupyterLab, as who cannot see it meets it."""


def test_a_figure_in_the_lab_says_what_it_shows(open_notebook):
    notebook = open_notebook(
        [
            "import matplotlib.pyplot as plt\n"
            "from course_lib.widgets.figure_words import show_with_words\n"
            "show_with_words()",
            "plt.plot([1, 2, 4], label='PEARL $z$')\nplt.xlabel('episodes')\nplt.legend()\nplt.show()",
        ]
    )
    notebook.run_all()
    picture = notebook.locator(".jp-OutputArea-output img")
    assert picture.count() == 1
    assert picture.get_attribute("alt") == "episodes; PEARL z from 1 to 4."
    assert picture.bounding_box()["width"] > 300
    notebook.axe()
    notebook.screenshot("figure-in-words")
