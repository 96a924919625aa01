"""A short torture: `./dev torture` for a few seconds, with all that it checks about itself."""

import os
import subprocess
import sys

TORTURE = os.path.join(os.environ["TROUPE_SOURCE_DIR"], "test", "torture", "torture.py")


def torture(*arguments):
    command = [sys.executable, TORTURE, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=150)


def main():
    result = torture("--minutes", "0.2", "--seed", "7")
    print(result.stdout, flush=True)
    assert result.returncode == 0
    assert result.stdout.rstrip().endswith("passed")


main()
