"""A disk that stalls for seconds: the others go on, and so do those who write.

First a follower's, which costs nobody anything; then the leader's, which hands over (§3.10) and
comes back as a follower. All that was acknowledged is there.
"""

import os
import sys
import time

import cluster
from cluster import Node, caught_up, leader_of, status, wait_for
from writer import Writer, longest_gap

STALL_SECONDS = 5.0
FOLLOWER_STALL_SECONDS = 2.0
GAP_SECONDS_MAX = 1.0
WRITERS = 3
SHIM = os.environ.get("SLOW_DISK")


def main():
    if not SHIM:
        sys.exit(77)
    with cluster.directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abc"]
        for node in nodes:
            node.stall_file = os.path.join(path, node.name + ".stall")
            node.environment = {"LD_PRELOAD": SHIM, "TROUPE_STALL_FILE": node.stall_file}
        try:
            with cluster.running(nodes) as (peers, shell):
                stall_disks(shell, nodes, peers)
        finally:
            for node in nodes:
                if os.path.exists(node.stall_file):
                    os.remove(node.stall_file)


def stall_disks(shell, nodes, peers):
    node_of = dict(zip(peers, nodes))
    writers = [Writer(nodes, peers, "w%d-" % i) for i in range(WRITERS)]
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
    refused = [writer.check(successor) for writer in writers]
    print("%d writes acknowledged; refused: %s"
          % (sum(len(writer.acknowledged) for writer in writers), refused))
    for errors in refused:
        assert "unknown_outcome" not in errors, "somebody was left in doubt"


def stall(node, seconds, writers):
    """The longest time without an acknowledged write while the disk of `node` stalls, or right
    after; and how many there were."""
    started = time.monotonic()
    open(node.stall_file, "w").close()
    time.sleep(seconds)
    os.remove(node.stall_file)
    time.sleep(0.5)
    times = [at for writer in writers for at in writer.writes_since(started)]
    return longest_gap(times, started), len(times)


main()
