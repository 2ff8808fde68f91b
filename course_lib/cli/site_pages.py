"""How Sphinx makes the course's pages: formulas without a script, pictures with words, a list of contents.

A Sphinx extension; `course site` (site.py) names it, and tells it what to build. Whatever it warns of fails
the build, as every warning of Sphinx does there.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from course_lib.grading.markup import formula

WIDGET = "application/vnd.jupyter.widget-view+json"
TURN_IT = "A picture of a widget. Open this notebook in JupyterLab to turn it yourself."
BEHIND = ("docs/*.md", "benchmarks/README.md", "CONTRIBUTING.md")
NAMELESS = "<Figure size"
"""How matplotlib begins the words for a figure that nobody has described."""

STYLE = """
.main, .content { min-width: 0; }
.content { width: 52em; }
.cell_output { overflow-x: auto; }
.cell_output img { background: #fff; }
.cell .highlight pre { font-size: 0.75rem; }
.turn-it { font-size: var(--font-size--small); color: var(--color-foreground-muted); margin-top: 0; }
math[display="block"] { overflow-x: auto; overflow-y: hidden; padding: 0.3em 0; }
table.docutils td { vertical-align: top; }
table.docutils:has(th:nth-child(7)) { min-width: 60em; }
.main:has(th:nth-child(7)) .content { width: 80em; }
.main:has(th:nth-child(7)) .toc-drawer { display: none; }
"""

_log = logging.getLogger(__name__)


class PicturesInWords(SphinxPostTransform):
    """What a picture shows, said by its output as plain text, becomes its alternative text.

    A widget's own view needs a kernel: its page takes its place where it has one that runs alone, else its
    picture with a line that says where it can be turned.
    """

    default_priority = 3  # before myst-nb chooses one form of each output

    def run(self, **kwargs) -> None:
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            forms = {form["mime_type"]: form for form in bundle.children}
            words = forms["text/plain"].astext().strip() if "text/plain" in forms else ""
            if not words.startswith(NAMELESS):
                for picture in bundle.findall(nodes.image):
                    picture["alt"] = picture.get("alt") or " ".join(words.split())
            if "image/png" in forms and forms.get("text/html", bundle).astext().startswith("<img "):
                bundle.remove(forms.pop("text/html"))  # the same picture; as a file it burdens the page less
            if WIDGET in forms and "text/html" not in forms and "image/png" not in forms:
                _log.warning("a widget without a picture: %s", words, location=bundle)
            if WIDGET in forms:
                bundle.remove(forms[WIDGET])
                if "text/html" not in forms and "image/png" in forms:
                    line = nodes.paragraph("", TURN_IT, classes=["turn-it"])
                    bundle.parent.insert(bundle.parent.index(bundle) + 1, line)


def inline_formula(page, node: nodes.math) -> None:
    page.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def block_formula(page, node: nodes.math_block) -> None:
    page.body.append(f"<div>{_mathml(node, 'block')}</div>\n")
    raise nodes.SkipNode


def _mathml(node: nodes.Element, display: str) -> str:
    drawn = formula(node.astext(), display)
    if drawn.startswith("<code") or "\\" in drawn:
        _log.warning("a formula that cannot be drawn without a script: %s", node.astext(), location=node)
    return drawn


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Puts the list of pages, which the sidebar shows, under the front page and the pages that have parts."""
    for caption, pages in app.config.course_contents.get(name, []):
        lines = [f"/{page}" for page in pages]
        source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {caption}", "", *lines, "```\n"])


def prepare_notebook(app: Sphinx, name: str, source: list[str]) -> None:
    """Puts the pictures that a cell carries where its text shows them, and folds what JupyterLab folds."""
    if app.env.doc2path(name, base=False).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        for picture, forms in cell.pop("attachments", {}).items():
            ((kind, data),) = forms.items()
            text = text.replace(f"(attachment:{picture})", f"(data:{kind};base64,{data})")
        cell["source"] = text
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell["metadata"]["tags"] = ["hide-input"]  # a quiz with its answers, a long test
    source[0] = json.dumps(notebook)


def add_style(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    context["metatags"] = context.get("metatags", "") + f"<style>{STYLE}</style>"
    if "furo_navigation_tree" in context:  # its captions are headings, and do not say of which level
        tree = context["furo_navigation_tree"]
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def contents(folder: Path) -> dict[str, list[tuple[str, list[str]]]]:
    """Which pages stand under which: by page, a caption and the pages, all without suffix.

    Args:
        folder: of the course.
    """

    def pages(pattern: str) -> list[str]:
        return [path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.glob(pattern))]

    parts = pages("docs/results/*.md")
    return {
        "README": [
            ("Lectures", pages("notebooks/*.ipynb")),
            ("Assignments", pages("assignments/*/*.ipynb")),
            ("Behind the course", [page for pattern in BEHIND for page in pages(pattern)]),
        ],
        **({"docs/results": [("Tables", parts)]} if parts else {}),
    }


def settings(folder: Path, cache: Path) -> dict:
    """What Sphinx is told.

    Args:
        folder: of the course.
        cache: of notebooks that have been run.
    """
    read = ("README.md", "CONTRIBUTING.md", "docs", "notebooks", "assignments", "benchmarks")
    return {
        "project": "Transfer learning and meta-RL, hands on",
        "extensions": ["myst_nb", "course_lib.cli.site_pages"],
        "root_doc": "README",
        "include_patterns": [
            "README.md",
            "CONTRIBUTING.md",
            "docs/**.md",
            "benchmarks/README.md",
            "notebooks/*.ipynb",
            "assignments/*/*.ipynb",
        ],
        "exclude_patterns": [path.name for path in folder.iterdir() if path.name not in read],
        "course_contents": contents(folder),
        "html_theme": "furo",
        "html_title": "Transfer learning and meta-RL, hands on",
        "html_math_renderer": "mathml",
        "html_copy_source": False,
        "html_show_search_summary": False,  # it would fetch pages, which a page on a disk may not
        "html_show_sphinx": False,
        "html_show_copyright": False,
        "html_use_index": False,
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 6,
        "myst_dmath_double_inline": True,
        "suppress_warnings": ["myst.header"],  # a cell may begin anywhere in the outline
        "nb_execution_mode": "cache",
        "nb_execution_excludepatterns": ["assignments/*/*.ipynb"],  # to be filled in, not to be run
        "nb_execution_cache_path": str(cache),
        "nb_execution_raise_on_error": True,
        "nb_merge_streams": True,
        "nb_ipywidgets_js": {},
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("course_contents", {}, "env", dict)
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.add_post_transform(PicturesInWords)
    app.connect("source-read", add_contents)
    app.connect("source-read", prepare_notebook)
    app.connect("html-page-context", add_style, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
