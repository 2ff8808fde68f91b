"""What the tests of all assignments share lies in this folder, and is imported by its plain name."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("assignment_tests")  # else a failed assert there would show no values
