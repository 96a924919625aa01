"""Damage of every kind, for a few seconds: `test/torture/corruption.py` does the same for as long
as it is told to."""

import os
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torture", "corruption.py")

sys.exit(subprocess.run([sys.executable, SCRIPT, "--copies", "210", "--cycles", "4"],
                        check=False).returncode)
