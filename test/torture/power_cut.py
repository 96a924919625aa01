#!/usr/bin/env python3
"""Cuts the power of a real node under load, and looks at what is left.

Two ways. *Recorded*: a node runs with `disk_recorder` preloaded, which notes every write and sync;
then states are drawn that a power cut could have left at some moment: of what was not synced by
then any part, in whole pages or torn at sectors, and any number of the names. *Mounted*: a node
runs on a file system of its own, which is shut down in the midst (FS_IOC_SHUTDOWN drops what was
not synced) and mounted again.

Each state is opened as a node would that starts. All that a client was told must be there, all
that is there must have been asked for, and the store must open. With --ignore-syncs the disk lies:
then both must fail, or this proves nothing.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from one_node import Failure
import crash_states
import disk
import lossy_mount


def main():
    arguments = parse()
    drawn = random.SystemRandom().randrange(1 << 32)
    seed = drawn if arguments.seed is None else arguments.seed
    print("seed %d (again: --seed %d)" % (seed, seed), flush=True)
    dice = random.Random(seed)
    end = time.monotonic() + 60 * arguments.minutes
    with contextlib.suppress(OSError):  # Nor can anything be mounted then.
        disk.have_own_mounts()
    try:
        with tempfile.TemporaryDirectory(prefix="troupe-power-") as path:
            run(arguments, dice, end, path)
    except lossy_mount.NoMount as problem:
        print(problem)
        return 77
    except Failure as failure:
        if arguments.ignore_syncs:
            print("found, as it must be: %s" % failure)
            return 0
        print("FAILED with --seed %d: %s" % (seed, failure))
        return 1
    if arguments.ignore_syncs:
        print("FAILED: a disk that syncs nothing was not noticed")
        return 1
    return 0


def run(arguments, dice, end, path):
    rounds = 0
    while rounds == 0 or (time.monotonic() < end and arguments.minutes > 0):
        rounds += 1
        if arguments.way in ("recorded", "both"):
            crash_states.run(os.path.join(path, "recorded%d" % rounds), dice, arguments.states,
                             arguments.ignore_syncs)
        if arguments.way in ("mounted", "both"):
            lossy_mount.run(os.path.join(path, "mounted%d" % rounds), dice, arguments.cycles,
                            arguments.ignore_syncs, arguments.fs or disk.kinds())


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="draw the same once more")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long; else once")
    parser.add_argument("--way", choices=("recorded", "mounted", "both"), default="both")
    parser.add_argument("--states", type=int, default=300, help="drawn from each record")
    parser.add_argument("--cycles", type=int, default=20, help="power cuts of each mounted disk")
    parser.add_argument("--fs", action="append", choices=sorted(disk.IMAGE_BYTES),
                        help="that is mounted; else all that can be made here")
    parser.add_argument("--ignore-syncs", action="store_true", help="must be noticed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
