"""Where attacks cannot run, nobody believes that they were repelled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ATTACKS = Path(__file__).with_name("test_epopt_attacks.py")


@pytest.mark.parametrize(("ci", "code", "words"), [("", 0, "skipped"), ("true", 1, "error")])
def test_missing_sandbox_is_a_failure_in_ci_and_a_skip_elsewhere(tmp_path, ci, code, words):
    environment = {**os.environ, "PATH": str(tmp_path), "CI": ci}  # no bubblewrap there
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        str(ATTACKS),
        "-k",
        "masked",
    ]
    done = subprocess.run(command, env=environment, cwd=ATTACKS.parents[3], capture_output=True, text=True)
    assert done.returncode == code, done.stdout
    assert f"1 {words}" in done.stdout
    assert "this machine has 'not sandboxed': install bubblewrap" in done.stdout
