"""One module out of plain files."""

import subprocess

import pytest

from course_lib.widgets.module import STATIC, module


def test_shared_files_come_first_and_the_last_widget_is_exported():
    source = module("player", "physics_panel")
    positions = [source.index((STATIC / f"{n}.js").read_text()) for n in ("theme", "draw", "player")]
    assert positions == sorted(positions)
    assert source.rstrip().endswith('export default { render: course["physics_panel"].render };')
    assert source.count("export default") == 1


def test_a_mistyped_name_is_guessed():
    with pytest.raises(ValueError, match="did you mean 'player'"):
        module("playr")
    with pytest.raises(ValueError, match="at least one"):
        module()


@pytest.mark.parametrize("names", [("player",), ("player", "physics_panel")])
def test_is_a_module_that_any_engine_reads(names, node, tmp_path):
    file = tmp_path / "widget.mjs"
    file.write_text(module(*names) + "\n")
    subprocess.run([node, "--check", file], check=True, timeout=30)


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.js")), ids=lambda path: path.stem)
def test_needs_no_network_and_stands_alone(file):
    source = file.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
    for forbidden in ("http://", "https://", "import ", "import(", "require(", "eval("):
        lines = [line for line in source.splitlines() if not line.strip().startswith("//")]
        assert not any(forbidden in line for line in lines), forbidden
