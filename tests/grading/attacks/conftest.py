"""The bank's modules lie in this folder, and are imported by their plain names.

Attacks run in the full sandbox only. Without one they are skipped, except where CI=true: there a missing
sandbox is a failure.
"""

import os
import sys
from pathlib import Path

import pytest

from course_lib.grading import sandbox

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def full_sandbox() -> None:
    """Skips where students' code cannot be locked in, fails where CI promised that it can."""
    kind = sandbox.available()
    if kind != "bubblewrap and seccomp":
        reason = f"attacks run in the full sandbox only, this machine has {kind!r}: {sandbox.HOW_TO_INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
