"""What is read, in documents and notebooks: spelling, links inside the repository, pictures with words."""

import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("notebooks/*.ipynb")),
    *sorted(ROOT.glob("solutions/*/*.ipynb")),  # assignments/ is generated from them
]
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
WORD = r"[^\W\d_]+(?:[\'’][^\W\d_]+)*"  # codespell's own takes a quotation mark for a letter
FILE_NAME = re.compile(r"\S+\.(png|jpe?g|gif|svg)", re.IGNORECASE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def cells(path: Path, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Place and text of each cell of some kinds; a document is one cell of Markdown."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return [(name(path), text)] if "markdown" in kinds else []
    return [
        (f"{name(path)}, cell {number}", "".join(cell["source"]))
        for number, cell in enumerate(json.loads(text)["cells"])
        if cell["cell_type"] in kinds
    ]


# --- spelling ---------------------------------------------------------------------------------------------


def misspelt(paths: list[Path], folder: Path) -> list[str]:
    """Known misspellings in documents and in all cells, code too; exceptions stand in pyproject.toml.

    Args:
        paths: of documents and notebooks.
        folder: an empty one, for their text: a picture in a notebook is letters by chance.
    """
    for path in paths:
        text = "\n".join(text for _, text in cells(path, ("markdown", "code")))
        (folder / name(path).replace("/", "--")).with_suffix(".txt").write_text(text, "utf-8")
    exceptions = ["--toml", str(ROOT / "pyproject.toml")]
    command = [sys.executable, "-m", "codespell_lib", "--regex", WORD, *exceptions, str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert found.returncode in (0, 65), found.stderr  # 65: something was found
    return [line.rpartition("/")[2].replace("--", "/") for line in found.stdout.splitlines()]


def test_the_words_are_spelt_right(tmp_path: Path):
    assert not misspelt(DOCUMENTS, tmp_path)


# --- links and pictures -----------------------------------------------------------------------------------


class _Tags(HTMLParser):
    """Links, pictures and anchors that a text writes as HTML."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.pictures, self.anchors = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {key: value or "" for key, value in attributes}
        self.anchors += [given[key] for key in ("id", "name") if key in given]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append((given.get("src", ""), given.get("alt", "")))


def read(text: str) -> tuple[list[str], list[tuple[str, str]], set[str]]:
    """Links, pictures with their words, and anchors of a text of Markdown."""
    links, pictures, anchors = [], [], set()
    blocks = MARKDOWN.parse(text)
    for before, block in zip([None, *blocks], blocks, strict=False):
        for token in [block, *(block.children or [])]:
            if token.type == "link_open":
                links.append(token.attrs["href"])
            if token.type == "image":
                pictures.append((token.attrs["src"], token.content))
            if token.type in ("html_inline", "html_block"):
                tags = _Tags(token.content)
                links += tags.links
                pictures += tags.pictures
                anchors |= set(tags.anchors)
        if before is not None and before.type == "heading_open":
            words = "".join(t.content for t in block.children if t.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", html.unescape(words).strip().lower()).replace(" ", "-")
            repeated = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known) is not None for known in anchors)
            anchors.add(f"{slug}-{repeated}" if repeated else slug)
    return links, pictures, anchors


def link_faults(path: Path) -> list[str]:
    """Links and pictures that lead to no file, or to no heading of one, inside the repository."""
    found = []
    for place, text in cells(path, ("markdown",)):
        links, pictures, _ = read(text)
        for address in [*links, *(source for source, _ in pictures)]:
            parts = urlsplit(address)
            if parts.scheme:  # the network, and pictures that a cell carries
                continue
            target = path.parent / unquote(parts.path) if parts.path else path
            if not target.exists():
                found.append(f"{place}: no file {address}")
            elif parts.fragment and not any(
                unquote(parts.fragment) in read(other)[2] for _, other in cells(target, ("markdown",))
            ):
                found.append(f"{place}: no heading {address}")
    return found


def silent_pictures(path: Path) -> list[str]:
    """Pictures whose alternative text is missing, a file's name, or a single word."""
    return [
        f"{place}: {source[:60]} says {alt!r}"
        for place, text in cells(path, ("markdown",))
        for source, alt in read(text)[1]
        if len(alt.split()) < 2 or FILE_NAME.fullmatch(alt.strip())
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere_and_pictures_have_words(path: Path):
    assert not [*link_faults(path), *silent_pictures(path)]


def test_lectures_show_their_figures_with_words():
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        code = "\n".join(text for _, text in cells(path, ("code",)))
        if "matplotlib" in code or "import figures" in code:
            assert "\nshow_with_words()" in code, f"{name(path)}: its setup calls no show_with_words()"


# --- the tests above can fail -----------------------------------------------------------------------------


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook of a text that is at fault everywhere, and a cell of code."""
    (tmp_path / "there.md").write_text("# A `b` and c!\n\n## Twice\n\n## Twice\n", "utf-8")
    text = """
[a](gone.md) [b](there.md#nowhere) ![](there.md) ![one](there.md) ![a.png](there.md) <img src="gone.png">
<a href="lost.html">x</a>

And <a href="gone-too.md">x</a>. It is definately wrong. `[no link](of/code.md)`
"""
    made = [("markdown", text), ("code", "x = 'recieve'")]
    (tmp_path / "example.ipynb").write_text(
        json.dumps({"cells": [{"cell_type": kind, "source": source} for kind, source in made]}), "utf-8"
    )
    return tmp_path / "example.ipynb"


def test_a_wrong_word_is_named(notebook: Path, tmp_path: Path):
    (tmp_path / "text").mkdir()
    found = misspelt([notebook], tmp_path / "text")
    assert [re.sub(r":\d+:", ":", line) for line in found] == [
        "example.txt: definately ==> definitely",
        "example.txt: recieve ==> receive",
    ]


def test_a_link_to_nothing_is_named(notebook: Path):
    assert [fault.partition(": ")[2] for fault in link_faults(notebook)] == [
        *("no file gone.md", "no heading there.md#nowhere"),
        *("no file lost.html", "no file gone-too.md", "no file gone.png"),
    ]


def test_headings_are_found_as_pages_name_them(notebook: Path):
    assert read((notebook.parent / "there.md").read_text("utf-8"))[2] == {"a-b-and-c", "twice", "twice-1"}


def test_a_picture_without_words_is_named(notebook: Path):
    said = [fault.rpartition(" says ")[2] for fault in silent_pictures(notebook)]
    assert said == ["''", "'one'", "'a.png'", "''"]
