"""A node that is killed starts on its full XFS, which refuses to reserve even what is reserved; and
it goes on to write when there is room."""

import os
import sys
import time

import cluster

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torture"))
import disk
from one_node import OneNode

NOT_HERE = 77


def mounted(path):
    """None where there can be none."""
    try:
        disk.have_own_mounts()
        own = disk.Disk(path, "xfs")
    except OSError:
        return None
    return own if own.mount() else None


def main():
    with cluster.directory() as path:
        own = mounted(os.path.join(path, "disk"))
        if own is None:
            print("no XFS can be mounted here")
            sys.exit(NOT_HERE)
        node = OneNode(own.path + "/data", {})
        try:
            test(node, own)
        finally:
            node.node.kill()
            own.unmount()


def test(node, own):
    node.start(is_new=True)
    node.load("before", 2)
    time.sleep(0.5)
    own.fill()
    node.node.kill()
    node.stop_load()
    node.start(is_new=False)
    own.free()
    before = len(node.acknowledged())
    node.load("after", 1)
    cluster.wait_for("a write", lambda: len(node.acknowledged()) > before)
    node.stop_load()
    print("%d writes, then as many as %d" % (before, len(node.acknowledged())))


main()
