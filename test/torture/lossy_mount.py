"""Power cuts of a real file system: what it was told to sync is there, and little else."""

import fcntl
import os
import shutil
import struct
import subprocess
import time

from one_node import RECORDER, Examiner, Failure, OneNode, check

WRITERS = 3
IMAGE_BYTES = 96 << 20
SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, of ext4 and xfs alike...
WITHOUT_LOG = struct.pack("=I", 2)  # ...without writing the journal first.


def file_systems():
    """Those that can be made here."""
    return [name for name in ("ext4", "xfs") if shutil.which("mkfs." + name)]


def run(path, dice, cycles, ignore_syncs):
    kinds = file_systems()
    mounted = False
    for kind in kinds:
        os.mkdir(path + kind)
        disk = LossyDisk(path + kind, kind)
        if not disk.mount():
            continue
        mounted = True
        try:
            cut_often(disk, dice, cycles, ignore_syncs)
        finally:
            disk.close()
    if not mounted:
        raise NoMount("nothing can be mounted here")


class NoMount(Exception):
    """What is tested needs root, or more."""


class LossyDisk:
    def __init__(self, path, kind):
        self.image, self.path, self.kind = path + "/image", path + "/disk", kind
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        quietly("mkfs." + kind, "-q", self.image)

    def mount(self):
        return quietly("mount", "-o", "loop", self.image, self.path)

    def cut(self):
        fd = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(fd, SHUTDOWN, WITHOUT_LOG)
        os.close(fd)

    def unmount(self):
        if not quietly("umount", self.path):
            quietly("umount", "-l", self.path)

    def close(self):
        if os.path.ismount(self.path):
            self.unmount()


def quietly(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def cut_often(disk, dice, cycles, ignore_syncs):
    directory = disk.path + "/data"
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
            disk.cut()
            node.node.kill()
            node.stop_load()
            disk.unmount()
            if not disk.mount():
                raise Failure("the file system is gone")
            promised = {value for _, value in node.acknowledged()}
            problem = check(examiner.examine(directory), promised, node.asked())
            if problem:
                raise Failure("%s (power cut %d of %s)" % (problem, cycle + 1, disk.kind))
    finally:
        examiner.close()
        if node.node.running():
            node.node.kill()
    print("mounted: %d power cuts of %s, %d writes acknowledged, in %.1f s: none lost, none corrupt"
          % (cycles, disk.kind, len(node.acknowledged()), time.monotonic() - began), flush=True)
