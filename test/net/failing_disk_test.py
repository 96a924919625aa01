"""A disk that fails to write or to sync: its peer stops with an error that says so, and the others
go on.

Each sync and write fails once and no more, as Linux has it: what could not be written counts as
clean from then on, and the next sync is a success. A node that went on would
promise what it does not have.
"""

import contextlib
import os
import sys
import time

import cluster
from cluster import Node, Shell, ask, leader_of, wait_for

SHIM = os.environ.get("FAILING_DISK")
WRITES = 20
GAP_SECONDS_MAX = 5.0


def main():
    if not SHIM:
        sys.exit(77)
    for order in ("fdatasync EIO once", "pwrite EIO once of journal",
                  "pwrite EIO once of ACKNOWLEDGED.journal", "fdatasync EIO"):
        for whose in ("leader", "follower"):
            fail_one(order, whose)
    fail_alone()
    fail_at_start()


def fail_one(order, whose):
    with cluster.directory() as path:
        nodes = [Node(n, os.path.join(path, n)) for n in "abc"]
        try:
            for node in nodes:
                start(node)
            shell = Shell("--connect", ",".join(n.address for n in nodes), "--json")
            peers = ["peer%d@%s" % (i + 1, n.address) for i, n in enumerate(nodes)]
            for peer in peers:
                assert ask(shell, "start_peer kv_store " + peer)["ok"]
            assert ask(shell, "set_configuration %s %s" % (peers[0], " ".join(peers)))["ok"]
            lose_one(shell, nodes, peers, order, whose)
            shell.close()
        finally:
            for node in nodes:
                if node.running():
                    node.kill()


def start(node):
    node.fail_file = node.directory + ".fail"
    node.environment = {"LD_PRELOAD": SHIM, "TROUPE_FAIL_FILE": node.fail_file}
    node.start()


def fail(node, order):
    with open(node.fail_file + ".new", "w") as file:
        file.write(order)
    os.rename(node.fail_file + ".new", node.fail_file)


def lose_one(shell, nodes, peers, order, whose):
    leader = wait_for("a leader", lambda: leader_of(shell, peers))
    acknowledged = {}
    for i in range(WRITES):
        write(shell, peers, "k%d" % i, "v%d" % i, acknowledged)
    victim = leader if whose == "leader" else next(p for p in peers if p != leader)
    node = nodes[peers.index(victim)]
    fail(node, order)
    since, gap = time.monotonic(), 0.0
    for i in range(WRITES, 3 * WRITES):
        began = time.monotonic()
        write(shell, [p for p in peers if p != victim], "k%d" % i, "v%d" % i, acknowledged)
        gap = max(gap, time.monotonic() - began)
    code = node.process.wait(10)
    error = read_log(node)
    print("%-34s at the %-8s exit code %d, longest write %.0f ms: %s"
          % (order, whose, code, 1000 * gap, error.splitlines()[-1]), flush=True)
    assert code == 1, code
    assert "journal: " in error and "disk_failed" in error, error
    assert gap < GAP_SECONDS_MAX

    # Whatever the kernel kept or dropped of it: started again it has what it promised.
    if os.path.exists(node.fail_file):
        os.remove(node.fail_file)
    node.process.stdout.close()
    node.start()
    others = [p for p in peers if p != victim]
    successor = wait_for("a leader", lambda: leader_of(shell, others))
    goal = status(shell, successor)["commit"]
    wait_for("it to catch up", lambda: status(shell, victim).get("applied", 0) >= goal)
    for key, value in acknowledged.items():
        reply = wait_for("a read", lambda: read(shell, successor, key))
        assert reply == {"ok": True, "value": value}, (key, reply)


@contextlib.contextmanager
def alone():
    """A node, a shell, and the name of the node's one peer, which leads and has taken a write."""
    with cluster.directory() as path:
        node = Node("a", os.path.join(path, "a"))
        start(node)
        try:
            shell = Shell("--connect", node.address, "--json")
            peer = "peer1@" + node.address
            assert ask(shell, "start_peer kv_store " + peer)["ok"]
            assert ask(shell, "set_configuration %s %s" % (peer, peer))["ok"]
            wait_for("a leader", lambda: leader_of(shell, [peer]))
            assert ask(shell, "write %s set before 1" % peer)["ok"]
            yield node, shell, peer
        finally:
            if node.running():
                node.kill()


def start_again(node, shell):
    """The node of `alone`, once it has stopped of itself. Answers another shell."""
    assert node.process.wait(10) == 1
    shell.close()
    node.process.stdout.close()
    node.start()
    return Shell("--connect", node.address, "--json")


def fail_alone():
    """Nobody else could have kept it: the client hears that it is in doubt, and no more."""
    with alone() as (node, shell, peer):
        fail(node, "fdatasync EIO once")
        reply = ask(shell, "write %s set behind 2" % peer)
        print("alone: %s" % reply)
        assert reply.get("error") == "disk_failed", reply
        shell = start_again(node, shell)
        expect_before(shell, peer)
        shell.close()


def fail_at_start():
    """Whether the peer has its place is in doubt, and whoever is there already has lost nothing."""
    with alone() as (node, shell, peer):
        fail(node, "pwrite EIO once of ACKNOWLEDGED")
        other = "start_peer kv_store peer2@" + node.address
        reply = ask(shell, other)
        print("at the start: %s" % reply)
        assert reply.get("error") == "disk_failed", reply
        assert "ACKNOWLEDGED: write" in reply["detail"], reply
        shell = start_again(node, shell)
        assert ask(shell, other)["ok"]
        expect_before(shell, peer)
        shell.close()


def expect_before(shell, peer):
    reply = wait_for("a read", lambda: read(shell, peer, "before"))
    assert reply == {"ok": True, "value": "1"}, reply


def write(shell, peers, key, value, acknowledged):
    """As often as it takes: to set the same twice changes nothing."""
    def attempt():
        leader = leader_of(shell, peers) or peers[0]
        return ask(shell, "write %s set %s %s" % (leader, key, value))["ok"]

    wait_for("a write", attempt)
    acknowledged[key] = value


def read(shell, leader, key):
    reply = ask(shell, "read %s get %s" % (leader, key))
    return reply if reply["ok"] else None


def read_log(node):
    with open(node.directory + ".log") as file:
        return file.read()


def status(shell, peer):
    return ask(shell, "status " + peer).get("value", {})


main()
