"""Disks that others fill: what cannot be kept is refused at once, reads go on, and so do writes as
soon as there is room, without a restart.

First the leader's, which hands over to a peer that has space; then a follower's, which costs nobody
anything; then all of them, one of which is killed and starts on its full disk. All that was
acknowledged is there.
"""

import os
import subprocess
import sys
import time

import cluster
from cluster import Node, ask, caught_up, leader_of, status, wait_for
from writer import Writer, longest_gap

DISK_BYTES = 32 << 20  # More than the logs come to: what fills it shall be what others keep there.
MORE = "x" * 16000  # So that what is reserved is soon used up.
GAP_SECONDS_MAX = 2.0  # An election or two, on a machine that has other things to do.
REFUSAL_SECONDS_MAX = 1.0
RESUME_SECONDS_MAX = 5.0
STARTED = time.monotonic()


def say(text):
    print("%6.2f s  %s" % (time.monotonic() - STARTED, text), flush=True)


class Disk:
    """A small file system of its own, and what others keep there."""

    def __init__(self, path):
        self.path = path
        os.mkdir(path)
        size = "size=%d,mode=0700" % DISK_BYTES
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", path], check=False,
                                 stderr=subprocess.DEVNULL)
        self.mounted = mounted.returncode == 0

    def fill(self):
        fd = os.open(self.path + "/ballast", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while True:
                os.write(fd, b"x" * 4096)
        except OSError:
            pass
        os.close(fd)

    def free(self):
        os.remove(self.path + "/ballast")

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)


def main():
    with cluster.directory() as path:
        disks = [Disk(os.path.join(path, n)) for n in "abc"]
        nodes = [Node(d.path[-1], d.path + "/data") for d in disks]
        try:
            if not all(disk.mounted for disk in disks):
                print("no disk can be mounted here")
                sys.exit(77)
            # No snapshots: they leave room to the logs, and would make some here.
            with cluster.running(nodes, "snapshot_entries=0 snapshot_bytes=0") as (peers, shell):
                writer = Writer(nodes, peers, more=MORE)
                writer.start()
                try:
                    wait_for("writes", lambda: len(writer.acknowledged) > 20)
                    fill_leader(shell, dict(zip(peers, disks)), writer)
                    fill_follower(shell, dict(zip(peers, disks)), writer)
                    fill_all(shell, nodes, peers, disks, writer)
                    time.sleep(0.5)
                finally:
                    writer.finish()
                check(shell, peers, writer)
        finally:
            for disk in disks:
                disk.close()


def fill_leader(shell, disk_of, writer):
    peers = list(disk_of)
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    since = time.monotonic()
    disk_of[leader].fill()
    say("the disk of the leader is full")
    others = [p for p in peers if p != leader]
    successor = wait_for("another leader", lambda: other_leader(shell, others, leader))
    say("%s leads in the place of %s" % (successor, leader))
    wait_for("writes", lambda: len(writer.writes_since(since)) > 100)
    gap = longest_gap(writer.writes_since(since), since)
    assert gap < GAP_SECONDS_MAX, gap
    refusals = writer.refusals_since(since)
    say("longest gap between writes %.0f ms, refused no_space: %d" % (1000 * gap, len(refusals)))
    # It takes no part until there is room, and then without being started again.
    disk_of[leader].free()
    caught_up(shell, wait_for("a leader", lambda: leader_of(shell, others)), leader)
    say("there is room again: %s has caught up" % leader)
    has_room(shell, leader)


def fill_follower(shell, disk_of, writer):
    peers = list(disk_of)
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    follower = next(p for p in peers if p != leader)
    since = time.monotonic()
    disk_of[follower].fill()
    say("the disk of a follower is full")
    wait_for("writes beyond what it can hold", lambda: len(writer.writes_since(since)) > 400, 60)
    gap = longest_gap(writer.writes_since(since), since)
    say("%d writes, longest gap %.0f ms" % (len(writer.writes_since(since)), 1000 * gap))
    assert gap < GAP_SECONDS_MAX, gap
    assert not writer.refusals_since(since)
    assert status(shell, follower)["disk_full"]
    assert not status(shell, leader)["disk_full"]
    disk_of[follower].free()
    room_since = time.monotonic()
    caught_up(shell, leader, follower)
    say("there is room again: it caught up in %.2f s" % (time.monotonic() - room_since))
    has_room(shell, follower)


def fill_all(shell, nodes, peers, disks, writer):
    for disk in disks:
        disk.fill()
    since = time.monotonic()
    say("all disks are full")
    wait_for("a refusal", lambda: len(writer.refusals_since(since)) > 20)
    wait_for("no more writes", lambda: not writer.writes_since(time.monotonic() - 0.5))
    full_since = time.monotonic()
    time.sleep(1.0)
    took = max(writer.refusals_since(full_since))
    say("writes are refused no_space in %.0f ms at the most" % (1000 * took))
    assert took < REFUSAL_SECONDS_MAX
    assert not [e for at, _, e in writer.refused if at > full_since and e != "no_space"]

    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    for key in range(40):
        reply = ask(shell, "read %s get k%d" % (leader, key))
        assert reply["ok"], reply
    say("40 reads were answered")
    victim = nodes[next(i for i, p in enumerate(peers) if p != leader)]
    victim.kill()
    victim.start()
    say("node %s was killed, and started on its full disk" % victim.name)
    started = peers[nodes.index(victim)]
    wait_for("it to follow", lambda: status(shell, started).get("applied", 0) > 0)
    assert ask(shell, "read %s get k1" % leader)["ok"]
    refused = ask(shell, "start_peer kv_store another@" + nodes[0].address)
    say("another peer on a full disk: %s" % refused)
    assert refused["ok"] or refused["error"] == "no_space", refused

    for disk in disks:
        disk.free()
    room_since = time.monotonic()
    wait_for("a write", lambda: writer.writes_since(room_since), RESUME_SECONDS_MAX)
    say("there is room again: writes resumed in %.2f s" % (time.monotonic() - room_since))


def check(shell, peers, writer):
    errors = writer.check(wait_for("a leader", lambda: leader_of(shell, peers)))
    say("%d writes acknowledged; refused: %s" % (len(writer.acknowledged), errors))
    assert set(errors) <= {"no_space", "redirect", "election_in_progress"}, "somebody was in doubt"


def has_room(shell, peer):
    """Until it has noticed, which it does by itself."""
    wait_for("it to notice", lambda: status(shell, peer).get("disk_full") is False,
             RESUME_SECONDS_MAX)


def other_leader(shell, peers, former):
    leader = leader_of(shell, peers)
    return leader if leader != former else None


main()
