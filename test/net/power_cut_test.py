"""Power cuts, for a few seconds: `test/torture/power_cut.py` does the same for as long as it is
told to. With a disk that syncs nothing they must be noticed, or they prove nothing."""

import os
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torture", "power_cut.py")
NOT_HERE = 77


def cut(*arguments):
    code = subprocess.run([sys.executable, SCRIPT, *arguments], check=False).returncode
    assert code in (0, NOT_HERE), (arguments, code)
    return code


def main():
    if not os.environ.get("DISK_RECORDER"):
        sys.exit(NOT_HERE)
    assert cut("--way", "recorded", "--states", "150") == 0
    assert cut("--way", "recorded", "--states", "150", "--ignore-syncs") == 0
    if cut("--way", "mounted", "--cycles", "8") == 0:
        assert cut("--way", "mounted", "--cycles", "8", "--ignore-syncs") == 0


main()
