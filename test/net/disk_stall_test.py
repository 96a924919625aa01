"""A disk that stalls for seconds: the others go on, and so do those who write.

First a follower's, which costs nobody anything; then the leader's, which hands over (§3.10) and
comes back as a follower. All that was acknowledged is there.
"""

import os
import sys
import threading
import time

import cluster
from cluster import Node, Shell, ask, leader_of, wait_for

STALL_SECONDS = 5.0
FOLLOWER_STALL_SECONDS = 2.0
GAP_SECONDS_MAX = 1.0
WRITERS = 3
SHIM = os.environ.get("SLOW_DISK")


class Writer(threading.Thread):
    """Sets one key after the other, and remembers when which was acknowledged."""

    def __init__(self, number, nodes, peers):
        super().__init__()
        self.number, self.peers = number, peers
        self.shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
        self.acknowledged = []
        self.refusals = {}
        self.finished = False
        self.failure = None

    def run(self):
        try:
            self.write_on()
        except Exception as failure:  # Reported by `finish`: a thread's own end is silent.
            self.failure = failure

    def write_on(self):
        peer, count = self.peers[0], 0
        while not self.finished:
            key = "w%d-%d" % (self.number, count)
            reply = ask(self.shell, "write %s set %s %s" % (peer, key, key))
            if reply["ok"]:
                self.acknowledged.append((time.monotonic(), key))
                count += 1
                time.sleep(0.002)
                continue
            # Setting the same once more changes nothing: whatever became of it, try again.
            error = reply["error"]
            self.refusals[error] = self.refusals.get(error, 0) + 1
            peer = reply.get("leader") or self.peers[(self.peers.index(peer) + 1) % 3]
            time.sleep(0.005)

    def finish(self):
        self.finished = True
        self.join()
        self.shell.close()
        if self.failure is not None:
            raise self.failure


def main():
    if not SHIM:
        sys.exit(77)
    with cluster.directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abc"]
        for node in nodes:
            node.stall_file = os.path.join(path, node.name + ".stall")
            node.environment = {"LD_PRELOAD": SHIM, "TROUPE_STALL_FILE": node.stall_file}
        try:
            for node in nodes:
                node.start()
            shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
            peers = ["peer%d@%s" % (i + 1, n.address) for i, n in enumerate(nodes)]
            for peer in peers:
                assert ask(shell, "start_peer kv_store " + peer)["ok"]
            assert ask(shell, "set_configuration %s %s" % (peers[0], " ".join(peers)))["ok"]
            stall_disks(shell, nodes, peers)
            shell.close()
        finally:
            for node in nodes:
                if os.path.exists(node.stall_file):
                    os.remove(node.stall_file)
                if node.running():
                    node.kill()


def stall_disks(shell, nodes, peers):
    node_of = dict(zip(peers, nodes))
    writers = [Writer(i, nodes, peers) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)

    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    term = status(shell, leader)["term"]
    follower = next(p for p in peers if p != leader)
    gap, count = stall(node_of[follower], FOLLOWER_STALL_SECONDS, writers)
    print("follower's disk stalled %.0f s: %d writes, longest gap %.0f ms"
          % (FOLLOWER_STALL_SECONDS, count, 1000 * gap), flush=True)
    assert gap < GAP_SECONDS_MAX
    now = status(shell, leader)
    assert (now["role"], now["term"]) == ("leader", term), "it cost the leader its office"
    caught_up(shell, leader, follower)

    gap, count = stall(node_of[leader], STALL_SECONDS, writers)
    print("leader's disk stalled %.0f s: %d writes, longest gap %.0f ms"
          % (STALL_SECONDS, count, 1000 * gap), flush=True)
    assert gap < GAP_SECONDS_MAX
    others = [p for p in peers if p != leader]
    successor = wait_for("another leader", lambda: leader_of(shell, others))
    assert successor != leader, "it kept its office"
    caught_up(shell, successor, leader)
    assert status(shell, leader)["role"] == "follower"

    for writer in writers:
        writer.finish()
    keys = [key for writer in writers for _, key in writer.acknowledged]
    print("%d writes acknowledged; refused: %s" % (len(keys), [w.refusals for w in writers]))
    for writer in writers:
        assert "unknown_outcome" not in writer.refusals, "somebody was left in doubt"
    for key in keys:
        reply = ask(shell, "read %s get %s" % (successor, key))
        assert reply == {"ok": True, "value": key}, (key, reply)


def stall(node, seconds, writers):
    """The longest time without an acknowledged write while the disk of `node` stalls, or right
    after; and how many there were."""
    started = time.monotonic()
    open(node.stall_file, "w").close()
    time.sleep(seconds)
    os.remove(node.stall_file)
    time.sleep(0.5)
    ended = time.monotonic()
    times = sorted(at for writer in writers for at, _ in list(writer.acknowledged))
    times = [at for at in times if started <= at <= ended]
    around = [started] + times + [ended]
    return max(b - a for a, b in zip(around, around[1:])), len(times)


def caught_up(shell, leader, peer):
    goal = status(shell, leader)["commit"]
    wait_for("%s to catch up" % peer, lambda: status(shell, peer).get("applied", 0) >= goal)


def status(shell, peer):
    return ask(shell, "status " + peer).get("value", {})


main()
