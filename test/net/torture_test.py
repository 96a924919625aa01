"""A short torture: `./dev torture` for a few seconds, with all that it checks about itself."""

import os
import subprocess
import sys
import tempfile

TORTURE = os.path.join(os.environ["TROUPE_SOURCE_DIR"], "test", "torture", "torture.py")


def torture(directory, *arguments):
    command = [sys.executable, TORTURE, *arguments]
    environment = os.environ | {"TMPDIR": directory}
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=150, env=environment
    )


def main():
    with tempfile.TemporaryDirectory() as directory:
        result = torture(directory, "--minutes", "0.2", "--seed", "7")
        left = os.listdir(directory)
    print(result.stdout, flush=True)
    assert result.returncode == 0
    assert result.stdout.rstrip().endswith("passed")
    assert left == [], "left behind: %s" % left


main()
