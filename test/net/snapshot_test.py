"""Snapshots: taken by command and by themselves, loaded at a restart, sent to who needs one, and
fetched again where the disk damaged one. Nothing acknowledged is lost by any of it."""

import glob
import os
import random
import threading
import time

import cluster
from cluster import Node, Shell, ask, leader_of, wait_for

# Logs are cut close behind a snapshot, so that few writes make one necessary.
MANUAL = "snapshot_entries=0 snapshot_bytes=0 snapshot_keep_entries=5"
OFTEN = "snapshot_entries=40 snapshot_bytes=0 snapshot_keep_entries=5 append_bytes_max=65536"


class Cluster:
    """Nodes with a peer each, the first three in one configuration."""

    def __init__(self, path, size, options):
        self.options = options
        self.nodes = [Node("n%d" % i, os.path.join(path, "n%d" % i)) for i in range(1, size + 1)]
        for node in self.nodes:
            node.start()
        self.peers = ["p%d@%s" % (i + 1, n.address) for i, n in enumerate(self.nodes)]
        self.shell = Shell("--connect", self.nodes[0].address, "--json", "--timeout", "20s")
        for peer in self.peers:
            self.ok("start_peer kv_store %s %s" % (peer, options))
        self.ok("set_configuration %s %s" % (self.peers[0], " ".join(self.peers[:3])))
        self.values = {}

    def close(self):
        self.shell.close()
        for node in self.nodes:
            if node.running():
                node.kill()

    def ok(self, command):
        reply = ask(self.shell, command)
        assert reply["ok"], (command, reply)
        return reply["value"]

    def node_of(self, peer):
        return self.nodes[self.peers.index(peer)]

    def leader(self):
        return wait_for("a leader", lambda: leader_of(self.shell, self.running()))

    def running(self):
        return [p for p in self.peers if self.node_of(p).running()]

    def status(self, peer):
        return ask(self.shell, "status " + peer).get("value") or {}

    def write(self, first, count, tag="v", size=1):
        leader = self.leader()
        for i in range(first, first + count):
            value = ("%s%d." % (tag, i)) * size
            self.ok("write %s set k%d %s" % (leader, i, value))
            self.values["k%d" % i] = value

    def caught_up(self, peer):
        goal = wait_for("a commit index", lambda: self.status(self.leader()).get("commit"))
        wait_for("%s to catch up" % peer, lambda: self.status(peer).get("applied", 0) >= goal, 60)

    def snapshot(self, peer):
        """Has `peer` take one, and its log cut behind it."""
        taken = self.ok("snapshot " + peer)
        assert taken["bytes"] > 0, taken
        status = self.status(peer)
        assert status["snapshot_index"] == taken["index"], (taken, status)
        wait_for("a short log", lambda: self.status(peer)["first_index"] > taken["index"] - 6)
        return taken["index"]

    def check(self, peer):
        """The state of `peer` itself is the one that was acknowledged."""
        self.caught_up(peer)

        def leads():
            ask(self.shell, "transfer %s %s" % (self.leader(), peer))
            return leader_of(self.shell, [peer]) == peer

        wait_for("%s to lead" % peer, leads)
        for key, value in self.values.items():
            reply = wait_for("a read", lambda: self.read(peer, key))
            assert reply == {"ok": True, "value": value}, (peer, key, reply)

    def read(self, peer, key):
        reply = ask(self.shell, "read %s get %s" % (peer, key))
        again = ("busy", "election_in_progress", "redirect", "timeout")
        return None if reply.get("error") in again else reply

    def log(self, peer):
        with open(self.node_of(peer).directory + ".log") as log:
            return log.read()

    def files(self, peer):
        return glob.glob(os.path.join(self.node_of(peer).directory, "snapshots", "*", "*.snapshot"))


def with_cluster(size, options, story):
    with cluster.directory() as path:
        c = Cluster(path, size, options)
        started = time.monotonic()
        try:
            story(c)
        except BaseException:
            for peer in c.peers:
                print("---- %s\n%s" % (peer, c.log(peer)[-3000:]))
            raise
        finally:
            c.close()
        print("%s: %.1f s" % (story.__name__, time.monotonic() - started), flush=True)


def by_command(c):
    """Taken when asked, loaded at a restart, and in the place of a log that was cut."""
    c.write(0, 60)
    leader = c.leader()
    index = c.snapshot(leader)
    assert ask(c.shell, "snapshot " + leader)["error"] == "not_found"
    assert ask(c.shell, "get_entry %s 1" % leader)["error"] == "not_found"
    assert ask(c.shell, "snapshot p9@" + c.nodes[0].address)["error"] == "no_peer"

    follower = next(p for p in c.peers[:3] if p != leader)
    c.caught_up(follower)
    c.snapshot(follower)
    c.write(60, 5)
    node = c.node_of(follower)
    node.kill()
    node.start()
    wait_for("a restart", lambda: c.status(follower).get("snapshot_index", 0) == index)
    assert c.status(follower)["first_index"] > 1, c.status(follower)
    c.check(follower)


