#!/usr/bin/env python3
"""Damages what a node keeps on its disk, and looks at what it makes of that.

*Alone*: copies of a stopped node's directory are damaged, each in one way drawn from a seed, and
opened as a node would that starts. The damage must be noticed, by an error that names the file, or
be harmless: then all is as it was, to the last byte. Nothing else will do: no other answer, no
shorter log, and nobody killed by what it reads.

*In a cluster*: of three nodes one is damaged, while it is down or while it runs, and started again
with --rebuild. All that was acknowledged is there, at every node.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from one_node import Examiner, Failure, OneNode, wait_for
import damaged_cluster
from crash_states import memory
from damage import FILES, KINDS, NEVER_HARMLESS, damage

WRITES = 150
IDLE_SECONDS = 0.5


def main():
    arguments = parse()
    seed = draw_seed(arguments)
    print("seed %d (again: --seed %d)" % (seed, seed), flush=True)
    dice = random.Random(seed)
    end = time.monotonic() + 60 * arguments.minutes
    try:
        with tempfile.TemporaryDirectory(prefix="troupe-damage-") as path:
            rounds = 0
            while rounds == 0 or time.monotonic() < end:
                rounds += 1
                if arguments.way in ("alone", "both"):
                    damage_copies(os.path.join(path, "alone%d" % rounds), dice, arguments.copies)
                if arguments.way in ("cluster", "both"):
                    damaged_cluster.run(os.path.join(path, "cluster%d" % rounds), dice,
                                        arguments.cycles)
    except Failure as failure:
        print("FAILED with --seed %d: %s" % (seed, failure))
        return 1
    return 0


def draw_seed(arguments):
    drawn = random.SystemRandom().randrange(1 << 32)
    return drawn if arguments.seed is None else arguments.seed


def damage_copies(path, dice, copies):
    os.mkdir(path)
    sound, older = make_store(path)
    began, counts, with_index = time.monotonic(), {}, 0
    examiner = Examiner()
    with tempfile.TemporaryDirectory(dir=memory(), prefix="troupe-damaged-") as scratch:
        copy = os.path.join(scratch, "copy")
        expected = examine_copy(examiner, sound, copy)
        if "peers" not in expected or len(expected["peers"]) != 1:
            raise Failure("the sound store is not: %s" % expected)
        for number in range(copies):
            shutil.copytree(sound, copy)
            kind = KINDS[number % len(KINDS)]
            what = damage(kind, copy, older, dice)
            found = examiner.examine(copy)
            shutil.rmtree(copy)
            verdict = judge(found, expected, kind)
            if verdict not in ("detected", "harmless"):
                examiner.close()
                raise Failure("%s: %s" % (what, verdict))
            counts[(kind, verdict)] = counts.get((kind, verdict), 0) + 1
            with_index += ", index " in found.get("error", "")
    examiner.close()
    print("alone: %d copies damaged in %.1f s; none wrong, none shorter, nobody killed;"
          " %d errors name the entry" % (copies, time.monotonic() - began, with_index))
    for kind in KINDS:
        print("  %-24s %4d detected, %4d harmless"
              % (kind, counts.get((kind, "detected"), 0), counts.get((kind, "harmless"), 0)),
              flush=True)
    shutil.rmtree(path)


def make_store(path):
    """A directory that a node has left, with much in its journal, and one of its past."""
    directory, older = os.path.join(path, "data"), os.path.join(path, "older")
    node = OneNode(directory, {})
    node.start(is_new=True)
    node.load("a", 2)
    wait_for("writes", lambda: len(node.acknowledged()) >= WRITES, 60)
    node.stop_load()
    node.node.stop()
    shutil.copytree(directory, older)
    for tag in "bc":
        before = len(node.acknowledged())
        node.start(is_new=False)
        node.load(tag, 2)
        wait_for("writes", lambda: len(node.acknowledged()) >= before + WRITES // 2, 60)
        node.stop_load()
        # In order: what was under way is acknowledged, or nobody would know whether it is there.
        if tag == "b" and node.node.stop() != 0:
            raise Failure("the node did not stop in order")
    time.sleep(IDLE_SECONDS)
    node.node.kill()
    return directory, older


def examine_copy(examiner, sound, copy):
    shutil.copytree(sound, copy)
    found = examiner.examine(copy)
    shutil.rmtree(copy)
    return found


def judge(found, expected, kind):
    if "killed" in found:
        return "the process that reads it is killed (exit code %d)" % found["killed"]
    if "error" in found:
        named = any(name in found["error"] for name in FILES)
        return "detected" if named else "the error names no file: " + found["error"]
    if kind in NEVER_HARMLESS:
        return "it was taken for what was acknowledged"
    if found == expected:
        return "harmless"
    if "write_error" in found:
        return "detected"
    return judge_snapshot(found, expected)


def judge_snapshot(found, expected):
    """A damaged snapshot is fetched again from the others: the log must be as it was."""
    if len(found["peers"]) != 1:
        return "a peer is gone"
    peer, sound = found["peers"][0], expected["peers"][0]
    for name in sound:
        if name != "snapshot" and peer.get(name) != sound[name]:
            return "another %s is taken for what was acknowledged" % name
    return "detected" if "error" in peer.get("snapshot", {}) else "another snapshot is served"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="draw the same once more")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long; else once")
    parser.add_argument("--way", choices=("alone", "cluster", "both"), default="both")
    parser.add_argument("--copies", type=int, default=2000, help="damaged in each round")
    parser.add_argument("--cycles", type=int, default=10, help="of a cluster, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
