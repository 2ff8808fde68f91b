"""What `course lab` hands out where a notebook's kernel has ended."""

import asyncio
from importlib import import_module
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets.config import Configurable

from course_lib.cli.everyday import STORED_PICTURES
from course_lib.cli.stored_pictures import LIVE, NOTE, StoredPictures, with_stored_pictures

WIDGET = {LIVE: {"model_id": "1"}, "image/png": "aGk=", "text/plain": "a picture"}


def notebook():
    shown = [new_output("display_data", WIDGET), new_output("stream", text="said")]
    plain = [new_output("execute_result", {"text/plain": "3"})]
    cells = [
        new_markdown_cell("# One"),
        new_code_cell("widget", outputs=shown),
        new_code_cell("1 + 2", outputs=plain),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def read(tmp_path):
    """A function that opens a notebook through the manager, while the notebooks at `paths` have kernels."""
    nbformat.write(notebook(), tmp_path / "one.ipynb")

    async def sessions(paths):
        return [{"path": path} for path in paths]

    def get(*paths, **options):
        manager = StoredPictures(root_dir=str(tmp_path))
        manager.parent = Configurable()
        manager.parent.session_manager = SimpleNamespace(list_sessions=lambda: sessions(paths))
        return asyncio.run(manager.get("one.ipynb", **options))

    return get


def test_the_picture_is_left_and_said_to_be_one():
    _, shown, plain = with_stored_pictures(notebook()).cells
    assert [set(output.get("data", ())) for output in shown.outputs] == [
        {"image/png", "text/plain"},
        set(),
        {"text/markdown", "text/plain"},
    ]
    assert shown.outputs[-1].data["text/markdown"] == NOTE
    assert plain == notebook().cells[2] | {"id": plain.id}
    nbformat.validate(with_stored_pictures(notebook()))


def test_once_is_enough():
    once = with_stored_pictures(notebook())
    assert len(with_stored_pictures(once).cells[1].outputs) == 3


def test_live_where_there_is_a_kernel(read):
    assert LIVE in read("other.ipynb", "/one.ipynb")["content"].cells[1].outputs[0].data
    assert LIVE not in read("other.ipynb")["content"].cells[1].outputs[0].data


def test_other_questions_are_answered_as_ever(read, tmp_path):
    assert read(content=False)["content"] is None
    assert LIVE in read(type="file", format="text")["content"], "as text it is what stands in the file"
    assert LIVE in (tmp_path / "one.ipynb").read_text(), "reading changes nothing"


def test_the_lab_finds_it_by_its_name():
    module, _, name = STORED_PICTURES.rpartition(".")
    assert getattr(import_module(module), name) is StoredPictures