def fetched_by_who_was_away(c):
    """A follower whose next entry was cut, and a newcomer, get the snapshot."""
    c.write(0, 20)
    leader = c.leader()
    away = next(p for p in c.peers[:3] if p != leader)
    c.node_of(away).kill()
    c.write(10, 60, "w")
    index = c.snapshot(leader)
    c.write(70, 3)
    c.node_of(away).start()
    c.caught_up(away)
    assert c.status(away)["snapshot_index"] == index, c.status(away)
    assert c.status(away)["first_index"] == index + 1, c.status(away)
    c.check(away)

    newcomer = c.peers[3]
    c.snapshot(c.leader())
    c.ok("add_member %s %s" % (c.leader(), newcomer))
    assert c.status(newcomer)["first_index"] > 60, c.status(newcomer)
    follower = [f for f in c.status(c.leader())["followers"] if f["name"] == newcomer]
    assert follower and follower[0]["pace"] == "replicate", follower
    c.check(newcomer)


def by_itself(c):
    """Every peer takes one when its log has grown, and removes what it replaces."""
    c.write(0, 200)
    for peer in c.peers[:3]:
        c.caught_up(peer)
        wait_for("a short log", lambda: c.status(peer)["first_index"] > 100)
        wait_for("one file", lambda: len(c.files(peer)) == 1)
    c.check(c.peers[1])


def damaged(c):
    """A snapshot with one bit that is wrong is named in the log, and fetched again."""
    c.write(0, 60)
    for peer in c.peers[:3]:
        c.caught_up(peer)
        c.snapshot(peer)
    c.write(60, 5)
    victim = next(p for p in c.peers[:3] if p != c.leader())
    node = c.node_of(victim)
    assert node.stop() == 0
    (file,) = c.files(victim)
    with open(file, "r+b") as f:
        f.seek(os.path.getsize(file) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 16]))
    c.write(65, 5)
    node.start()
    wait_for("the damage to be noticed", lambda: "snapshot_damaged" in c.log(victim))
    line = next(x for x in c.log(victim).splitlines() if "snapshot_damaged" in x)
    print(line)
    assert os.path.basename(file) in line and "offset" in line, line
    wait_for("another one", lambda: "snapshot_installed" in c.log(victim).split(line)[1])
    c.check(victim)


def killed_again_and_again(c):
    """Peers are killed while they take, send and receive snapshots of some size."""
    shells = [Shell("--connect", n.address, "--json", "--timeout", "3s") for n in c.nodes[:3]]
    stopped = threading.Event()

    def keep_writing():
        i = 0
        leader = c.peers[0]
        while not stopped.is_set():
            key, value = "k%d" % (i % 90), ("%d." % i) * 12000
            shell = next((s for s in shells if s.process.poll() is None), None)
            reply = ask(shell, "write %s set %s %s" % (leader, key, value))
            if reply["ok"]:
                c.values[key] = value
                i += 1
                continue
            # In doubt, or not done: either is fine for a value that nobody was promised.
            c.values.pop(key, None)
            leader = reply.get("leader") or random.choice(c.peers[:3])
            if reply.get("error") in ("unknown_outcome", "timeout"):
                i += 1
            time.sleep(0.02)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(12):
            node = random.choice(c.nodes[:3])
            time.sleep(random.uniform(0.1, 0.9))
            node.kill()
            time.sleep(random.uniform(0.0, 0.9))
            node.start()
    finally:
        stopped.set()
        writer.join()
        for shell in shells:
            shell.close()
    print("%d values acknowledged" % len(c.values))
    installed = sum(c.log(p).count("snapshot_installed") for p in c.peers[:3])
    taken = sum(c.log(p).count("snapshot_taken") for p in c.peers[:3])
    print("%d snapshots taken, %d installed" % (taken, installed))
    assert taken > 3 and installed > 3, (taken, installed)
    assert not any("snapshot_damaged" in c.log(p) for p in c.peers[:3])
    for peer in c.peers[:3]:
        c.check(peer)


with_cluster(3, MANUAL, by_command)
with_cluster(4, MANUAL, fetched_by_who_was_away)
with_cluster(3, OFTEN, by_itself)
with_cluster(3, MANUAL, damaged)
with_cluster(3, OFTEN, killed_again_and_again)
