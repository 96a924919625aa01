"""A cluster that changes who is in it, while it is written to: step by step, and all at once."""

import os
import time

import cluster
from cluster import Node, Shell, ask, leader_of, wait_for


def main():
    with cluster.directory() as path:
        nodes = [Node("n%d" % i, os.path.join(path, "n%d" % i)) for i in range(1, 7)]
        try:
            for node in nodes:
                node.start()
            shell = Shell("--connect", nodes[0].address, "--json")
            peers = ["p%d@%s" % (i + 1, node.address) for i, node in enumerate(nodes)]
            for peer in peers:
                assert ask(shell, "start_peer kv_store " + peer)["ok"]
            change(shell, nodes, peers)
            shell.close()
        finally:
            for node in nodes:
                if node.running():
                    node.kill()


def change(shell, nodes, peers):
    p1, p2, p3, p4, p5, p6 = peers
    alone = timed(shell, "set_configuration %s %s" % (p1, p1))
    assert alone["voters"] == [p1], alone
    write(shell, p1, "a", "1")

    assert timed(shell, "add_member %s %s %s" % (p1, p2, p3))["voters"] == [p1, p2, p3]
    assert timed(shell, "add_member %s %s --learner" % (p1, p4))["learners"] == [p4]
    assert timed(shell, "promote %s %s" % (p1, p4))["voters"] == [p1, p2, p3, p4]
    assert timed(shell, "demote %s %s" % (p1, p4))["learners"] == [p4]
    assert timed(shell, "remove_member %s %s" % (p1, p4)) == {
        "voters": [p1, p2, p3],
        "old_voters": [],
        "learners": [],
        "standbys": [],
        "keep_voters": None,
    }
    refused(shell, "remove_member %s %s" % (p1, p6), "not_found")
    refused(shell, "add_member %s nobody@%s" % (p1, nodes[5].address), "no_peer")
    refused(shell, "add_member %s x@%s" % (p1, cluster.free_address()), "unreachable")
    refused(shell, "remove_member %s %s %s %s" % (p1, p1, p2, p3), "invalid")
    write(shell, p1, "b", "2")

    new = ask(shell, "transfer %s %s" % (p1, p2))
    assert new == {"ok": True, "value": p2}, new
    wait_for("p1 to know", lambda: leader_of(shell, [p1]) == p2)
    refused(shell, "set_configuration %s %s" % (p1, p1), "redirect")
    write(shell, p2, "c", "3")

    # Nobody of before is left.
    disjoint = timed(shell, "set_configuration %s %s %s %s" % (p2, p4, p5, p6))
    assert disjoint["voters"] == [p4, p5, p6], disjoint
    leader = wait_for("a leader of the new voters", lambda: leader_of(shell, [p4, p5, p6]))
    for key, value in (("a", "1"), ("b", "2"), ("c", "3")):
        # A leader that was just elected refuses until an entry of its own is committed.
        reply = wait_for(
            "a read of " + key,
            lambda: (r := ask(shell, "read %s get %s" % (leader, key))) and r["ok"] and r,
        )
        assert reply == {"ok": True, "value": value}, reply
    for node in nodes[:3]:
        node.kill()
    write(shell, leader, "d", "4")

    # A dead voter does not hinder its own removal.
    dead = next(p for p in (p4, p5, p6) if p != leader)
    nodes[peers.index(dead)].kill()
    left = [p for p in (p4, p5, p6) if p != dead]
    assert timed(shell, "remove_member %s %s" % (leader, dead))["voters"] == left
    write(shell, leader, "e", "5")


def timed(shell, command):
    started = time.monotonic()
    reply = ask(shell, command)
    print("%.0f ms  %s" % (1000 * (time.monotonic() - started), command.split()[0]))
    assert reply["ok"], (command, reply)
    return reply["value"]


def refused(shell, command, error):
    reply = ask(shell, command)
    assert reply.get("error") == error, (command, reply)


def write(shell, leader, key, value):
    reply = ask(shell, "write %s set %s %s" % (leader, key, value))
    assert reply["ok"], reply


main()
