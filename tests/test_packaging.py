"""What is installed, and in which version: pyproject.toml is the truth, the other files agree with it."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course_lib

ROOT = Path(__file__).parents[1]

# PyPI's name -> conda-forge's, where they differ.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "mujoco": "mujoco-python", "torch": "pytorch-cpu"}
# In environment.yml and not in pyproject.toml: what an extra of a dependency stands for there.
CONDA_ONLY = {"python", "pip", "imageio"}


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here: `course` does its work")


@pytest.fixture(scope="module")
def project() -> dict:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Name -> version of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(
        (canonicalize_name(name), version)
        for name, version in (line.split("==") for line in lines if line and not line.startswith("#"))
    )


def ranges(requirements: list[str]) -> dict[str, SpecifierSet]:
    parsed = map(Requirement, requirements)
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in parsed}


def conda_ranges(environment: dict) -> dict[str, SpecifierSet]:
    """Name -> range of environment.yml, its pip section included."""
    found = {}
    for entry in environment["dependencies"]:
        for line in entry["pip"] if isinstance(entry, dict) else [entry]:
            if line != "-e .":
                requirement = Requirement(line)
                found[requirement.name] = requirement.specifier
    return found


def test_conda_and_pip_install_the_same(project: dict):
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    ours = ranges(project["dependencies"] + project["optional-dependencies"]["dev"])
    wanted = {CONDA_NAMES.get(name, name): specifier for name, specifier in ours.items()}
    found = conda_ranges(environment)
    assert set(found) - CONDA_ONLY == set(wanted)
    different = {
        name: (str(found[name]), str(wanted[name])) for name in wanted if found[name] != wanted[name]
    }
    assert not different, f"environment.yml and pyproject.toml disagree: {different}"
    python = SpecifierSet(project["requires-python"])
    assert str(python) in str(found["python"])


def test_conda_uses_conda_forge_alone_and_the_processor_build_of_pytorch():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert any(str(line).startswith("pytorch-cpu") for line in environment["dependencies"])


def test_every_pin_is_one_plain_version(pins: dict[str, str]):
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    odd = [line for line in entries if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)]
    assert not odd, f"neither an option, nor a URL, nor a local version like +cpu belongs here: {odd}"
    assert len(pins) == len(entries), "a package is pinned twice"


def test_every_requirement_is_pinned_within_its_range(project: dict, pins: dict[str, str]):
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    for name, specifier in ranges(project["dependencies"] + extras).items():
        assert name in pins, f"{name} is not in constraints.txt"
        assert specifier.contains(pins[name]), f"{name}: pinned {pins[name]}, allowed {specifier}"
        assert "<" in str(specifier) or name == "packaging", f"{name} has no upper bound: {specifier}"


def test_what_those_need_in_turn_is_pinned_too(project: dict, pins: dict[str, str]):
    """Walks the installed packages' own requirements, for this system."""
    from importlib.metadata import PackageNotFoundError, requires

    todo = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]
    seen = set()
    while todo:
        requirement = todo.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        # CUDA builds of PyTorch on Linux bring NVIDIA's packages; PyTorch pins those itself.
        if not key[0].startswith(("nvidia-", "cuda-", "triton")):
            assert key[0] in pins, f"{key[0]} is not in constraints.txt"
        try:
            lines = requires(requirement.name) or []
        except PackageNotFoundError:
            continue
        for needed in map(Requirement, lines):
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(needed)
    assert len(seen) > 100


def test_no_index_and_no_machine_is_named():
    """Where packages come from is the reader's own setting."""
    files = ("pyproject.toml", "constraints.txt", "environment.yml", "Makefile", "README.md", ".ci/run")
    for file in files:
        text = (ROOT / file).read_text("utf-8")
        found = re.findall(r"--(?:extra-)?index-url|--find-links|/root/|/home/\w+|PIP_INDEX", text)
        assert not found, f"{file} names {found}"


def test_the_wheel_carries_weights_scripts_and_pages(tmp_path: Path):
    """A wheel holds every data file that the package holds."""
    hatchling = pytest.importorskip(
        "hatchling.build", reason="built by pip in isolation; here only if present"
    )
    del hatchling
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "course_lib"
    data = [
        *package.glob("zoo/**/*.safetensors"),
        *package.glob("zoo/**/*.json"),
        *(path for path in package.glob("widgets/static/**/*") if path.is_file()),
        *package.glob("grading/templates/*.html"),
    ]
    missing = {path.relative_to(ROOT).as_posix() for path in data} - inside
    assert not missing


def test_version_and_licence(project: dict):
    assert re.fullmatch(r"\d+\.\d+\.\d+", course_lib.__version__)
    assert "version" in project["dynamic"]
    assert project["license"] == "MIT"
    assert "The course authors" in (ROOT / "LICENSE").read_text("utf-8")


@needs_make
def test_a_second_make_calls_no_pip(tmp_path: Path):
    """With a stamp younger than its inputs `make -n` shows the course's command and nothing before it."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "__init__.py").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    make = [*("make", "-n", "test"), "-C", str(tmp_path)]
    first = subprocess.run(make, capture_output=True, text=True, check=True).stdout
    assert "pip" in first
    (tmp_path / ".venv" / ".ready-dev").touch()
    second = subprocess.run(make, capture_output=True, text=True, check=True).stdout
    assert "pip" not in second
    assert "course_lib.cli test" in second


@needs_make
def test_make_says_when_python_is_too_old(tmp_path: Path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    make = [*("make", "-C", str(tmp_path), ".venv/bin/python"), f"PYTHON={old}"]
    result = subprocess.run(make, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "Python 3.11 or later is needed" in result.stderr


@needs_make
def test_make_says_when_the_venv_module_is_missing(tmp_path: Path):
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\ncase "$2" in *venv*) exit 1;; esac\nexit 0\n', "utf-8")
    bare.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    make = [*("make", "-C", str(tmp_path), ".venv/bin/python"), f"PYTHON={bare}"]
    result = subprocess.run(make, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "apt-get install python3-venv" in result.stderr


def test_the_readme_lists_every_notebook():
    text = (ROOT / "README.md").read_text("utf-8")
    for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("assignments/*/*.ipynb")]:
        assert f"({path.relative_to(ROOT).as_posix()})" in text, f"README.md does not list {path.name}"


def test_the_readme_names_the_pinned_pytorch(pins: dict[str, str]):
    """Another version would be replaced by pip, and the gigabytes come after all."""
    assert f"`torch=={pins['torch']}`" in (ROOT / "README.md").read_text("utf-8")
