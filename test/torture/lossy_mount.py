"""Power cuts of a real file system: what it was told to sync is there, and little else."""

import os
import time

import disk
from one_node import RECORDER, Examiner, Failure, OneNode, check

WRITERS = 3


class NoMount(Exception):
    """What is tested needs root, or more."""


def run(path, dice, cycles, ignore_syncs, kinds):
    mounted = False
    for kind in kinds:
        own = make(path + kind, kind)
        if own is None or not own.mount():
            continue
        mounted = True
        try:
            cut_often(own, dice, cycles, ignore_syncs)
        finally:
            own.unmount()
    if not mounted:
        raise NoMount("nothing can be mounted here: " + " ".join(kinds))


def make(path, kind):
    """None where that cannot be made."""
    try:
        return disk.Disk(path, kind)
    except OSError:
        return None


def cut_often(own, dice, cycles, ignore_syncs):
    directory = own.path + "/data"
    environment = {}
    if ignore_syncs:
        environment = {"LD_PRELOAD": RECORDER, "TROUPE_RECORD_DIR": directory,
                       "TROUPE_IGNORE_SYNCS": "1"}
    node, examiner, began = OneNode(directory, environment), Examiner(), time.monotonic()
    try:
        for cycle in range(cycles):
            try:
                node.start(is_new=cycle == 0)
            except AssertionError as problem:
                raise Failure("the node does not start: %s" % problem) from problem
            node.load("c%d" % cycle, WRITERS)
            time.sleep(dice.uniform(0.05, 0.3))
            own.cut()
            node.node.kill()
            node.stop_load()
            own.unmount()
            if not own.mount():
                raise Failure("the file system is gone")
            promised = {value for _, value in node.acknowledged()}
            problem = check(examiner.examine(directory), promised, node.asked())
            if problem:
                raise Failure("%s (power cut %d of %s)" % (problem, cycle + 1, own.kind))
    finally:
        examiner.close()
        if node.node.running():
            node.node.kill()
    print("mounted: %d power cuts of %s, %d writes acknowledged, in %.1f s: none lost, none corrupt"
          % (cycles, own.kind, len(node.acknowledged()), time.monotonic() - began), flush=True)
