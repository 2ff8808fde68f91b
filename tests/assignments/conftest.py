"""What the tests of all assignments share lies in this folder, and is imported by its plain name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
