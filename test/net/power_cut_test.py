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


def check_the_check():
    """An index behind a key that reads like the end of a value is none."""
    sys.path.insert(0, os.path.dirname(SCRIPT))
    import one_node

    def text(held):
        return len(held).to_bytes(4, "little") + held

    def saved(value):
        index = (0x2E2D).to_bytes(8, "little")
        return {"pieces": [(b"\x01" + bytes(8) + text(b"c1w1-4") + index + text(value)).hex()]}

    peer, value = {"entries": []}, b"c1w1-4-xx."
    assert one_node.check_values(peer, saved(value), {value}, {value}) is None
    assert "nobody asked" in one_node.check_values(peer, saved(b"c1w1-4-x."), set(), {value})
    assert "are lost" in one_node.check_values(peer, saved(value), {value, b"k"}, {value, b"k"})


def main():
    if not os.environ.get("DISK_RECORDER"):
        sys.exit(NOT_HERE)
    check_the_check()
    assert cut("--way", "recorded", "--states", "150") == 0
    assert cut("--way", "recorded", "--states", "150", "--ignore-syncs") == 0
    if cut("--way", "mounted", "--cycles", "8") == 0:
        assert cut("--way", "mounted", "--cycles", "8", "--ignore-syncs") == 0


main()
