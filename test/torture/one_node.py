"""A cluster of one node, under load, and what its directory holds afterwards."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("TROUPE_BINARY_DIR", os.path.join(HERE, "..", "..", "build", "release"))
for name, program in (("TROUPE", "bin/troupe"), ("EXAMINE", "bin/troupe_examine"),
                      ("DISK_RECORDER", "test/libdisk_recorder.so")):
    os.environ.setdefault(name, os.path.join(BUILD, program))

sys.path.insert(0, os.path.join(HERE, "..", "net"))
from cluster import Node, Shell, ask, leader_of, wait_for

EXAMINE = os.environ["EXAMINE"]
RECORDER = os.environ["DISK_RECORDER"]
# Snapshots and cuts belong to what power cuts come between.
OPTIONS = "snapshot_entries=60 snapshot_bytes=0 snapshot_keep_entries=10"


VALUE = re.compile(rb"[a-z0-9]+w\d+-\d+-x*\.")
COMMAND = 1  # As `EntryKind` has it.


class Failure(Exception):
    """Something acknowledged is lost, or something wrong is there."""


class Writer(threading.Thread):
    """Sets keys that nobody sets twice, and remembers when it asked and when it was told."""

    def __init__(self, address, peer, tag):
        super().__init__(daemon=True)
        self.peer, self.tag = peer, tag
        self.shell = Shell("--connect", address, "--json", "--timeout", "2s")
        self.asked, self.acknowledged = [], []  # Values; when, and which.
        self.finished = False

    def run(self):
        count = 0
        while not self.finished:
            value = "%s-%d-%s." % (self.tag, count, "x" * (count * 37 % 900))
            self.asked.append(value.encode())
            command = "write %s set %s-%d %s" % (self.peer, self.tag, count, value)
            try:
                reply = ask(self.shell, command)
            except (AssertionError, BrokenPipeError, ValueError):
                return
            if reply["ok"]:
                self.acknowledged.append((time.monotonic_ns(), value.encode()))
            count += 1

    def finish(self):
        self.finished = True
        self.shell.process.kill()
        self.join(10)
        self.shell.process.wait(10)
        with contextlib.suppress(BrokenPipeError):
            self.shell.process.stdin.close()
        self.shell.process.stdout.close()


class OneNode:
    """`peer1` alone on a node, and writers."""

    def __init__(self, directory, environment):
        self.node = Node("a", directory)
        self.node.environment = environment
        self.peer = "peer1@" + self.node.address
        self.writers = []

    def start(self, is_new):
        self.node.start()
        shell = Shell("--connect", self.node.address, "--json")
        if is_new:
            for command in ("start_peer kv_store %s %s" % (self.peer, OPTIONS),
                            "set_configuration %s %s" % (self.peer, self.peer)):
                reply = ask(shell, command)
                assert reply["ok"], (command, reply)
        wait_for("a leader", lambda: leader_of(shell, [self.peer]))
        shell.close()

    def load(self, tag, writers):
        for i in range(writers):
            self.writers.append(Writer(self.node.address, self.peer, "%sw%d" % (tag, i)))
        for writer in self.writers[-writers:]:
            writer.start()

    def stop_load(self):
        for writer in self.writers:
            writer.finish()

    def acknowledged(self):
        return [each for writer in self.writers for each in writer.acknowledged]

    def asked(self):
        return {each for writer in self.writers for each in writer.asked}


class Examiner:
    """`troupe_examine` on pipes. When it is killed by what it reads, that is an answer, too."""

    def __init__(self):
        self.process = None

    def examine(self, directory):
        if self.process is None:
            self.process = subprocess.Popen([EXAMINE], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(directory + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait(10)
        self.close()
        return {"killed": code}

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(10)
            self.process = None


def check(found, acknowledged, asked):
    """What is wrong with `found`, where all of `acknowledged` must be, and nothing but `asked`:
    sets of values. None if nothing is."""
    if "error" in found:
        return "the store does not open: " + found["error"]
    if "killed" in found:
        return "the process that reads it is killed (exit code %d)" % found["killed"]
    if "write_error" in found:
        return "the store cannot be written to: " + found["write_error"]
    if not found["peers"]:
        return "no peer is there" if acknowledged else None
    peer = found["peers"][0]
    snapshot = peer.get("snapshot", {"pieces": [], "index": 0})
    if "error" in snapshot:
        return "the snapshot cannot be read: " + snapshot["error"]
    if snapshot["index"] < peer["before"]:
        return "entries are gone that no snapshot covers"
    terms = [entry[1] for entry in peer["entries"]]
    if terms != sorted(terms) or (terms and terms[-1] > peer["term"]):
        return "terms go back"
    if [e[0] for e in peer["entries"]] != list(range(peer["before"] + 1,
                                                     peer["before"] + 1 + len(terms))):
        return "an entry is missing"
    return check_values(peer, snapshot, acknowledged, asked)


def saved_values(saved):
    """Those that a `kv_store` saved; see resources/kv_store/kv_values.hpp. To search the bytes for
    them would not do: behind a key stands an index, and 0x2e2d is "-."."""
    at, values = 9, set()
    while at < len(saved):
        at += 4 + int.from_bytes(saved[at:at + 4], "little") + 8
        end = at + 4 + int.from_bytes(saved[at:at + 4], "little")
        values.add(saved[at + 4:end])
        at = end
    return values


def check_values(peer, snapshot, acknowledged, asked):
    commands = [bytes.fromhex(entry[3]) for entry in peer["entries"] if entry[2] == COMMAND]
    held = saved_values(bytes.fromhex("".join(snapshot["pieces"])))
    there = held.union(*(VALUE.findall(command) for command in commands))
    for command in commands:
        if not VALUE.search(command):
            return "nobody asked for this: %r" % command
    if there - asked:
        return "nobody asked for this: %r" % min(there - asked)
    if acknowledged - there:
        lost = acknowledged - there
        return "%d of %d acknowledged are lost, like %r" % (len(lost), len(acknowledged),
                                                            min(lost)[:20])
    return None
