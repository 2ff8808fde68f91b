import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app


@pytest.fixture
def invoke():
    """Runs `course ARGUMENTS` in this process."""
    return lambda *arguments: CliRunner().invoke(app, arguments)
